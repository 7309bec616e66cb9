//! Port: what was answered under which `Idempotency-Key`. Used by one flow, for whatever makes something.
//!
//! A key is claimed for one request before anything is made. The audit entry of what is made, which every
//! verb writes in its own commit, then notes in the claim that and what was made
//! ([`Origin::claimed_in`](domain::event::Origin::claimed_in)): a crash between two lines leaves a claim
//! that says the truth. If the claim is another request's by then, the verb's commit fails, so that of
//! two requests that take themselves for the holder one makes something.

use domain::id::{RequestId, TenantId};
use domain::time::UnixMillis;

use super::Pending;

/// A key that is to be claimed.
#[derive(Debug, Clone, Copy)]
pub struct KeyClaim {
    /// The tenant.
    pub tenant: TenantId,
    /// A digest over the key and over whatever it is unique within.
    pub key: [u8; 32],
    /// A keyed digest over what is asked.
    pub fingerprint: [u8; 32],
    /// The request it is claimed for.
    pub request: RequestId,
    /// The present instant.
    pub now: UnixMillis,
    /// From when on another request may take it, if nothing was made by then.
    pub lease_until: UnixMillis,
    /// From when on it may be claimed as if it were new.
    pub expires_at: UnixMillis,
}

/// What became of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// The key is this request's.
    Ours,
    /// It is another's, who asked for this.
    Taken {
        /// The keyed digest over what was asked.
        fingerprint: [u8; 32],
        /// What came of it.
        outcome: Outcome,
    },
}

/// What came of the request that holds a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing yet, or nothing that was answered within its lease.
    Open,
    /// Something was made, the lease is over, and the answer was lost.
    Made {
        /// What its audit entry is about.
        subject: Option<String>,
    },
    /// It was answered.
    Answered(Vec<u8>),
}

/// Stores claimed keys.
pub trait Idempotency: Send + Sync + 'static {
    /// Claims a key: [`Claimed::Ours`] for one of any number of concurrent callers. A key whose holder
    /// made nothing within its lease, and one that has expired, count as free.
    fn claim_key(&self, claim: KeyClaim) -> Pending<'_, Claimed>;

    /// Stores what was answered, sealed, if the key is still this request's.
    fn keep_answer(&self, claim: KeyClaim, sealed: Vec<u8>) -> Pending<'_, ()>;

    /// Gives a key back under which nothing was made.
    fn release_key(&self, claim: KeyClaim) -> Pending<'_, ()>;
}
