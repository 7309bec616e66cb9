//! What can be seen of a tree while it lives.
//!
//! Each supervisor and child has a node that its supervisor writes its standing to. Observing reads
//! the nodes and asks no actor, so it works when all of them are stuck, and from before the start
//! until after the end.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::time::Instant;

use super::failure::Failure;

/// What kind of thing a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Starts, watches and restarts others.
    Supervisor,
    /// An actor that alone writes some live state.
    Owner,
    /// A plain future.
    Task,
}

/// How a node is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Not up yet.
    Starting,
    /// Up.
    Running,
    /// Down, and about to be started again.
    Restarting,
    /// Up but slow to answer, or down where that is tolerated.
    Degraded,
    /// Stopped in order.
    Stopped,
    /// A supervisor that gave up, with all below it.
    Failed,
}

/// A node of the tree and all below it, at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TreeView {
    /// What its spec calls it.
    pub name: Cow<'static, str>,
    /// What kind of thing it is.
    pub kind: Kind,
    /// How it is doing.
    pub state: State,
    /// How often it was started again since the process began.
    pub restarts: u32,
    /// What ended it last, in words without secrets.
    pub last_failure: Option<String>,
    /// How many messages are queued or in work; none for what has no mailbox.
    pub mailbox_depth: Option<usize>,
    /// For how many milliseconds it has been in this state.
    pub since_ms: u64,
    /// What it supervises, in start order.
    pub children: Vec<Self>,
}

/// Observes a tree. Clones observe the same.
#[derive(Clone)]
pub struct Observer(Arc<Node>);

/// Counts the messages that are queued or in work.
pub(super) type Depth = Box<dyn Fn() -> usize + Send + Sync>;

/// Where a supervisor writes a child's standing.
pub(super) struct Node {
    name: Cow<'static, str>,
    kind: Kind,
    depth: Option<Depth>,
    standing: Mutex<Standing>,
    children: Mutex<Vec<Arc<Self>>>,
}

#[derive(Debug)]
struct Standing {
    state: State,
    is_tolerated: bool,
    restarts: u32,
    last_failure: Option<String>,
    since: Instant,
}

// === impl Observer ===

impl Observer {
    pub(super) const fn new(node: Arc<Node>) -> Self {
        Self(node)
    }

    /// Gives the present view.
    #[must_use]
    pub fn observe(&self) -> TreeView {
        self.0.view()
    }

    /// Says whether everything is up but what is tolerated to be down.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        !self.0.is_failing_anywhere()
    }

    /// Names everything that is not up, in start order, but what is tolerated to be down.
    #[must_use]
    pub fn failing(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.0.collect_failing(&mut names);
        names
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

// === impl Node ===

impl Node {
    pub(super) fn new(name: Cow<'static, str>, kind: Kind, depth: Option<Depth>) -> Arc<Self> {
        Arc::new(Self {
            name,
            kind,
            depth,
            standing: Mutex::new(Standing {
                state: State::Starting,
                is_tolerated: false,
                restarts: 0,
                last_failure: None,
                since: Instant::now(),
            }),
            children: Mutex::default(),
        })
    }

    pub(super) fn name(&self) -> &Cow<'static, str> {
        &self.name
    }

    pub(super) fn adopt(&self, child: Arc<Self>) {
        self.children().push(child);
    }

    pub(super) fn tolerate(&self) {
        self.standing().is_tolerated = true;
    }

    /// Notes that it is now in `state`.
    pub(super) fn enter(&self, state: State) {
        self.standing().enter(state);
    }

    /// Notes that it is down and will be started again.
    pub(super) fn enter_restart(&self, failure: &Failure) {
        let mut standing = self.standing();
        standing.restarts = standing.restarts.saturating_add(1);
        standing.last_failure = Some(failure.to_string());
        let down = if standing.is_tolerated {
            State::Degraded
        } else {
            State::Restarting
        };
        standing.enter(down);
    }

    /// Notes that it is down for good, with all below it.
    pub(super) fn enter_end(&self, failure: Option<&Failure>) {
        let mut standing = self.standing();
        if let Some(failure) = failure {
            standing.last_failure = Some(failure.to_string());
            standing.enter(State::Failed);
        } else {
            standing.enter(State::Stopped);
        }
    }

    /// Notes whether a child that is up answers.
    pub(super) fn notice(&self, answers: bool) {
        let mut standing = self.standing();
        match (standing.state, answers) {
            (State::Running, false) => standing.enter(State::Degraded),
            (State::Degraded, true) => standing.enter(State::Running),
            _ => {}
        }
    }

    fn view(&self) -> TreeView {
        let children = self.children().iter().map(|child| child.view()).collect();
        let standing = self.standing();
        TreeView {
            name: self.name.clone(),
            kind: self.kind,
            state: standing.state,
            restarts: standing.restarts,
            last_failure: standing.last_failure.clone(),
            mailbox_depth: self.depth.as_ref().map(|depth| depth()),
            since_ms: u64::try_from(standing.since.elapsed().as_millis()).unwrap_or(u64::MAX),
            children,
        }
    }

    fn is_failing_anywhere(&self) -> bool {
        let (is_tolerated, is_up) = self.verdict();
        let below = || self.children().iter().any(|c| c.is_failing_anywhere());
        !is_tolerated && (!is_up || below())
    }

    fn collect_failing(&self, names: &mut Vec<String>) {
        let (is_tolerated, is_up) = self.verdict();
        if is_tolerated {
            return;
        }
        if !is_up {
            names.push(self.name.to_string());
        }
        for child in self.children().iter() {
            child.collect_failing(names);
        }
    }

    fn verdict(&self) -> (bool, bool) {
        let standing = self.standing();
        (standing.is_tolerated, standing.state == State::Running)
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn children(&self) -> MutexGuard<'_, Vec<Arc<Self>>> {
        self.children.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("standing", &self.standing)
            .finish_non_exhaustive()
    }
}

// === impl Standing ===

impl Standing {
    fn enter(&mut self, state: State) {
        if self.state != state {
            self.state = state;
            self.since = Instant::now();
        }
    }
}
