//! Floor 1: the gate in front of Argon2id (RFC 9106).
//!
//! A hash costs milliseconds and megabytes, on purpose, so it is what a flood of sign-ins would
//! drown the service in. All of it goes through [`Hashing`]:
//!
//! - a pool of `HASHING_THREADS` threads that run below the request threads' priority, each with a
//!   memory that it keeps and reuses; when more wait than there are threads, each takes two and
//!   computes them together, which costs less;
//! - at most `HASHING_THREADS + HASHING_QUEUE` places, each taken before any other work is done for
//!   the hash; who finds none is told [`Fault::Busy`] at once;
//! - a job whose caller left, or whose deadline passed, is skipped when its turn comes.
//!
//! What is hashed is HMAC-SHA-256(pepper, NFC(password)); what is stored is a PHC string with the
//! parameters in it, and which pepper was mixed in. A password of nobody is hashed against a fixed
//! dummy, so that an unknown account costs what a known one costs.
//!
//! `kernel` is the one place that computes Argon2id, by `crates/argon2id`; the `argon2` crate is what
//! that is judged by, and what computes it on processors without AVX2.
//!
//! [`Fault::Busy`]: domain::rejection::Fault::Busy

mod gate;
mod kernel;
mod peppers;
mod phc;
mod priority;

pub use gate::{Hashing, HashingConfig, NotStarted, Place, Verified, Watch};
pub use phc::{Cost, writes_what_it_reads};
