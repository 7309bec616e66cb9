//! Which request is being answered: what every line that is logged on the way names it by.
//!
//! It goes with the future and not with a span: a span is kept in a table that all threads share, and costs
//! each request more than its line does. Spans are made where an exporter listens to them.

use std::future::Future;
use std::sync::Arc;

use tokio::task::futures::TaskLocalFuture;

tokio::task_local! {
    static PRESENT: Arc<str>;
}

/// Answers a request under its id. The future is one that is pinned already, so nothing large is moved.
pub(crate) fn named<F>(id: Arc<str>, answering: F) -> TaskLocalFuture<Arc<str>, F>
where
    F: Future,
{
    PRESENT.scope(id, answering)
}

/// Reads the id of the request that is being answered here; outside of one there is nothing to read.
pub(super) fn with_id(read: impl FnOnce(&str)) {
    // Outside of a request it is not read, which is all that was asked.
    let _ = PRESENT.try_with(|id| read(id));
}

/// Does something under the id of a request.
#[cfg(test)]
pub(super) fn named_here(id: &str, act: impl FnOnce()) {
    PRESENT.sync_scope(Arc::from(id), act);
}
