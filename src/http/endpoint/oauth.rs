//! `/oauth` and `/.well-known`: what third-party clients speak (CONTRACT §6).

pub(in crate::http) mod jwks;
pub(in crate::http) mod revoke;
pub(in crate::http) mod token;
