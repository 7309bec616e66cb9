//! `/oauth` and `/.well-known`: what third-party clients speak (CONTRACT §6).

pub(in crate::http) mod device_authorization;
pub(in crate::http) mod discovery;
pub(in crate::http) mod introspect;
pub(in crate::http) mod jwks;
pub(in crate::http) mod par;
pub(in crate::http) mod register;
pub(in crate::http) mod revoke;
pub(in crate::http) mod token;
pub(in crate::http) mod userinfo;
