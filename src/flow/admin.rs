//! What operators do (CONTRACT §9): accounts, clients, roles, API keys, signing keys,
//! their tenant's switches.
//!
//! Whoever calls one of these was judged before ([`require_operator`](super::allowed::require_operator))
//! and stands as the actor in [`Act::origin`](super::Act), so every change is in the audit trail
//! under their name, in the same commit. Where a change ends sessions they are refused on this node
//! before it is answered, and everywhere within a second.
//!
//! Another tenant's things are not found: every verb is given the act's tenant. The admin door and
//! the command line are two ways to the same flows.

pub mod api_keys;
pub mod audit;
pub mod clients;
pub mod dashboard;
pub mod factors;
pub mod keys;
pub mod rbac;
pub mod tenants;
pub mod tokens;
pub mod users;

mod role;

use domain::rejection::{Code, Refusal, Rejection};

/// Refuses what names nothing of this tenant.
fn not_found(what: &'static str) -> Refusal {
    Refusal::new(Code::NotFound, format!("There is no such {what}."))
}

/// Gives a thing that a change of nothing is asked of, if it is of the version that is expected.
fn if_current<T>(
    found: T,
    version: impl Fn(&T) -> i64,
    expected: Option<i64>,
) -> Result<T, Rejection> {
    if expected.is_some_and(|expected| expected != version(&found)) {
        return Err(stale().into());
    }
    Ok(found)
}

/// Refuses a change that was based on a version no longer stored.
fn stale() -> Refusal {
    Refusal::new(
        Code::PreconditionFailed,
        "It has changed since that version. Read it again.",
    )
}
