//! Signed tokens and their keys (RFC 7515, 7517, 7518, 7519, 7638, 8037).
//!
//! [`key_pair`] makes, imports and exports signing keys; [`signer`] signs on the hot path with a key
//! parsed once and a header encoded once; [`verify`] judges compact JWS strings with
//! `jsonwebtoken`, adding the rules that library leaves to its caller (`typ`, `crit`, times).

pub mod key_pair;
pub mod signer;
pub mod verify;
