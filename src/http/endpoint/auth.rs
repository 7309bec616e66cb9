//! `/auth`: the first-party API (CONTRACT §5).

pub(in crate::http) mod activity;
pub(in crate::http) mod consents;
pub(in crate::http) mod login;
pub(in crate::http) mod logout;
pub(in crate::http) mod me;
pub(in crate::http) mod mfa;
pub(in crate::http) mod password;
pub(in crate::http) mod recovery;
pub(in crate::http) mod register;
pub(in crate::http) mod revoke;
pub(in crate::http) mod sessions;
pub(in crate::http) mod token;
pub(in crate::http) mod verify_email;
pub(in crate::http) mod webauthn;
