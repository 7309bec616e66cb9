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
//!
//! A copy is [`Packed`], and found by four bytes of its family's, its session's and its user's id. Two ids
//! that share them cost a copy too many when one is forgotten, and a look into the store; whether a copy is
//! the family's is judged by the whole id.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::id::{FamilyId, SessionId, UserId};
use domain::session::Presentation;
use domain::time::UnixMillis;
use store::port::sessions::{Granted, Turn};
use uuid::Uuid;

mod bytes;
mod packed;

use bytes::Writer;
use packed::{Head, Packed};

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
    /// The copies in the order in which they were kept, with gaps where one was replaced or forgotten.
    copies: VecDeque<Option<Packed>>,
    /// How many copies there are: no gaps.
    live: usize,
    /// The number of the first of them. Numbers go round; there are never so many copies.
    first: u32,
    /// Where the copies are that are about a family, a session or a user.
    about: BTreeSet<(Short, u32)>,
    forgotten: u64,
    writer: Writer,
}

/// Four random bytes of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Short([u8; 4]);

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
            copies: VecDeque::new(),
            live: 0,
            first: 0,
            about: BTreeSet::new(),
            forgotten: 0,
            writer: Writer::default(),
        }
    }

    /// Answers a presentation if it is plainly a repeat; otherwise the store must be asked, and the
    /// copy is forgotten, because the store may change what it is a copy of.
    pub(super) fn answer(&mut self, turn: &Turn) -> Result<Granted, Epoch> {
        let repeat = self.about(turn.family.as_uuid()).find_map(|number| {
            let copy = self.copies.get(self.place(number))?.as_ref()?;
            repeat(copy, turn)
        });
        if let Some(granted) = repeat {
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
        let family = &granted.family;
        self.remove(family.id);
        self.make_room(family.rotated_at);
        let expires_at = family.rotated_at + window;
        let packed = Packed::of(granted, expires_at, &mut self.writer);
        let Some((packed, head)) =
            packed.and_then(|packed| packed.head().map(|head| (packed, head)))
        else {
            return;
        };
        let number = self.number(self.copies.len());
        self.about
            .extend(head.shorts().map(|short| (short, number)));
        self.copies.push_back(Some(packed));
        self.live += 1;
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
        self.live = 0;
    }

    fn forget(&mut self, about: Uuid) {
        self.forgotten = self.forgotten.wrapping_add(1);
        self.remove_about(about);
    }

    fn remove(&mut self, family: FamilyId) {
        self.remove_about(family.as_uuid());
    }

    fn remove_about(&mut self, id: Uuid) {
        let numbers: Vec<u32> = self.about(id).collect();
        for number in numbers {
            let place = self.place(number);
            self.take(place);
        }
    }

    /// Drops what has expired, and the oldest if it is still full. Gaps count half: who is always
    /// refreshing leaves many.
    fn make_room(&mut self, now: UnixMillis) {
        while let Some(oldest) = self.copies.front() {
            let ends = oldest
                .as_ref()
                .map(|copy| copy.head().map(|head| head.expires_at));
            let has_room =
                self.live < self.capacity && self.copies.len() < self.capacity.saturating_mul(2);
            if has_room && ends.flatten().is_some_and(|end| now < end) {
                return;
            }
            self.take(0);
            self.copies.pop_front();
            self.first = self.first.wrapping_add(1);
        }
    }

    /// Leaves a gap where a copy was.
    fn take(&mut self, place: usize) {
        let Some(copy) = self.copies.get_mut(place).and_then(Option::take) else {
            return;
        };
        self.live -= 1;
        let number = self.number(place);
        for short in copy.head().iter().flat_map(Head::shorts) {
            self.about.remove(&(short, number));
        }
    }

    fn about(&self, id: Uuid) -> impl Iterator<Item = u32> {
        let short = Short::of(id);
        let found = self.about.range((short, u32::MIN)..=(short, u32::MAX));
        found.map(|(_, number)| *number)
    }

    fn number(&self, place: usize) -> u32 {
        // Places are few: twice the capacity at most.
        self.first
            .wrapping_add(u32::try_from(place).unwrap_or(u32::MAX))
    }

    fn place(&self, number: u32) -> usize {
        usize::try_from(number.wrapping_sub(self.first)).unwrap_or(usize::MAX)
    }
}

// === impl Head ===

impl Head {
    /// What a copy is found by.
    fn shorts(&self) -> [Short; 3] {
        [
            self.family.as_uuid(),
            self.session.as_uuid(),
            self.user.as_uuid(),
        ]
        .map(Short::of)
    }
}

// === impl Short ===

impl Short {
    fn of(id: Uuid) -> Self {
        let [.., a, b, c, d] = id.into_bytes();
        Self([a, b, c, d])
    }
}

/// Gives a copy's answer again if the presentation is a repeat of the one it was given to.
fn repeat(copy: &Packed, turn: &Turn) -> Option<Granted> {
    // Most are of the newest token, which repeats nothing: then the rest is not read.
    let head = copy.head()?;
    if head.family != turn.family || Some(head.generation) != turn.generation.checked_add(1) {
        return None;
    }
    let granted = copy.unpack()?;
    let family = &granted.family;
    let is_repeat = family.tenant == turn.tenant
        && family.client == turn.client
        && family.is_open_to(turn.jkt.as_deref(), turn.certificate.as_deref())
        && turn.now < granted.session.expires_at
        && family.judge(turn.generation, turn.now, turn.window) == Presentation::Repeat;
    is_repeat.then_some(granted)
}

#[cfg(test)]
mod tests;
