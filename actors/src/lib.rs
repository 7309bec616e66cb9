//! Floor 2: the owners of live state and the supervision they live under.
//!
//! An owner is an actor that alone writes some live state. Others speak to it through a typed
//! [`handle::Handle`], which survives the owner's restarts and bounds its mailbox, or read the
//! [`snapshot::Snapshot`] it publishes without queueing. Every message carries the
//! [`deadline::Deadline`] its request got at the door. Whatever runs hangs in the tree of
//! [`supervision`]: what crashes or freezes is started afresh, and what crashes too often takes its
//! supervisor along, up to the process.
//!
//! Start with [`supervision`], then read any owner: its vocabulary (`message.rs`), the plain struct
//! that decides, and the thin shell that implements [`supervision::Owner`].

#[cfg(panic = "abort")]
compile_error!(
    "supervision restarts what panics, so it needs unwinding: build with panic = \"unwind\""
);

pub mod accounts;
pub mod api_keys;
pub mod attempts;
pub mod audit;
pub mod clock;
pub mod deadline;
pub mod denylist;
pub mod failpoint;
pub mod feed;
pub mod handle;
pub mod janitor;
pub mod keys;
pub mod limits;
pub mod mail;
pub mod notices;
pub mod roles;
pub mod sessions;
pub mod snapshot;
pub mod supervision;
pub mod tenants;
pub mod tree;
pub mod vault;

mod patience;
mod remembered;
mod rounds;
mod schedule;
