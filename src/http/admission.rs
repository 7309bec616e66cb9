//! How many connections a door takes: so many in all, and so many from one network.
//!
//! The bound in all keeps descriptors for stores and files; whoever comes beyond it waits in the
//! kernel's backlog. The bound of a network keeps one neighbour from taking every place; whoever
//! comes beyond it is closed at once. Trusted proxies stand for many networks and have no bound of
//! their own.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::address::Network;
use ipnet::IpNet;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The most connections of one door.
const MOST: usize = 10_000;
/// What one network may take of them: one in so many.
const SHARE: usize = 4;
/// Descriptors left to stores, files and the other doors.
const RESERVED: usize = 256;
/// What is taken where the system names no limit of descriptors.
const USUAL_LIMIT: usize = 1_024;

/// Counts a door's connections.
pub(super) struct Admission {
    places: Arc<Semaphore>,
    per_network: usize,
    proxies: Vec<IpNet>,
    open: Mutex<HashMap<Network, usize>>,
}

/// A place in the door that nobody has taken yet.
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
}

/// A connection's right to be open; dropping it gives the place back.
pub(super) struct Pass {
    admission: Arc<Admission>,
    network: Option<Network>,
    _place: Place,
}

// === impl Admission ===

impl Admission {
    /// Bounds a door by the descriptors that the process may open.
    pub(super) fn new(descriptors: Option<usize>, proxies: Vec<IpNet>) -> Self {
        let limit = descriptors.unwrap_or(USUAL_LIMIT);
        let places = (limit.saturating_sub(RESERVED) / 2).clamp(16, MOST);
        Self::with_places(places, proxies)
    }

    fn with_places(places: usize, proxies: Vec<IpNet>) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places)),
            per_network: places.div_ceil(SHARE),
            proxies,
            open: Mutex::default(),
        }
    }

    /// Waits for a free place.
    ///
    /// # Cancel safety
    /// Dropping the future takes no place.
    pub(super) async fn wait_for_place(&self) -> Option<Place> {
        let permit = Arc::clone(&self.places).acquire_owned().await;
        permit.ok().map(|permit| Place { _permit: permit })
    }

    /// Gives the place to a connection, unless its network has enough of them.
    pub(super) fn admit(self: &Arc<Self>, place: Place, address: IpAddr) -> Option<Pass> {
        // A socket that takes both kinds shows an IPv4 proxy as a mapped address.
        let address = address.to_canonical();
        let is_proxy = self.proxies.iter().any(|block| block.contains(&address));
        let network = (!is_proxy).then(|| Network::of(address));
        if let Some(network) = network {
            let mut open = self.open();
            let count = open.entry(network).or_default();
            if *count >= self.per_network {
                return None;
            }
            *count = count.saturating_add(1);
        }
        Some(Pass {
            admission: Arc::clone(self),
            network,
            _place: place,
        })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Network, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Pass ===

impl Drop for Pass {
    fn drop(&mut self) {
        let Some(network) = self.network else { return };
        let mut open = self.admission.open();
        if let Some(count) = open.get_mut(&network) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.remove(&network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn admit(admission: &Arc<Admission>, address: &str) -> Option<Pass> {
        let place = admission.wait_for_place().await.expect("a place");
        admission.admit(place, address.parse().expect("an address"))
    }

    #[tokio::test]
    async fn one_network_gets_its_share_and_no_more() {
        let admission = Arc::new(Admission::with_places(8, Vec::new()));
        let first = admit(&admission, "192.0.2.1").await;
        let second = admit(&admission, "192.0.2.1").await;
        assert!(first.is_some() && second.is_some());
        assert!(admit(&admission, "192.0.2.1").await.is_none());
        assert!(admit(&admission, "192.0.2.2").await.is_some());
        drop(first);
        assert!(admit(&admission, "192.0.2.1").await.is_some());
    }

    #[tokio::test]
    async fn a_whole_ipv6_64_is_one_network() {
        let admission = Arc::new(Admission::with_places(4, Vec::new()));
        let _first = admit(&admission, "2001:db8::1").await;
        assert!(admit(&admission, "2001:db8::2").await.is_none());
    }

    #[tokio::test]
    async fn a_trusted_proxy_stands_for_many() {
        let proxies = vec!["10.0.0.0/8".parse().expect("a block")];
        let admission = Arc::new(Admission::with_places(4, proxies));
        let passes = [
            admit(&admission, "10.0.0.1").await,
            admit(&admission, "10.0.0.1").await,
            admit(&admission, "::ffff:10.0.0.1").await,
            admit(&admission, "::ffff:10.0.0.1").await,
        ];
        assert!(passes.iter().all(Option::is_some));
    }

    #[tokio::test]
    async fn nobody_is_remembered_who_left() {
        let admission = Arc::new(Admission::with_places(4, Vec::new()));
        drop(admit(&admission, "192.0.2.1").await);
        assert!(admission.open().is_empty());
        assert_eq!(admission.places.available_permits(), 4);
    }

    #[test]
    fn descriptors_bound_the_places() {
        let places = |limit| Admission::new(limit, Vec::new()).places.available_permits();
        assert_eq!(places(Some(1_024)), 384);
        assert_eq!(places(Some(10)), 16);
        assert_eq!(places(Some(1 << 20)), MOST);
    }
}
