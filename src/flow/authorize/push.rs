//! Pushing a request before the browser is sent (RFC 9126).
//!
//! The client proves who it is, and the whole request is judged as at the authorization endpoint, so
//! that a mistake is told to the client and not to a person. What is stored is judged again when the
//! browser comes.

use std::time::Duration;

use domain::rejection::{OAuthCode, Refusal, Rejection};
use domain::secret::SecretText;
use protocol::oauth::authorization::{self as rules, Arrived, AuthorizationError};
use protocol::oauth::parameters::Parameters;
use protocol::opaque::RandomToken;
use store::port::authorizations::PushedRequest;

use super::arrival::{self, StoredRequest};
use crate::flow::token::ClientAuth;
use crate::flow::token::client_auth;
use crate::flow::{Act, Flows};

/// Push an authorization request.
#[derive(Debug, Clone)]
pub struct Push {
    /// Who pushes it.
    pub client: ClientAuth,
    /// The request, without what authenticates the client.
    pub parameters: Parameters,
    /// The thumbprint of the key that was proved with the request (RFC 9449 §10.1).
    pub dpop_jkt: Option<String>,
}

/// What a pushed request is answered with (RFC 9126 §2.2).
#[derive(Debug, Clone)]
pub struct Pushed {
    /// What to send the browser with.
    pub request_uri: SecretText,
    /// For how long it works.
    pub expires_in: Duration,
}

/// Keeps a request until the browser comes.
///
/// # Errors
/// The words of the authorization endpoint's errors as far as the token endpoint has them;
/// `invalid_client`; or a fault.
pub async fn push(flows: &Flows, act: &Act, message: Push) -> Result<Pushed, Rejection> {
    let known = client_auth::authenticate(flows, act, message.client).await?;
    let client = known
        .registration()
        .ok_or_else(|| Refusal::oauth(OAuthCode::InvalidClient, "client_id is missing"))?;
    let parameters = message.parameters;
    if parameters.get("request_uri").is_some() {
        let hint = "request_uri must not be pushed (RFC 9126 §2.1)";
        return Err(Refusal::oauth(OAuthCode::InvalidRequest, hint).into());
    }
    let mut received = arrival::open(flows, act, client, parameters).await?;
    // What a signed object says stands in place of what came beside it, but the proof is of this request.
    bind(&mut received.parameters, message.dpop_jkt)?;
    received.objection.map_err(|error| refusal(&error))?;
    let target = rules::choose_target(&received.parameters, client)
        .map_err(|untrusted| Refusal::oauth(OAuthCode::InvalidRequest, untrusted.to_string()))?;
    let arrived = Arrived::Pushed([0; 32]);
    rules::check(
        &received.parameters,
        client,
        &target,
        arrived,
        received.is_signed,
    )
    .map_err(|error| refusal(&error))?;
    let stored = StoredRequest {
        parameters: received.parameters,
        is_signed: received.is_signed,
    };
    let minted = RandomToken::RequestUri.mint(&flows.secrets, flows.random.as_ref());
    let lifetime = flows.settings.par_ttl;
    let request = PushedRequest {
        tenant: act.tenant.id,
        signature: minted.signature,
        client: client.id.clone(),
        parameters: serde_json::to_value(&stored).unwrap_or_default(),
        created_at: act.now,
        expires_at: act.now + lifetime,
    };
    act.wait(flows.authorizations.push_request(request)).await?;
    Ok(Pushed {
        request_uri: minted.token,
        expires_in: lifetime,
    })
}

/// Binds the code to the key that was proved; a parameter must name the same one (RFC 9449 §10.1).
fn bind(parameters: &mut Parameters, proved: Option<String>) -> Result<(), Refusal> {
    let Some(proved) = proved else { return Ok(()) };
    match parameters.get("dpop_jkt") {
        Some(named) if named != proved => Err(Refusal::oauth(
            OAuthCode::InvalidRequest,
            "dpop_jkt names another key than the DPoP proof",
        )),
        Some(_) => Ok(()),
        None => {
            parameters.set("dpop_jkt", proved);
            Ok(())
        }
    }
}

/// Says an error of the authorization endpoint in the words of a direct answer (RFC 9126 §2.3).
fn refusal(error: &AuthorizationError) -> Refusal {
    let code = OAuthCode::of_authorization(error.code.as_str());
    Refusal::oauth(code, error.hint.clone())
}
