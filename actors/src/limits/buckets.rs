//! How fast each network may ask: one leaky bucket (GCRA) each, in a bounded number.
//!
//! The buckets lie in a cache that forgets those longest unused, so a flood from many networks costs
//! a fixed amount of memory. A forgotten network starts with a full burst again, which is all that an
//! attacker with that many networks can gain.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use domain::address::Network;
use governor::clock::{Clock as _, QuantaClock};
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed, StateStore};
use governor::{Quota, RateLimiter};
use moka::sync::Cache;

/// How many networks are counted at once: about 20 MB.
const CAPACITY: u64 = 100_000;
/// A bucket unused for this long is full again at any sensible rate.
const IDLE: Duration = Duration::from_mins(10);

/// One bucket for each network.
pub(super) struct Buckets(RateLimiter<Network, Bounded, QuantaClock>);

struct Bounded(Cache<Network, Arc<InMemoryState>>);

// === impl Buckets ===

impl Buckets {
    /// Lets each network ask `per_second` times a second, and `burst` times at once.
    pub(super) fn new(per_second: NonZeroU32, burst: NonZeroU32) -> Self {
        let cells = Cache::builder()
            .max_capacity(CAPACITY)
            .time_to_idle(IDLE)
            .build();
        let quota = Quota::per_second(per_second).allow_burst(burst);
        Self(RateLimiter::new(
            quota,
            Bounded(cells),
            QuantaClock::default(),
        ))
    }

    /// Takes one drop, or says how long to wait for it.
    pub(super) fn check(&self, network: Network) -> Result<(), Duration> {
        self.0
            .check_key(&network)
            .map_err(|until| until.wait_time_from(self.0.clock().now()))
    }
}

// === impl Bounded ===

impl StateStore for Bounded {
    type Key = Network;

    fn measure_and_replace<T, F, E>(&self, key: &Network, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        self.0
            .get_with(*key, Arc::default)
            .measure_and_replace(&NotKeyed::NonKey, measure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(last: u8) -> Network {
        Network::of(std::net::IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn a_burst_is_let_through_and_then_the_wait_is_told() {
        let one = NonZeroU32::MIN;
        let buckets = Buckets::new(one, one.saturating_add(2));
        let passed = (0..5).filter(|_| buckets.check(network(1)).is_ok()).count();
        assert_eq!(passed, 3);
        let wait = buckets.check(network(1)).unwrap_err();
        assert!(
            wait > Duration::ZERO && wait <= Duration::from_secs(1),
            "{wait:?}"
        );
    }

    #[test]
    fn one_network_does_not_spend_what_is_anothers() {
        let buckets = Buckets::new(NonZeroU32::MIN, NonZeroU32::MIN);
        assert!(buckets.check(network(1)).is_ok());
        assert!(buckets.check(network(1)).is_err());
        assert!(buckets.check(network(2)).is_ok());
    }
}
