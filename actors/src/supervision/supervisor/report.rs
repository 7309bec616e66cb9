//! Whom a supervisor tells how it is doing.

use ractor::ActorRef;
use tokio::sync::oneshot;

use super::Command;
use crate::supervision::failure::Failure;
use crate::supervision::tree::Ending;

/// Whom a supervisor reports to.
pub(in crate::supervision) enum Report {
    /// The supervisor above.
    Above {
        supervisor: ActorRef<Command>,
        seat: usize,
        turn: u64,
    },
    /// The tree, whose root it is.
    Tree {
        settled: Option<oneshot::Sender<()>>,
        ending: Ending,
    },
}

// === impl Report ===

impl Report {
    pub(super) fn settle(&mut self) {
        match self {
            Self::Above {
                supervisor,
                seat,
                turn,
            } => {
                let (seat, turn) = (*seat, *turn);
                let _ = supervisor.send_message(Command::Settled { seat, turn });
            }
            Self::Tree { settled, ending } => {
                ending.come_up();
                if let Some(settled) = settled.take() {
                    let _ = settled.send(());
                }
            }
        }
    }

    pub(super) fn close(&mut self, cause: Option<&Failure>) {
        // The supervisor above hears of it by the actor's end.
        if let Self::Tree { ending, .. } = self {
            ending.come_down(cause);
        }
    }
}
