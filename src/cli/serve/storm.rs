//! A storm of crashes on demand, for test builds only: without the feature `failpoints`, nothing of it
//! exists, and no variable starts one.
//!
//! Only a process of its own can show with which status a storm ends it, and nobody outside a process
//! can reach its failpoints: so it is told by a variable to arm them itself. The variable is no
//! configuration, and `config print` does not know it.
#![cfg(feature = "failpoints")]

use std::env;

use actors::failpoint::Action;

use crate::boot::Running;

/// The variable that asks for a storm, whatever its value.
const VARIABLE: &str = "TEST_STORM_OF_ATTEMPTS";

/// Makes the attempts owner crash at every message, if that is asked for: each sign-in is one.
pub(super) fn arm(running: &Running) {
    if env::var_os(VARIABLE).is_some() {
        let points = running.flows().attempts.failpoints();
        points.for_each(|point| point.arm(Action::Panic, u32::MAX));
    }
}
