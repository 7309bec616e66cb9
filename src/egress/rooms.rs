//! How much is fetched at once: in all, and from one host, so that a slow one holds up nobody else's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How many fetches may be under way.
const IN_ALL: usize = 256;
/// How many of them from one host.
const PER_HOST: usize = 16;

/// The rooms. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Rooms(Arc<Mutex<HashMap<String, usize>>>);

/// One room; dropping it gives it back.
pub(super) struct Room {
    rooms: Rooms,
    host: String,
}

// === impl Rooms ===

impl Rooms {
    /// Takes a room; `None` when there is none left for this host.
    pub(super) fn take(&self, host: &str) -> Option<Room> {
        // Whoever panicked held no half-made change: a count is changed in one step.
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = taken.values().sum();
        let here = taken.get(host).copied().unwrap_or_default();
        if all >= IN_ALL || here >= PER_HOST {
            return None;
        }
        taken.insert(host.to_owned(), here + 1);
        Some(Room {
            rooms: self.clone(),
            host: host.to_owned(),
        })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut taken = self.rooms.0.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.get_mut(&self.host) {
            Some(here) if *here > 1 => *here -= 1,
            _ => {
                taken.remove(&self.host);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_host_has_its_share_and_leaves_room_for_others() {
        let rooms = Rooms::default();
        let slow: Vec<_> = (0..PER_HOST).map(|_| rooms.take("slow")).collect();
        assert!(slow.iter().all(Option::is_some));
        assert!(rooms.take("slow").is_none());
        assert!(rooms.take("other").is_some());
        drop(slow);
        assert!(rooms.0.lock().expect("unharmed").is_empty());
        assert!(rooms.take("slow").is_some());
    }

    #[test]
    fn there_is_a_bound_in_all() {
        let rooms = Rooms::default();
        let take = |number: usize| rooms.take(&format!("h{number}"));
        let held: Vec<_> = (0..IN_ALL).filter_map(take).collect();
        assert_eq!(held.len(), IN_ALL);
        assert!(rooms.take("one-more").is_none());
    }
}
