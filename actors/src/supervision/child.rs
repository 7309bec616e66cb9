//! A child as plain values: how to make it, and what to do when it breaks.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use domain::rejection::Fault;

use super::backoff::Backoff;
use super::owner::{self, Owner};
use super::spec::SupervisorSpec;
use super::task;
use super::view::{Depth, Kind, Node};
use crate::handle::Handle;

/// How long a child may take to finish what it began when it is stopped.
const STOP_WITHIN: Duration = Duration::from_secs(5);
/// How long a supervisor may take to stop all its children.
const STOP_ALL_WITHIN: Duration = Duration::from_secs(30);
/// How long a factory may take.
const START_WITHIN: Duration = Duration::from_secs(10);

/// Describes one child of a supervisor. Everything it starts from lives in its factory, which is
/// called at each start.
pub struct ChildSpec {
    pub(super) node: Arc<Node>,
    pub(super) rules: Rules,
    pub(super) work: Work,
}

/// What to do when a child breaks, or is to stop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// The child's own; else its supervisor's.
    pub(super) backoff: Option<Backoff>,
    pub(super) is_tolerant: bool,
    pub(super) is_patient: bool,
    pub(super) stop_within: Duration,
    pub(super) start_within: Duration,
    /// The child's own; else its supervisor's.
    pub(super) misses: Option<u32>,
}

/// How a child is made.
pub(super) enum Work {
    Owner(owner::Prepare),
    Task(task::Factory),
    Supervisor(Arc<SupervisorSpec>),
}

// === impl ChildSpec ===

impl ChildSpec {
    /// Describes an owner. The factory is called at each start and loads from the store whatever
    /// the owner must know; the owner then serves `handle`.
    pub fn owner<O, F>(
        name: impl Into<Cow<'static, str>>,
        handle: Handle<O::Message>,
        factory: F,
    ) -> Self
    where
        O: Owner,
        F: Fn() -> BoxFuture<'static, Result<O, Fault>> + Send + Sync + 'static,
    {
        let slot = handle.into_slot();
        let prepare = owner::prepare(Arc::clone(&slot), Arc::new(factory));
        let depth: Depth = Box::new(move || slot.depth());
        let node = Node::new(name.into(), Kind::Owner, Some(depth));
        Self::new(node, STOP_WITHIN, Work::Owner(prepare))
    }

    /// Describes a plain future: an accept loop, a writer, a listener. It runs until its token is
    /// cancelled; if it ends before, or panics, it has crashed.
    pub fn task<F>(name: impl Into<Cow<'static, str>>, factory: F) -> Self
    where
        F: Fn(CancellationToken) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    {
        let node = Node::new(name.into(), Kind::Task, None);
        Self::new(node, STOP_WITHIN, Work::Task(Arc::new(factory)))
    }

    /// Describes a supervisor under a supervisor: it is up when its children are, and has crashed
    /// when it gave up on one of them.
    #[must_use]
    pub fn supervisor(spec: SupervisorSpec) -> Self {
        let node = Arc::clone(&spec.node);
        Self::new(node, STOP_ALL_WITHIN, Work::Supervisor(Arc::new(spec)))
    }

    /// Waits between restarts as `backoff` says, whatever the supervisor's other children do.
    #[must_use]
    pub const fn with_backoff(mut self, backoff: Backoff) -> Self {
        self.rules.backoff = Some(backoff);
        self
    }

    /// Shows it as degraded while it is down, retries it with backoff for ever, and never lets it
    /// take its supervisor along.
    #[must_use]
    pub fn tolerant(mut self) -> Self {
        self.rules.is_tolerant = true;
        self.node.tolerate();
        self
    }

    /// Retries its factory with backoff for ever while it cannot be made, and lets the children
    /// after it start meanwhile: what it starts from may be away for a while. It is not healthy
    /// until it is up, and once up its crashes count as any other's.
    #[must_use]
    pub const fn patient(mut self) -> Self {
        self.rules.is_patient = true;
        self
    }

    /// Gives it so long to finish what it began when it is stopped.
    #[must_use]
    pub const fn stopping_within(mut self, span: Duration) -> Self {
        self.rules.stop_within = span;
        self
    }

    /// Gives its factory so long.
    #[must_use]
    pub const fn starting_within(mut self, span: Duration) -> Self {
        self.rules.start_within = span;
        self
    }

    /// Takes it for frozen after so many unanswered pings, for an owner whose single messages may
    /// take longer than others'.
    #[must_use]
    pub const fn frozen_after(mut self, misses: u32) -> Self {
        self.rules.misses = Some(misses);
        self
    }

    fn new(node: Arc<Node>, stop_within: Duration, work: Work) -> Self {
        let rules = Rules {
            backoff: None,
            is_tolerant: false,
            is_patient: false,
            stop_within,
            start_within: START_WITHIN,
            misses: None,
        };
        Self { node, rules, work }
    }
}

impl fmt::Debug for ChildSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildSpec")
            .field("name", self.node.name())
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

// === impl Rules ===

impl Rules {
    /// Says whether the children after it may start before it is up.
    pub(super) const fn is_lenient(&self) -> bool {
        self.is_patient || self.is_tolerant
    }
}
