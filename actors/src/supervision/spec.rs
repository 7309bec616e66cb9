//! A supervisor as plain values.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::backoff::Backoff;
use super::child::ChildSpec;
use super::view::{Kind, Node, Observer};

/// How one child's crash concerns the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Not at all: only the crashed child is restarted.
    OneForOne,
    /// Those started after it rely on it: they are stopped, last first, and restarted in order.
    RestForOne,
}

/// How many restarts are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intensity {
    /// So many restarts are borne; one more is not.
    pub restarts: u32,
    /// The span of time they are counted in.
    pub within: Duration,
}

/// How a supervisor feels whether its owners are alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pulse {
    /// The time between two pings.
    pub every: Duration,
    /// An owner that finished nothing while so many pings went by is frozen.
    pub misses: u32,
}

/// A supervisor and, in the order they start, its children.
#[derive(Debug)]
pub struct SupervisorSpec {
    pub(super) strategy: Strategy,
    pub(super) intensity: Intensity,
    pub(super) backoff: Backoff,
    pub(super) pulse: Pulse,
    pub(super) children: Vec<ChildSpec>,
    pub(super) node: Arc<Node>,
}

// === impl Intensity ===

impl Intensity {
    /// Bears `restarts` restarts in any `within`.
    #[must_use]
    pub const fn new(restarts: u32, within: Duration) -> Self {
        Self { restarts, within }
    }
}

// === impl Pulse ===

impl Default for Pulse {
    /// Once a second; three misses are a crash.
    fn default() -> Self {
        Self {
            every: Duration::from_secs(1),
            misses: 3,
        }
    }
}

// === impl SupervisorSpec ===

impl SupervisorSpec {
    /// Describes a supervisor without children that restarts at once and pings once a second.
    #[must_use]
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        strategy: Strategy,
        intensity: Intensity,
    ) -> Self {
        Self {
            strategy,
            intensity,
            backoff: Backoff::Immediate,
            pulse: Pulse::default(),
            children: Vec::new(),
            node: Node::new(name.into(), Kind::Supervisor, None),
        }
    }

    /// Waits between restarts; a child's own backoff goes first.
    #[must_use]
    pub const fn with_backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Pings at another pace.
    #[must_use]
    pub const fn with_pulse(mut self, pulse: Pulse) -> Self {
        self.pulse = pulse;
        self
    }

    /// Adds a child that starts after those added before.
    #[must_use]
    pub fn with_child(mut self, child: ChildSpec) -> Self {
        self.node.adopt(Arc::clone(&child.node));
        self.children.push(child);
        self
    }

    /// Adds several children in their order.
    #[must_use]
    pub fn with_children(self, children: impl IntoIterator<Item = ChildSpec>) -> Self {
        children.into_iter().fold(self, Self::with_child)
    }

    /// Gives what observes this supervisor and all below it, before they start already: readiness
    /// is asked through a door that is itself a child of the tree.
    #[must_use]
    pub fn observer(&self) -> Observer {
        Observer::new(Arc::clone(&self.node))
    }
}
