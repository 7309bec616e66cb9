//! What a judge written in Rust is judged in: the service as a process of its own, and a person with a
//! browser that has no JavaScript.

pub mod person;
pub mod service;
