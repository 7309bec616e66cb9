//! Which networks are refused, and until when: the plain struct that decides.

use std::collections::HashMap;
use std::time::Duration;

use domain::address::Network;
use domain::time::UnixMillis;

/// How many networks may be banned at once; a ban beyond that replaces the one that ends soonest.
const CAPACITY: usize = 100_000;

/// The refused networks.
#[derive(Debug, Clone, Default)]
pub(super) struct Bans(HashMap<Network, UnixMillis>);

// === impl Bans ===

impl Bans {
    /// Says how long a network is still refused, if it is.
    pub(super) fn check(&self, network: Network, now: UnixMillis) -> Result<(), Duration> {
        match self.0.get(&network) {
            Some(until) if now < *until => Err(until.since(now)),
            _ => Ok(()),
        }
    }

    /// Says whether nobody is refused.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Refuses a network until `until`.
    pub(super) fn ban(&mut self, network: Network, until: UnixMillis) {
        if self.0.len() >= CAPACITY && !self.0.contains_key(&network) {
            let soonest = self.0.iter().min_by_key(|(_, until)| **until);
            if let Some(soonest) = soonest.map(|(network, _)| *network) {
                self.0.remove(&soonest);
            }
        }
        self.0.insert(network, until);
    }

    /// Lets a network in again. Says whether it was refused.
    pub(super) fn lift(&mut self, network: Network) -> bool {
        self.0.remove(&network).is_some()
    }

    /// Forgets the bans that are over. Says whether there were any.
    pub(super) fn sweep(&mut self, now: UnixMillis) -> bool {
        let before = self.0.len();
        self.0.retain(|_, until| now < *until);
        self.0.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> UnixMillis {
        UnixMillis::from_seconds(seconds)
    }

    fn network(last: u8) -> Network {
        Network::of(std::net::IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn a_banned_network_is_refused_until_the_ban_is_over() {
        let mut bans = Bans::default();
        bans.ban(network(1), at(10));
        assert_eq!(bans.check(network(1), at(4)), Err(Duration::from_secs(6)));
        assert_eq!(bans.check(network(1), at(10)), Ok(()));
        assert_eq!(bans.check(network(2), at(4)), Ok(()));
    }

    #[test]
    fn a_lifted_or_ended_ban_leaves_nothing() {
        let mut bans = Bans::default();
        bans.ban(network(1), at(10));
        bans.ban(network(2), at(20));
        assert!(bans.lift(network(2)) && !bans.lift(network(2)));
        assert!(!bans.sweep(at(9)));
        assert!(bans.sweep(at(10)));
        assert!(bans.0.is_empty());
    }
}
