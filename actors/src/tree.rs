//! The supervision tree of the service, assembled from child specs that others made.
//!
//! ```text
//! root      rest-for-one  3 restarts in 60 s
//! ├─ memory   one-for-one   5 in 10 s   the store's own tasks
//! ├─ owners   one-for-one   5 in 10 s   keys, tenants, limits, vault, sessions, attempts,
//! │                                     the feed
//! ├─ doors    one-for-one   5 in 10 s   accept loops
//! └─ outflow  one-for-one   backoff to 60 s, degraded instead of failing
//! ```
//!
//! Rest-for-one at the root, because each branch stands on those before it: owners that lost the
//! store's tasks start afresh, and no door stays open on owners that gave up. A root that gives up
//! ends the process, which the orchestrator supervises.

use std::time::Duration;

use crate::supervision::{Backoff, ChildSpec, Intensity, Strategy, SupervisorSpec};

/// The children of each branch, in the order they start.
#[derive(Debug, Default)]
pub struct Branches {
    /// The store's own tasks.
    pub memory: Vec<ChildSpec>,
    /// The owners of live state.
    pub owners: Vec<ChildSpec>,
    /// The listeners.
    pub doors: Vec<ChildSpec>,
    /// What works off the request path.
    pub outflow: Vec<ChildSpec>,
}

/// Assembles the root.
#[must_use]
pub fn root(branches: Branches) -> SupervisorSpec {
    let tolerant = branches.outflow.into_iter().map(ChildSpec::tolerant);
    let outflow = branch("outflow", tolerant.collect()).with_backoff(outflow_backoff());
    SupervisorSpec::new(
        "root",
        Strategy::RestForOne,
        Intensity::new(3, Duration::from_mins(1)),
    )
    .with_child(ChildSpec::supervisor(branch("memory", branches.memory)))
    .with_child(ChildSpec::supervisor(branch("owners", branches.owners)))
    .with_child(ChildSpec::supervisor(branch("doors", branches.doors)))
    .with_child(ChildSpec::supervisor(outflow))
}

/// What works off the request path may be away for a while, but is not to hammer what it failed on.
const fn outflow_backoff() -> Backoff {
    Backoff::exponential(Duration::from_millis(100), Duration::from_mins(1))
}

fn branch(name: &'static str, children: Vec<ChildSpec>) -> SupervisorSpec {
    let intensity = Intensity::new(5, Duration::from_secs(10));
    SupervisorSpec::new(name, Strategy::OneForOne, intensity).with_children(children)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn idle(name: &'static str) -> Vec<ChildSpec> {
        vec![ChildSpec::task(name, |stop| {
            async move { stop.cancelled().await }.boxed()
        })]
    }

    #[test]
    fn each_branch_starts_after_what_it_stands_on() {
        let root = root(Branches {
            memory: idle("writer"),
            owners: idle("keys"),
            doors: idle("public"),
            outflow: idle("mail"),
        });
        let view = root.observer().observe();
        let names: Vec<String> = view
            .children
            .iter()
            .map(|b| format!("{}/{}", b.name, b.children[0].name))
            .collect();
        let expected = [
            "memory/writer",
            "owners/keys",
            "doors/public",
            "outflow/mail",
        ];
        assert_eq!(names, expected);
    }
}
