//! Answering after the same span whatever was found (OWASP ASVS 5.0 §6.3.8).
//!
//! An act whose answer must not tell whether an account exists does different work for an account
//! and for none. So that the clock does not tell either, such an act takes a fixed span that is
//! longer than its work on a healthy store. While the store is slower than that the difference is
//! below what its own delays hide.

use std::time::Duration;

use actors::deadline::Deadline;
use tokio::time::{Instant, sleep_until};

/// How long an even act takes.
const SPAN: Duration = Duration::from_millis(200);

/// Awaits the work, and then the rest of the span or of the time there is.
pub(crate) async fn evenly<T>(deadline: Deadline, work: impl Future<Output = T>) -> T {
    let end = (Instant::now() + SPAN).min(deadline.instant());
    let done = work.await;
    sleep_until(end).await;
    done
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    async fn span_of(work: Duration, deadline: Duration) -> Duration {
        let started = Instant::now();
        evenly(Deadline::after(deadline), sleep(work)).await;
        started.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn much_work_and_little_take_the_same_span() {
        let minute = Duration::from_mins(1);
        let little = span_of(Duration::from_millis(1), minute).await;
        let much = span_of(Duration::from_millis(90), minute).await;
        assert_eq!((little, much), (SPAN, SPAN));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_kept_beyond_the_deadline() {
        let deadline = Duration::from_millis(50);
        assert_eq!(span_of(Duration::from_millis(1), deadline).await, deadline);
    }
}
