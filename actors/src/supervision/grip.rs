//! What a supervisor holds of a child that runs, whatever its kind.

use std::time::Duration;

use ractor::ActorId;

/// A hold on one running incarnation. Dropping it lets no more work in and lets go.
pub(super) trait Grip: Send {
    /// Gives the actor whose end is the child's end; none for what is no actor.
    fn actor(&self) -> Option<ActorId>;

    /// Asks it to finish what it began, at most `within`, and end.
    fn stop(&mut self, within: Duration);

    /// Ends it where it stands. What blocks its thread ends when it comes back.
    fn kill(&mut self);

    /// Asks whether it is alive and gives how many times in a row it did not answer. What has no
    /// mailbox is not asked.
    fn ping(&mut self) -> u32 {
        0
    }
}
