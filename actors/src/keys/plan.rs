//! When keys move on: the plain struct that decides.

use std::time::Duration;

use domain::key::{Algorithm, KeyState, SigningKey};
use domain::time::UnixMillis;

/// The rules that one tenant's keys move by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    /// What is to sign. While no key of it may, one of another algorithm goes on.
    pub(super) algorithm: Algorithm,
    /// How long a key signs.
    pub(super) rotation_interval: Duration,
    /// How long a retired key still verifies.
    pub(super) retired_for: Duration,
    /// How long others may remember the published keys.
    pub(super) jwks_max_age: Duration,
}

/// What a rotation would do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// This key retires and that one signs.
    Rotate {
        /// The `kid` that signs until now.
        active: String,
        /// The `kid` that signs from now on.
        promote: String,
    },
    /// The next key has not been published for long enough: a verifier may not know it yet.
    TooEarly {
        /// When it will have been.
        at: UnixMillis,
    },
    /// There is no active or no next key.
    Incomplete,
}

/// What takes the place of a key that is revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Succession {
    /// The `kid` of the next key that signs from now on.
    pub(super) promote: Option<String>,
    /// What is missing then.
    pub(super) missing: Vec<(Algorithm, KeyState)>,
}

// === impl Plan ===

impl Plan {
    /// Gives what a rotation would do at `now`.
    pub(super) fn step(&self, keys: &[SigningKey], now: UnixMillis) -> Step {
        let (Some(active), Some(next)) = (self.signing(keys), self.find(keys, KeyState::Next))
        else {
            return Step::Incomplete;
        };
        let at = next.created_at + self.jwks_max_age;
        if now < at {
            return Step::TooEarly { at };
        }
        Step::Rotate {
            active: active.kid.clone(),
            promote: next.kid.clone(),
        }
    }

    /// Says what takes the place of a key: where it signed, the next one of its algorithm; while another
    /// algorithm takes over, the one that waits for that; else a new one.
    pub(super) fn succession(&self, keys: &[SigningKey], gone: &SigningKey) -> Succession {
        let own = gone.algorithm;
        let (promote, missing) = match gone.state {
            KeyState::Retired | KeyState::Revoked => (None, Vec::new()),
            KeyState::Next => (None, vec![(own, KeyState::Next)]),
            KeyState::Active => {
                let waiting = || self.heir(keys, gone);
                match self.of(own).find(keys, KeyState::Next).or_else(waiting) {
                    Some(next) => {
                        let missing = vec![(next.algorithm, KeyState::Next)];
                        (Some(next.kid.clone()), missing)
                    }
                    None => (None, vec![(own, KeyState::Active), (own, KeyState::Next)]),
                }
            }
        };
        Succession { promote, missing }
    }

    /// Finds the key that waits to take over from another algorithm's, which signs access tokens.
    fn heir<'k>(&self, keys: &'k [SigningKey], gone: &SigningKey) -> Option<&'k SigningKey> {
        let signs = self.signing(keys).is_some_and(|key| key.kid == gone.kid);
        let next = self.find(keys, KeyState::Next);
        next.filter(|_| signs)
    }

    /// Says whether the active key has signed for long enough; one of another algorithm has as soon
    /// as the next one may sign.
    pub(super) fn is_due(&self, keys: &[SigningKey], now: UnixMillis) -> bool {
        self.signing(keys).is_some_and(|active| {
            if active.algorithm != self.algorithm {
                return matches!(self.step(keys, now), Step::Rotate { .. });
            }
            let since = active.activated_at.unwrap_or(active.created_at);
            now.since(since) >= self.rotation_interval
        })
    }

    /// Says whether a key of any ring has signed for long enough.
    pub(super) fn is_any_due(self, keys: &[SigningKey], now: UnixMillis) -> bool {
        let plans = std::iter::once(self).chain(self.beside(keys));
        plans.into_iter().any(|plan| plan.is_due(keys, now))
    }

    /// Finds the key that signs access tokens: the active one, for a while perhaps of another
    /// algorithm; never one of RS256, whose ring is for ID tokens and the like.
    pub(super) fn signing<'k>(&self, keys: &'k [SigningKey]) -> Option<&'k SigningKey> {
        let is_other =
            |key: &&SigningKey| key.state == KeyState::Active && key.algorithm != Algorithm::Rs256;
        self.find(keys, KeyState::Active)
            .or_else(|| keys.iter().find(is_other))
    }

    /// Finds the key that signs with the plan's algorithm, if anything may: the active one, or the
    /// next one while no other is active. That one waits to take over from another algorithm; who
    /// is registered for its own need not.
    pub(super) fn signing_own<'k>(&self, keys: &'k [SigningKey]) -> Option<&'k SigningKey> {
        self.find(keys, KeyState::Active)
            .or_else(|| self.find(keys, KeyState::Next))
    }

    /// Gives the algorithm that a key of the plan's takes over from; its own where nothing signs.
    pub(super) fn outgoing(&self, keys: &[SigningKey]) -> Algorithm {
        self.signing(keys)
            .map_or(self.algorithm, |key| key.algorithm)
    }

    /// Gives the plan of another algorithm's ring.
    pub(super) const fn of(self, algorithm: Algorithm) -> Self {
        Self { algorithm, ..self }
    }

    /// Gives the plans of the rings that sign beside the one for access tokens.
    pub(super) fn beside(&self, keys: &[SigningKey]) -> Vec<Self> {
        let outgoing = self.outgoing(keys);
        let is_beside =
            |algorithm: &Algorithm| *algorithm != self.algorithm && *algorithm != outgoing;
        let plans = Algorithm::ALL.into_iter().filter(is_beside);
        plans
            .map(|algorithm| self.of(algorithm))
            .filter(|plan| plan.find(keys, KeyState::Active).is_some())
            .collect()
    }

    /// Gives the instant before which a key must have retired to be of no more use.
    pub(super) fn horizon(&self, now: UnixMillis) -> UnixMillis {
        now - self.retired_for
    }

    /// Says whether there is an active key, or a next one that takes over from another algorithm.
    pub(super) fn is_complete(&self, keys: &[SigningKey]) -> bool {
        let may_wait = || self.find(keys, KeyState::Next).is_some() && self.signing(keys).is_some();
        self.find(keys, KeyState::Active).is_some() || may_wait()
    }

    fn find<'k>(&self, keys: &'k [SigningKey], state: KeyState) -> Option<&'k SigningKey> {
        keys.iter()
            .find(|key| key.algorithm == self.algorithm && key.state == state)
    }
}

#[cfg(test)]
mod tests {
    use domain::id::TenantId;
    use domain::random::Counting;
    use serde_json::json;

    use super::*;

    const PLAN: Plan = Plan {
        algorithm: Algorithm::Es256,
        rotation_interval: Duration::from_hours(24),
        retired_for: Duration::from_hours(1),
        jwks_max_age: Duration::from_mins(10),
    };

    fn at(seconds: i64) -> UnixMillis {
        UnixMillis::from_seconds(seconds)
    }

    fn key(kid: &str, state: KeyState, created_at: UnixMillis) -> SigningKey {
        SigningKey {
            kid: kid.to_owned(),
            tenant: TenantId::generate(at(0), &Counting::default()),
            algorithm: Algorithm::Es256,
            state,
            sealed_private: Vec::new(),
            public_jwk: json!({}),
            created_at,
            activated_at: (state == KeyState::Active).then_some(created_at),
            retired_at: None,
        }
    }

    #[test]
    fn a_key_signs_only_after_the_jwks_that_shows_it_is_known_everywhere() {
        let keys = [
            key("a", KeyState::Active, at(0)),
            key("n", KeyState::Next, at(100)),
        ];
        assert_eq!(PLAN.step(&keys, at(699)), Step::TooEarly { at: at(700) });
        let (active, promote) = ("a".to_owned(), "n".to_owned());
        assert_eq!(PLAN.step(&keys, at(700)), Step::Rotate { active, promote });
    }

    #[test]
    fn a_key_of_another_algorithm_signs_until_the_next_one_is_known_everywhere() {
        let mut other = key("a", KeyState::Active, at(0));
        other.algorithm = Algorithm::EdDsa;
        let keys = [other, key("n", KeyState::Next, at(100))];
        assert!(!PLAN.is_complete(&keys[..1]) && PLAN.is_complete(&keys));
        assert!(!PLAN.is_due(&keys[..1], at(999_999)), "nothing is next");
        assert!(!PLAN.is_due(&keys, at(699)) && PLAN.is_due(&keys, at(700)));
        let (active, promote) = ("a".to_owned(), "n".to_owned());
        assert_eq!(PLAN.step(&keys, at(700)), Step::Rotate { active, promote });
        let own = [key("b", KeyState::Active, at(0)), keys[0].clone()];
        assert_eq!(PLAN.signing(&own).map(|key| key.kid.as_str()), Some("b"));
    }

    #[test]
    fn what_signed_is_succeeded_at_once_and_what_is_missing_is_made() {
        let kid = |promote: Option<&str>, missing: &[(Algorithm, KeyState)]| Succession {
            promote: promote.map(str::to_owned),
            missing: missing.to_vec(),
        };
        let (es, ed) = (Algorithm::Es256, Algorithm::EdDsa);
        let ring = [
            key("a", KeyState::Active, at(0)),
            key("n", KeyState::Next, at(100)),
            key("r", KeyState::Retired, at(0)),
        ];
        let next = [(es, KeyState::Next)];
        assert_eq!(PLAN.succession(&ring, &ring[0]), kid(Some("n"), &next));
        assert_eq!(PLAN.succession(&ring, &ring[1]), kid(None, &next));
        assert_eq!(PLAN.succession(&ring, &ring[2]), kid(None, &[]));
        let both = [(es, KeyState::Active), (es, KeyState::Next)];
        assert_eq!(PLAN.succession(&ring[..1], &ring[0]), kid(None, &both));

        let mut other = key("o", KeyState::Active, at(0));
        other.algorithm = ed;
        let switching = [other.clone(), ring[1].clone()];
        assert_eq!(PLAN.succession(&switching, &other), kid(Some("n"), &next));
        let mut waits = key("w", KeyState::Next, at(0));
        waits.algorithm = ed;
        let switching = [other.clone(), ring[1].clone(), waits];
        let own = [(ed, KeyState::Next)];
        assert_eq!(PLAN.succession(&switching, &other), kid(Some("w"), &own));
    }

    #[test]
    fn a_rotation_is_due_when_the_interval_is_over() {
        let keys = [key("a", KeyState::Active, at(0))];
        assert!(!PLAN.is_due(&keys, at(86_399)));
        assert!(PLAN.is_due(&keys, at(86_400)));
    }

    #[test]
    fn a_ring_of_rsa_keys_stands_beside_and_never_signs_access_tokens() {
        let rsa = |kid: &str, state| SigningKey {
            algorithm: Algorithm::Rs256,
            ..key(kid, state, at(0))
        };
        let side = [rsa("r", KeyState::Active), rsa("s", KeyState::Next)];
        assert!(PLAN.signing(&side).is_none());
        let keys = [side.to_vec(), vec![key("a", KeyState::Active, at(0))]].concat();
        assert_eq!(PLAN.signing(&keys).map(|key| key.kid.as_str()), Some("a"));
        assert_eq!(PLAN.outgoing(&keys), Algorithm::Es256);
        let beside = PLAN.beside(&keys);
        let [plan] = beside.as_slice() else {
            panic!("{beside:?}");
        };
        let kid = |key: Option<&SigningKey>| key.map(|key| key.kid.clone());
        assert_eq!(kid(plan.signing_own(&keys)).as_deref(), Some("r"));
        assert_eq!(kid(plan.signing_own(&keys[1..])).as_deref(), Some("s"));
        assert!(!plan.is_due(&keys, at(86_399)) && plan.is_due(&keys, at(86_400)));
    }

    #[test]
    fn a_retired_key_is_kept_until_what_it_signed_has_expired() {
        assert_eq!(PLAN.horizon(at(10_000)), at(6_400));
    }
}
