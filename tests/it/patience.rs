//! How claims about time are judged on a machine with much else to do: what must happen has a
//! generous limit, and what must be quick is measured up to three times, of which the best counts.

use std::time::Duration;

/// What anything healthy takes at most, whatever else the machine does.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// How often a measurement is made at most.
const ROUNDS: usize = 3;

/// Measures until a round stays within the limit; fails if none of three does. A round is told its
/// number, and fails by itself if what it waits for does not come within [`PATIENCE`].
pub async fn best_of_three(limit: Duration, mut round: impl AsyncFnMut(usize) -> Duration) {
    let mut measured = Vec::new();
    for number in 0..ROUNDS {
        let took = round(number).await;
        measured.push(took);
        if took <= limit {
            return;
        }
    }
    panic!("never within {limit:?}: {measured:?}");
}
