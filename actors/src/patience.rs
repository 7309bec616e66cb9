//! How long an owner waits for the store, and a caller for what hangs on the store.
//!
//! A verb is awaited for the same bounded time whatever the caller's deadline is: the owner wants to
//! know what became of a write even if its caller left, and must not be taken for frozen while a
//! database hangs. The span is below the three missed pings that make an owner a frozen one, and
//! each answered or abandoned verb is a sign of life.
//!
//! A caller waits for one such span in all, queueing included. An owner serves one message at a
//! time, so behind a store that hangs the waits of those who queue would add up otherwise, and an
//! outage would look like a slow service instead of saying so.

use std::time::Duration;

use domain::rejection::Fault;
use store::port::Pending;
use tokio::time::timeout;

use crate::deadline::Deadline;
use crate::supervision;

/// The longest wait for one verb (CONTRACT §11: an outage is answered within 2 s).
const PATIENCE: Duration = Duration::from_secs(2);

/// The longest wait of a caller, queueing included. The rest of the two seconds is for the way back.
const ANSWER: Duration = Duration::from_millis(1_950);

/// Awaits a verb.
///
/// # Errors
/// The verb's own fault, or [`Fault::Store`] when it took too long; whether it wrote is then
/// unknown.
pub(crate) async fn patiently<T>(verb: Pending<'_, T>) -> Result<T, Fault> {
    let answer = timeout(PATIENCE, verb).await;
    supervision::note_progress();
    answer.unwrap_or_else(|_| Err(unanswered()))
}

/// Shortens a request's deadline to the wait for one answer.
pub(crate) fn patience_of(deadline: Deadline) -> Deadline {
    deadline.at_most(ANSWER)
}

/// Says why an answer that was awaited by [`patience_of`] did not come.
pub(crate) fn given_up(deadline: Deadline) -> Fault {
    if deadline.has_passed() {
        Fault::Late
    } else {
        unanswered()
    }
}

/// Awaits, as a caller, what hangs on the store.
///
/// # Errors
/// The verb's own fault; [`Fault::Late`] if the request's deadline passed; [`Fault::Store`] if the
/// caller's patience ended before.
pub(crate) async fn answered<T>(
    deadline: Deadline,
    answer: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    let bounded = patience_of(deadline).bound(answer).await;
    bounded.unwrap_or_else(|_| Err(given_up(deadline)))
}

fn unanswered() -> Fault {
    Fault::Store(format!("no answer within {} s", PATIENCE.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_store_that_hangs_is_a_store_that_is_unavailable() {
        let hung = patiently::<()>(Box::pin(std::future::pending())).await;
        assert!(matches!(hung, Err(Fault::Store(_))));
        assert_eq!(patiently(Box::pin(async { Ok(7) })).await, Ok(7));
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_is_told_of_an_outage_while_its_own_deadline_still_runs() {
        let hung = || std::future::pending::<Result<(), Fault>>();
        let told = answered(Deadline::after(Duration::from_secs(30)), hung()).await;
        assert!(matches!(told, Err(Fault::Store(_))), "{told:?}");
        let late = answered(Deadline::after(Duration::from_secs(1)), hung()).await;
        assert_eq!(late, Err(Fault::Late));
    }
}
