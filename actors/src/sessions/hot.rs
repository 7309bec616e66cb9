//! Hot copies: the latest answer to each family that was just rotated, so that a repeat inside the
//! reuse window needs no store.
//!
//! A plain struct decides ([`HotCopies`]); [`Hot`] lends it to the shards and to whoever must make
//! them forget, under a lock held for about a microsecond and never over an `await`. Forgetting goes
//! past the mailboxes on purpose: it must have happened before the caller who ended a session is
//! answered, and must not fail because a shard is busy.
//!
//! Only [`Presentation::Repeat`] is ever answered from a copy. Whatever else a presentation may be,
//! the store decides.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::id::{FamilyId, SessionId, UserId};
use domain::session::Presentation;
use domain::time::UnixMillis;
use store::port::sessions::{Granted, Turn};
use uuid::Uuid;

/// The shared copies.
#[derive(Debug, Clone)]
pub(super) struct Hot(Arc<Mutex<HotCopies>>);

/// How often anything had been forgotten when the store was asked. A copy of what the store said is
/// kept only if nothing was forgotten meanwhile: it might have been about this very family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Epoch(u64);

/// The copies and the rules they are kept by.
#[derive(Debug)]
pub(super) struct HotCopies {
    capacity: usize,
    copies: HashMap<FamilyId, HotCopy>,
    /// The families that a session or a user has copies of, by the id of either.
    about: HashMap<Uuid, Vec<FamilyId>>,
    /// Insertions, oldest first; those that were replaced or forgotten since are skipped.
    order: VecDeque<(FamilyId, u64)>,
    kept: u64,
    forgotten: u64,
}

#[derive(Debug)]
struct HotCopy {
    granted: Granted,
    expires_at: UnixMillis,
    number: u64,
}

// === impl Hot ===

impl Hot {
    /// Keeps at most `capacity` copies; none at all if it is zero.
    pub(super) fn new(capacity: usize) -> Self {
        Self(Arc::new(Mutex::new(HotCopies::new(capacity))))
    }

    /// Borrows the copies; hold them over no `await`.
    pub(super) fn lock(&self) -> MutexGuard<'_, HotCopies> {
        // A panic inside can only lose copies, and a lost copy costs one look into the store.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl HotCopies ===

impl HotCopies {
    fn new(capacity: usize) -> Self {
        Self {
            capacity,
            copies: HashMap::new(),
            about: HashMap::new(),
            order: VecDeque::new(),
            kept: 0,
            forgotten: 0,
        }
    }

    /// Answers a presentation if it is plainly a repeat; otherwise the store must be asked, and the
    /// copy is forgotten, because the store may change what it is a copy of.
    pub(super) fn answer(&mut self, turn: &Turn) -> Result<Granted, Epoch> {
        if let Some(granted) = self.copies.get(&turn.family).and_then(|c| c.repeat(turn)) {
            return Ok(granted);
        }
        self.remove(turn.family);
        Err(Epoch(self.forgotten))
    }

    /// Keeps what the store said to a question asked in `epoch`, for as long as it can be repeated.
    pub(super) fn keep(&mut self, epoch: Epoch, granted: &Granted, window: Duration) {
        if epoch != Epoch(self.forgotten) || self.capacity == 0 {
            return;
        }
        let family = granted.family.id;
        self.remove(family);
        self.make_room(granted.family.rotated_at);
        self.kept = self.kept.wrapping_add(1);
        self.order.push_back((family, self.kept));
        for id in ids(granted) {
            self.about.entry(id).or_default().push(family);
        }
        let copy = HotCopy {
            granted: granted.clone(),
            expires_at: granted.family.rotated_at + window,
            number: self.kept,
        };
        self.copies.insert(family, copy);
    }

    /// Forgets everything about these sessions.
    pub(super) fn forget_sessions(&mut self, ended: &[SessionId]) {
        for id in ended {
            self.forget(id.as_uuid());
        }
    }

    /// Forgets everything about these families.
    pub(super) fn forget_families(&mut self, ended: &[FamilyId]) {
        self.forgotten = self.forgotten.wrapping_add(1);
        for family in ended {
            self.remove(*family);
        }
    }

    /// Forgets everything about a user.
    pub(super) fn forget_user(&mut self, user: UserId) {
        self.forget(user.as_uuid());
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.forgotten = self.forgotten.wrapping_add(1);
        self.copies.clear();
        self.about.clear();
        self.order.clear();
    }

    fn forget(&mut self, about: Uuid) {
        self.forgotten = self.forgotten.wrapping_add(1);
        for family in self.about.remove(&about).unwrap_or_default() {
            self.remove(family);
        }
    }

    /// Drops what has expired, and the oldest if it is still full.
    fn make_room(&mut self, now: UnixMillis) {
        if self.order.len() >= self.capacity.saturating_mul(2) {
            let copies = &self.copies;
            self.order.retain(|entry| is_live(copies, *entry));
        }
        while let Some(&(family, number)) = self.order.front() {
            if is_live(&self.copies, (family, number)) {
                let ends = self.copies.get(&family).map(|copy| copy.expires_at);
                if self.copies.len() < self.capacity && ends.is_some_and(|end| now < end) {
                    return;
                }
                self.remove(family);
            }
            self.order.pop_front();
        }
    }

    fn remove(&mut self, family: FamilyId) {
        let Some(copy) = self.copies.remove(&family) else {
            return;
        };
        for id in ids(&copy.granted) {
            if let Some(families) = self.about.get_mut(&id) {
                families.retain(|known| *known != family);
                if families.is_empty() {
                    self.about.remove(&id);
                }
            }
        }
    }
}

// === impl HotCopy ===

impl HotCopy {
    /// Gives the answer again if the presentation is a repeat of the one it was given to.
    fn repeat(&self, turn: &Turn) -> Option<Granted> {
        let family = &self.granted.family;
        let is_repeat = family.tenant == turn.tenant
            && family.client == turn.client
            && family.is_open_to(turn.jkt.as_deref(), turn.certificate.as_deref())
            && turn.now < self.granted.session.expires_at
            && family.judge(turn.generation, turn.now, turn.window) == Presentation::Repeat;
        is_repeat.then(|| Granted {
            advanced: false,
            ..self.granted.clone()
        })
    }
}

/// Says whether an insertion was neither replaced nor forgotten since.
fn is_live(copies: &HashMap<FamilyId, HotCopy>, (family, number): (FamilyId, u64)) -> bool {
    copies
        .get(&family)
        .is_some_and(|copy| copy.number == number)
}

fn ids(granted: &Granted) -> [Uuid; 2] {
    [
        granted.family.session.as_uuid(),
        granted.family.user.as_uuid(),
    ]
}

#[cfg(test)]
mod tests;
