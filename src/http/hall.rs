//! The hall that every door opens into: the flows, and what only doors need besides.

use std::sync::Arc;

use actors::supervision::TaskGroup;

use super::probes::Probes;
use super::room::Room;
use super::written::Written;
use crate::flow::Flows;

pub use super::probes::Probed;

/// What all doors share.
pub struct Hall {
    pub(super) flows: Arc<Flows>,
    pub(super) tasks: TaskGroup,
    /// Where bodies take their room, at either door.
    pub(super) room: Room,
    /// What discovery says of each issuer.
    pub(super) metadata: Written,
    probes: Probes,
}

// === impl Hall ===

impl Hall {
    /// Puts it together. `tasks` runs the flows that must not be cut in half; whoever stops the
    /// doors drains it afterwards.
    #[must_use]
    pub fn new(flows: Arc<Flows>, tasks: TaskGroup, probed: Probed) -> Self {
        Self {
            room: Room::for_bodies_of(flows.settings.requests.max_body),
            metadata: Written::default(),
            flows,
            tasks,
            probes: Probes::new(probed),
        }
    }

    /// Gives what flows may use.
    pub(crate) const fn flows(&self) -> &Arc<Flows> {
        &self.flows
    }

    /// Gives where bodies take their room.
    pub(crate) const fn room(&self) -> &Room {
        &self.room
    }

    /// Says whether everything that a request may need is there.
    ///
    /// # Cancel safety
    /// Nothing is changed by asking.
    pub async fn is_ready(&self) -> bool {
        self.probes.check_ready(&self.flows).await.is_fine()
    }

    /// Looks now whether everything is there; whoever asks from here on is told the same.
    ///
    /// # Cancel safety
    /// Nothing is changed by looking.
    pub async fn becomes_ready(&self) -> bool {
        self.probes.check_anew(&self.flows).await.is_fine()
    }

    /// Names what is not there of what a request may need.
    ///
    /// # Cancel safety
    /// Nothing is changed by asking.
    pub async fn missing(&self) -> Vec<String> {
        self.probes.check_ready(&self.flows).await.failing()
    }

    pub(super) const fn probes(&self) -> &Probes {
        &self.probes
    }
}
