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
    /// Who acts for somebody else, and through whom (RFC 8693 §4.1).
    Delegate {
        /// For whom.
        subject: String,
        /// The clients that act, the present one first.
        chain: Vec<String>,
    },
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
            // Nobody becomes somebody else: the client acts, and `detail` says for whom.
            Self::Delegate { chain, .. } => ("client", chain.first().map(String::as_str)),
            Self::ApiKey(id) => ("api_key", Some(id)),
            Self::System => ("system", None),
        }
    }

    /// Gives what the detail of a delegate's entry says beside all else: `act`, as the token has it, and
    /// `acts_for`.
    fn delegation(&self) -> Option<[(String, Value); 2]> {
        let Self::Delegate { subject, chain } = self else {
            return None;
        };
        let nest = |inner: Option<Value>, sub: &String| {
            Some(match inner {
                None => json!({ "sub": sub }),
                Some(act) => json!({ "sub": sub, "act": act }),
            })
        };
        let act = chain.iter().rev().fold(None, nest);
        Some([
            ("act".to_owned(), act.unwrap_or_default()),
            ("acts_for".to_owned(), json!(subject)),
        ])
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
    /// The tenant in which an `Idempotency-Key` was claimed for the request, if one was: the store notes
    /// there what its entry is about, in the same commit, and writes nothing when the claim was lost.
    pub claimed_in: Option<TenantId>,
    /// When.
    pub at: UnixMillis,
}

macro_rules! events {
    ($($kind:ident = $word:literal),+ $(,)?) => {
        /// What happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[expect(
            missing_docs,
            reason = "each name says it; `as_str` gives the stored word"
        )]
        pub enum EventKind {
            $($kind),+
        }

        impl EventKind {
            /// Every one of them.
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// Gives the word a store keeps and JSON shows.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $word),+
                }
            }
        }
    };
}

events!(
    TenantCreated = "tenant.created",
    TenantUpdated = "tenant.updated",
    TenantSuspended = "tenant.suspended",
    TenantActivated = "tenant.activated",
    TenantDeleted = "tenant.deleted",
    TenantRestored = "tenant.restored",
    TenantErased = "tenant.erased",
    UserRegistered = "user.registered",
    UserCreated = "user.created",
    UserUpdated = "user.updated",
    UserDeleted = "user.deleted",
    UserLocked = "user.locked",
    UserUnlocked = "user.unlocked",
    UserExported = "user.exported",
    UserDeletionRequested = "user.deletion_requested",
    UserRestored = "user.restored",
    LoginSucceeded = "login.succeeded",
    LoginFailed = "login.failed",
    LoginOwing = "login.factor_owed",
    PasswordChanged = "password.changed",
    PasswordRehashed = "password.rehashed",
    PasswordResetRequested = "password.reset_requested",
    PasswordResetCompleted = "password.reset_completed",
    EmailVerificationRequested = "email.verification_requested",
    EmailVerified = "email.verified",
    FactorBegun = "factor.begun",
    FactorAdded = "factor.added",
    FactorRenamed = "factor.renamed",
    FactorRemoved = "factor.removed",
    FactorFailed = "factor.failed",
    FactorsReset = "factors.reset",
    FactorRecoveryRequested = "factors.recovery_requested",
    FactorsRecovered = "factors.recovered",
    BackupCodesMade = "backup_codes.made",
    BackupCodeUsed = "backup_code.used",
    IdentityLinked = "identity.linked",
    IdentityUnlinked = "identity.unlinked",
    TokenIssued = "token.issued",
    TokenRefreshed = "token.refreshed",
    TokenReuseDetected = "token.reuse_detected",
    TokenRevoked = "token.revoked",
    SessionSteppedUp = "session.stepped_up",
    SessionEnded = "session.ended",
    AuthorizationGranted = "authorization.granted",
    AuthorizationDenied = "authorization.denied",
    CodeReplayed = "code.replay_detected",
    ConsentRevoked = "consent.revoked",
    ClientCreated = "client.created",
    ClientUpdated = "client.updated",
    ClientDeleted = "client.deleted",
    ClientSecretRotated = "client.secret_rotated",
    RoleCreated = "role.created",
    RoleUpdated = "role.updated",
    RoleDeleted = "role.deleted",
    PolicyCreated = "policy.created",
    PolicyDeleted = "policy.deleted",
    ApiKeyCreated = "api_key.created",
    ApiKeyUpdated = "api_key.updated",
    ApiKeyRotated = "api_key.rotated",
    ApiKeyRevoked = "api_key.revoked",
    KeyCreated = "key.created",
    KeyActivated = "key.activated",
    KeyRetired = "key.retired",
    KeyRevoked = "key.revoked",
    AuditExported = "audit.exported",
    AuditPurged = "audit.purged",
);

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
        .with(json!({}))
    }

    /// Says whether it tells what was made under a claimed `Idempotency-Key`.
    #[must_use]
    pub fn is_of_claim(&self) -> bool {
        self.success && self.origin.claimed_in == Some(self.origin.tenant)
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
        let delegation = self.origin.actor.delegation();
        if let (Some(members), Some(delegation)) = (self.detail.as_object_mut(), delegation) {
            members.extend(delegation);
        }
        self
    }

    /// Says who did it, where that is not whom the request came from.
    #[must_use]
    pub fn by(mut self, actor: Actor) -> Self {
        self.origin.actor = actor;
        let detail = std::mem::take(&mut self.detail);
        self.with(detail)
    }

    /// Says that it failed.
    #[must_use]
    pub const fn failed(mut self) -> Self {
        self.success = false;
        self
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn who_acts_for_somebody_is_named_with_everybody_between() {
        let origin = Origin {
            claimed_in: None,
            tenant: TenantId::from_uuid(Uuid::nil()),
            actor: Actor::Anonymous,
            address: None,
            user_agent: None,
            request: RequestId::from_uuid(Uuid::nil()),
            at: UnixMillis::default(),
        };
        let delegate = Actor::Delegate {
            subject: "ada".to_owned(),
            chain: vec!["agent-b".to_owned(), "agent-a".to_owned()],
        };
        assert_eq!(delegate.to_stored(), ("client", Some("agent-b")));
        let entry = Entry::new(EventKind::TokenIssued, &origin).by(delegate);
        let expected = json!({
            "jti": "x", "acts_for": "ada", "act": { "sub": "agent-b", "act": { "sub": "agent-a" } },
        });
        assert_eq!(entry.with(json!({ "jti": "x" })).detail, expected);
        let own = Entry::new(EventKind::TokenIssued, &origin);
        assert_eq!(own.detail, json!({}), "nobody else's entry says so");
    }
}
