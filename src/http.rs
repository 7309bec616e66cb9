//! The HTTP doors: how a request comes in, is judged and is answered.
//!
//! [`listener`] accepts connections and bounds them; [`front`] is the way of every request, in one
//! place and one order; `routes` is the table of what can be asked, who may ask it and how; each
//! file under `endpoint` reads one route's message and writes its reply, and names the flow that
//! does the work; `render` is the one place that turns a rejection into a response.
//!
//! What the doors promise: nothing a stranger sends takes more than a bounded amount of memory, time
//! or connections; an answer carries the request's id and never a dependency's text; a flow that
//! changes state is not cut short by a client that leaves.
//!
//! Read next: `routes.rs`, then `front.rs`.

mod admission;
pub(crate) mod arrival;
pub(crate) mod body;
mod client_address;
mod client_authentication;
mod client_certificate;
mod connection;
mod cors;
pub(crate) mod credential;
mod endpoint;
mod entity_tag;
mod fields;
mod form;
pub mod front;
pub mod hall;
mod headers;
mod json;
pub mod listener;
mod once;
mod page;
mod paging;
mod path;
mod probes;
mod proof;
#[cfg(any(test, feature = "fuzzing"))]
pub mod readers;
mod render;
pub(crate) mod room;
pub mod routes;
mod seldom;
mod table;
mod tenant;
pub mod tls;
pub(crate) mod visitor;
mod way;
mod written;
