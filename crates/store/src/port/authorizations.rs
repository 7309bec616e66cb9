//! Port: pushed requests, authorization codes and consents. Used by flows. What a code is worth is
//! given by the sessions owner: see [`Sessions::redeem_code`](super::sessions::Sessions::redeem_code).

use domain::authorization::{CodeGrant, Consent};
use domain::event::Entry;
use domain::id::{SessionId, TenantId, UserId};
use domain::session::Session;
use domain::time::UnixMillis;
use domain::user::User;
use serde_json::Value;

use super::Pending;

/// A request that a client pushed (RFC 9126).
#[derive(Debug, Clone, PartialEq)]
pub struct PushedRequest {
    /// The tenant.
    pub tenant: TenantId,
    /// The signature of its `request_uri`.
    pub signature: [u8; 32],
    /// The client that pushed it: nobody else may use it.
    pub client: String,
    /// What it asks for.
    pub parameters: Value,
    /// When it was pushed.
    pub created_at: UnixMillis,
    /// Until when an authorization may begin with it.
    pub expires_at: UnixMillis,
}

/// An authorization that completes with a code.
#[derive(Debug, Clone)]
pub struct NewCode {
    /// The tenant.
    pub tenant: TenantId,
    /// The code's signature.
    pub signature: [u8; 32],
    /// What it is worth.
    pub grant: CodeGrant,
    /// The present instant.
    pub created_at: UnixMillis,
    /// When it ends unredeemed.
    pub expires_at: UnixMillis,
    /// The signature of the pushed request it came from, which is spent.
    pub spend_pushed: Option<[u8; 32]>,
    /// What the person allowed by it, to be remembered. Its tenant, person and client are those of
    /// the code, whatever it says.
    pub remember: Option<Consent>,
    /// Whether nobody was asked because what the person allowed before covers it: then that must
    /// still stand.
    pub relies_on_consent: bool,
    /// The audit entry.
    pub entry: Entry,
}

/// What became of a completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeIssue {
    /// The code is stored.
    Issued,
    /// The pushed request was spent already, or is none of this client's.
    AlreadySpent,
    /// The consent that it relied on was taken back.
    ConsentGone,
    /// The session ended, or its person may not sign in any more.
    SessionEnded,
}

/// Stores pushed requests, codes and consents.
pub trait Authorizations: Send + Sync + 'static {
    /// Stores a pushed request. Its signature is random, so it cannot be taken.
    fn push_request(&self, request: PushedRequest) -> Pending<'_, ()>;

    /// Loads the parameters of a pushed request that is this client's, unspent and unexpired, without
    /// spending it.
    fn load_pushed(
        &self,
        tenant: TenantId,
        signature: [u8; 32],
        client: String,
        now: UnixMillis,
    ) -> Pending<'_, Option<Value>>;

    /// Completes an authorization in one commit: spends the pushed request, grows the consent by
    /// what was allowed, stores the code and the audit entry. Exactly one of any number of concurrent
    /// completions of one pushed request succeeds. Nothing is written unless the code is issued.
    ///
    /// A pushed request that expired since it was loaded is spent all the same: a person may take
    /// longer to sign in than it lives.
    fn issue_code(&self, new: NewCode) -> Pending<'_, CodeIssue>;

    /// Loads what a person allowed a client.
    fn load_consent(
        &self,
        tenant: TenantId,
        user: UserId,
        client: String,
    ) -> Pending<'_, Option<Consent>>;

    /// Lists what a person allowed, by client.
    fn list_consents(&self, tenant: TenantId, user: UserId) -> Pending<'_, Vec<Consent>>;

    /// Loads a session that is live, and its user, if active.
    fn load_browser_session(
        &self,
        tenant: TenantId,
        session: SessionId,
        now: UnixMillis,
    ) -> Pending<'_, Option<(Session, User)>>;

    /// Says which clients have, or had, a family in a session, and the sector that each knows it in;
    /// of several families the one that was used last says it. The most recent hundred.
    fn load_session_clients(
        &self,
        tenant: TenantId,
        session: SessionId,
    ) -> Pending<'_, Vec<(String, Option<String>)>>;
}
