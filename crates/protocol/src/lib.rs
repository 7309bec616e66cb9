//! Floor 1: what the standards say, as pure functions.
//!
//! Nothing here performs I/O or reads a clock; every rule takes what it judges as arguments and so
//! can be tested with a standard's own vectors. Cryptographic primitives come from `aws-lc-rs`.
//!
//! Start with [`opaque`] (our own tokens), [`jose`] (signed tokens, keys) and [`password`] (NIST SP
//! 800-63B-4). [`system_secrets`] and [`seal`] are what they stand on.

pub mod access_token;
pub mod entropy;
pub mod jose;
pub mod opaque;
pub mod password;
pub mod seal;
pub mod system_secrets;
