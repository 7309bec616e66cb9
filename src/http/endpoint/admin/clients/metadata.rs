//! A client's metadata as the admin door reads and shows it, in the words of RFC 7591 §2.
//!
//! What is read is judged by the flow; here are names and types. Whatever may be `null` goes back to
//! what holds without it.

use domain::client::{Client, ClientMetadata};
use serde_json::{Map, Value, json};

use super::super::take_mfa;
use crate::flow::admin::clients::{
    AnswersPatch, CertificatesPatch, KeysPatch, LogoutPatch, MetadataPatch, PagesPatch,
    PolicyPatch, SubjectsPatch,
};
use crate::http::fields::Fields;

/// Takes whatever a request says about a client's metadata.
pub(super) fn take_metadata(fields: &mut Fields) -> MetadataPatch {
    MetadataPatch {
        redirect_uris: fields.optional_texts("redirect_uris"),
        grant_types: fields.optional_texts("grant_types"),
        scopes: fields.optional_texts("scopes"),
        authorization_details_types: fields.optional_texts("authorization_details_types"),
        token_endpoint_auth_method: fields.optional_text("token_endpoint_auth_method"),
        roles: fields.optional_texts("roles"),
        audiences: fields.optional_texts("audiences"),
        own_resources: fields.optional_texts("own_resources"),
        access_token_format: fields.nullable("access_token_format", Fields::optional_text),
        access_token_ttl_seconds: fields
            .nullable("access_token_ttl_seconds", Fields::optional_number),
        policy: take_policy(fields),
        keys: take_keys(fields),
        certificates: take_certificates(fields),
        answers: take_answers(fields),
        pages: take_pages(fields),
        subjects: take_subjects(fields),
        logout: take_logout(fields),
    }
}

fn take_policy(fields: &mut Fields) -> PolicyPatch {
    let default_max_age = fields.nullable("default_max_age", Fields::optional_number);
    PolicyPatch {
        is_first_party: fields.optional_flag("is_first_party"),
        require_pkce: fields.nullable("require_pkce", Fields::optional_flag),
        require_pushed_authorization_requests: fields
            .optional_flag("require_pushed_authorization_requests"),
        dpop_bound_access_tokens: fields.optional_flag("dpop_bound_access_tokens"),
        mfa: fields.nullable("mfa", take_mfa),
        fapi_2_0: fields.optional_flag("fapi_2_0"),
        may_introspect: fields.optional_flag("may_introspect"),
        default_max_age: default_max_age.map(|seconds| seconds.map(u64::from)),
    }
}

fn take_keys(fields: &mut Fields) -> KeysPatch {
    KeysPatch {
        jwks: fields.nullable("jwks", Fields::optional_object),
        jwks_uri: fields.nullable("jwks_uri", Fields::optional_text),
        token_endpoint_auth_signing_alg: fields
            .nullable("token_endpoint_auth_signing_alg", Fields::optional_text),
        request_object_signing_alg: fields
            .nullable("request_object_signing_alg", Fields::optional_text),
        require_signed_request_object: fields.optional_flag("require_signed_request_object"),
        request_uris: fields.optional_texts("request_uris"),
    }
}

fn take_certificates(fields: &mut Fields) -> CertificatesPatch {
    CertificatesPatch {
        tls_client_certificate_bound_access_tokens: fields
            .optional_flag("tls_client_certificate_bound_access_tokens"),
        tls_client_auth_subject_dn: fields
            .nullable("tls_client_auth_subject_dn", Fields::optional_text),
        tls_client_auth_san_dns: fields.nullable("tls_client_auth_san_dns", Fields::optional_text),
        tls_client_auth_san_uri: fields.nullable("tls_client_auth_san_uri", Fields::optional_text),
        tls_client_auth_san_ip: fields.nullable("tls_client_auth_san_ip", Fields::optional_text),
        tls_client_auth_san_email: fields
            .nullable("tls_client_auth_san_email", Fields::optional_text),
    }
}

fn take_answers(fields: &mut Fields) -> AnswersPatch {
    AnswersPatch {
        id_token_signed_response_alg: fields
            .nullable("id_token_signed_response_alg", Fields::optional_text),
        userinfo_signed_response_alg: fields
            .nullable("userinfo_signed_response_alg", Fields::optional_text),
        introspection_signed_response_alg: fields
            .nullable("introspection_signed_response_alg", Fields::optional_text),
    }
}

fn take_pages(fields: &mut Fields) -> PagesPatch {
    PagesPatch {
        post_logout_redirect_uris: fields.optional_texts("post_logout_redirect_uris"),
        client_uri: fields.nullable("client_uri", Fields::optional_text),
        logo_uri: fields.nullable("logo_uri", Fields::optional_text),
        policy_uri: fields.nullable("policy_uri", Fields::optional_text),
        tos_uri: fields.nullable("tos_uri", Fields::optional_text),
    }
}

fn take_subjects(fields: &mut Fields) -> SubjectsPatch {
    SubjectsPatch {
        subject_type: fields.nullable("subject_type", Fields::optional_text),
        sector_identifier_uri: fields.nullable("sector_identifier_uri", Fields::optional_text),
    }
}

fn take_logout(fields: &mut Fields) -> LogoutPatch {
    LogoutPatch {
        backchannel_logout_uri: fields.nullable("backchannel_logout_uri", Fields::optional_text),
        backchannel_logout_session_required: fields
            .optional_flag("backchannel_logout_session_required"),
        frontchannel_logout_uri: fields.nullable("frontchannel_logout_uri", Fields::optional_text),
        frontchannel_logout_session_required: fields
            .optional_flag("frontchannel_logout_session_required"),
    }
}

/// Shows a client; of its secrets no more than that there are any.
pub(super) fn view(client: &Client) -> Value {
    let secrets = client.secrets.iter().map(|secret| {
        json!({
            "created_at": secret.created_at.to_string(),
            "expires_at": secret.expires_at.map(|end| end.to_string()),
        })
    });
    let own = json!({
        "client_id": client.id,
        "name": client.name,
        "client_type": client.client_type,
        "disabled": client.disabled,
        "secrets": secrets.collect::<Value>(),
        "created_at": client.created_at.to_string(),
        "updated_at": client.updated_at.to_string(),
        "version": client.version,
    });
    let metadata = &client.metadata;
    let parts = [
        own,
        view_tokens(metadata),
        view_policy(metadata),
        view_keys(metadata),
        view_certificates(metadata),
        view_answers(metadata),
        view_pages(metadata),
        view_subjects(metadata),
    ];
    let members = parts.into_iter().filter_map(into_members).flatten();
    Value::Object(members.collect())
}

fn view_tokens(metadata: &ClientMetadata) -> Value {
    json!({
        "redirect_uris": metadata.redirect_uris,
        "grant_types": metadata.grant_types,
        "scopes": metadata.scopes,
        "authorization_details_types": metadata.authorization_details_types,
        "token_endpoint_auth_method": metadata.token_endpoint_auth_method,
        "roles": metadata.roles,
        "audiences": metadata.audiences,
        "own_resources": metadata.own_resources,
        "access_token_format": metadata.access_token_format,
        "access_token_ttl_seconds": metadata.access_token_ttl_seconds,
    })
}

fn view_policy(metadata: &ClientMetadata) -> Value {
    json!({
        "is_first_party": metadata.is_first_party,
        "require_pkce": metadata.require_pkce,
        "require_pushed_authorization_requests": metadata.require_pushed_authorization_requests,
        "dpop_bound_access_tokens": metadata.dpop_bound_access_tokens,
        "mfa": metadata.mfa,
        "fapi_2_0": metadata.fapi_2_0,
        "may_introspect": metadata.may_introspect,
        "default_max_age": metadata.default_max_age,
    })
}

fn view_keys(metadata: &ClientMetadata) -> Value {
    json!({
        "jwks": metadata.jwks,
        "jwks_uri": metadata.jwks_uri,
        "token_endpoint_auth_signing_alg": metadata.token_endpoint_auth_signing_alg,
        "request_object_signing_alg": metadata.request_object_signing_alg,
        "require_signed_request_object": metadata.require_signed_request_object,
        "request_uris": metadata.request_uris,
    })
}

fn view_certificates(metadata: &ClientMetadata) -> Value {
    json!({
        "tls_client_certificate_bound_access_tokens":
            metadata.tls_client_certificate_bound_access_tokens,
        "tls_client_auth_subject_dn": metadata.tls_client_auth_subject_dn,
        "tls_client_auth_san_dns": metadata.tls_client_auth_san_dns,
        "tls_client_auth_san_uri": metadata.tls_client_auth_san_uri,
        "tls_client_auth_san_ip": metadata.tls_client_auth_san_ip,
        "tls_client_auth_san_email": metadata.tls_client_auth_san_email,
    })
}

fn view_answers(metadata: &ClientMetadata) -> Value {
    json!({
        "id_token_signed_response_alg": metadata.id_token_signed_response_alg,
        "userinfo_signed_response_alg": metadata.userinfo_signed_response_alg,
        "introspection_signed_response_alg": metadata.introspection_signed_response_alg,
    })
}

fn view_pages(metadata: &ClientMetadata) -> Value {
    json!({
        "post_logout_redirect_uris": metadata.post_logout_redirect_uris,
        "client_uri": metadata.client_uri,
        "logo_uri": metadata.logo_uri,
        "policy_uri": metadata.policy_uri,
        "tos_uri": metadata.tos_uri,
    })
}

fn view_subjects(metadata: &ClientMetadata) -> Value {
    json!({
        "subject_type": metadata.subject_type,
        "sector_identifier_uri": metadata.sector_identifier_uri,
        "backchannel_logout_uri": metadata.backchannel_logout_uri,
        "backchannel_logout_session_required": metadata.backchannel_logout_session_required,
        "frontchannel_logout_uri": metadata.frontchannel_logout_uri,
        "frontchannel_logout_session_required": metadata.frontchannel_logout_session_required,
    })
}

fn into_members(part: Value) -> Option<Map<String, Value>> {
    match part {
        Value::Object(members) => Some(members),
        _ => None,
    }
}
