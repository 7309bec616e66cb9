//! Floor 1: what the standards say, as pure functions.
//!
//! Nothing here performs I/O or reads a clock; every rule takes what it judges as arguments and so
//! can be tested with a standard's own vectors. Cryptographic primitives come from `aws-lc-rs`.
//!
//! Start with [`oauth`] (what clients ask for), [`oidc`] (who signed in, told to them), [`opaque`] (our
//! own tokens), [`jose`] (signed tokens, keys) and [`password`] (NIST SP 800-63B-4).
//! [`system_secrets`] and [`seal`] are what they stand on. What a sign-in still owes is judged by
//! [`assurance`], from what [`totp`], [`backup_code`] and [`recovery_code`] judge. What clients sign is judged by [`dpop`], [`client_assertion`] and [`request_object`],
//! what they show in TLS by [`client_certificate`], what other issuers sign by [`assertion_grant`].

pub mod access_token;
pub mod assertion_grant;
pub mod assurance;
pub mod backup_code;
pub mod client_assertion;
pub mod client_certificate;
pub mod dpop;
pub mod entropy;
pub mod envelope;
pub mod introspection;
pub mod jose;
#[cfg(test)]
mod mutants;
pub mod oauth;
pub mod oidc;
pub mod opaque;
pub mod password;
pub mod rbac;
pub mod recovery_code;
pub mod request_object;
pub mod seal;
pub mod system_secrets;
pub mod totp;
