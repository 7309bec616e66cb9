//! The gate: who may hash now, who waits, and who is told to come back.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use domain::random::Random;
use domain::rejection::Fault;
use domain::secret::{SecretBytes, SecretText};
use domain::time::UnixMillis;
use domain::user::PasswordRecord;
use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, sleep, timeout_at};

use crate::peppers::Peppers;
use crate::phc::{Cost, OUTPUT_BYTES, SALT_BYTES, Stored};
use crate::{kernel, priority};

mod queue;
#[cfg(test)]
mod tests;

use queue::{Job, Queue};

/// How hashing is set up.
#[derive(Debug, Clone)]
pub struct HashingConfig {
    /// What a new hash costs.
    pub cost: Cost,
    /// How many threads hash.
    pub threads: NonZeroUsize,
    /// How many jobs may wait for a thread.
    pub queue: usize,
    /// The peppers, newest first.
    pub peppers: Vec<SecretBytes>,
}

/// The gate could not be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotStarted {
    /// There is no pepper; configuration refuses that before it gets here.
    #[error("PASSWORD_PEPPER is empty")]
    NoPepper,
    /// Argon2id does not allow this cost.
    #[error("ARGON2_MEMORY, ARGON2_TIME or ARGON2_PARALLELISM is outside what Argon2id allows")]
    Cost,
    /// The system gave no threads.
    #[error("no hashing threads: {0}")]
    Threads(String),
}

/// What a check of a password found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Whether it is the password.
    pub matches: bool,
    /// Whether it should be hashed anew: under weaker parameters or an older pepper than ours.
    pub outdated: bool,
}

/// Is told how long each hash took, without the time it waited. Called on a hashing thread.
pub type Watch = Arc<dyn Fn(Duration) + Send + Sync>;

/// How often it is looked whether anybody hashes. A hash in fresh memory takes some milliseconds more, and where
/// a virtual machine has to be given that memory first, some forty (`docs/BENCHMARKS.md`).
const REST: Duration = Duration::from_secs(10);

/// Hashes and checks passwords. Clones share the threads.
#[derive(Clone)]
pub struct Hashing(Arc<Gate>);

struct Gate {
    pool: ThreadPool,
    places: Arc<Semaphore>,
    capacity: usize,
    cost: Cost,
    peppers: Peppers,
    dummy: Stored,
    random: Arc<dyn Random>,
    queue: Arc<Queue>,
}

/// A place at the gate: the right to one hash. Dropping it gives the place to somebody else.
///
/// Whoever has to do other work before the hash takes the place first, so that the surplus is turned
/// away before it cost anything.
#[must_use = "a place that is not used keeps somebody else out"]
pub struct Place {
    gate: Arc<Gate>,
    permit: OwnedSemaphorePermit,
}

// === impl Hashing ===

impl Hashing {
    /// Starts the threads. `watch` is told how long each hash took.
    ///
    /// # Errors
    /// See [`NotStarted`].
    pub fn new(
        config: &HashingConfig,
        random: Arc<dyn Random>,
        watch: Watch,
    ) -> Result<Self, NotStarted> {
        config.cost.to_params().ok_or(NotStarted::Cost)?;
        let threads = config.threads.get();
        let capacity = threads
            .saturating_add(config.queue)
            .min(Semaphore::MAX_PERMITS);
        Ok(Self(Arc::new(Gate {
            pool: pool(threads)?,
            places: Arc::new(Semaphore::new(capacity)),
            capacity,
            cost: config.cost,
            peppers: Peppers::new(&config.peppers).ok_or(NotStarted::NoPepper)?,
            dummy: Stored {
                cost: config.cost,
                salt: random.array::<SALT_BYTES>().to_vec(),
                output: random.array::<OUTPUT_BYTES>().to_vec(),
            },
            random,
            queue: Arc::new(Queue::new(config.threads, config.cost, watch)),
        })))
    }

    /// Takes a place.
    ///
    /// # Errors
    /// [`Fault::Busy`] at once if every place is taken.
    pub fn reserve(&self) -> Result<Place, Fault> {
        let permit = Arc::clone(&self.0.places)
            .try_acquire_owned()
            .map_err(|_| Fault::Busy("hashing"))?;
        Ok(Place {
            gate: Arc::clone(&self.0),
            permit,
        })
    }

    /// Gives the memory of past hashes back to the system each time nobody has hashed for ten to twenty seconds:
    /// an idle service is that much smaller, and what is in it is worth as much as the passwords that were
    /// hashed. The next hash pays for fresh memory.
    ///
    /// # Cancel safety
    /// Goes on for ever; to drop it ends that and nothing else.
    pub async fn rest(&self) {
        // Whoever looked before may have been ended.
        let mut is_kept = true;
        loop {
            sleep(REST).await;
            if self.0.queue.was_used() {
                is_kept = true;
            } else if is_kept && self.depth() == 0 {
                self.0.pool.spawn_broadcast(|_| kernel::let_go());
                is_kept = false;
            }
        }
    }

    /// Gives how many places are taken.
    #[must_use]
    pub fn depth(&self) -> usize {
        let free = self.0.places.available_permits();
        self.0.capacity.saturating_sub(free)
    }
}

// === impl Place ===

impl Place {
    /// Hashes a new password at the configured cost, under the newest pepper. `set_at` is kept in
    /// the record.
    ///
    /// # Errors
    /// [`Fault::Late`] if the deadline passed.
    ///
    /// # Cancel safety
    /// Dropping the future gives the job up: it is skipped unless it has begun.
    pub async fn hash(
        self,
        password: SecretText,
        set_at: UnixMillis,
        deadline: Instant,
    ) -> Result<PasswordRecord, Fault> {
        let Self { gate, permit } = self;
        let salt: [u8; SALT_BYTES] = gate.random.array();
        let input = gate.peppers.mix(&password);
        let output = gate
            .run(permit, (gate.cost, input, salt.to_vec()), deadline)
            .await?;
        let stored = Stored {
            cost: gate.cost,
            salt: salt.to_vec(),
            output: output.to_vec(),
        };
        let phc = stored.to_phc().ok_or_else(refused)?;
        Ok(PasswordRecord {
            phc,
            pepper: gate.peppers.newest().to_owned(),
            set_at,
        })
    }

    /// Checks a password against a stored one, in constant time; against a fixed dummy, which
    /// nothing matches, if there is none or it cannot be read.
    ///
    /// # Errors
    /// As [`hash`](Self::hash). The password was not looked at then.
    ///
    /// # Cancel safety
    /// As [`hash`](Self::hash).
    pub async fn verify(
        self,
        password: SecretText,
        record: Option<PasswordRecord>,
        deadline: Instant,
    ) -> Result<Verified, Fault> {
        let Self { gate, permit } = self;
        let readable = record.and_then(|record| gate.read(&record, &password));
        let Some((stored, input, outdated)) = readable else {
            let (cost, salt) = (gate.dummy.cost, gate.dummy.salt.clone());
            let output = gate.run(permit, (cost, gate.peppers.mix(&password), salt), deadline);
            // Compared all the same, so that the compiler has no reason to leave the hash away.
            let _ = verify_slices_are_equal(&output.await?, &gate.dummy.output);
            return Ok(Verified {
                matches: false,
                outdated: false,
            });
        };
        let hashed = (stored.cost, input, stored.salt);
        let output = gate.run(permit, hashed, deadline).await?;
        Ok(Verified {
            matches: verify_slices_are_equal(&output, &stored.output).is_ok(),
            outdated,
        })
    }
}

// === impl Gate ===

impl Gate {
    /// Takes a stored password apart. One that cannot be used is for an operator to know of, and
    /// for the caller no different from a wrong password.
    fn read(
        &self,
        record: &PasswordRecord,
        password: &SecretText,
    ) -> Option<(Stored, SecretBytes, bool)> {
        let Some(stored) = Stored::parse(&record.phc) else {
            tracing::error!("a stored password is not an Argon2id hash of ours");
            return None;
        };
        let Some(input) = self.peppers.mix_named(&record.pepper, password) else {
            tracing::warn!(
                pepper = record.pepper,
                "a stored password needs a pepper that PASSWORD_PEPPER does not list any more"
            );
            return None;
        };
        let outdated = stored.cost.is_below(self.cost) || record.pepper != self.peppers.newest();
        Some((stored, input, outdated))
    }

    async fn run(
        &self,
        place: OwnedSemaphorePermit,
        (cost, input, salt): (Cost, SecretBytes, Vec<u8>),
        deadline: Instant,
    ) -> Result<kernel::Output, Fault> {
        let (answer, answered) = oneshot::channel();
        self.queue.push(Job {
            cost,
            input,
            salt,
            deadline,
            answer,
            place,
        });
        let queue = Arc::clone(&self.queue);
        self.pool.spawn(move || queue.serve());
        match timeout_at(deadline, answered).await {
            Err(_) => Err(Fault::Late),
            Ok(Ok(output)) => output.map_err(|_| refused()),
            Ok(Err(_)) if deadline <= Instant::now() => Err(Fault::Late),
            Ok(Err(_)) => Err(Fault::Broken("a hashing thread panicked".to_owned())),
        }
    }
}

fn pool(threads: usize) -> Result<ThreadPool, NotStarted> {
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|number| format!("hashing-{number}"))
        .start_handler(|_| priority::lower())
        // Without a handler rayon ends the process. The caller learns of it by the lost answer.
        .panic_handler(|_| tracing::error!("a password hash panicked"))
        .build()
        .map_err(|error| NotStarted::Threads(error.to_string()))
}

fn refused() -> Fault {
    Fault::Broken("Argon2id refused the parameters of a password".to_owned())
}
