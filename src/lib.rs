//! Floors 3 and 4: what a caller can have done, and the doors they come in by.
//!
//! [`flow`] holds the steps of each user-visible act; [`http`] and [`grpc`] are the doors; [`config`]
//! reads every setting; [`courier`] carries mails out; [`authorities`] vouch for clients' certificates; [`egress`] guards what is fetched on a client's word; [`key_service`] has others wrap data keys; [`brand`] is how a tenant looks and [`language`] which one a person reads; [`telemetry`] says what happens; [`boot`] is
//! the only place that wires them to the owners and the stores; [`cli`] is what an operator types.
//!
//! `docs/ARCHITECTURE.md` walks through it; `http/routes.rs` is the table of what can be asked.

pub mod authorities;
pub mod boot;
pub mod brand;
pub mod cli;
pub mod config;
pub mod courier;
pub mod egress;
pub mod flow;
pub mod grpc;
pub mod http;
pub mod key_service;
pub mod language;
pub mod telemetry;
