//! A plain future as a child.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use ractor::{ActorId, ActorRef};
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::failure::Failure;
use super::grip::Grip;
use super::supervisor::Command;

/// Makes the future; it ends when the token is cancelled.
pub(super) type Factory = Arc<dyn Fn(CancellationToken) -> BoxFuture<'static, ()> + Send + Sync>;

/// Starts the future among the supervisor's tasks, which end with the supervisor.
pub(super) fn start(factory: &Factory, notice: Notice, tasks: &mut JoinSet<()>) -> Box<dyn Grip> {
    let token = CancellationToken::new();
    let (factory, cancelled) = (Arc::clone(factory), token.clone());
    let abort = tasks.spawn(async move {
        // Moved in as a whole: it speaks when it is dropped, also by an abort.
        let mut notice = notice;
        let body = AssertUnwindSafe(async { factory(cancelled).await });
        if let Err(payload) = body.catch_unwind().await {
            notice.failure = Failure::from_panic(&*payload);
        }
    });
    Box::new(TaskGrip { token, abort })
}

/// Tells the supervisor that the future is gone, in whichever way it went.
pub(super) struct Notice {
    supervisor: ActorRef<Command>,
    seat: usize,
    turn: u64,
    failure: Failure,
}

struct TaskGrip {
    token: CancellationToken,
    abort: AbortHandle,
}

// === impl Notice ===

impl Notice {
    pub(super) const fn new(supervisor: ActorRef<Command>, seat: usize, turn: u64) -> Self {
        Self {
            supervisor,
            seat,
            turn,
            failure: Failure::Ended,
        }
    }
}

impl Drop for Notice {
    fn drop(&mut self) {
        let _ = self.supervisor.send_message(Command::Ended {
            seat: self.seat,
            turn: self.turn,
            failure: self.failure.clone(),
        });
    }
}

// === impl TaskGrip ===

impl Grip for TaskGrip {
    fn actor(&self) -> Option<ActorId> {
        None
    }

    fn stop(&mut self, _within: Duration) {
        self.token.cancel();
    }

    fn kill(&mut self) {
        self.token.cancel();
        self.abort.abort();
    }
}

impl Drop for TaskGrip {
    fn drop(&mut self) {
        self.abort.abort();
    }
}
