//! `/admin`: the operators' door.

use crate::case::Case;

mod areas;
mod clients;
mod consents;
mod operations;
mod registration;
mod users;

pub fn cases() -> Vec<Case> {
    [
        users::cases(),
        clients::cases(),
        registration::cases(),
        operations::cases(),
        areas::cases(),
        consents::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
