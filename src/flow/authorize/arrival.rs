//! How a request arrives: plain, pushed (RFC 9126), or signed (RFC 9101).
//!
//! A pushed or signed request counts alone: beside its `client_id`, nothing in the address is believed
//! (RFC 9126 §4, RFC 9101 §6.3).

use domain::client::Client;
use domain::rejection::Rejection;
use protocol::jose::foreign::Expected;
use protocol::oauth::authorization::{AuthorizationError, AuthorizationErrorCode};
use protocol::oauth::parameters::Parameters;
use protocol::opaque::RandomToken;
use protocol::request_object;
use serde_json::Value;

use crate::flow::client_keys::{algorithms_of, keys_of};
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
    Ok(open(act, client, parameters))
}

/// Opens a signed request, if it is one.
pub(super) fn open(act: &Act, client: &Client, parameters: Parameters) -> Received {
    let Some(object) = parameters.get("request") else {
        return Received::plain(parameters);
    };
    let Some(inner) = read_object(act, client, object) else {
        let hint = "the request object is not signed by this client for this issuer, or expired";
        let code = AuthorizationErrorCode::InvalidRequestObject;
        return Received::objected(parameters, code, hint);
    };
    Received {
        is_signed: true,
        ..Received::plain(inner)
    }
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

fn read_object(act: &Act, client: &Client, object: &str) -> Option<Parameters> {
    let metadata = &client.metadata;
    let keys = keys_of(metadata)?;
    let registered = metadata.request_object_signing_alg.as_deref();
    let expected = Expected {
        issuer: &act.issuer,
        client_id: &client.id,
        keys: &keys,
        now: act.now,
        algorithms: &algorithms_of(metadata, registered),
    };
    let claims = request_object::check(object, &expected).ok()?;
    let inner = Parameters::collect(claims.into_iter().flat_map(pairs_of)).ok()?;
    (inner.get("client_id") == Some(client.id.as_str())).then_some(inner)
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
