//! `/admin`: the operators' API (CONTRACT §9).

pub(in crate::http) mod actors;
pub(in crate::http) mod clients;
pub(in crate::http) mod consents;
pub(in crate::http) mod keys;
pub(in crate::http) mod login_ui;
pub(in crate::http) mod tenants;
pub(in crate::http) mod users;
