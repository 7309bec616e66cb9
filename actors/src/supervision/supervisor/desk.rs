//! What a supervisor works with, and how it carries out each step.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use ractor::{ActorId, ActorProcessingErr, ActorRef};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, timeout};

use super::{Assignment, Command, Report, Supervisor};
use crate::deadline::Deadline;
use crate::supervision::child::Work;
use crate::supervision::failure::Failure;
use crate::supervision::grip::Grip;
use crate::supervision::owner::{Preparation, Prepared};
use crate::supervision::roster::{Alarm, Roster, Step};
use crate::supervision::spec::SupervisorSpec;
use crate::supervision::task::{self, Notice};

/// What a supervisor works with.
pub(in crate::supervision) struct Desk {
    myself: ActorRef<Command>,
    spec: Arc<SupervisorSpec>,
    report: Report,
    roster: Roster,
    holds: Vec<Hold>,
    /// Tasks, factories and alarms; dropped, and so aborted, with the desk.
    errands: JoinSet<()>,
}

/// What is held of one child.
#[derive(Default)]
struct Hold {
    grip: Option<Box<dyn Grip>>,
    factory: Option<AbortHandle>,
}

/// A supervisor's hold on a supervisor under it.
struct SupervisorGrip(ActorRef<Command>);

// === impl Desk ===

impl Desk {
    pub(super) fn new(myself: ActorRef<Command>, assignment: Assignment) -> Self {
        let Assignment { spec, report } = assignment;
        Self {
            myself,
            report,
            roster: Roster::new(&spec),
            holds: spec.children.iter().map(|_| Hold::default()).collect(),
            errands: JoinSet::new(),
            spec,
        }
    }

    /// Notes what it is told.
    pub(super) async fn hear(&mut self, command: Command) {
        let now = Instant::now();
        match command {
            Command::Prepared {
                seat,
                turn,
                outcome,
            } if self.is_awaited(seat, turn) => match outcome {
                Ok(prepared) => self.seat_owner(seat, prepared).await,
                Err(failure) => self.roster.down(seat, &failure, now),
            },
            Command::Ended {
                seat,
                turn,
                failure,
            } if self.roster.turn(seat) == Some(turn) => {
                self.let_go(seat);
                self.roster.down(seat, &failure, now);
            }
            Command::Settled { seat, turn } if self.is_awaited(seat, turn) => {
                self.roster.up(seat, now);
            }
            Command::Ring(alarm) => self.roster.ring(alarm, now),
            Command::Beat => self.ping(),
            Command::Stop { within } => {
                self.roster.close(None, Deadline::after(within).instant());
            }
            // News of an incarnation that is gone already.
            Command::Prepared { .. } | Command::Ended { .. } | Command::Settled { .. } => {}
        }
    }

    /// Notes that an actor is dead; one that was abandoned before is nobody's any more.
    pub(super) fn bury(&mut self, actor: ActorId, failure: &Failure) {
        let is_its = |hold: &Hold| hold.grip.as_ref().and_then(|grip| grip.actor()) == Some(actor);
        if let Some(seat) = self.holds.iter().position(is_its) {
            self.let_go(seat);
            self.roster.down(seat, failure, Instant::now());
        }
    }

    /// Carries out the roster's steps until there is nothing left to do for now.
    pub(super) async fn carry_on(&mut self) -> Result<(), ActorProcessingErr> {
        while self.errands.try_join_next().is_some() {}
        while let Some(step) = self.roster.next_step(Instant::now()) {
            match step {
                Step::Start(seat) => self.start(seat).await,
                Step::Stop(seat, within) => self.stop(seat, within),
                Step::Kill(seat) => self.kill(seat),
                Step::Abandon(seat) => self.let_go(seat),
                Step::Set(alarm, delay) => self.set_alarm(alarm, delay),
                Step::Settled => self.report.settle(),
                Step::Close(cause) => return self.close(cause),
            }
        }
        Ok(())
    }

    async fn start(&mut self, seat: usize) {
        let spec = Arc::clone(&self.spec);
        let (Some(child), Some(turn)) = (spec.children.get(seat), self.roster.turn(seat)) else {
            return;
        };
        match &child.work {
            Work::Owner(prepare) => self.prepare(seat, turn, prepare(), child.rules.start_within),
            Work::Task(factory) => {
                let notice = Notice::new(self.myself.clone(), seat, turn);
                let grip = task::start(factory, notice, &mut self.errands);
                self.take_hold(seat, grip);
                self.roster.up(seat, Instant::now());
            }
            Work::Supervisor(spec) => self.start_below(seat, turn, Arc::clone(spec)).await,
        }
    }

    /// Sends for an owner: its factory may take its time, and is given up if it takes too long.
    fn prepare(&mut self, seat: usize, turn: u64, preparation: Preparation, within: Duration) {
        let myself = self.myself.clone();
        let factory = self.errands.spawn(async move {
            let preparation = AssertUnwindSafe(preparation).catch_unwind();
            let outcome = match timeout(within, preparation).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(payload)) => Err(Failure::from_panic(&*payload)),
                Err(_) => Err(Failure::Overdue),
            };
            let _ = myself.send_message(Command::Prepared {
                seat,
                turn,
                outcome,
            });
        });
        if let Some(hold) = self.holds.get_mut(seat) {
            hold.factory = Some(factory);
        }
    }

    async fn seat_owner(&mut self, seat: usize, prepared: Prepared) {
        match prepared(self.myself.get_cell()).await {
            Ok(grip) => {
                self.take_hold(seat, grip);
                self.roster.up(seat, Instant::now());
            }
            Err(failure) => self.roster.down(seat, &failure, Instant::now()),
        }
    }

    async fn start_below(&mut self, seat: usize, turn: u64, spec: Arc<SupervisorSpec>) {
        let report = Report::Above {
            supervisor: self.myself.clone(),
            seat,
            turn,
        };
        let assignment = Assignment { spec, report };
        let below = self.myself.spawn_linked(None, Supervisor, assignment).await;
        match below {
            Ok((supervisor, _)) => self.take_hold(seat, Box::new(SupervisorGrip(supervisor))),
            Err(_) => self.roster.down(seat, &Failure::Ended, Instant::now()),
        }
    }

    fn stop(&mut self, seat: usize, within: Duration) {
        let Some(hold) = self.holds.get_mut(seat) else {
            return;
        };
        if let Some(grip) = &mut hold.grip {
            return grip.stop(within);
        }
        // Nothing runs yet but perhaps its factory.
        self.let_go(seat);
        self.roster.down(seat, &Failure::Ended, Instant::now());
    }

    fn kill(&mut self, seat: usize) {
        if let Some(grip) = self.holds.get_mut(seat).and_then(|hold| hold.grip.as_mut()) {
            grip.kill();
        }
    }

    fn take_hold(&mut self, seat: usize, grip: Box<dyn Grip>) {
        if let Some(hold) = self.holds.get_mut(seat) {
            *hold = Hold {
                grip: Some(grip),
                factory: None,
            };
        }
    }

    fn let_go(&mut self, seat: usize) {
        let hold = self.holds.get_mut(seat).map(std::mem::take);
        if let Some(factory) = hold.and_then(|hold| hold.factory) {
            factory.abort();
        }
    }

    fn is_awaited(&self, seat: usize, turn: u64) -> bool {
        self.roster.turn(seat) == Some(turn) && self.roster.is_starting(seat)
    }

    /// Pings whoever is up, and notes who did not answer.
    fn ping(&mut self) {
        let up: Vec<usize> = self.roster.those_up().collect();
        for seat in up {
            let grip = self.holds.get_mut(seat).and_then(|hold| hold.grip.as_mut());
            let (Some(grip), Some(child)) = (grip, self.spec.children.get(seat)) else {
                continue;
            };
            let misses = grip.ping();
            child.node.notice(misses < 2);
            if misses >= child.rules.misses.unwrap_or(self.spec.pulse.misses) {
                self.roster.frozen(seat, misses);
            }
        }
    }

    pub(super) fn keep_beating(&mut self) {
        let (myself, every) = (self.myself.clone(), self.spec.pulse.every);
        self.errands.spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                if myself.send_message(Command::Beat).is_err() {
                    return;
                }
            }
        });
    }

    fn set_alarm(&mut self, alarm: Alarm, delay: Duration) {
        let myself = self.myself.clone();
        self.errands.spawn(async move {
            tokio::time::sleep(delay).await;
            let _ = myself.send_message(Command::Ring(alarm));
        });
    }

    fn close(&mut self, cause: Option<Failure>) -> Result<(), ActorProcessingErr> {
        self.report.close(cause.as_ref());
        if let Some(failure) = cause {
            return Err(failure.into());
        }
        self.myself.stop(None);
        Ok(())
    }
}

// === impl SupervisorGrip ===

impl Grip for SupervisorGrip {
    fn actor(&self) -> Option<ActorId> {
        Some(self.0.get_id())
    }

    fn stop(&mut self, within: Duration) {
        let _ = self.0.send_message(Command::Stop { within });
    }

    fn kill(&mut self) {
        self.0.kill();
    }
}
