//! Audit entries: who did what to whom, from where, with what outcome. Never a secret, never an
//! e-mail address: subjects are ids.

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::id::{RequestId, SessionId, TenantId};
use crate::time::UnixMillis;

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Nobody we know yet.
    Anonymous,
    /// A person, by id.
    User(String),
    /// A client, by id.
    Client(String),
    /// The holder of an API key, by id.
    ApiKey(String),
    /// The service itself.
    System,
}

impl Actor {
    /// Gives the two texts a store keeps: the kind and the id.
    #[must_use]
    pub fn to_stored(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Anonymous => ("anonymous", None),
            Self::User(id) => ("user", Some(id)),
            Self::Client(id) => ("client", Some(id)),
            Self::ApiKey(id) => ("api_key", Some(id)),
            Self::System => ("system", None),
        }
    }
}

/// Where an act comes from: everything about a request that its audit entry keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The tenant it happens in.
    pub tenant: TenantId,
    /// Who acts.
    pub actor: Actor,
    /// From which address.
    pub address: Option<IpAddr>,
    /// With which program: the `User-Agent` header, at most 256 bytes of it.
    pub user_agent: Option<String>,
    /// In which request.
    pub request: RequestId,
    /// When.
    pub at: UnixMillis,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each name says it; `as_str` gives the stored word"
)]
pub enum EventKind {
    TenantCreated,
    TenantUpdated,
    UserRegistered,
    UserCreated,
    UserUpdated,
    UserDeleted,
    UserLocked,
    UserUnlocked,
    UserExported,
    UserDeletionRequested,
    UserRestored,
    LoginSucceeded,
    LoginFailed,
    LoginOwing,
    PasswordChanged,
    PasswordRehashed,
    PasswordResetRequested,
    PasswordResetCompleted,
    EmailVerificationRequested,
    EmailVerified,
    FactorBegun,
    FactorAdded,
    FactorRenamed,
    FactorRemoved,
    FactorFailed,
    FactorsReset,
    FactorRecoveryRequested,
    FactorsRecovered,
    BackupCodesMade,
    BackupCodeUsed,
    TokenIssued,
    TokenRefreshed,
    TokenReuseDetected,
    TokenRevoked,
    SessionSteppedUp,
    SessionEnded,
    AuthorizationGranted,
    AuthorizationDenied,
    CodeReplayed,
    ConsentRevoked,
    ClientCreated,
    ClientUpdated,
    ClientDeleted,
    ClientSecretRotated,
    RoleCreated,
    RoleUpdated,
    RoleDeleted,
    PolicyCreated,
    PolicyDeleted,
    ApiKeyCreated,
    ApiKeyRevoked,
    KeyCreated,
    KeyActivated,
    KeyRetired,
}

impl EventKind {
    /// Gives the word a store keeps and JSON shows.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TenantCreated => "tenant.created",
            Self::TenantUpdated => "tenant.updated",
            Self::UserRegistered => "user.registered",
            Self::UserCreated => "user.created",
            Self::UserUpdated => "user.updated",
            Self::UserDeleted => "user.deleted",
            Self::UserLocked => "user.locked",
            Self::UserUnlocked => "user.unlocked",
            Self::UserExported => "user.exported",
            Self::UserDeletionRequested => "user.deletion_requested",
            Self::UserRestored => "user.restored",
            Self::LoginSucceeded => "login.succeeded",
            Self::LoginFailed => "login.failed",
            Self::LoginOwing => "login.factor_owed",
            Self::PasswordChanged => "password.changed",
            Self::PasswordRehashed => "password.rehashed",
            Self::PasswordResetRequested => "password.reset_requested",
            Self::PasswordResetCompleted => "password.reset_completed",
            Self::EmailVerificationRequested => "email.verification_requested",
            Self::EmailVerified => "email.verified",
            Self::FactorBegun => "factor.begun",
            Self::FactorAdded => "factor.added",
            Self::FactorRenamed => "factor.renamed",
            Self::FactorRemoved => "factor.removed",
            Self::FactorFailed => "factor.failed",
            Self::FactorsReset => "factors.reset",
            Self::FactorRecoveryRequested => "factors.recovery_requested",
            Self::FactorsRecovered => "factors.recovered",
            Self::BackupCodesMade => "backup_codes.made",
            Self::BackupCodeUsed => "backup_code.used",
            Self::TokenIssued => "token.issued",
            Self::TokenRefreshed => "token.refreshed",
            Self::TokenReuseDetected => "token.reuse_detected",
            Self::TokenRevoked => "token.revoked",
            Self::SessionSteppedUp => "session.stepped_up",
            Self::SessionEnded => "session.ended",
            Self::AuthorizationGranted => "authorization.granted",
            Self::AuthorizationDenied => "authorization.denied",
            Self::CodeReplayed => "code.replay_detected",
            Self::ConsentRevoked => "consent.revoked",
            Self::ClientCreated => "client.created",
            Self::ClientUpdated => "client.updated",
            Self::ClientDeleted => "client.deleted",
            Self::ClientSecretRotated => "client.secret_rotated",
            Self::RoleCreated => "role.created",
            Self::RoleUpdated => "role.updated",
            Self::RoleDeleted => "role.deleted",
            Self::PolicyCreated => "policy.created",
            Self::PolicyDeleted => "policy.deleted",
            Self::ApiKeyCreated => "api_key.created",
            Self::ApiKeyRevoked => "api_key.revoked",
            Self::KeyCreated => "key.created",
            Self::KeyActivated => "key.activated",
            Self::KeyRetired => "key.retired",
        }
    }
}

/// One audit entry, ready to be written in the commit of what it tells of.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What happened.
    pub kind: EventKind,
    /// Who did it, where, when.
    pub origin: Origin,
    /// To whom: an id, never an address.
    pub subject: Option<String>,
    /// Through which client.
    pub client: Option<String>,
    /// In which session.
    pub session: Option<SessionId>,
    /// Whether it succeeded.
    pub success: bool,
    /// What else is worth keeping; never a secret.
    pub detail: Value,
}

impl Entry {
    /// Tells of a success.
    #[must_use]
    pub fn new(kind: EventKind, origin: &Origin) -> Self {
        Self {
            kind,
            origin: origin.clone(),
            subject: None,
            client: None,
            session: None,
            success: true,
            detail: json!({}),
        }
    }

    /// Says to whom.
    #[must_use]
    pub fn about(mut self, subject: &impl ToString) -> Self {
        self.subject = Some(subject.to_string());
        self
    }

    /// Says through which client.
    #[must_use]
    pub fn through(mut self, client: &str) -> Self {
        self.client = Some(client.to_owned());
        self
    }

    /// Says in which session.
    #[must_use]
    pub const fn within(mut self, session: SessionId) -> Self {
        self.session = Some(session);
        self
    }

    /// Adds what else is worth keeping; never a secret.
    #[must_use]
    pub fn with(mut self, detail: Value) -> Self {
        self.detail = detail;
        self
    }

    /// Says that it failed.
    #[must_use]
    pub const fn failed(mut self) -> Self {
        self.success = false;
        self
    }
}
