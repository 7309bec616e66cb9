//! Port: devices without a browser that wait for a person (RFC 8628). Used by flows.
//!
//! What an allowed device is worth is a code under the signature of its device code: the sessions owner
//! redeems it once, as it redeems every code; see
//! [`Sessions::redeem_code`](super::sessions::Sessions::redeem_code).

use std::time::Duration;

use domain::event::Entry;
use domain::id::TenantId;
use domain::scope::ScopeSet;
use domain::time::UnixMillis;

use super::Pending;
use super::authorizations::{CodeIssue, NewCode};

/// How much longer a device that asked too soon has to wait from then on (RFC 8628 §3.5).
pub const SLOWER: Duration = Duration::from_secs(5);
/// The longest that a device is made to wait.
pub const SLOWEST: Duration = Duration::from_mins(1);

/// A device that begins to wait.
#[derive(Debug, Clone)]
pub struct NewDevice {
    /// The tenant.
    pub tenant: TenantId,
    /// The signature of its device code.
    pub signature: [u8; 32],
    /// The key of the code that the person types.
    pub user_code: [u8; 32],
    /// The client that it is.
    pub client: String,
    /// What it asks for.
    pub scope: ScopeSet,
    /// Which resources it is to be for.
    pub resources: Vec<String>,
    /// The present instant.
    pub created_at: UnixMillis,
    /// When it waits no longer.
    pub expires_at: UnixMillis,
    /// How long it waits between two questions.
    pub interval: Duration,
}

/// A device that waits for a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingDevice {
    /// The signature of its device code.
    pub signature: [u8; 32],
    /// The client that it is.
    pub client: String,
    /// What it asks for.
    pub scope: ScopeSet,
    /// Which resources it is to be for.
    pub resources: Vec<String>,
    /// When it waits no longer.
    pub expires_at: UnixMillis,
}

/// A person's no.
#[derive(Debug, Clone)]
pub struct Denial {
    /// The tenant.
    pub tenant: TenantId,
    /// The signature of the device code.
    pub signature: [u8; 32],
    /// The present instant.
    pub now: UnixMillis,
    /// The audit entry.
    pub entry: Entry,
}

/// A device's question whether it was decided.
#[derive(Debug, Clone)]
pub struct Poll {
    /// The tenant.
    pub tenant: TenantId,
    /// The signature of the device code.
    pub signature: [u8; 32],
    /// The client that asks; another client's device is unknown to it.
    pub client: String,
    /// The present instant.
    pub now: UnixMillis,
}

/// What a device is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Polled {
    /// There is no such device of this client.
    Unknown,
    /// Nobody decided in time, or it came for its tokens too late.
    Expired,
    /// The person said no.
    Denied,
    /// The person said yes: its code may be redeemed, if that has not happened yet.
    Allowed,
    /// Nobody decided yet.
    Waiting,
    /// Nobody decided yet, and it asks too often: from now on it waits [`SLOWER`] between two questions.
    TooSoon,
}

/// How far a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeviceStatus {
    /// Nobody decided.
    Waiting,
    /// The person said yes.
    Allowed,
    /// The person said no.
    Denied,
}

/// A device as a poll finds it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FoundDevice {
    pub(crate) status: DeviceStatus,
    pub(crate) expires_at: UnixMillis,
    pub(crate) polled_at: Option<UnixMillis>,
    pub(crate) interval: Duration,
}

/// Stores waiting devices.
pub trait Devices: Send + Sync + 'static {
    /// Stores a device that begins to wait; false when another one is named by the same user code, and
    /// nothing was written.
    fn begin_device(&self, device: NewDevice) -> Pending<'_, bool>;

    /// Finds the device that a person names, if it still waits for a decision.
    fn find_device(
        &self,
        tenant: TenantId,
        user_code: [u8; 32],
        now: UnixMillis,
    ) -> Pending<'_, Option<WaitingDevice>>;

    /// Allows a device in one commit: decides, stores the code under the device code's signature and
    /// the audit entry. [`CodeIssue::AlreadySpent`] when it was decided before, expired, or is none of
    /// this client's. Exactly one of any number of concurrent decisions counts.
    fn allow_device(&self, code: NewCode) -> Pending<'_, CodeIssue>;

    /// Denies a device; false when it was decided before, expired, or is unknown.
    fn deny_device(&self, denial: Denial) -> Pending<'_, bool>;

    /// Answers a device, and remembers when it asked.
    fn poll_device(&self, poll: Poll) -> Pending<'_, Polled>;
}

// === impl DeviceStatus ===

impl DeviceStatus {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Allowed => "allowed",
            Self::Denied => "denied",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Waiting, Self::Allowed, Self::Denied]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}

// === impl FoundDevice ===

impl FoundDevice {
    /// Judges a question that comes now.
    pub(crate) fn answer(&self, now: UnixMillis) -> Polled {
        if now >= self.expires_at {
            return Polled::Expired;
        }
        match self.status {
            DeviceStatus::Denied => Polled::Denied,
            DeviceStatus::Allowed => Polled::Allowed,
            DeviceStatus::Waiting if self.is_too_soon(now) => Polled::TooSoon,
            DeviceStatus::Waiting => Polled::Waiting,
        }
    }

    fn is_too_soon(&self, now: UnixMillis) -> bool {
        self.polled_at
            .is_some_and(|before| now < before + self.interval)
    }
}
