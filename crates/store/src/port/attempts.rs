//! Port: counters of failed sign-ins. Held by the attempts owner alone.

use domain::attempt::{AttemptClaim, AttemptKey, AttemptKeys, AttemptVerdict};
use domain::event::Entry;
use domain::id::TenantId;

use super::Pending;

/// Stores counters of failed sign-ins.
pub trait Attempts: Send + Sync + 'static {
    /// Pays for one attempt if the policy allows it: judges the stored count with
    /// [`AttemptPolicy::judge`](domain::attempt::AttemptPolicy::judge) and, if granted, counts it
    /// up and stamps it, all in one step. Exact under any number of concurrent claims.
    ///
    /// Before it judges, the highest count under an older key is taken over under the newest, unless
    /// that has come as far; the older one stays for nodes that know no other.
    fn claim_attempt(&self, claim: AttemptClaim) -> Pending<'_, AttemptVerdict>;

    /// Gives one paid attempt back: the password was never looked at.
    fn refund_attempt(&self, tenant: TenantId, key: AttemptKey) -> Pending<'_, ()>;

    /// Forgets the count under every key: the password was right and no session follows in the same commit.
    fn clear_attempts(&self, tenant: TenantId, keys: AttemptKeys) -> Pending<'_, ()>;

    /// Writes the audit entry of an attempt that failed. Its price was paid by the claim.
    fn record_failure(&self, entry: Entry) -> Pending<'_, ()>;
}
