//! The supervisor: the actor that carries out what its roster decides.
//!
//! It never waits inside a message: factories and alarms run as errands that report back, so one
//! child's slow start holds up nobody else's restart. Its children's actors are linked to it and
//! its tasks and errands belong to it, so when it dies, however it dies, nothing of it lives on.
//!
//! `desk` is what it works with and how each step is carried out; `report` is whom it tells.

use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};

use super::failure::Failure;
use super::owner::Prepared;
use super::roster::Alarm;
use super::spec::SupervisorSpec;

mod desk;
mod report;

pub(super) use report::Report;

use desk::Desk;

/// What a supervisor is told, by its errands, its children and its tree.
pub(super) enum Command {
    /// A factory is done.
    Prepared {
        seat: usize,
        turn: u64,
        outcome: Result<Prepared, Failure>,
    },
    /// A task is gone.
    Ended {
        seat: usize,
        turn: u64,
        failure: Failure,
    },
    /// The children of a supervisor under this one are up.
    Settled { seat: usize, turn: u64 },
    /// An alarm rings.
    Ring(Alarm),
    /// It is time to ping.
    Beat,
    /// Everything is to stop within this time.
    Stop { within: Duration },
}

/// The actor; all it knows is in its [`Desk`].
pub(super) struct Supervisor;

/// What a supervisor starts from.
pub(super) struct Assignment {
    pub(super) spec: Arc<SupervisorSpec>,
    pub(super) report: Report,
}

// === impl Supervisor ===

impl Actor for Supervisor {
    type Msg = Command;
    type State = Desk;
    type Arguments = Assignment;

    async fn pre_start(
        &self,
        myself: ActorRef<Command>,
        assignment: Assignment,
    ) -> Result<Desk, ActorProcessingErr> {
        Ok(Desk::new(myself, assignment))
    }

    async fn post_start(
        &self,
        _myself: ActorRef<Command>,
        desk: &mut Desk,
    ) -> Result<(), ActorProcessingErr> {
        desk.keep_beating();
        desk.carry_on().await
    }

    async fn handle(
        &self,
        _myself: ActorRef<Command>,
        command: Command,
        desk: &mut Desk,
    ) -> Result<(), ActorProcessingErr> {
        desk.hear(command).await;
        desk.carry_on().await
    }

    async fn handle_supervisor_evt(
        &self,
        _myself: ActorRef<Command>,
        event: SupervisionEvent,
        desk: &mut Desk,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorFailed(actor, error) => {
                desk.bury(actor.get_id(), &Failure::from_actor(error));
            }
            SupervisionEvent::ActorTerminated(actor, ..) => {
                desk.bury(actor.get_id(), &Failure::Ended);
            }
            _ => return Ok(()),
        }
        desk.carry_on().await
    }
}
