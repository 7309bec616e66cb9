//! How a backend is put to the test.

use std::any::Any;
use std::future::Future;

use futures_util::future::BoxFuture;
use libtest_mimic::{Failed, Trial};
use store::contract::cases;
use store::port::Ports;

/// Opens a fresh, empty, migrated store. What is returned beside the ports keeps it running (tasks,
/// directories, servers) and is dropped, inside the runtime, when the case is over.
pub(crate) type Open = fn() -> BoxFuture<'static, (Ports, Box<dyn Any + Send>)>;

/// Makes a trial of every case for a backend.
pub(crate) fn trials(backend: &str, open: Open) -> Vec<Trial> {
    let one = |case: store::contract::Case| {
        trial(format!("{backend}::{}", case.name), move || async move {
            let (ports, guard) = open().await;
            (case.run)(ports).await;
            drop(guard);
        })
    };
    cases().into_iter().map(one).collect()
}

/// Makes a trial that runs on a runtime of its own; it fails when it panics.
pub(crate) fn trial<F, T>(name: impl Into<String>, test: F) -> Trial
where
    F: FnOnce() -> T + Send + 'static,
    T: Future<Output = ()>,
{
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(Failed::from)?;
        runtime.block_on(test());
        Ok(())
    })
}
