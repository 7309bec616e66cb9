//! How a request arrives: plain, pushed (RFC 9126), or signed (RFC 9101).
//!
//! A pushed or signed request counts alone: beside its `client_id`, nothing in the address is believed
//! (RFC 9126 §4, RFC 9101 §6.3).

use domain::client::Client;
use domain::rejection::{Fault, Rejection};
use protocol::jose::foreign::{Expected, ForeignKeys};
use protocol::jose::verify::BadToken;
use protocol::oauth::authorization::{AuthorizationError, AuthorizationErrorCode};
use protocol::oauth::parameters::Parameters;
use protocol::opaque::RandomToken;
use protocol::request_object::{self, BadRequestObject};
use serde_json::Value;

use crate::flow::client_keys::{algorithms_of, verify};
use crate::flow::{Act, Flows};

/// What arrived.
pub(super) struct Received {
    /// The parameters that count.
    pub(super) parameters: Parameters,
    /// The signature of the `request_uri` they were pushed under.
    pub(super) pushed: Option<[u8; 32]>,
    /// Whether the client signed them.
    pub(super) is_signed: bool,
    /// What is wrong with how they came; told to the client, if it is known where it is.
    pub(super) objection: Result<(), AuthorizationError>,
}

/// Finds the parameters that count.
///
/// # Errors
/// A fault when the store is away.
pub(super) async fn receive(
    flows: &Flows,
    act: &Act,
    client: &Client,
    parameters: Parameters,
) -> Result<Received, Rejection> {
    if let Some(uri) = parameters.get("request_uri") {
        let pushed = load_pushed(flows, act, client, uri).await?;
        let hint = "request_uri is unknown, used or expired, or not one of ours";
        return Ok(pushed.unwrap_or_else(|| {
            Received::objected(parameters, AuthorizationErrorCode::InvalidRequestUri, hint)
        }));
    }
    Ok(open(flows, act, client, parameters).await?)
}

/// Opens a signed request, if it is one.
///
/// # Errors
/// A fault while the client's keys cannot be had.
pub(super) async fn open(
    flows: &Flows,
    act: &Act,
    client: &Client,
    parameters: Parameters,
) -> Result<Received, Fault> {
    let Some(object) = parameters.get("request") else {
        return Ok(Received::plain(parameters));
    };
    let Some(inner) = read_object(flows, act, client, object).await? else {
        let hint = "the request object is not signed by this client for this issuer, or expired";
        let code = AuthorizationErrorCode::InvalidRequestObject;
        return Ok(Received::objected(parameters, code, hint));
    };
    Ok(Received {
        is_signed: true,
        ..Received::plain(inner)
    })
}

async fn load_pushed(
    flows: &Flows,
    act: &Act,
    client: &Client,
    uri: &str,
) -> Result<Option<Received>, Rejection> {
    let Ok(signature) = RandomToken::RequestUri.parse(&flows.secrets, uri) else {
        return Ok(None);
    };
    let (tenant, id) = (act.tenant.id, client.id.clone());
    let found = flows
        .authorizations
        .load_pushed(tenant, signature, id, act.now);
    let found = act.wait(found).await?;
    Ok(found.and_then(|stored| {
        let stored: StoredRequest = serde_json::from_value(stored).ok()?;
        Some(Received {
            parameters: stored.parameters,
            pushed: Some(signature),
            is_signed: stored.is_signed,
            objection: Ok(()),
        })
    }))
}

/// A pushed request as it is stored.
#[derive(serde::Serialize, serde::Deserialize)]
pub(super) struct StoredRequest {
    pub(super) parameters: Parameters,
    pub(super) is_signed: bool,
}

async fn read_object(
    flows: &Flows,
    act: &Act,
    client: &Client,
    object: &str,
) -> Result<Option<Parameters>, Fault> {
    let metadata = &client.metadata;
    let algorithms = algorithms_of(metadata, metadata.request_object_signing_alg.as_deref());
    let check = |keys: &ForeignKeys| {
        let expected = Expected {
            issuer: &act.issuer,
            client_id: &client.id,
            keys,
            now: act.now,
            algorithms: &algorithms,
        };
        request_object::check(object, &expected)
    };
    let is_unknown =
        |error: &BadRequestObject| matches!(error, BadRequestObject::Token(BadToken::UnknownKey));
    let claims = verify(flows, act, client, check, is_unknown).await?;
    let inner =
        claims.and_then(|claims| Parameters::collect(claims.into_iter().flat_map(pairs_of)).ok());
    Ok(inner.filter(|inner| inner.get("client_id") == Some(client.id.as_str())))
}

/// Gives a claim as parameters: a list of `resource` is the repeated parameter.
fn pairs_of((name, value): (String, Value)) -> Vec<(String, String)> {
    let values = match value {
        Value::Array(values) => values,
        single => vec![single],
    };
    let texts = values.into_iter().filter_map(|value| match value {
        Value::String(text) => Some(text),
        _ => None,
    });
    texts.map(|text| (name.clone(), text)).collect()
}

// === impl Received ===

impl Received {
    fn plain(parameters: Parameters) -> Self {
        Self {
            parameters,
            pushed: None,
            is_signed: false,
            objection: Ok(()),
        }
    }

    fn objected(parameters: Parameters, code: AuthorizationErrorCode, hint: &'static str) -> Self {
        Self {
            objection: Err(AuthorizationError::new(code, hint)),
            ..Self::plain(parameters)
        }
    }
}
