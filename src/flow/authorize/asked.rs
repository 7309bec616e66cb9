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
use domain::rejection::{Code, Fault, OAuthCode, Refusal, Rejection};
use domain::time::UnixMillis;
use protocol::oauth::redirect_uri;
use protocol::seal;
use serde::{Deserialize, Serialize};

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
}

/// How long a person may read pages about one request.
const LIFETIME: Duration = Duration::from_hours(1);

#[derive(Serialize, Deserialize)]
struct Sealed {
    request: AuthorizationRequest,
    began_at: UnixMillis,
}

// === impl Asked ===

impl Asked {
    /// Seals it for a page.
    ///
    /// # Errors
    /// [`Fault::Broken`] if the cipher refuses.
    pub fn seal(&self, flows: &Flows, act: &Act) -> Result<String, Fault> {
        let sealed = Sealed {
            request: self.request.clone(),
            began_at: self.began_at,
        };
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
        let Sealed { request, began_at } =
            serde_json::from_slice(&opened.value).map_err(|_| expired())?;
        if act.now.since(began_at) >= LIFETIME {
            return Err(expired().into());
        }
        let client = load_client(flows, act, &request.client).await?;
        let registered = &client.metadata.redirect_uris;
        if !redirect_uri::is_registered(registered, &request.redirect_uri) {
            return Err(expired().into());
        }
        Ok(Self {
            request,
            client,
            began_at,
        })
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
pub(super) fn bad_request(
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
