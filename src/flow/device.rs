//! Devices without a browser (RFC 8628).
//!
//! [`begin()`] lets a device wait: it shows a short code, which a person types on another device.
//! [`find()`] looks for the device that is named so; it bounds how often anyone may look, since there are
//! few codes and a stranger may try them (§5.1). [`decide()`] takes the person's decision, always asked:
//! the code may have come from somebody who wants their own device allowed (§5.4), so no earlier consent
//! and no trust in the client skips the question, and none is remembered.
//!
//! The device learns of it at the token endpoint: see [`device_code`](super::token::device_code).

mod asked;
mod begin;
mod decide;
mod find;

pub use asked::AskedDevice;
pub use begin::{Begin, Begun, begin};
pub use decide::{Decided, decide};
pub use find::find;
