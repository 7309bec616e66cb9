//! How an act can fail: a [`Refusal`] is what a standard lets us tell a caller, a [`Fault`] is our
//! own failure. They meet in [`Rejection`], which each door turns into a response in one place.

use std::borrow::Cow;
use std::time::Duration;

use crate::secret::SecretText;
use crate::time::UnixMillis;

/// Why nothing came of an act.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The caller can do something about it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// We failed.
    #[error(transparent)]
    Failed(#[from] Fault),
}

/// What kind of refusal it is; the doors know its status and its wire code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// 400: the request is malformed.
    BadRequest,
    /// 401: no valid credential.
    Unauthorized,
    /// 403: a valid credential that is not enough.
    Forbidden,
    /// 403: the right password, which others know as well: it is good for nothing.
    PasswordCompromised,
    /// 403: the right proofs of an account that its owner deleted; says how to have it back.
    AccountDeleted,
    /// 404: no such thing here.
    NotFound,
    /// 405: no such method on this path.
    MethodNotAllowed,
    /// 409: it collides with what is stored.
    Conflict,
    /// 412: the version it was based on is no longer stored.
    PreconditionFailed,
    /// 413: the body is too large.
    PayloadTooLarge,
    /// 415: not a media type this endpoint reads.
    UnsupportedMediaType,
    /// 422: well formed, but a field is not acceptable.
    Validation,
    /// 429: too many requests; says when to come back.
    RateLimited,
}

/// The error codes of OAuth (RFC 6749 §5.2, RFC 6750 §3.1, RFC 7009 §2.2.1, RFC 7591 §3.2.2,
/// RFC 8628 §3.5, RFC 9470 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the standard's own word; see `as_str`")]
pub enum OAuthCode {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    UnauthorizedClient,
    UnsupportedGrantType,
    InvalidScope,
    InvalidToken,
    InsufficientScope,
    InsufficientUserAuthentication,
    InvalidTarget,
    UnsupportedTokenType,
    InvalidDpopProof,
    UseDpopNonce,
    InvalidRequestObject,
    InvalidAuthorizationDetails,
    InvalidRedirectUri,
    InvalidClientMetadata,
    InvalidSoftwareStatement,
    AuthorizationPending,
    SlowDown,
    AccessDenied,
    ExpiredToken,
}

impl OAuthCode {
    /// Finds the word of an authorization endpoint's error that a direct answer has too; the rest is
    /// `invalid_request` (RFC 9126 §2.3).
    #[must_use]
    pub fn of_authorization(word: &str) -> Self {
        [
            Self::UnauthorizedClient,
            Self::InvalidScope,
            Self::InvalidTarget,
            Self::InvalidRequestObject,
            Self::InvalidAuthorizationDetails,
        ]
        .into_iter()
        .find(|code| code.as_str() == word)
        .unwrap_or(Self::InvalidRequest)
    }

    /// Gives the standard's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::InsufficientUserAuthentication => "insufficient_user_authentication",
            Self::InvalidTarget => "invalid_target",
            Self::UnsupportedTokenType => "unsupported_token_type",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::InvalidRequestObject => "invalid_request_object",
            Self::InvalidAuthorizationDetails => "invalid_authorization_details",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::InvalidSoftwareStatement => "invalid_software_statement",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::AccessDenied => "access_denied",
            Self::ExpiredToken => "expired_token",
        }
    }
}

/// What we tell a caller who may not have what they asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{hint}")]
pub struct Refusal {
    /// What kind it is.
    pub code: Code,
    /// The OAuth word for it, where the caller speaks OAuth.
    pub oauth: Option<OAuthCode>,
    /// One sentence for the caller that says what to do. Never another's data, never a secret,
    /// never a dependency's text.
    pub hint: Cow<'static, str>,
    /// Which fields are wrong.
    pub fields: Vec<FieldError>,
    /// When to come back.
    pub retry_after: Option<Duration>,
    /// The nonce to prove a key with next (RFC 9449 §8).
    pub dpop_nonce: Option<String>,
    /// What sign-in would do instead of this one.
    pub step_up: Option<Box<StepUp>>,
    /// How to have a deleted account back.
    pub leaving: Option<Box<Leaving>>,
}

/// An account that its owner deleted, told to whoever proved to be them.
#[derive(Debug, Clone)]
pub struct Leaving {
    /// When it is erased.
    pub erase_at: UnixMillis,
    /// What they proved, sealed: it gives the account back.
    pub token: SecretText,
}

/// What a sign-in must be (RFC 9470 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepUp {
    /// How well the person is to prove who they are.
    pub acr: &'static str,
    /// How long ago at most.
    pub max_age: Duration,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field's name as the caller sent it.
    pub field: Cow<'static, str>,
    /// What is wrong, in words for people.
    pub message: Cow<'static, str>,
}

// === impl Leaving ===

impl PartialEq for Leaving {
    /// For tests: nothing else compares refusals.
    fn eq(&self, other: &Self) -> bool {
        self.erase_at == other.erase_at && self.token.expose() == other.token.expose()
    }
}

impl Eq for Leaving {}

// === impl Rejection ===

impl Rejection {
    /// Gives our own failure, if that is what it is.
    #[must_use]
    pub const fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Refused(_) => None,
            Self::Failed(fault) => Some(fault),
        }
    }
}

// === impl Refusal ===

impl Refusal {
    /// Refuses with a kind and a hint.
    #[must_use]
    pub fn new(code: Code, hint: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            oauth: None,
            hint: hint.into(),
            fields: Vec::new(),
            retry_after: None,
            dpop_nonce: None,
            step_up: None,
            leaving: None,
        }
    }

    /// Refuses in OAuth's words. Where the caller does not speak OAuth, an unusable grant (a spent
    /// refresh token, say) is a missing credential: 401. In OAuth's dialect it is 400 (RFC 6749
    /// §5.2).
    #[must_use]
    pub fn oauth(code: OAuthCode, hint: impl Into<Cow<'static, str>>) -> Self {
        let general = match code {
            OAuthCode::InvalidClient
            | OAuthCode::InvalidToken
            | OAuthCode::InvalidGrant
            | OAuthCode::InsufficientUserAuthentication => Code::Unauthorized,
            OAuthCode::InsufficientScope => Code::Forbidden,
            _ => Code::BadRequest,
        };
        Self {
            oauth: Some(code),
            ..Self::new(general, hint)
        }
    }

    /// Refuses one field of an otherwise well-formed request (422).
    #[must_use]
    pub fn field(
        field: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(Code::Validation, "a field is not acceptable").and_field(field, message)
    }

    /// Names one more wrong field.
    #[must_use]
    pub fn and_field(
        mut self,
        field: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.fields.push(FieldError {
            field: field.into(),
            message: message.into(),
        });
        self
    }

    /// Says when to come back; rounded up to whole seconds on the wire.
    #[must_use]
    pub const fn retry_after(mut self, span: Duration) -> Self {
        self.retry_after = Some(span);
        self
    }
}

/// How we failed. The details are for our log, never for the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A bounded queue is full; come back soon. 503.
    #[error("busy: {0}")]
    Busy(&'static str),
    /// The request's deadline passed before it was done. 504.
    #[error("the deadline passed")]
    Late,
    /// An owner is being restarted. 503.
    #[error("an owner is restarting: {0}")]
    Restarting(&'static str),
    /// The store could not be reached or did not answer in time. 503.
    #[error("the store is unavailable: {0}")]
    Store(String),
    /// Another service that we need failed. 503.
    #[error("an upstream service failed: {0}")]
    Upstream(String),
    /// Something that cannot be, was. 500.
    #[error("broken: {0}")]
    Broken(String),
}
