//! Supervision: whatever runs is a child of a supervisor, and what breaks is started afresh.
//!
//! A [`SupervisorSpec`] is the tree as plain values: children in the order they start, how a crash
//! spreads ([`Strategy`]), how many are too many ([`Intensity`]) and how long to wait between two
//! starts ([`Backoff`]). A child ([`ChildSpec`]) is an [`Owner`] behind a handle, a plain future, or
//! another supervisor. [`Tree::start`] brings it up; [`Tree::ended`] says when it could not be kept
//! up, and the process then exits, since the orchestrator is its supervisor.
//!
//! What it promises:
//! - **Order.** A child starts when those before it are up; a stop goes the other way, and each
//!   child has a bounded time to finish what it began.
//! - **Crash.** A panic, an `Err` from an owner, a future that ends unasked: the child is started
//!   afresh from its factory; rest-for-one also restarts what was started after it.
//! - **Freeze.** Every owner is pinged through its own mailbox. One that finishes nothing while
//!   [`Pulse::misses`] pings go by is killed and replaced; if it blocks its thread and cannot be
//!   killed, its replacement is started all the same and the old one dies when it comes back.
//! - **Escalation.** More restarts than the intensity allows: the supervisor stops its children and
//!   fails itself, up to the root. A tree that gave up is never healthy again.
//! - **Outage.** A [patient](ChildSpec::patient) child that cannot start yet (its store is away)
//!   is retried with backoff and holds up nobody. A [tolerant](ChildSpec::tolerant) one only ever
//!   degrades.
//!
//! How it works: `roster` is the plain struct that decides, testable without a runtime; `supervisor`
//! is the actor around it that carries out its steps; `owner`, `task` and `supervisor` each know how
//! to start, stop and kill their kind. ractor brings the mailboxes, the links and the kill signal;
//! it has no restart strategies of its own. No actor is named: its registry is global.
//!
//! Read next: [`ChildSpec`], [`Owner`], [`Tree`].

mod backoff;
mod child;
mod failure;
mod grip;
mod owner;
mod roster;
mod spec;
mod supervisor;
mod task;
mod task_group;
mod tree;
mod view;

pub use backoff::Backoff;
pub use child::ChildSpec;
pub use failure::Failure;
pub use owner::Owner;
pub(crate) use owner::note_progress;
pub use spec::{Intensity, Pulse, Strategy, SupervisorSpec};
pub use task_group::TaskGroup;
pub use tree::{Ended, Tree};
pub use view::{Kind, Observer, State, TreeView};
