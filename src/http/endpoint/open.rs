//! What is open to anyone on a door and belongs to no tenant.

pub(in crate::http) mod document;
pub(in crate::http) mod health;
pub(in crate::http) mod metrics;
