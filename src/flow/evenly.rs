//! Answering after the same span whatever was found (OWASP ASVS 5.0 §6.3.8).
//!
//! An act whose answer must not tell whether an account exists does different work for an account
//! and for none. So that the clock does not tell either, such an act takes a fixed span that is
//! longer than its work on a healthy store. While the store is slower than that the difference is
//! below what its own delays hide.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::Act;

/// How long an even act takes.
const SPAN: Duration = Duration::from_millis(200);

/// Awaits the work, and then the rest of the span.
pub(crate) async fn evenly<T>(act: &Act, work: impl Future<Output = T>) -> T {
    let end = (Instant::now() + SPAN).min(act.deadline.instant());
    let done = work.await;
    sleep_until(end).await;
    done
}
