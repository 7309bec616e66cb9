//! Floor 0: what things are.
//!
//! Ids, instants, secrets and the nouns of the service: tenant, user, client, session, event.
//! Nothing here performs I/O, reads a clock or knows a runtime, so every floor above may speak of
//! these things and every rule about them can be tested with plain values.
//!
//! Start with [`id`], then [`user`] and [`session`]; [`rejection`] says how any act can fail.

pub mod address;
pub mod api_key;
pub mod attempt;
pub mod authorization;
pub mod change;
pub mod client;
pub mod email;
pub mod event;
pub mod factor;
pub mod id;
pub mod identity;
pub mod key;
pub mod mail;
pub mod notice;
pub mod one_time;
pub mod page;
pub mod random;
pub mod rejection;
pub mod role;
pub mod scope;
pub mod secret;
pub mod session;
pub mod tenant;
pub mod time;
pub mod user;
