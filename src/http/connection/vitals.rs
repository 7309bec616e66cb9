//! What a connection is used for, and what follows from it: whether it is kept, given a last answer, or hung
//! up on.
//!
//! The task of the connection looks from time to time; each request and each byte that is heard between two
//! requests notes itself. All of it is in one short lock that nobody else contends for.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Version;
use tokio::time::Instant;

/// How long the head of a later request may take from its first byte, at the least: it is judged at the looks.
const HEAD: Duration = Duration::from_secs(8);
/// How long a connection may stay open without a request.
/// It is more than the minute that proxies keep theirs, so that none sends where we just hung up.
const IDLE: Duration = Duration::from_secs(75);
/// How long a closing door waits for the next request of an HTTP/1 connection, whose answer then says that
/// it was the last: a request that is on its way must not be hung up on (RFC 9112 section 9.6).
const LINGER: Duration = Duration::from_millis(250);

/// What is known of a connection's use.
pub(super) struct Vitals(Mutex<Use>);

#[derive(Clone, Copy)]
struct Use {
    in_flight: usize,
    /// When the last request was answered; none before the first.
    last: Option<Instant>,
    /// Since when there is something of a request that has not come whole.
    heard: Option<Instant>,
    /// Where what is heard between requests need not be one's beginning.
    is_http2: bool,
    /// The door is closing.
    is_leaving: bool,
}

/// A request being answered.
pub(super) struct Visit(Arc<Vitals>);

/// What to do about a connection that was looked at.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// It is in use.
    Alive,
    /// It has done nothing for long: say goodbye.
    Idle,
    /// It has never asked anything: hang up.
    Mute,
}

// === impl Vitals ===

impl Vitals {
    /// Nothing was asked yet.
    pub(super) fn new() -> Self {
        Self(Mutex::new(Use {
            in_flight: 0,
            last: None,
            heard: None,
            is_http2: false,
            is_leaving: false,
        }))
    }

    /// Notes that a byte came.
    pub(super) fn hear(&self) {
        self.change(|present| {
            if present.in_flight == 0 && !present.is_http2 && present.heard.is_none() {
                present.heard = Some(Instant::now());
            }
        });
    }

    /// Notes that the door is closing, and says how long one more request may take to come: HTTP/2 tells
    /// its peer which requests it will answer (RFC 9113 section 6.8), and need not wait.
    pub(super) fn leave(&self) -> Duration {
        let present = self.change(|present| present.is_leaving = true);
        if present.is_http2 {
            Duration::ZERO
        } else {
            LINGER
        }
    }

    fn change(&self, change: impl FnOnce(&mut Use)) -> Use {
        let mut present = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut present);
        *present
    }

    /// Judges what the connection is good for at an instant.
    pub(super) fn judge(&self, now: Instant) -> Finding {
        match self.change(|_| {}) {
            Use { in_flight: 1.., .. } => Finding::Alive,
            Use { last: None, .. } => Finding::Mute,
            Use {
                heard: Some(since), ..
            } if now.saturating_duration_since(since) >= HEAD => Finding::Mute,
            Use {
                last: Some(last), ..
            } if now.saturating_duration_since(last) < IDLE => Finding::Alive,
            Use { .. } => Finding::Idle,
        }
    }
}

// === impl Visit ===

impl Visit {
    /// Notes that a request came whole; it is being answered until this is dropped.
    pub(super) fn begin(vitals: &Arc<Vitals>, version: Version) -> Self {
        vitals.change(|present| {
            present.in_flight = present.in_flight.saturating_add(1);
            present.heard = None;
            present.is_http2 = version == Version::HTTP_2;
        });
        Self(Arc::clone(vitals))
    }

    /// Says whether the answer must tell the peer to send no other request.
    pub(super) fn is_last(&self) -> bool {
        let present = self.0.change(|_| {});
        present.is_leaving && !present.is_http2
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.0.change(|present| {
            present.in_flight = present.in_flight.saturating_sub(1);
            present.last = Some(Instant::now());
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_never_asks_is_hung_up_on() {
        assert_eq!(Vitals::new().judge(Instant::now()), Finding::Mute);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_however_slow_keeps_its_connection() {
        let vitals = Arc::new(Vitals::new());
        let visit = Visit::begin(&vitals, Version::HTTP_11);
        tokio::time::advance(IDLE * 4).await;
        assert_eq!(vitals.judge(Instant::now()), Finding::Alive);
        drop(visit);
        assert_eq!(vitals.judge(Instant::now()), Finding::Alive);
        tokio::time::advance(IDLE).await;
        assert_eq!(vitals.judge(Instant::now()), Finding::Idle);
    }

    #[tokio::test(start_paused = true)]
    async fn rfc_9112_9_6_the_last_answer_says_so_and_http2_needs_no_word() {
        for (version, waits, says) in [
            (Version::HTTP_11, LINGER, true),
            (Version::HTTP_2, Duration::ZERO, false),
        ] {
            let vitals = Arc::new(Vitals::new());
            let visit = Visit::begin(&vitals, version);
            assert!(!visit.is_last(), "the door is open");
            assert_eq!(vitals.leave(), waits);
            assert_eq!(visit.is_last(), says);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_head_has_its_time_and_a_later_frame_has_none() {
        for (version, finding) in [
            (Version::HTTP_11, Finding::Mute),
            (Version::HTTP_2, Finding::Alive),
        ] {
            let vitals = Arc::new(Vitals::new());
            drop(Visit::begin(&vitals, version));
            vitals.hear();
            assert_eq!(vitals.judge(Instant::now()), Finding::Alive);
            tokio::time::advance(HEAD).await;
            assert_eq!(vitals.judge(Instant::now()), finding);
        }
    }
}
