//! GET /.well-known/openid-configuration and /.well-known/oauth-authorization-server: what this issuer
//! does (OpenID Connect Discovery §4, RFC 8414 §3). GET /.well-known/oauth-protected-resource: who
//! issues tokens for our own APIs (RFC 9728 §3).
//!
//! Both forms of a tenant's path lead here: appended to its issuer, and inserted after the well-known
//! part; see `http::path`.

use bytes::Bytes;
use domain::tenant::{AssertionProfile, RegistrationPolicy};
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use protocol::dpop;
use protocol::jose::foreign::ForeignAlgorithm;
use protocol::oidc::discovery::{Facts, Metadata, protected_resource};

use super::super::{Answer, Call};
use crate::flow::client_keys::ALGORITHMS;
use crate::flow::signature;
use crate::flow::token::mint::ACR_SINGLE_FACTOR;
use crate::flow::{Act, Flows};
use crate::http::render::{self, Reply};
use crate::language::LANGUAGES;

static JSON: HeaderValue = HeaderValue::from_static("application/json");
static A_WHILE: HeaderValue = HeaderValue::from_static("public, max-age=600");

/// Describes the issuer. What it says follows from the service's settings and the tenant, so it is written
/// when a tenant changes, and not when somebody asks.
pub(in crate::http) fn provider(call: Call) -> Answer {
    Box::pin(async move {
        let (flows, act) = (call.flows(), &call.act);
        let write = || write_metadata(flows, act);
        Ok(cacheable(call.hall.metadata.get(&act.tenant, write)))
    })
}

fn write_metadata(flows: &Flows, act: &Act) -> Bytes {
    let settings = &flows.settings;
    let config = &act.tenant.config;
    let algorithms = signature::algorithms(settings.keys.algorithm);
    let clients = ALGORITHMS.map(ForeignAlgorithm::names).concat();
    let proofs = dpop::ALGORITHMS.map(ForeignAlgorithm::names).concat();
    let facts = Facts {
        issuer: &act.issuer,
        scopes: &settings.oidc.supported_scopes,
        algorithms: &algorithms,
        client_algorithms: &clients,
        proof_algorithms: if settings.dpop.enabled { &proofs } else { &[] },
        acr_values: &[ACR_SINGLE_FACTOR],
        ui_locales: &LANGUAGES,
        ciba_delivery_modes: &[],
        supports_pairwise: true,
        signs_userinfo: true,
        signs_introspection: true,
        is_registration_open: config.registration != RegistrationPolicy::Closed,
        supports_cimd: config.client_id_metadata_documents,
        supports_mtls: flows.client_authorities.is_some(),
        supports_request_objects: true,
        supports_request_uri: true,
        supports_device_flow: true,
        supports_token_exchange: true,
        supports_jwt_bearer: config.vouching_issuers().next().is_some(),
        issues_id_jag: !config.assertion_audiences.is_empty(),
        accepts_id_jag: config
            .vouching_issuers()
            .any(|issuer| issuer.profile == AssertionProfile::IdJag),
        supports_backchannel_logout: true,
        supports_frontchannel_logout: true,
    };
    render::to_bytes(&Metadata::new(&facts))
}

/// Describes our own APIs.
pub(in crate::http) fn resource(call: Call) -> Answer {
    Box::pin(async move {
        let issuer = &call.act.issuer;
        let scopes = &call.flows().settings.oidc.supported_scopes;
        let document = protected_resource(issuer, issuer, scopes);
        Ok(cacheable(render::to_bytes(&document)))
    })
}

fn cacheable(document: Bytes) -> Reply {
    let mut reply = render::with_body(StatusCode::OK, &JSON, document);
    reply.headers_mut().insert(CACHE_CONTROL, A_WHILE.clone());
    reply
}
