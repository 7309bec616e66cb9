//! What a client asked for, while the person reads pages about it.
//!
//! It travels in the pages' addresses and forms, sealed: nobody can read or change it, no row is
//! stored for strangers who never come back, and any number of tabs go on side by side.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::authorization::AuthorizationRequest;
use domain::client::Client;
use domain::id::UserId;
use domain::rejection::{Code, Fault, OAuthCode, Refusal, Rejection};
use domain::scope::ScopeSet;
use domain::time::UnixMillis;
use protocol::assurance::Level;
use protocol::oauth::redirect_uri;
use protocol::oidc::claims::{is_about_another, required_acr, scopes_of, within};
use protocol::seal;
use serde::{Deserialize, Serialize};

use crate::flow::subject::Naming;
use crate::flow::{Act, Flows, clients};

/// A checked request of a client that is there now.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What it asks for.
    pub request: AuthorizationRequest,
    /// Who asks.
    pub client: Arc<Client>,
    /// When it came: a sign-in after that is a new one.
    pub began_at: UnixMillis,
    /// Whether the tenant's own login interface was asked for it already.
    pub was_asked: bool,
    /// How the client is told of people.
    pub naming: Naming,
}

/// How long a person may read pages about one request.
const LIFETIME: Duration = Duration::from_hours(1);

/// A request as it travels.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SealedRequest {
    request: AuthorizationRequest,
    began_at: UnixMillis,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    was_asked: bool,
}

// === impl Asked ===

impl Asked {
    /// Seals it for a page.
    ///
    /// # Errors
    /// [`Fault::Broken`] if the cipher refuses.
    pub fn seal(&self, flows: &Flows, act: &Act) -> Result<String, Fault> {
        let sealed = self.to_sealed();
        let broken = |_| Fault::Broken("a request could not be sealed".to_owned());
        let text = serde_json::to_vec(&sealed)
            .map_err(|_| Fault::Broken("a request could not be written".to_owned()))?;
        let sealed = seal::seal(&flows.secrets, &context(act), &text).map_err(broken)?;
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens what a page brought back. The client and its redirect URI must still stand.
    ///
    /// # Errors
    /// 400 for what is not ours, too old, or asked by a client that is gone; a fault when the store is
    /// away.
    pub async fn open(flows: &Flows, act: &Act, text: &str) -> Result<Self, Rejection> {
        let sealed = URL_SAFE_NO_PAD.decode(text).map_err(|_| expired())?;
        let opened = seal::open(&flows.secrets, &context(act), &sealed).map_err(|_| expired())?;
        let sealed = serde_json::from_slice(&opened.value).map_err(|_| expired())?;
        Self::reopen(flows, act, sealed).await
    }

    /// Gives it as it travels.
    pub(crate) fn to_sealed(&self) -> SealedRequest {
        SealedRequest {
            request: self.request.clone(),
            began_at: self.began_at,
            was_asked: self.was_asked,
        }
    }

    /// Takes one that came back. The client and its redirect URI must still stand.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(crate) async fn reopen(
        flows: &Flows,
        act: &Act,
        sealed: SealedRequest,
    ) -> Result<Self, Rejection> {
        let SealedRequest {
            request,
            began_at,
            was_asked,
        } = sealed;
        if act.now.since(began_at) >= LIFETIME {
            return Err(expired().into());
        }
        let client = load_client(flows, act, &request.client).await?;
        let registered = &client.metadata.redirect_uris;
        if !redirect_uri::is_registered(registered, &request.redirect_uri) {
            return Err(expired().into());
        }
        let naming = Naming::load(flows, act, &client).await?;
        Ok(Self {
            request,
            client,
            began_at,
            was_asked,
            naming,
        })
    }

    /// Says how well the person is to prove who they are, as far as the client asks: the first of its
    /// `acr` values that we know (OpenID Connect Core §3.1.2.1, §5.5.1.1).
    #[must_use]
    pub fn wanted_level(&self) -> Level {
        let essential = required_acr(self.request.claims.as_ref()).unwrap_or_default();
        let wanted = self.request.acr_values.iter().map(String::as_str);
        let mut wanted = essential.into_iter().chain(wanted);
        wanted.find_map(Level::parse).unwrap_or(Level::Aal1)
    }

    /// Says whether the answer may be about this person (OpenID Connect Core §3.1.2.2, §5.5.1).
    #[must_use]
    pub fn is_for(&self, user: UserId) -> bool {
        let is_named = |named: &str| self.naming.is_name_of(named, user);
        let expected = self.request.expected_subject.as_deref();
        expected.is_none_or(is_named) && !is_about_another(self.request.claims.as_ref(), is_named)
    }

    /// Leaves of what is asked for what these scopes allow.
    pub(crate) fn narrow(&mut self, granted: &ScopeSet) {
        let request = &mut self.request;
        request.scope = request.scope.intersection(granted);
        let claims = request.claims.take();
        request.claims = claims.and_then(|claims| within(claims, granted));
    }

    /// Gives the scopes that a person is asked for: those that the client names, and those of the single
    /// claims that it wants.
    #[must_use]
    pub fn disclosed(&self) -> ScopeSet {
        let one_by_one = scopes_of(self.request.claims.as_ref());
        self.request.scope.union(&one_by_one)
    }
}

/// Finds a client that may be used.
///
/// # Errors
/// `invalid_client` words for the error page; never a redirect (RFC 9700 §4.11).
pub(crate) async fn load_client(
    flows: &Flows,
    act: &Act,
    id: &str,
) -> Result<Arc<Client>, Rejection> {
    let found = clients::find(flows, act, id).await?;
    let found = found.filter(|client| !client.disabled);
    Ok(found.ok_or_else(|| {
        let hint = "client_id names no client that may be used here";
        bad_request(OAuthCode::InvalidRequest, hint)
    })?)
}

/// Refuses on a page of ours.
pub(crate) fn bad_request(
    code: OAuthCode,
    hint: impl Into<std::borrow::Cow<'static, str>>,
) -> Refusal {
    Refusal {
        code: Code::BadRequest,
        ..Refusal::oauth(code, hint)
    }
}

fn expired() -> Refusal {
    Refusal::new(
        Code::BadRequest,
        "the page has been open for too long; go back to the application and start again",
    )
}

fn context(act: &Act) -> String {
    format!("authorization-request/{}", act.tenant.id)
}
