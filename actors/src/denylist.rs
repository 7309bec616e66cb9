//! The denylist: what was revoked and has not expired yet.
//!
//! A signed access token cannot be taken back, so each check of one also asks here: is its `jti` or
//! its session, or its grant refused? The answer is read without queueing, under a lock that writers hold for a
//! microsecond.
//!
//! Two write here: the sessions owner refuses what it ended before it replies, and the feed brings
//! what other nodes and other verbs revoked. Nothing but the feed takes anything off, and only once
//! it has expired. A restart loses all of it; the feed reads it again from the store before anything
//! counts as fresh.
//!
//! Checks fail closed: on a store that other nodes write to, a node that has not heard the feed for
//! [`STALE_AFTER`] does not know what was revoked, and says so (CONTRACT §11: within 1 s on every
//! node).

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use domain::id::{FamilyId, SessionId};
use domain::time::UnixMillis;
use tokio::time::Instant;

/// How long a node may go on after its last look at a feed that others write to.
pub const STALE_AFTER: Duration = Duration::from_millis(1500);

/// What was revoked and has not expired yet. Clones share it.
#[derive(Debug, Clone)]
pub struct Denylist(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    refused: RwLock<Refused>,
    is_shared: bool,
    /// When the feed was read last, by a clock that nobody can set: a wall clock that jumps must
    /// neither make old knowledge fresh nor new knowledge stale.
    heard_at: RwLock<Option<Instant>>,
}

/// What is refused, and until when it must be.
#[derive(Debug, Default)]
struct Refused {
    tokens: HashMap<String, UnixMillis>,
    sessions: HashMap<SessionId, UnixMillis>,
    grants: HashMap<FamilyId, UnixMillis>,
}

// === impl Denylist ===

impl Denylist {
    /// Starts empty and not fresh. `is_shared` says whether other processes write to the same store.
    #[must_use]
    pub fn new(is_shared: bool) -> Self {
        Self(Arc::new(Inner {
            refused: RwLock::default(),
            is_shared,
            heard_at: RwLock::default(),
        }))
    }

    /// Says whether a token with this `jti`, `sid` and `grant_id` is refused.
    #[must_use]
    pub fn is_refused(
        &self,
        jti: &str,
        session: Option<SessionId>,
        grant: Option<FamilyId>,
    ) -> bool {
        let refused = self.read();
        refused.tokens.contains_key(jti)
            || session.is_some_and(|id| refused.sessions.contains_key(&id))
            || grant.is_some_and(|id| refused.grants.contains_key(&id))
    }

    /// Says whether this node knows what was revoked. If not, checks must fail (503).
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        let heard_at = self
            .0
            .heard_at
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        heard_at.is_some_and(|at| !self.0.is_shared || at.elapsed() <= STALE_AFTER)
    }

    /// Gives how many tokens, sessions and grants are refused.
    #[must_use]
    pub fn count(&self) -> usize {
        let refused = self.read();
        refused.tokens.len() + refused.sessions.len() + refused.grants.len()
    }

    /// Refuses one access token until it has expired.
    pub(crate) fn refuse_token(&self, jti: &str, until: UnixMillis) {
        remember(&mut self.write().tokens, jti.to_owned(), until);
    }

    /// Refuses every token of these sessions until the last has expired.
    pub(crate) fn refuse_sessions(&self, ended: &[SessionId], until: UnixMillis) {
        if ended.is_empty() {
            return;
        }
        let mut refused = self.write();
        for id in ended {
            remember(&mut refused.sessions, *id, until);
        }
    }

    /// Refuses every token of these grants until the last has expired.
    pub(crate) fn refuse_grants(&self, ended: &[FamilyId], until: UnixMillis) {
        if ended.is_empty() {
            return;
        }
        let mut refused = self.write();
        for id in ended {
            remember(&mut refused.grants, *id, until);
        }
    }

    /// Notes that everything written to the feed before `at` is known here.
    pub(crate) fn note_heard(&self, at: Instant) {
        *self
            .0
            .heard_at
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(at);
    }

    /// Forgets what has expired.
    pub(crate) fn purge(&self, now: UnixMillis) {
        let mut refused = self.write();
        refused.tokens.retain(|_, until| now < *until);
        refused.sessions.retain(|_, until| now < *until);
        refused.grants.retain(|_, until| now < *until);
    }

    // Each change under the lock is one insertion or removal, so a poisoned map is a whole map.
    fn read(&self) -> RwLockReadGuard<'_, Refused> {
        self.0
            .refused
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Refused> {
        self.0
            .refused
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps the later of two ends.
fn remember<K: Eq + Hash>(refused: &mut HashMap<K, UnixMillis>, key: K, until: UnixMillis) {
    let known = refused.entry(key).or_insert(until);
    *known = (*known).max(until);
}

#[cfg(test)]
mod tests {
    use domain::random::Counting;

    use super::*;

    fn at(millis: i64) -> UnixMillis {
        UnixMillis::from_millis(millis)
    }

    #[test]
    fn a_refused_token_and_every_token_of_a_refused_session_are_refused() {
        let denylist = Denylist::new(false);
        let session = SessionId::generate(at(0), &Counting::default());
        denylist.refuse_token("stolen", at(100));
        denylist.refuse_sessions(&[session], at(100));
        assert!(denylist.is_refused("stolen", None, None));
        assert!(denylist.is_refused("another", Some(session), None));
        assert!(!denylist.is_refused("another", None, None));
    }

    #[test]
    fn a_refused_grant_is_no_other_of_its_session() {
        let (denylist, random) = (Denylist::new(false), Counting::default());
        let session = Some(SessionId::generate(at(0), &random));
        let (ended, other) = (
            FamilyId::generate(at(0), &random),
            FamilyId::generate(at(0), &random),
        );
        denylist.refuse_grants(&[ended], at(100));
        assert!(denylist.is_refused("any", session, Some(ended)));
        assert!(!denylist.is_refused("any", session, Some(other)));
        denylist.purge(at(100));
        assert!(!denylist.is_refused("any", session, Some(ended)));
    }

    #[test]
    fn nothing_is_forgotten_before_it_has_expired() {
        let denylist = Denylist::new(false);
        denylist.refuse_token("a", at(100));
        denylist.refuse_token("a", at(50));
        denylist.purge(at(99));
        assert!(denylist.is_refused("a", None, None));
        denylist.purge(at(100));
        assert_eq!(denylist.count(), 0);
    }

    #[test]
    fn nothing_is_fresh_before_the_feed_was_read() {
        assert!(!Denylist::new(false).is_fresh());
        assert!(!Denylist::new(true).is_fresh());
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_of_our_own_stays_fresh_and_a_shared_one_does_not() {
        let (own, shared) = (Denylist::new(false), Denylist::new(true));
        for denylist in [&own, &shared] {
            denylist.note_heard(Instant::now());
        }
        tokio::time::advance(STALE_AFTER).await;
        assert!(own.is_fresh() && shared.is_fresh());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(own.is_fresh() && !shared.is_fresh());
    }
}
