//! The shell of the limits owner: the only writer of the bans.

use std::sync::Arc;
use std::time::Duration;

use domain::rejection::Fault;
use domain::time::Clock;

use super::bans::Bans;
use super::message::Message;
use crate::snapshot::Publisher;
use crate::supervision::Owner;

/// Writes the bans, one order at a time.
pub(super) struct Gatekeeper {
    bans: Bans,
    clock: Arc<dyn Clock>,
    publisher: Publisher<Bans>,
}

// === impl Gatekeeper ===

impl Owner for Gatekeeper {
    type Message = Message;

    const TICK: Option<Duration> = Some(Duration::from_secs(10));

    async fn handle(&mut self, message: Message) -> Result<(), Fault> {
        match message {
            Message::Ban {
                network,
                until,
                reply,
            } => {
                self.bans.ban(network, until);
                self.publish();
                reply.send(());
            }
            Message::Lift { network, reply } => {
                let was_banned = self.bans.lift(network);
                self.publish();
                reply.send(was_banned);
            }
        }
        Ok(())
    }

    async fn tick(&mut self) -> Result<(), Fault> {
        if self.bans.sweep(self.clock.now()) {
            self.publish();
        }
        Ok(())
    }
}

impl Gatekeeper {
    /// Goes on from what was published last.
    pub(super) fn new(clock: Arc<dyn Clock>, publisher: Publisher<Bans>) -> Self {
        Self {
            bans: publisher.snapshot().load().as_ref().clone(),
            clock,
            publisher,
        }
    }

    fn publish(&self) {
        self.publisher.publish(self.bans.clone());
    }
}
