//! What was answered, as it is counted.

use std::time::Duration;

use domain::time::UnixMillis;
use http::StatusCode;

use super::MethodLabel;

/// One answered request, as it is counted.
#[derive(Debug, Clone, Copy)]
pub struct Answered {
    /// The door's name.
    pub door: &'static str,
    /// The method.
    pub method: MethodLabel,
    /// The route's template, never the path.
    pub route: &'static str,
    /// The status.
    pub status: StatusCode,
    /// From the last header byte to the answer.
    pub duration: Duration,
    /// When it arrived.
    pub at: UnixMillis,
}

/// One answered gRPC call, as it is counted.
#[derive(Debug, Clone, Copy)]
pub struct Called {
    /// The door's name.
    pub door: &'static str,
    /// The call's path, if there is such a call.
    pub route: &'static str,
    /// The gRPC status.
    pub code: i32,
    /// From the last header byte to the answer.
    pub duration: Duration,
}
