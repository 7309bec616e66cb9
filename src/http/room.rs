//! The room for bodies: how many bytes of them one process holds at once while they are read.
//!
//! Each part of a body takes its room when it arrives and all of it is given back when the body has
//! been read, so whoever sends slowly takes no more than they have sent. Nobody waits for room: that
//! would hold what was read so far. What does not fit is refused as busy (503, `Retry-After`).

use std::sync::Arc;

use domain::rejection::Fault;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many bytes all bodies that are being read may take.
const ROOM: usize = 64 * 1024 * 1024;

/// The room for bodies.
#[derive(Clone)]
pub(crate) struct Room(Arc<Semaphore>);

/// The room that one body takes; dropping it gives it back.
#[derive(Default)]
pub(super) struct Share(Option<OwnedSemaphorePermit>);

// === impl Room ===

impl Room {
    /// Makes room for many bodies, and for one of the longest.
    pub(super) fn for_bodies_of(max: usize) -> Self {
        Self::of(ROOM.max(max))
    }

    pub(super) fn of(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))))
    }

    /// Takes so many more bytes into a share.
    ///
    /// # Errors
    /// [`Fault::Busy`] when there is not so much room left.
    pub(super) fn take(&self, bytes: usize, share: &mut Share) -> Result<(), Fault> {
        let busy = Fault::Busy("bodies");
        let Ok(bytes) = u32::try_from(bytes) else {
            return Err(busy);
        };
        let taken = Arc::clone(&self.0).try_acquire_many_owned(bytes);
        let taken = taken.map_err(|_| busy)?;
        match &mut share.0 {
            Some(held) => held.merge(taken),
            held => *held = Some(taken),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_is_given_back_together() {
        let room = Room::of(10);
        let (mut one, mut two) = (Share::default(), Share::default());
        assert_eq!(room.take(4, &mut one), Ok(()));
        assert_eq!(room.take(4, &mut one), Ok(()));
        assert_eq!(room.take(3, &mut two), Err(Fault::Busy("bodies")));
        assert_eq!(room.take(2, &mut two), Ok(()));
        drop(one);
        assert_eq!(room.take(8, &mut two), Ok(()));
        assert_eq!(room.take(1, &mut two), Err(Fault::Busy("bodies")));
    }

    #[test]
    fn the_longest_body_has_room() {
        let max = 1 << 30;
        let room = Room::for_bodies_of(max);
        assert_eq!(room.take(max, &mut Share::default()), Ok(()));
    }
}
