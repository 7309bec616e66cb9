//! Floor 1: what must survive.
//!
//! [`port`] holds the storage traits, one file each. A port's methods are verbs, not table
//! accesses: each is one atomic step in the backend, with its audit and feed rows in the same
//! commit, so no transaction of ours ever crosses an `await` of a caller. A verb answers only when
//! what it wrote is durable.
//!
//! The store is the judge of "once": several processes may run on one database, so whatever may
//! happen once only is decided inside a verb, never by what a process remembers.
//!
//! Backends: [`sqlite`] (embedded), [`postgres`], and for short-lived state [`memory`] and
//! [`redis`]. The suite in [`contract`] judges them all alike.

#[cfg(feature = "contract")]
pub mod contract;
pub mod memory;
pub mod port;
pub mod postgres;
pub mod redis;
pub mod sqlite;
