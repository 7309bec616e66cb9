//! Signing out of a browser, perhaps because a client asks for it (OpenID Connect RP-Initiated Logout
//! 1.0).
//!
//! The person is asked, unless the client shows an ID token of the very sign-in that ends. Where the
//! browser goes afterwards is one of the addresses that the client registered, byte for byte, or a page
//! of ours. What was asked travels sealed, as a request for authorization does.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::client::Client;
use domain::event::{Actor, EventKind};
use domain::rejection::{Code, Fault, OAuthCode, Refusal, Rejection};
use domain::session::EndReason;
use protocol::access_token::Audience;
use protocol::oauth::parameters::Parameters;
use protocol::seal;
use serde::{Deserialize, Serialize};
use store::port::sessions::{EndTarget, Ending};
use url::Url;

use super::browser::Browser;
use super::token::id_token::{self, HintClaims};
use super::{Act, Flows, clients, subject};

mod frontchannel;

/// What is asked of whom, on the way through our page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignOut {
    /// Which client asks, if one does.
    pub client: Option<String>,
    /// Its name for people.
    pub client_name: Option<String>,
    /// Where the browser goes afterwards; `state` is in it.
    pub place: Option<String>,
    /// The sign-in that the client knows, by the name that it knows.
    sid: Option<String>,
    /// The sector that the client knows it in.
    #[serde(default)]
    sector: Option<String>,
}

// === impl SignOut ===

impl SignOut {
    /// Judges what a client sends.
    ///
    /// # Errors
    /// A refusal for a page of ours: a hint that is not an ID token of ours, a client that is not the
    /// hint's, an address that is not registered. A fault when the store is away.
    pub async fn read(
        flows: &Flows,
        act: &Act,
        parameters: &Parameters,
    ) -> Result<Self, Rejection> {
        let hint = match parameters.get("id_token_hint") {
            Some(text) => {
                let claims = id_token::read_hint(flows, act, text).await?;
                let foreign = || bad("id_token_hint is not an ID token of this issuer");
                Some(claims.ok_or_else(foreign)?)
            }
            None => None,
        };
        let named = parameters.get("client_id");
        let id = client_of(hint.as_ref(), named)?;
        let client = match &id {
            Some(id) => clients::find(flows, act, id).await?,
            None => None,
        };
        let place = place_of(client.as_deref(), parameters)?;
        let sector = client.as_deref().map(subject::sector_of).transpose()?;
        subject::prepare(flows, act).await?;
        Ok(Self {
            client: client.as_ref().map(|client| client.id.clone()),
            client_name: client.map(|client| client.name.clone()),
            place,
            sid: hint.and_then(|hint| hint.sid),
            sector: sector.flatten(),
        })
    }

    /// Says whether the person need not be asked: the client showed that it is this very sign-in that
    /// it means, and nobody else can have its ID token.
    #[must_use]
    pub fn is_certain(&self, flows: &Flows, act: &Act, browser: &Browser) -> bool {
        let ids = (browser.user.id, browser.session.id);
        let names = subject::names(flows, act, ids, self.sector.as_deref());
        names.is_ok_and(|names| self.sid.as_ref() == Some(&names.session))
    }

    /// Seals it for the page.
    ///
    /// # Errors
    /// [`Fault::Broken`] if the cipher refuses.
    pub fn seal(&self, flows: &Flows, act: &Act) -> Result<String, Fault> {
        let text = serde_json::to_vec(self).unwrap_or_default();
        let sealed = seal::seal(&flows.secrets, &context(act), &text)
            .map_err(|_| Fault::Broken("a sign-out could not be sealed".to_owned()))?;
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens what the page brought back.
    ///
    /// # Errors
    /// 400 for what is not ours.
    pub fn open(flows: &Flows, act: &Act, text: &str) -> Result<Self, Refusal> {
        let not_ours = |()| Refusal::new(Code::BadRequest, "the page was changed on its way");
        let sealed = URL_SAFE_NO_PAD.decode(text).map_err(|_| not_ours(()))?;
        let opened =
            seal::open(&flows.secrets, &context(act), &sealed).map_err(|_| not_ours(()))?;
        serde_json::from_slice(&opened.value).map_err(|_| not_ours(()))
    }
}

/// Ends a browser's sign-in with all its tokens, and gives the addresses by which the browser tells the
/// clients that asked for that (OpenID Connect Front-Channel Logout §3).
///
/// # Errors
/// A fault; it may then be ended or not.
pub async fn sign_out(
    flows: &Flows,
    act: &Act,
    browser: &Browser,
) -> Result<Vec<String>, Rejection> {
    let told = frontchannel::addresses(flows, act, browser).await?;
    let (user, session) = (browser.user.id, browser.session.id);
    let entry = act
        .entry_by(Actor::User(user.to_string()), EventKind::SessionEnded)
        .about(&user)
        .within(session);
    let ending = Ending {
        tenant: act.tenant.id,
        target: EndTarget::Session(user, session),
        reason: EndReason::Logout,
        now: act.now,
        remember_until: flows.remember_until(act.now),
        entry,
    };
    flows.sessions.end(ending, act.deadline).await?;
    flows.notices.nudge();
    Ok(told)
}

/// Finds which client asks (§2: `client_id` must be the one the hint was issued to).
fn client_of(hint: Option<&HintClaims>, named: Option<&str>) -> Result<Option<String>, Refusal> {
    let hinted = hint.map(|hint| match &hint.aud {
        Audience::One(only) => vec![only.clone()],
        Audience::Many(all) => all.clone(),
    });
    match (hinted, named) {
        (Some(all), Some(named)) if !all.iter().any(|one| one == named) => Err(bad(
            "client_id is not the client that the ID token was issued to",
        )),
        (_, Some(named)) => Ok(Some(named.to_owned())),
        (Some(all), None) => Ok(all.into_iter().next()),
        (None, None) => Ok(None),
    }
}

fn place_of(client: Option<&Client>, parameters: &Parameters) -> Result<Option<String>, Refusal> {
    let Some(wanted) = parameters.get("post_logout_redirect_uri") else {
        return Ok(None);
    };
    let registered = client.map(|client| &client.metadata.post_logout_redirect_uris);
    if !registered.is_some_and(|all| all.iter().any(|one| one == wanted)) {
        return Err(bad(
            "post_logout_redirect_uri is not registered for the client (say which by id_token_hint or \
             client_id)",
        ));
    }
    let Some(state) = parameters.get("state") else {
        return Ok(Some(wanted.to_owned()));
    };
    let mut url = Url::parse(wanted).map_err(|_| bad("post_logout_redirect_uri is no address"))?;
    url.query_pairs_mut().append_pair("state", state);
    Ok(Some(url.into()))
}

fn bad(hint: &'static str) -> Refusal {
    Refusal {
        code: Code::BadRequest,
        ..Refusal::oauth(OAuthCode::InvalidRequest, hint)
    }
}

fn context(act: &Act) -> String {
    format!("sign-out/{}", act.tenant.id)
}
