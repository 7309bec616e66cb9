//! Every setting does what `docs/CONFIG.md` says: one scene for each that no other test has.
//!
//! What the doors do with theirs is in `doors`; how servers are reached is in `tests/faults/reached.rs`,
//! and what stores do with the rest of theirs is in their contract.

mod addresses;
mod audit;
mod factors;
mod hashing;
mod key_service;
mod keys;
mod lifetimes;
mod mail;
mod passwords;
mod secrets;
mod tenants;
mod throttling;

use crate::case::Scene;

/// All scenes about settings.
pub fn all() -> Vec<Scene> {
    [
        addresses::scenes(),
        audit::scenes(),
        factors::scenes(),
        hashing::scenes(),
        key_service::scenes(),
        keys::scenes(),
        lifetimes::scenes(),
        mail::scenes(),
        passwords::scenes(),
        secrets::scenes(),
        tenants::scenes(),
        throttling::scenes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
