//! Notices: telling a client that a session it knows has ended (OpenID Connect Back-Channel Logout).

use crate::id::{SessionId, TenantId, UserId};
use crate::time::UnixMillis;

/// Which notice: a client is told of a session's end once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NoticeId {
    /// The tenant.
    pub tenant: TenantId,
    /// The session that ended.
    pub session: SessionId,
    /// The client that is to be told.
    pub client: String,
}

/// A notice that waits to be given. It stands for itself: session and account may be gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Which one.
    pub id: NoticeId,
    /// Whose session it was.
    pub user: UserId,
    /// The sector that the client knows the person in; none: it was told the account's own name.
    pub sector: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// When the session ended.
    pub created_at: UnixMillis,
}
