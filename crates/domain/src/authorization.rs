//! Authorization: what a client asks a person for, and what it is given (RFC 6749 §4.1, OpenID
//! Connect Core §3.1).
//!
//! An [`AuthorizationRequest`] has passed every check: whoever holds one may show pages about it and
//! send answers to its redirect URI. It ends in a code, whose [`CodeGrant`] is what the code is worth
//! at the token endpoint. What a person allowed is kept as a [`Consent`].

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{SessionId, TenantId, UserId};
use crate::scope::ScopeSet;
use crate::time::UnixMillis;

/// A checked authorization request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// Who asks.
    pub client: String,
    /// Where the answer goes; one that the client registered.
    pub redirect_uri: String,
    /// How it goes there.
    pub response_mode: ResponseMode,
    /// What is asked for.
    pub scope: ScopeSet,
    /// Given back as it came (RFC 6749 §4.1.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Goes into the ID token as it came (OpenID Connect Core §3.1.2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// The S256 challenge (RFC 7636 §4.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_challenge: Option<String>,
    /// What the person is to be shown whatever is known already.
    #[serde(default)]
    pub prompt: Prompt,
    /// How many seconds ago the person may have signed in at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
    /// Who the client believes the person to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_hint: Option<String>,
    /// Whom the answer must be about: the subject of an ID token of ours that the client showed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_subject: Option<String>,
    /// How well the person is to prove who they are, best liked first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acr_values: Vec<String>,
    /// Single claims that are asked for (OpenID Connect Core §5.5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<Value>,
    /// Which resources the access token is to be for (RFC 8707).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// What exactly is asked for (RFC 9396).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_details: Option<Value>,
    /// The thumbprint of the key that the code is bound to (RFC 9449 §10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop_jkt: Option<String>,
    /// The languages that the person reads, best liked first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ui_locales: Vec<String>,
    /// The signature of the `request_uri` it was pushed under (RFC 9126), spent when it completes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pushed: Option<[u8; 32]>,
}

/// How an answer goes back to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResponseMode {
    /// In the query of the redirect URI.
    #[serde(rename = "query")]
    Query,
    /// In a form that posts itself (OAuth 2.0 Form Post Response Mode).
    #[serde(rename = "form_post")]
    FormPost,
    /// As one signed JWT in the query (JARM §2.3.1).
    #[serde(rename = "query.jwt")]
    QueryJwt,
    /// As one signed JWT in a form that posts itself (JARM §2.3.3).
    #[serde(rename = "form_post.jwt")]
    FormPostJwt,
}

/// What the person is to be shown (OpenID Connect Core §3.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are the four words of the standard, any of which may stand beside others"
)]
pub struct Prompt {
    /// Nothing: answer at once or fail. Stands alone.
    pub none: bool,
    /// The sign-in, even if signed in.
    pub login: bool,
    /// The consent, even if given before.
    pub consent: bool,
    /// A choice of accounts.
    pub select_account: bool,
}

/// What a refresh family was granted beside its scope.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GrantDetails {
    /// Which resources its access tokens are for; none: us.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// Single claims that were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<Value>,
    /// What exactly was granted (RFC 9396).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_details: Option<Value>,
    /// The thumbprint of the key that its refresh tokens are bound to (RFC 9449 §5): those of public
    /// clients that prove a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dpop_jkt: Option<String>,
    /// The thumbprint of the certificate that its refresh tokens are bound to (RFC 8705 §4): those of
    /// public clients whose tokens are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// The sector that its client knows the person in (OpenID Connect Core §8.1): whatever the client
    /// registers later, it goes on being told the same subject (§12.2). None: the client's own at the
    /// time, if its subjects are pairwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sector: Option<String>,
}

/// What a code is worth at the token endpoint. Stored with the code's signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeGrant {
    /// The client it was issued to.
    pub client: String,
    /// Who allowed it.
    pub user: UserId,
    /// In which sign-in.
    pub session: SessionId,
    /// Where it was sent.
    pub redirect_uri: String,
    /// What was allowed.
    pub scope: ScopeSet,
    /// The S256 challenge, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_challenge: Option<String>,
    /// The nonce, for the ID token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// The thumbprint of the key that must be proved at the token endpoint (RFC 9449 §10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop_jkt: Option<String>,
    /// What was granted beside the scope.
    #[serde(default)]
    pub details: GrantDetails,
}

/// What a person allowed a client, until they take it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// The tenant it is in.
    pub tenant: TenantId,
    /// Who allowed it.
    pub user: UserId,
    /// Whom.
    pub client: String,
    /// The scopes allowed so far.
    pub scope: ScopeSet,
    /// The resources allowed so far.
    pub resources: Vec<String>,
    /// When it was first allowed.
    pub given_at: UnixMillis,
    /// When it last grew.
    pub updated_at: UnixMillis,
}

// === impl ResponseMode ===

impl ResponseMode {
    /// Says whether the answer is one signed JWT.
    #[must_use]
    pub const fn is_jwt(self) -> bool {
        matches!(self, Self::QueryJwt | Self::FormPostJwt)
    }

    /// Says whether the answer is posted by the browser.
    #[must_use]
    pub const fn is_posted(self) -> bool {
        matches!(self, Self::FormPost | Self::FormPostJwt)
    }
}

// === impl Consent ===

impl Consent {
    /// Adds what is allowed now to what was allowed before; when it was first allowed stays.
    pub fn grow(&mut self, more: &Self) {
        self.scope = self.scope.union(&more.scope);
        let known = &self.resources;
        let added = more.resources.iter().filter(|one| !known.contains(one));
        let added: Vec<String> = added.cloned().collect();
        self.resources.extend(added);
        self.updated_at = more.updated_at;
    }

    /// Says whether everything that is asked for was allowed before.
    #[must_use]
    pub fn covers(&self, scope: &ScopeSet, resources: &[String]) -> bool {
        scope.is_within(&self.scope) && resources.iter().all(|one| self.resources.contains(one))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Counting;

    fn scope(text: &str) -> ScopeSet {
        ScopeSet::parse(text).unwrap_or_default()
    }

    fn consent() -> Consent {
        let (now, random) = (UnixMillis::from_millis(1), Counting::default());
        Consent {
            tenant: TenantId::generate(now, &random),
            user: UserId::generate(now, &random),
            client: "client_x".to_owned(),
            scope: scope("openid email"),
            resources: vec!["https://api.example.org".to_owned()],
            given_at: now,
            updated_at: now,
        }
    }

    #[test]
    fn a_consent_covers_what_was_allowed_and_nothing_more() {
        let consent = consent();
        assert!(consent.covers(&scope("email"), &[]));
        assert!(consent.covers(&scope("openid"), &consent.resources));
        assert!(!consent.covers(&scope("email phone"), &[]));
        assert!(!consent.covers(&scope("email"), &["https://b.example".to_owned()]));
    }

    #[test]
    fn a_consent_grows_and_remembers_when_it_began() {
        let (mut grown, later) = (consent(), UnixMillis::from_millis(9));
        let more = Consent {
            scope: scope("email phone"),
            resources: vec!["https://b.example".to_owned()],
            given_at: later,
            updated_at: later,
            ..consent()
        };
        grown.grow(&more);
        assert_eq!(grown.scope, scope("openid email phone"));
        assert_eq!(
            grown.resources,
            ["https://api.example.org", "https://b.example"]
        );
        assert_eq!(
            (grown.given_at, grown.updated_at),
            (consent().given_at, later)
        );
        let once = grown.clone();
        grown.grow(&more);
        assert_eq!(grown, once, "nothing is in it twice");
    }

    #[test]
    fn what_an_older_version_stored_is_still_read() {
        let details: GrantDetails = serde_json::from_str("{}").expect("read");
        assert_eq!(details, GrantDetails::default());
        assert_eq!(serde_json::to_string(&details).expect("written"), "{}");
    }
}
