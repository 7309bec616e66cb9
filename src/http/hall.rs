//! The hall that both HTTP doors open into: the flows, and what only HTTP needs besides.

use std::sync::Arc;

use actors::supervision::TaskGroup;

use super::probes::Probes;
use crate::flow::Flows;

pub use super::probes::Probed;

/// What both HTTP doors, and the gRPC door's health, share.
pub struct Hall {
    pub(super) flows: Arc<Flows>,
    pub(super) tasks: TaskGroup,
    probes: Probes,
}

// === impl Hall ===

impl Hall {
    /// Puts it together. `tasks` runs the flows that must not be cut in half; whoever stops the
    /// doors drains it afterwards.
    #[must_use]
    pub fn new(flows: Arc<Flows>, tasks: TaskGroup, probed: Probed) -> Self {
        Self {
            flows,
            tasks,
            probes: Probes::new(probed),
        }
    }

    /// Says whether everything that a request may need is there.
    ///
    /// # Cancel safety
    /// Nothing is changed by asking.
    pub async fn is_ready(&self) -> bool {
        self.probes.check_ready(&self.flows).await.is_fine()
    }

    pub(super) const fn probes(&self) -> &Probes {
        &self.probes
    }
}
