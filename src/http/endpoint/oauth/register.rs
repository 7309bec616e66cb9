//! POST /oauth/register (RFC 7591), and GET, PUT, DELETE /oauth/register/{id} (RFC 7592). Flow:
//! [`registration`].

use domain::client::ClientMetadata;
use domain::rejection::{OAuthCode, Refusal};
use domain::secret::SecretText;
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use super::super::{Answer, Call};
use crate::flow::caller::Presented;
use crate::flow::registration::{self, Description, Hold, Register, Registration};
use crate::http::credential;
use crate::http::render::{self, Reply};

/// Registers a client.
pub(in crate::http) fn create(mut call: Call) -> Answer {
    Box::pin(async move {
        let credential = call
            .headers
            .contains_key(AUTHORIZATION)
            .then(|| bearer(&call.headers, &call.path))
            .transpose()?;
        let message = Register {
            credential: credential.map(Presented::Bearer),
            description: Description::read(call.take_fields().into_object()?)?,
        };
        let made = registration::register(call.flows(), &call.act, message).await?;
        Ok(render(StatusCode::CREATED, &call.act.issuer, &made))
    })
}

/// Shows a registration to its client.
pub(in crate::http) fn show(call: Call) -> Answer {
    Box::pin(async move {
        let shown = registration::show(call.flows(), &call.act, hold(&call)?).await?;
        Ok(render(StatusCode::OK, &call.act.issuer, &shown))
    })
}

/// Replaces a registration.
pub(in crate::http) fn replace(mut call: Call) -> Answer {
    Box::pin(async move {
        let hold = hold(&call)?;
        let said = Description::read(call.take_fields().into_object()?)?;
        let stands = registration::replace(call.flows(), &call.act, hold, said).await?;
        Ok(render(StatusCode::OK, &call.act.issuer, &stands))
    })
}

/// Deletes a registration.
pub(in crate::http) fn delete(call: Call) -> Answer {
    Box::pin(async move {
        registration::delete(call.flows(), &call.act, hold(&call)?).await?;
        Ok(render::empty(StatusCode::NO_CONTENT))
    })
}

fn hold(call: &Call) -> Result<Hold, Refusal> {
    Ok(Hold {
        client: call.id()?,
        token: SecretText::new(bearer(&call.headers, &call.path)?),
    })
}

/// Takes the token that stands after `Bearer`.
fn bearer(headers: &HeaderMap, path: &str) -> Result<String, Refusal> {
    let needed = || Refusal::oauth(OAuthCode::InvalidToken, "this needs a bearer token");
    if !headers.contains_key(AUTHORIZATION) {
        return Err(needed());
    }
    match credential::read(headers, "POST", path)? {
        Presented::Bearer(token) => Ok(token),
        Presented::Dpop(..) | Presented::ApiKey(_) => Err(needed()),
    }
}

/// RFC 7591 §3.2.1, RFC 7592 §3: what stands, and what opens it.
fn render(status: StatusCode, issuer: &str, registration: &Registration) -> Reply {
    let client = &registration.client;
    let metadata = &client.metadata;
    let has_code = metadata
        .grant_types
        .iter()
        .any(|grant| grant == "authorization_code");
    let own = json!({
        "client_id": client.id,
        "client_id_issued_at": client.created_at.as_millis().div_euclid(1_000),
        "client_secret": registration.secret.as_ref().map(SecretText::expose),
        "client_secret_expires_at": registration.secret.as_ref().map(|_| 0),
        "registration_access_token": registration.token.expose(),
        "registration_client_uri": format!("{issuer}/oauth/register/{}", client.id),
        "client_name": client.name,
        "application_type": client.client_type.as_str(),
        "redirect_uris": metadata.redirect_uris,
        "grant_types": metadata.grant_types,
        "response_types": has_code.then_some(["code"]),
        "scope": metadata.scopes.join(" "),
        "token_endpoint_auth_method": metadata.token_endpoint_auth_method,
        "jwks": metadata.jwks,
        "jwks_uri": metadata.jwks_uri,
        "token_endpoint_auth_signing_alg": metadata.token_endpoint_auth_signing_alg,
        "request_object_signing_alg": metadata.request_object_signing_alg,
        "require_signed_request_object": metadata.require_signed_request_object,
        "require_pushed_authorization_requests": metadata.require_pushed_authorization_requests,
        "dpop_bound_access_tokens": metadata.dpop_bound_access_tokens,
        "tls_client_certificate_bound_access_tokens":
            metadata.tls_client_certificate_bound_access_tokens,
        "tls_client_auth_subject_dn": metadata.tls_client_auth_subject_dn,
        "tls_client_auth_san_dns": metadata.tls_client_auth_san_dns,
        "tls_client_auth_san_uri": metadata.tls_client_auth_san_uri,
        "tls_client_auth_san_ip": metadata.tls_client_auth_san_ip,
        "tls_client_auth_san_email": metadata.tls_client_auth_san_email,
        "default_max_age": metadata.default_max_age,
        "id_token_signed_response_alg": metadata.id_token_signed_response_alg,
        "userinfo_signed_response_alg": metadata.userinfo_signed_response_alg,
        "introspection_signed_response_alg": metadata.introspection_signed_response_alg,
        "post_logout_redirect_uris": metadata.post_logout_redirect_uris,
        "client_uri": metadata.client_uri,
        "logo_uri": metadata.logo_uri,
        "policy_uri": metadata.policy_uri,
        "tos_uri": metadata.tos_uri,
    });
    let mut members = without_null(own);
    members.extend(without_null(naming(metadata)));
    render::json(status, &members)
}

/// How people are named to the client, how it learns that they are gone, and where its requests are.
fn naming(metadata: &ClientMetadata) -> Value {
    json!({
        "subject_type": metadata.subject_type,
        "sector_identifier_uri": metadata.sector_identifier_uri,
        "backchannel_logout_uri": metadata.backchannel_logout_uri,
        "backchannel_logout_session_required": metadata.backchannel_logout_session_required,
        "frontchannel_logout_uri": metadata.frontchannel_logout_uri,
        "frontchannel_logout_session_required": metadata.frontchannel_logout_session_required,
        "request_uris": metadata.request_uris,
    })
}

fn without_null(value: Value) -> Map<String, Value> {
    let Value::Object(members) = value else {
        return Map::new();
    };
    members
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .collect()
}
