//! How long an owner waits for the store.
//!
//! A verb is awaited for the same bounded time whatever the caller's deadline is: the owner wants to
//! know what became of a write even if its caller left, and must not be taken for frozen while a
//! database hangs. The span is below the three missed pings that make an owner a frozen one.

use std::time::Duration;

use domain::rejection::Fault;
use store::port::Pending;
use tokio::time::timeout;

/// The longest wait for one verb (CONTRACT §11: an outage is answered within 2 s).
const PATIENCE: Duration = Duration::from_secs(2);

/// Awaits a verb.
///
/// # Errors
/// The verb's own fault, or [`Fault::Store`] when it took too long; whether it wrote is then
/// unknown.
pub(crate) async fn patiently<T>(verb: Pending<'_, T>) -> Result<T, Fault> {
    timeout(PATIENCE, verb).await.unwrap_or_else(|_| {
        Err(Fault::Store(format!(
            "no answer within {} s",
            PATIENCE.as_secs()
        )))
    })
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
}
