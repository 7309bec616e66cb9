//! Argon2id, over and over: the kernel behind its gate, the threads and the parameters of the service, and nothing else.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::secret::{SecretBytes, SecretText};
use domain::time::UnixMillis;
use futures_util::future::try_join_all;
use hashing::{Cost, Hashing, HashingConfig};
use protocol::entropy::SystemRandom;

use super::{Order, Told};

/// What a hash costs where nothing else is configured.
pub(crate) const COST: Cost = Cost {
    memory_kib: 19_456,
    time: 2,
    parallelism: 1,
};

/// As many as a load has connections, so that whatever the gate makes of a full queue is in both.
const CALLERS: usize = 64;

/// Hashes for as long as told.
pub(super) async fn run(order: &Order) -> Result<Told, String> {
    let gate = gate(order.threads, &SecretBytes::new(vec![7; 32]))?;
    let begun = Instant::now();
    let end = begun + Duration::from_secs_f64(order.seconds);
    let counts = try_join_all((0..CALLERS).map(|_| hash_until(gate.clone(), end))).await?;
    Ok(Told {
        answers: counts.iter().sum(),
        seconds: begun.elapsed().as_secs_f64(),
    })
}

/// Makes a gate with the service's parameters.
pub(crate) fn gate(threads: usize, pepper: &SecretBytes) -> Result<Hashing, String> {
    let config = HashingConfig {
        cost: COST,
        threads: NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN),
        queue: CALLERS,
        peppers: vec![pepper.clone()],
    };
    Hashing::new(&config, Arc::new(SystemRandom), Arc::new(|_| {}))
        .map_err(|error| error.to_string())
}

async fn hash_until(gate: Hashing, end: Instant) -> Result<u64, String> {
    let mut count = 0;
    while Instant::now() < end {
        let place = gate.reserve().map_err(|fault| fault.to_string())?;
        let password = SecretText::new("a quiet garden in the rain".to_owned());
        let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
        let hashed = place.hash(password, UnixMillis::from_millis(0), deadline);
        hashed.await.map_err(|fault| fault.to_string())?;
        count += 1;
    }
    Ok(count)
}
