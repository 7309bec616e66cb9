//! OpenID Connect: what we tell clients about people and about ourselves, as pure rules.
//!
//! [`id_token`] and [`logout`] are the claims of the tokens that only OpenID Connect has;
//! [`subject`] names a person to a client, [`claims`] chooses what it may know of them, and
//! [`discovery`] is the document by which it finds everything else.
//!
//! Nothing here signs, stores or reads a clock: [`crate::jose::signer`] signs what these modules
//! shape.

pub mod claims;
pub mod discovery;
pub mod id_token;
pub mod logout;
pub mod subject;
