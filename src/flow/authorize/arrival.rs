//! How a request arrives: plain, pushed (RFC 9126), or signed (RFC 9101), by value or by reference.
//!
//! A pushed or signed request counts alone: beside its `client_id`, nothing in the address is believed
//! (RFC 9126 §4, RFC 9101 §6.3).
//!
//! A reference is followed only if the client registered it, byte for byte (OpenID Connect Core §6.2),
//! and through the egress guard; what is found there is judged as if it had been sent. It is fetched
//! anew each time: how long a request counts is for the object itself to say.

use domain::client::Client;
use domain::rejection::{Fault, Rejection};
use protocol::jose::foreign::{Expected, ForeignKeys};
use protocol::jose::verify::BadToken;
use protocol::oauth::authorization::{AuthorizationError, AuthorizationErrorCode};
use protocol::oauth::parameters::Parameters;
use protocol::opaque::RandomToken;
use protocol::request_object::{self, BadRequestObject};
use serde_json::Value;
use url::Url;

use crate::egress::NotFetched;
use crate::flow::client_keys::{algorithms_of, verify};
use crate::flow::{Act, Flows};

/// What a request object is (RFC 9101 §5.2.3).
const MEDIA_TYPE: &str = "application/oauth-authz-req+jwt";

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
        if is_reference(client, uri) {
            let uri = uri.to_owned();
            return Ok(fetch(flows, act, client, (parameters, &uri)).await?);
        }
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
    let Some(object) = parameters.get("request").map(str::to_owned) else {
        return Ok(Received::plain(parameters));
    };
    judge_object(flows, act, client, (parameters, &object)).await
}

/// Gives the parameters of a signed request, in place of those that it came beside.
async fn judge_object(
    flows: &Flows,
    act: &Act,
    client: &Client,
    (parameters, object): (Parameters, &str),
) -> Result<Received, Fault> {
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

/// Says whether a reference is one that the client registered. Under the FAPI 2.0 Security Profile a
/// request is pushed, so none is.
fn is_reference(client: &Client, uri: &str) -> bool {
    let metadata = &client.metadata;
    !metadata.fapi_2_0 && metadata.request_uris.iter().any(|known| known == uri)
}

/// Fetches a signed request from where the client said (RFC 9101 §5.2.3).
async fn fetch(
    flows: &Flows,
    act: &Act,
    client: &Client,
    (parameters, uri): (Parameters, &str),
) -> Result<Received, Fault> {
    if parameters.get("request").is_some() {
        let hint = "request and request_uri must not be used together (RFC 9101 §5)";
        let code = AuthorizationErrorCode::InvalidRequest;
        return Ok(Received::objected(parameters, code, hint));
    }
    let object = match Url::parse(uri) {
        Ok(url) => flows.egress.fetch_as(&url, MEDIA_TYPE).await,
        Err(_) => Err(NotFetched::Forbidden),
    };
    let object = object.map_err(|reason| {
        tracing::info!(%reason, client = %client.id, "a request object could not be fetched");
    });
    let object = object
        .ok()
        .and_then(|found| String::from_utf8(found.body).ok());
    let Some(object) = object else {
        let hint = "request_uri leads to no request object";
        let code = AuthorizationErrorCode::InvalidRequestUri;
        return Ok(Received::objected(parameters, code, hint));
    };
    judge_object(flows, act, client, (parameters, object.trim())).await
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
