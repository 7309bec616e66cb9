//! `/admin`: the operators' door.

use crate::case::{Case, Scene};

mod api_keys;
pub mod areas;
mod audit;
mod bulk;
mod clients;
mod compromised;
mod conditions;
mod consents;
mod dashboard;
mod delegates;
mod factors;
mod identities;
mod keys;
mod lifecycle;
mod once;
mod operations;
mod people;
pub mod rbac;
mod registration;
pub mod tampering;
mod tenants;
mod tokens;
mod users;

pub fn cases() -> Vec<Case> {
    [
        users::cases(),
        clients::cases(),
        compromised::cases(),
        registration::cases(),
        operations::cases(),
        api_keys::cases(),
        areas::cases(),
        audit::cases(),
        tampering::cases(),
        consents::cases(),
        factors::cases(),
        identities::cases(),
        rbac::cases(),
        dashboard::cases(),
        delegates::cases(),
        tenants::cases(),
        keys::cases(),
        lifecycle::cases(),
        once::cases(),
        people::cases(),
        bulk::cases(),
        conditions::cases(),
        tokens::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

pub fn scenes() -> Vec<Scene> {
    api_keys::scenes()
}
