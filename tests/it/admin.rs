//! `/admin`: the operators' door.

use crate::case::Case;

mod areas;
mod clients;
mod operations;
mod users;

pub fn cases() -> Vec<Case> {
    [
        users::cases(),
        clients::cases(),
        operations::cases(),
        areas::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
