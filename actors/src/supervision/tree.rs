//! The tree: a root supervisor, how to observe it, how to stop it, and how it ends.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorRef};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::failure::Failure;
use super::spec::SupervisorSpec;
use super::supervisor::{Assignment, Command, Report, Supervisor};
use super::view::{Node, Observer, State, TreeView};

/// What is granted beyond the grace of a stop before the root is killed with all below it.
const OVERTIME: Duration = Duration::from_millis(500);

/// A running tree. Clones speak of the same tree.
#[derive(Clone)]
pub struct Tree {
    root: Option<ActorRef<Command>>,
    observer: Observer,
    ended: watch::Receiver<Option<Ended>>,
}

/// How a tree ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It was stopped in order.
    Stopped,
    /// It could not be kept up; the process must exit. The text says why, without secrets.
    Failed(String),
}

/// Tells the tree that its root is down, even if the root itself crashed.
pub(super) struct Ending {
    node: Arc<Node>,
    ended: watch::Sender<Option<Ended>>,
}

// === impl Tree ===

impl Tree {
    /// Starts the tree and returns when every child is up, or may be waited for, or when the tree
    /// has ended because one could not be started.
    pub async fn start(spec: SupervisorSpec) -> Self {
        let observer = spec.observer();
        let (ended, ending) = watch::channel(None);
        let (settled, is_settled) = oneshot::channel();
        let report = Report::Tree {
            settled: Some(settled),
            ending: Ending {
                node: Arc::clone(&spec.node),
                ended,
            },
        };
        let assignment = Assignment {
            spec: Arc::new(spec),
            report,
        };
        let root = Actor::spawn(None, Supervisor, assignment).await;
        // An error means that the root is gone: the ending tells how.
        let _ = is_settled.await;
        Self {
            root: root.ok().map(|(root, _)| root),
            observer,
            ended: ending,
        }
    }

    /// Gives what observes the tree.
    #[must_use]
    pub fn observer(&self) -> Observer {
        self.observer.clone()
    }

    /// Gives the present view.
    #[must_use]
    pub fn observe(&self) -> TreeView {
        self.observer.observe()
    }

    /// Says whether everything is up but what is tolerated to be down.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.observer.is_healthy()
    }

    /// Names everything that is not up, but what is tolerated to be down.
    #[must_use]
    pub fn failing(&self) -> Vec<String> {
        self.observer.failing()
    }

    /// Stops every child, last first, each within its own time and all within `grace`; returns
    /// when the tree has ended.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the stop going on.
    pub async fn stop(&self, grace: Duration) {
        let Some(root) = &self.root else { return };
        let _ = root.send_message(Command::Stop { within: grace });
        let patience = grace.saturating_add(OVERTIME);
        if timeout(patience, self.ended()).await.is_err() {
            root.kill();
            self.ended().await;
        }
    }

    /// Returns when the tree has ended, and says how.
    pub async fn ended(&self) -> Ended {
        let mut ended = self.ended.clone();
        let gone = || Ended::Failed("the root supervisor is gone".into());
        match ended.wait_for(Option::is_some).await {
            Ok(how) => how.clone().unwrap_or_else(gone),
            Err(_) => gone(),
        }
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tree").field(&self.observer).finish()
    }
}

// === impl Ending ===

impl Ending {
    pub(super) fn come_up(&self) {
        self.node.enter(State::Running);
    }

    pub(super) fn come_down(&self, cause: Option<&Failure>) {
        self.node.enter_end(cause);
        let how = cause.map_or(Ended::Stopped, |cause| Ended::Failed(cause.to_string()));
        self.ended.send_if_modified(|ended| {
            let is_first = ended.is_none();
            ended.get_or_insert(how);
            is_first
        });
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if self.ended.borrow().is_none() {
            self.come_down(Some(&Failure::Ended));
        }
    }
}
