//! What seldom happens, beside what happens all the time.
//!
//! A future that is polled beside another is polled whenever that one is. To ask a token whether it was
//! cancelled takes two locks that all connections share, so a connection would pay for its own end with each
//! request. Here it is asked only after it has said that there is something to ask for.

use std::future::Future;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

/// A future that is polled when it was woken, and not else.
pub(super) struct Seldom<F>(FuturesUnordered<F>);

// === impl Seldom ===

impl<F: Future> Seldom<F> {
    pub(super) fn new(future: F) -> Self {
        Self(FuturesUnordered::from_iter([future]))
    }

    /// Waits for it; once it was there, for ever.
    ///
    /// # Cancel safety
    /// Dropping the wait loses nothing.
    pub(super) async fn happens(&mut self) -> F::Output {
        match self.0.next().await {
            Some(output) => output,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::poll_fn;
    use std::task::Poll;

    use futures_util::FutureExt;
    use tokio_util::sync::CancellationToken;

    use super::*;

    #[tokio::test]
    async fn it_is_asked_once_until_it_wakes() {
        let (asked, token) = (Cell::new(0), CancellationToken::new());
        let mut cancelled = Box::pin(token.cancelled());
        let counted = poll_fn(|context| {
            asked.set(asked.get() + 1);
            cancelled.as_mut().poll(context)
        });
        let mut seldom = Seldom::new(counted);
        for _ in 0..10 {
            assert!(seldom.happens().now_or_never().is_none());
        }
        assert_eq!(asked.get(), 1);
        token.cancel();
        seldom.happens().await;
        assert_eq!(asked.get(), 2);
        assert!(seldom.happens().now_or_never().is_none());
    }

    #[tokio::test]
    async fn whoever_waits_is_woken_by_it() {
        let token = CancellationToken::new();
        let mut seldom = Seldom::new(token.cancelled());
        let mut other = 0;
        let both = poll_fn(|context| {
            other += 1;
            let mut wait = std::pin::pin!(seldom.happens());
            let polled = wait.as_mut().poll(context);
            if other == 1 {
                token.cancel();
            }
            match polled {
                Poll::Ready(()) => Poll::Ready(other),
                Poll::Pending => Poll::Pending,
            }
        });
        assert_eq!(both.await, 2);
    }
}
