//! `/admin`: the operators' door.

use crate::case::Case;

pub mod areas;
mod clients;
mod compromised;
mod consents;
mod dashboard;
mod delegates;
mod factors;
mod lifecycle;
mod operations;
pub mod rbac;
mod registration;
mod tenants;
mod users;

pub fn cases() -> Vec<Case> {
    [
        users::cases(),
        clients::cases(),
        compromised::cases(),
        registration::cases(),
        operations::cases(),
        areas::cases(),
        consents::cases(),
        factors::cases(),
        rbac::cases(),
        dashboard::cases(),
        delegates::cases(),
        tenants::cases(),
        lifecycle::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
