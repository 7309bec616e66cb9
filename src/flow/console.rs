//! Signing in to the console, by our own authorization code flow (RFC 6749 §4.1, RFC 7636, RFC 9207).
//!
//! The console is a client like any other, but that it is registered nowhere: [`client`] makes it when it
//! is asked for, so nobody can change where its codes go. Its codes can be traded in this process alone
//! ([`ClientAuth::Console`]): it has no secret that could be shown at the token endpoint.
//!
//! The token that it is given is judged once and dropped. The browser holds what it says, sealed, in a
//! cookie that no script reads; each request asks anew whether that still counts, as if the token came
//! with it: a session that ended, an account that was locked, a role that was taken away are felt at the
//! next click. Two factors are demanded whatever the tenant asks of others, and lately for what cannot be
//! taken back.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::client::{CONSOLE, Client, ClientMetadata, ClientType};
use domain::factor::MfaPolicy;
use domain::rejection::{Code, Fault, Refusal, Rejection};
use domain::secret::SecretText;
use domain::tenant::Tenant;
use domain::time::UnixMillis;
use form_urlencoded::Serializer;
use protocol::access_token::AccessClaims;
use protocol::assurance::Level;
use protocol::oauth::pkce::{Challenge, METHOD};
use protocol::seal;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::caller::{self, Caller, Person};
use super::fresh::FRESH;
use super::token::authorization_code::{self, AuthorizationCode};
use super::token::client_auth::{ClientAuth, METHOD_BASIC};
use super::{Act, Flows, logout};
use crate::config::Settings;

/// Send a browser to sign in.
#[derive(Debug, Clone)]
pub struct Begin {
    /// The name of the browser.
    pub visitor: String,
    /// Which page of the console it comes back to.
    pub back: String,
    /// Whether the person is to prove anew who they are.
    pub anew: bool,
}

/// Take what a browser brings from there.
#[derive(Debug, Clone)]
pub struct Conclude {
    /// The name of the browser.
    pub visitor: String,
    /// What it was sent with.
    pub state: String,
    /// The code.
    pub code: SecretText,
    /// Who gave it (RFC 9207).
    pub issuer: Option<String>,
}

/// A browser that is signed in to the console.
#[derive(Debug, Clone)]
pub struct Seated {
    /// What the token said.
    pub claims: AccessClaims,
    /// Who it is, judged at this moment.
    pub caller: Caller,
}

/// What travels as the parameter `state`: nobody can read or make one, and it is for one browser.
#[derive(Serialize, Deserialize)]
struct State {
    visitor: String,
    verifier: String,
    back: String,
    made_at: UnixMillis,
}

/// The way a sign-in takes, from the console's address on.
pub const CALLBACK: &str = "/console/callback";
/// How long a person may take to sign in; binding a factor takes a while.
const SIGN_IN_LIVES: Duration = Duration::from_hours(1);
/// How long a browser stays signed in before it asks again, which the person does not notice.
const LIVES: Duration = Duration::from_mins(15);

/// Makes the client that the console is, in a tenant.
#[must_use]
pub fn client(settings: &Settings, tenant: &Tenant, now: UnixMillis) -> Client {
    Client {
        tenant: tenant.id,
        id: CONSOLE.to_owned(),
        name: "Console".to_owned(),
        client_type: ClientType::Web,
        disabled: false,
        metadata: ClientMetadata {
            redirect_uris: vec![place_of(settings, tenant, CALLBACK)],
            grant_types: vec![authorization_code::GRANT.to_owned()],
            scopes: vec!["openid".to_owned()],
            token_endpoint_auth_method: METHOD_BASIC.to_owned(),
            is_first_party: true,
            mfa: Some(MfaPolicy::Require),
            ..ClientMetadata::default()
        },
        secrets: Vec::new(),
        created_at: now,
        updated_at: now,
        version: 1,
    }
}

/// Gives what stands before the console's paths in a tenant.
#[must_use]
pub fn base_of(settings: &Settings, tenant: &Tenant) -> String {
    let default = &settings.tenants.default;
    if tenant.slug == *default || tenant.id.to_string() == *default {
        return String::new();
    }
    format!("/t/{}", tenant.slug)
}

/// Gives the address that a browser is sent to, to sign in.
///
/// # Errors
/// [`Fault::Broken`] if the cipher refuses.
pub fn begin(flows: &Flows, act: &Act, message: Begin) -> Result<String, Fault> {
    let verifier = URL_SAFE_NO_PAD.encode(flows.random.array::<32>());
    let challenge = Challenge::of(&verifier);
    let state = State {
        visitor: message.visitor,
        verifier,
        back: message.back,
        made_at: act.now,
    };
    let state = seal_text(flows, &state_context(act), &state)?;
    let mut query = Serializer::new(String::new());
    query
        .append_pair("response_type", "code")
        .append_pair("client_id", CONSOLE)
        .append_pair(
            "redirect_uri",
            &place_of(&flows.settings, &act.tenant, CALLBACK),
        )
        .append_pair("scope", "openid")
        .append_pair("acr_values", Level::Aal2.as_str())
        .append_pair("code_challenge", challenge.as_str())
        .append_pair("code_challenge_method", METHOD)
        .append_pair("state", &state);
    if message.anew {
        query.append_pair("prompt", "login");
    }
    Ok(format!("{}/oauth/authorize?{}", act.issuer, query.finish()))
}

/// Trades what a browser brings back, and gives the cookie it is to hold and the page it comes back to.
///
/// # Errors
/// 400 for a state that is not ours, another browser's or too old, another issuer's answer, and a code
/// that is none; 403 for a sign-in by one factor alone; or a fault.
pub async fn conclude(
    flows: &Flows,
    act: &Act,
    message: Conclude,
) -> Result<(SecretText, String), Rejection> {
    let state: State =
        open_text(flows, &state_context(act), &message.state).ok_or_else(not_ours)?;
    let is_in_time = act.now < state.made_at + SIGN_IN_LIVES;
    let is_here = state.visitor == message.visitor;
    let is_issuer = message.issuer.as_deref() == Some(&act.issuer);
    if !(is_in_time && is_here && is_issuer) {
        return Err(not_ours().into());
    }
    let trade = AuthorizationCode {
        code: message.code,
        redirect_uri: Some(place_of(&flows.settings, &act.tenant, CALLBACK)),
        code_verifier: Some(state.verifier),
        client: ClientAuth::Console,
        resource: Vec::new(),
        proof: None,
    };
    let given = authorization_code::authorization_code(flows, act, trade).await;
    let given = given.map_err(|rejection| match rejection {
        Rejection::Refused(_) => not_ours().into(),
        failed @ Rejection::Failed(_) => failed,
    })?;
    let claims = caller::accept(flows, act, &given.access).await?;
    let claims = Arc::unwrap_or_clone(claims.ok_or_else(not_ours)?);
    if !is_strong(&claims) {
        let hint = "The console is for those who signed in with two factors.";
        return Err(Refusal::new(Code::Forbidden, hint).into());
    }
    let claims = AccessClaims {
        // They are asked for each time, and could be many.
        roles: Vec::new(),
        exp: claims.exp.min((act.now + LIVES).as_seconds()),
        ..claims
    };
    let cookie = seal_text(flows, &context(act), &claims)?;
    Ok((SecretText::new(cookie), state.back))
}

/// Finds who is signed in to the console in a browser; nobody, if what it holds does not count any more.
///
/// # Errors
/// A fault while that is not known: nobody is taken for signed in or out on a guess.
pub async fn resume(
    flows: &Flows,
    act: &Act,
    cookie: Option<&str>,
) -> Result<Option<Seated>, Rejection> {
    let claims = cookie.and_then(|cookie| open_text::<AccessClaims>(flows, &context(act), cookie));
    let is_good = |claims: &AccessClaims| {
        act.now.as_seconds() < claims.exp && claims.client_id == CONSOLE && is_strong(claims)
    };
    let Some(claims) = claims.filter(is_good) else {
        return Ok(None);
    };
    match caller::resume(flows, act, claims.clone()).await {
        Ok(caller) => Ok(Some(Seated { claims, caller })),
        Err(Rejection::Refused(_)) => Ok(None),
        Err(failed) => Err(failed),
    }
}

/// Signs the person out, here and wherever else this sign-in is used.
///
/// # Errors
/// A fault; the session may then be ended or not.
pub async fn leave(flows: &Flows, act: &Act, seated: &Seated) -> Result<(), Rejection> {
    let person = caller::require_person(&seated.caller)?;
    logout::logout(flows, act, &person).await
}

// === impl Seated ===

impl Seated {
    /// Says whether the person proved lately who they are.
    #[must_use]
    pub fn is_fresh(&self, act: &Act) -> bool {
        let proved = UnixMillis::from_seconds(self.claims.auth_time.unwrap_or_default());
        act.now.since(proved) < FRESH
    }

    /// Says whether it is time to ask for the next token, so that whoever fills in a form can send it.
    #[must_use]
    pub fn is_waning(&self, act: &Act) -> bool {
        let left = UnixMillis::from_seconds(self.claims.exp).since(act.now);
        left < LIVES / 2
    }

    /// Gives the person.
    ///
    /// # Errors
    /// 403 for anybody else.
    pub fn person(&self) -> Result<Person, Refusal> {
        caller::require_person(&self.caller)
    }
}

/// Shares the client, as the look-up of clients gives it.
pub(super) fn shared_client(flows: &Flows, act: &Act) -> Arc<Client> {
    Arc::new(client(&flows.settings, &act.tenant, act.tenant.created_at))
}

fn is_strong(claims: &AccessClaims) -> bool {
    let level = claims.acr.as_deref().and_then(Level::parse);
    level == Some(Level::Aal2)
}

fn place_of(settings: &Settings, tenant: &Tenant, path: &str) -> String {
    format!("{}{}{path}", settings.admin_url, base_of(settings, tenant))
}

fn not_ours() -> Refusal {
    Refusal::new(
        Code::BadRequest,
        "the sign-in took too long, or it was not begun in this browser; begin again",
    )
}

fn context(act: &Act) -> String {
    format!("console/{}", act.tenant.id)
}

fn state_context(act: &Act) -> String {
    format!("console-state/{}", act.tenant.id)
}

fn seal_text(flows: &Flows, context: &str, value: &impl Serialize) -> Result<String, Fault> {
    let broken = || Fault::Broken("a sign-in to the console could not be sealed".to_owned());
    let text = serde_json::to_vec(value).map_err(|_| broken())?;
    let sealed = seal::seal(&flows.secrets, context, &text).map_err(|_| broken())?;
    Ok(URL_SAFE_NO_PAD.encode(sealed))
}

fn open_text<T: DeserializeOwned>(flows: &Flows, context: &str, text: &str) -> Option<T> {
    let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
    let opened = seal::open(&flows.secrets, context, &sealed).ok()?;
    serde_json::from_slice(&opened.value).ok()
}
