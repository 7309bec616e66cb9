//! How a tenant comes by its own ring where all tenants used to share the default tenant's: the plain
//! struct that decides.
//!
//! A release before this one signs every tenant's tokens with the default tenant's ring, shows that one
//! as every tenant's key set, and takes nothing else. The store says until when nodes of it may run
//! ([`StoredRing::shared_until`](store::port::keys::StoredRing::shared_until)). From there on:
//!
//! 1. Until a key set that such a node gave is forgotten, the default tenant's ring goes on signing. The
//!    tenant's own keys are published beside it.
//! 2. Then the tenant's own keys sign, each when it has been published for as long as others may
//!    remember a key set; until then the other ring still signs.
//! 3. When what that signed last has expired, nothing of the default tenant's is published, or
//!    verifies, here any more.
//!
//! A tenant that such nodes never served is past all this from the start.

use std::time::Duration;

use domain::time::UnixMillis;

/// The stages of one tenant's way to a ring of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sharing {
    max_age: Duration,
    own_from: UnixMillis,
    alone_from: UnixMillis,
    over_at: UnixMillis,
}

// === impl Sharing ===

impl Sharing {
    /// Plans the way of a tenant that may have been served by others until `shared_until`.
    pub(super) fn new(shared_until: UnixMillis, max_age: Duration, retired_for: Duration) -> Self {
        let stage = retired_for.max(max_age);
        let own_from = shared_until + max_age;
        Self {
            max_age,
            own_from,
            alone_from: own_from + stage,
            over_at: own_from + stage + stage,
        }
    }

    /// Says whether the default tenant's keys are nothing to this tenant any more.
    pub(super) fn is_over(&self, now: UnixMillis) -> bool {
        now >= self.over_at
    }

    /// Says whether the default tenant's ring signs instead of an own key that was published then.
    pub(super) fn lends(&self, published: UnixMillis, now: UnixMillis) -> bool {
        now < self.own_from || (now < self.alone_from && now < published + self.max_age)
    }

    /// Gives when the answers of the others change next, for keys that were published then.
    pub(super) fn changes_at(
        &self,
        published: impl Iterator<Item = UnixMillis>,
        now: UnixMillis,
    ) -> Option<UnixMillis> {
        let stages = [self.own_from, self.alone_from, self.over_at];
        let known = published.map(|at| at + self.max_age);
        stages.into_iter().chain(known).filter(|at| *at > now).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX_AGE: Duration = Duration::from_mins(10);
    const HOUR: Duration = Duration::from_hours(1);

    fn at(seconds: i64) -> UnixMillis {
        UnixMillis::from_seconds(seconds)
    }

    fn until(seconds: i64) -> Sharing {
        Sharing::new(at(seconds), MAX_AGE, HOUR)
    }

    #[test]
    fn a_tenant_that_was_never_served_by_others_shares_nothing() {
        let sharing = until(0);
        assert!(sharing.is_over(at(1_700_000_000)));
        assert!(!sharing.lends(at(1_700_000_000), at(1_700_000_000)));
    }

    #[test]
    fn no_key_signs_before_every_key_set_that_is_remembered_holds_it() {
        let sharing = until(1_000_000);
        assert!(sharing.lends(at(0), at(1_000_599)), "one may be remembered");
        assert!(!sharing.lends(at(0), at(1_000_600)));
        assert!(sharing.lends(at(1_000_600), at(1_001_199)), "it is new");
        assert!(!sharing.lends(at(1_000_600), at(1_001_200)));
    }

    #[test]
    fn what_was_signed_last_expires_before_its_key_is_nothing_here() {
        let sharing = until(1_000_000);
        let last = 1_000_600 + 3_600;
        assert!(sharing.lends(at(last - 1), at(last - 1)));
        assert!(!sharing.lends(at(last), at(last)));
        assert!(!sharing.is_over(at(last + 3_599)) && sharing.is_over(at(last + 3_600)));
    }

    #[test]
    fn each_change_is_announced() {
        let sharing = until(1_000_000);
        let next = |now| sharing.changes_at([at(1_000_300)].into_iter(), at(now));
        assert_eq!(next(0), Some(at(1_000_600)));
        assert_eq!(next(1_000_600), Some(at(1_000_900)));
        assert_eq!(next(1_000_900), Some(at(1_004_200)));
        assert_eq!(next(1_004_200), Some(at(1_007_800)));
        assert_eq!(next(1_007_800), None);
    }
}
