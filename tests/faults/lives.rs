//! Clients that sign in, refresh, look, redeem codes, sign out, change passwords and are locked, while
//! something breaks; everything they do is written into one history.
//!
//! Each client has an account of its own and does one thing after another, but shows one token several
//! times at once. What it does is drawn from a number.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use crate::history::{Act, Event, Moment, Name, Outcome, Violation, check};
use crate::ports::free_port;
use crate::process::Site;

mod codes;
mod life;

use codes::Application;
use life::Life;

/// How long one waits for the service to do what it does when all is well.
const PATIENCE: Duration = Duration::from_secs(40);

/// Clients, where they ask, and what they saw.
pub struct Lives<'s> {
    site: &'s Site,
    operator: String,
    application: OnceLock<Application>,
    /// Tells these clients' accounts from those of others.
    name: u16,
    begun: Instant,
    stop: AtomicBool,
    seen: Mutex<Seen>,
    done: AtomicUsize,
}

#[derive(Default)]
struct Seen {
    events: Vec<Event>,
    tokens: BTreeMap<String, Name>,
    families: usize,
    /// Answers that are none: neither done, nor refused, nor "come again".
    wrong: Vec<String>,
}

// === impl Lives ===

impl<'s> Lives<'s> {
    /// Prepares clients of a node; `operator` is an API key that opens the admin door.
    pub fn at(site: &'s Site, operator: String) -> Self {
        Self {
            site,
            operator,
            application: OnceLock::new(),
            name: free_port(),
            begun: Instant::now(),
            stop: AtomicBool::new(false),
            seen: Mutex::default(),
            done: AtomicUsize::new(0),
        }
    }

    /// Has so many clients at work while something is done; then sees that everything they were told
    /// holds, judges the history, and tells the figures.
    pub async fn during<T>(
        &self,
        (clients, seed): (usize, u64),
        work: impl Future<Output = T>,
    ) -> T {
        let application = Application::register(self.site, &self.operator).await;
        self.application.get_or_init(|| application);
        let mut lives: Vec<Life<'_>> = (0..clients).map(|n| Life::new(self, n, seed)).collect();
        let living = join_all(lives.iter_mut().map(Life::live));
        let work = async {
            let done = work.await;
            self.stop.store(true, Ordering::SeqCst);
            done
        };
        let (_, done) = tokio::join!(living, work);
        join_all(lives.iter_mut().map(Life::look_back)).await;
        done
    }

    /// Waits until so many more acts were done.
    pub async fn act(&self, more: usize) {
        let (begun, before) = (Instant::now(), self.done.load(Ordering::SeqCst));
        while self.done.load(Ordering::SeqCst) < before + more {
            assert!(begun.elapsed() < PATIENCE, "too little is done");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Judges what was seen, and gives the figures.
    #[track_caller]
    pub fn judge(&self, seed: u64) -> String {
        let seen = self.seen.lock().expect("the history");
        let found = check(&seen.events, 0);
        let concerned = |violation: &Violation| match violation {
            Violation::Resurrected { family, .. }
            | Violation::Lost { family, .. }
            | Violation::Forked { family, .. } => Some(*family),
            Violation::Twice { .. } => None,
        };
        let families: Vec<_> = found.iter().filter_map(concerned).collect();
        let theirs = seen.events.iter();
        let theirs = theirs.filter(|event| families.contains(&event.family));
        let story: Vec<_> = theirs.map(ToString::to_string).collect();
        assert!(
            found.is_empty() && seen.wrong.is_empty(),
            "again with SEED={seed}: {found:#?} {:#?}\n{}\n{}",
            seen.wrong,
            story.join("\n"),
            self.site.log()
        );
        let redeemed = seen.events.iter().filter(|event| {
            matches!(event.act, Act::Redeem { .. }) && event.outcome == Outcome::Done
        });
        let redeemed = redeemed.count();
        assert!(redeemed > 0, "no code was redeemed");
        let count = |outcome| {
            let events = seen.events.iter();
            events.filter(|event| event.outcome == outcome).count()
        };
        format!(
            "SEED={seed}: {} families, {redeemed} codes redeemed, {} acknowledged, {} refused, \
             {} unknown; lost 0, resurrected 0, forked 0, redeemed twice 0",
            seen.families,
            count(Outcome::Done),
            count(Outcome::Refused),
            count(Outcome::Unknown)
        )
    }

    fn application(&self) -> &Application {
        self.application.get().expect("an application")
    }

    fn now(&self) -> Moment {
        let spent = self.begun.elapsed().as_micros();
        Moment::try_from(spent).expect("a short run")
    }

    fn name(&self, token: &str) -> Name {
        let tokens = &mut self.seen.lock().expect("the history").tokens;
        let next = tokens.len();
        *tokens.entry(token.to_owned()).or_insert(next)
    }

    fn family(&self) -> Name {
        let mut seen = self.seen.lock().expect("the history");
        seen.families += 1;
        seen.families
    }

    fn write(&self, (family, act): (Name, Act), began: Moment, outcome: Outcome) {
        let ended = self.now();
        if outcome == Outcome::Done {
            self.done.fetch_add(1, Ordering::SeqCst);
        }
        self.seen.lock().expect("the history").events.push(Event {
            family,
            act,
            began,
            ended,
            outcome,
        });
    }
}
