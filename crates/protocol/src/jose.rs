//! Signed tokens and their keys (RFC 7515, 7517, 7518, 7519, 7638, 8037).
//!
//! [`key_pair`] makes, imports and exports signing keys; [`signer`] signs on the hot path with a key
//! parsed once and a header encoded once; [`verify`] judges what we signed and [`foreign`] what
//! others signed. `jsonwebtoken` checks the signatures; the rules it leaves to its caller are ours:
//! [`compact`] takes a text apart, [`jwk`] takes public keys, [`times`] judges `exp`, `nbf`, `iat`.

pub mod compact;
pub mod foreign;
pub mod jwk;
pub mod key_pair;
pub mod signer;
pub mod times;
mod unique;
#[cfg(test)]
pub(crate) mod vectors;
pub mod verify;
