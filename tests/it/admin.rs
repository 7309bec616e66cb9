//! `/admin`: the operators' door.

use crate::case::Case;

mod clients;
mod operations;
mod users;

pub fn cases() -> Vec<Case> {
    [users::cases(), clients::cases(), operations::cases()]
        .into_iter()
        .flatten()
        .collect()
}
