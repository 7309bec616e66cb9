//! One load: askers, each on a connection of its own, for a span.
//!
//! All run on one thread: a load generator that spreads over every core takes from the server what it
//! measures. Requests that only prepare others run between the measured parts and count nowhere.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use hdrhistogram::Histogram;

use crate::asker::Asker;
use crate::flames::Flames;
use crate::line::{Door, Line};
use crate::numbers::{float, nanos};
use crate::pace::{Pace, Turns};
use crate::process::{Spent, Watched};

/// Where to, how, and for how long.
pub(crate) struct Load<'f> {
    /// Where to.
    pub(crate) door: Door,
    /// How requests follow each other.
    pub(crate) pace: Pace,
    /// How long.
    pub(crate) span: Duration,
    /// Whose costs are told.
    pub(crate) watched: Watched,
    /// Who samples what is measured.
    pub(crate) flames: Option<&'f Flames>,
}

/// What one load measured.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    /// Answers that were wanted.
    pub(crate) answers: u64,
    /// Others, and connections that broke.
    pub(crate) failures: u64,
    /// Requests that were due and never asked.
    pub(crate) missed: u64,
    /// How long it was measured, in seconds.
    pub(crate) seconds: f64,
    /// How long the answers took, in nanoseconds.
    pub(crate) latencies: Histogram<u64>,
    /// What it cost.
    pub(crate) spent: Spent,
    /// Bytes of the server in memory, four times a second.
    pub(crate) memory: Vec<u64>,
}

/// One connection and what is asked through it.
struct Caller {
    line: Line,
    asker: Box<dyn Asker>,
    request: Vec<u8>,
}

/// What all connections of a load count into.
struct Tally {
    answers: u64,
    failures: u64,
    latencies: Histogram<u64>,
}

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// The longest latency that is told apart from longer ones.
const LONGEST: u64 = 600_000_000_000;

// === impl Load ===

impl Load<'_> {
    /// Runs it.
    ///
    /// # Errors
    /// A sentence when the service cannot be reached, or nothing can be prepared.
    pub(crate) async fn run(&self, askers: Vec<Box<dyn Asker>>) -> Result<Measured, String> {
        let opened = askers.into_iter().map(|asker| self.open(asker));
        let mut callers = try_join_all(opened).await?;
        let mut measured = Measured::nothing()?;
        let mut left = self.span;
        while !left.is_zero() {
            try_join_all(callers.iter_mut().map(Caller::stock_up)).await?;
            let lit = self.flames.map(Flames::light).transpose()?;
            let begun = Instant::now();
            self.measure(&mut callers, left, &mut measured).await?;
            drop(lit);
            left = left.saturating_sub(begun.elapsed());
        }
        Ok(measured)
    }

    async fn open(&self, asker: Box<dyn Asker>) -> Result<Caller, String> {
        Ok(Caller {
            line: connect(&self.door).await?,
            asker,
            request: Vec::new(),
        })
    }

    /// Measures until the time is over or what was prepared is used up.
    async fn measure(
        &self,
        callers: &mut [Caller],
        span: Duration,
        measured: &mut Measured,
    ) -> Result<(), String> {
        let tally = RefCell::new(Tally::new()?);
        let before = self.watched.spent();
        let turns = Turns::begin(self.pace, span)?;
        let begun = Instant::now();
        let loops = try_join_all(
            callers
                .iter_mut()
                .map(|caller| caller.ask_on(self, &turns, &tally)),
        );
        tokio::select! {
            ended = loops => drop(ended?),
            () = look(self.watched, &mut measured.memory) => {}
        }
        measured.seconds += begun.elapsed().as_secs_f64();
        measured.spent.add(self.watched.spent().since(before));
        measured.missed += turns.missed();
        measured.take(&tally.into_inner())
    }
}

/// Notes how much memory the server has, for as long as it is waited for.
async fn look(watched: Watched, memory: &mut Vec<u64>) {
    loop {
        memory.push(watched.resident());
        tokio::time::sleep(LOOK).await;
    }
}

async fn connect(door: &Door) -> Result<Line, String> {
    Line::open(door)
        .await
        .map_err(|error| format!("{} cannot be reached: {error}", door.address))
}

// === impl Caller ===

impl Caller {
    /// Prepares what the next part of the load uses up.
    async fn stock_up(&mut self) -> Result<(), String> {
        let mut refused = 0;
        while self.asker.prepare(&mut self.request) {
            let answer = self.line.ask(&self.request).await;
            let answer = answer.map_err(|error| format!("nothing can be prepared: {error}"))?;
            if !self.asker.keep(&answer) {
                refused += 1;
            }
            if refused > 20 {
                let body = String::from_utf8_lossy(answer.body);
                return Err(format!("nothing can be prepared: {} {body}", answer.status));
            }
        }
        Ok(())
    }

    async fn ask_on(
        &mut self,
        load: &Load<'_>,
        turns: &Turns,
        tally: &RefCell<Tally>,
    ) -> Result<(), String> {
        while let Some(due) = turns.next().await {
            if !self.asker.ask(&mut self.request) {
                return Ok(());
            }
            let wanted = if let Ok(answer) = self.line.ask(&self.request).await {
                self.asker.learn(&answer)
            } else {
                self.line = connect(&load.door).await?;
                false
            };
            tally.borrow_mut().count(wanted, due.elapsed());
        }
        Ok(())
    }
}

// === impl Tally ===

impl Tally {
    fn new() -> Result<Self, String> {
        Ok(Self {
            answers: 0,
            failures: 0,
            latencies: histogram()?,
        })
    }

    fn count(&mut self, wanted: bool, took: Duration) {
        if wanted {
            self.answers += 1;
            self.latencies.saturating_record(nanos(took));
        } else {
            self.failures += 1;
        }
    }
}

// === impl Measured ===

impl Measured {
    /// Begins with nothing.
    pub(crate) fn nothing() -> Result<Self, String> {
        Ok(Self {
            answers: 0,
            failures: 0,
            missed: 0,
            seconds: 0.0,
            latencies: histogram()?,
            spent: Spent::default(),
            memory: Vec::new(),
        })
    }

    /// Gives the wanted answers of a second.
    pub(crate) fn per_second(&self) -> f64 {
        if self.seconds > 0.0 {
            float(self.answers) / self.seconds
        } else {
            0.0
        }
    }

    /// Gives how long the answer took that so many of a hundred were faster than, in milliseconds.
    pub(crate) fn millis(&self, percent: f64) -> f64 {
        float(self.latencies.value_at_percentile(percent)) / 1e6
    }

    fn take(&mut self, tally: &Tally) -> Result<(), String> {
        self.answers += tally.answers;
        self.failures += tally.failures;
        self.latencies
            .add(&tally.latencies)
            .map_err(|error| format!("latencies do not add up: {error}"))
    }
}

fn histogram() -> Result<Histogram<u64>, String> {
    Histogram::new_with_bounds(1_000, LONGEST, 3).map_err(|error| format!("no histogram: {error}"))
}
