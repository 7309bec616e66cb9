//! One suite of claims that every durable backend must meet.
//!
//! A [`Case`] is a claim about the ports, written without knowing what is behind them. A test runner
//! gives each case a fresh, empty, migrated store and runs every case on every backend; a case that
//! returns holds, one that panics does not.
//!
//! Cases of one port live in the file of that port's name; [`fixture`] makes the values they use.
//! Times are the case's own (see [`fixture::at`]), except for the instants of the change feed,
//! which a store stamps by its own clock.
//!
//! A case may rely on this and no more: the tenant of every row it stores was stored before, and
//! the user of every session and one-time token too. It runs on a tokio runtime with timers.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "these are tests: a broken claim panics"
)]

use futures_util::future::BoxFuture;

use crate::port::Ports;

pub mod fixture;

mod api_keys;
mod attempts;
mod audit;
mod authorizations;
mod changes;
mod checkpoints;
mod clients;
mod data_keys;
mod devices;
mod erasure;
mod factors;
mod idempotency;
mod identities;
mod janitor;
mod keys;
mod notices;
mod one_time;
mod outbox;
mod roles;
mod salts;
mod sessions;
mod spent;
mod tallies;
mod tenants;
mod users;

/// One claim.
#[derive(Clone, Copy)]
pub struct Case {
    /// The port and the claim: `users::an_address_is_taken_once`.
    pub name: &'static str,
    /// Puts it to the test on a fresh, empty, migrated store.
    pub run: fn(Ports) -> BoxFuture<'static, ()>,
}

/// Lists every claim, port by port.
#[must_use]
pub fn cases() -> Vec<Case> {
    [
        tenants::cases(),
        users::cases(),
        factors::cases(),
        identities::cases(),
        one_time::cases(),
        sessions::cases(),
        authorizations::cases(),
        devices::cases(),
        salts::cases(),
        data_keys::cases(),
        idempotency::cases(),
        spent::cases(),
        attempts::cases(),
        clients::cases(),
        roles::cases(),
        api_keys::cases(),
        keys::cases(),
        outbox::cases(),
        notices::cases(),
        audit::cases(),
        checkpoints::cases(),
        changes::cases(),
        janitor::cases(),
        erasure::cases(),
        tallies::cases(),
    ]
    .concat()
}

/// Lists the cases of a file, each an `async fn(Ports)` of that name, in a function `cases`; or in a
/// function of another name where a file has children.
macro_rules! claims {
    ($port:literal: $($claim:ident),+ $(,)?) => {
        pub(super) fn cases() -> Vec<crate::contract::Case> {
            crate::contract::claims!(@list $port, $($claim),+)
        }
    };
    ($port:literal in $function:ident: $($claim:ident),+ $(,)?) => {
        fn $function() -> Vec<crate::contract::Case> {
            crate::contract::claims!(@list $port, $($claim),+)
        }
    };
    (@list $port:literal, $($claim:ident),+) => {
        vec![$(crate::contract::Case {
            name: concat!($port, "::", stringify!($claim)),
            run: |ports| Box::pin($claim(ports)),
        }),+]
    };
}
use claims;
