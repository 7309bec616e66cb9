//! Labels: what series are told apart by. Each is an enum or a text of the code, so their number is
//! bounded.

use http::Method;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};

use crate::telemetry::history::Happening;

/// What became of a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum LoginOutcome {
    /// A token pair was given.
    Succeeded,
    /// The password was right, and a second factor is owed.
    Owing,
    /// Unknown, wrong or closed.
    Refused,
    /// The account or the address has to wait.
    Delayed,
    /// The password is disabled until it is reset.
    Disabled,
    /// We failed.
    Failed,
}

/// What became of a refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum RefreshOutcome {
    /// The family advanced.
    Rotated,
    /// The same successor was given again.
    Repeated,
    /// The successor was issued again outside the reuse window.
    Reissued,
    /// A spent token came back: the family ended.
    Reused,
    /// Expired, ended, foreign or no token of ours.
    Refused,
    /// We failed.
    Failed,
}

/// The methods that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
#[expect(
    missing_docs,
    reason = "each is the method of that name (RFC 9110 §9.3)"
)]
pub enum MethodLabel {
    GET,
    HEAD,
    POST,
    PUT,
    PATCH,
    DELETE,
    OPTIONS,
    /// Any other.
    OTHER,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RequestLabels {
    pub(super) door: &'static str,
    pub(super) method: MethodLabel,
    pub(super) route: &'static str,
    pub(super) status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct CallLabels {
    pub(super) route: &'static str,
    pub(super) code: i32,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RouteLabels {
    pub(super) door: &'static str,
    pub(super) route: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct DoorLabels {
    pub(super) door: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct LoginLabels {
    pub(super) outcome: LoginOutcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RefreshLabels {
    pub(super) outcome: RefreshOutcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OwnerLabels {
    pub(super) owner: String,
}

// === impl LoginOutcome ===

impl LoginOutcome {
    /// Says what it is in the history of the last hours.
    pub(super) const fn happening(self) -> Happening {
        match self {
            Self::Succeeded => Happening::SignedIn,
            Self::Owing => Happening::Owing,
            Self::Refused => Happening::Refused,
            Self::Delayed => Happening::TurnedAway,
            Self::Disabled => Happening::Disabled,
            Self::Failed => Happening::Failed,
        }
    }
}

// === impl MethodLabel ===

impl From<&Method> for MethodLabel {
    fn from(method: &Method) -> Self {
        match *method {
            Method::GET => Self::GET,
            Method::HEAD => Self::HEAD,
            Method::POST => Self::POST,
            Method::PUT => Self::PUT,
            Method::PATCH => Self::PATCH,
            Method::DELETE => Self::DELETE,
            Method::OPTIONS => Self::OPTIONS,
            _ => Self::OTHER,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_method_is_counted_as_other() {
        let brew = Method::from_bytes(b"BREW").expect("a method");
        assert_eq!(MethodLabel::from(&brew), MethodLabel::OTHER);
    }
}
