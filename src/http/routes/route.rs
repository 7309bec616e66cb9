//! The words in which the table speaks: what a line says of its route.

use http::Method;

use crate::http::body::Accepted;
use crate::http::endpoint::Endpoint;

/// The longest body at the public door.
pub(crate) const PUBLIC_BODY: usize = 64 * 1024;

/// One line of the table.
pub(in crate::http) struct Route {
    pub(in crate::http) method: Method,
    pub(in crate::http) path: &'static str,
    pub(in crate::http) endpoint: Endpoint,
    pub(in crate::http) door: Behind,
    pub(in crate::http) caller: Caller,
    pub(in crate::http) body: Accepted,
    pub(in crate::http) work: Work,
    pub(in crate::http) limited_by: LimitedBy,
}

/// Behind which door a route is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Behind {
    /// The public one.
    Public,
    /// The admin one.
    Admin,
    /// Either.
    Both,
}

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Caller {
    /// Anyone.
    Anyone,
    /// A browser, sent by a page of ours if it changes something.
    Browser,
    /// A person with an access token, signed in.
    Person,
    /// Such a person, or one in the middle of a sign-in, which the body names.
    Signing,
    /// A person, or who acts for one or knows them by another name, with an access token.
    Delegate,
    /// An operator.
    Admin,
}

/// Whether the work outlives its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Work {
    /// It is dropped when the client leaves: it changes nothing.
    Attached,
    /// It is done to its end: it changes state.
    Detached,
    /// So is this, and where it is asked for again with the same `Idempotency-Key` it is not done again:
    /// it makes something, and its audit entry is written in the same commit.
    Once,
}

/// What bounds how often it may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum LimitedBy {
    /// The bucket of the client's network.
    Network,
    /// Nothing.
    Nothing,
}

// === impl Route ===

impl Route {
    /// Says whether fields that the endpoint does not know are refused (CONTRACT §5, §9).
    pub(in crate::http) fn is_strict(&self) -> bool {
        self.door == Behind::Admin
    }

    /// Gives how long a body may be where `configured` is the longest anywhere: whoever sends it to
    /// the public door has shown nothing yet, and no message there is long.
    pub(in crate::http) fn max_body(&self, configured: usize) -> usize {
        match self.door {
            Behind::Public | Behind::Both => configured.min(PUBLIC_BODY),
            Behind::Admin => configured,
        }
    }
}
