//! The doors over the wire: what reaches a flow, what is refused before, and how a door closes.
//!
//! Each scene starts a house with the settings it is about, on the embedded store.

mod asker;
mod bounds;
mod calls;
pub mod certificates;
mod close;
mod cors;
mod flood;
mod grpc;
mod identity;
mod limits;
mod plain;
mod secure_calls;
mod slow;
mod telemetry;
mod tls;
mod wire;

use crate::case::Scene;

/// All scenes at the doors.
pub fn all() -> Vec<Scene> {
    [
        bounds::scenes(),
        calls::scenes(),
        close::scenes(),
        cors::scenes(),
        flood::scenes(),
        grpc::scenes(),
        identity::scenes(),
        limits::scenes(),
        plain::scenes(),
        secure_calls::scenes(),
        slow::scenes(),
        telemetry::scenes(),
        tls::scenes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
