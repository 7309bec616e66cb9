//! How clients prove who they are, and what tokens can be bound to.

use serde::Serialize;

use super::Facts;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Authentication<'a> {
    token_endpoint_auth_methods_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    token_endpoint_auth_signing_alg_values_supported: &'a [&'a str],
    introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    introspection_endpoint_auth_signing_alg_values_supported: &'a [&'a str],
    revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    revocation_endpoint_auth_signing_alg_values_supported: &'a [&'a str],
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    dpop_signing_alg_values_supported: &'a [&'a str],
    tls_client_certificate_bound_access_tokens: bool,
    client_id_metadata_document_supported: bool,
}

// === impl Authentication ===

impl<'a> Authentication<'a> {
    pub(super) fn new(facts: &Facts<'a>) -> Self {
        let confidential = confidential_methods(facts);
        let mut any = confidential.clone();
        any.push("none");
        Self {
            token_endpoint_auth_methods_supported: any.clone(),
            token_endpoint_auth_signing_alg_values_supported: facts.client_algorithms,
            // A public client may not ask what a token is worth (RFC 7662 §2.1).
            introspection_endpoint_auth_methods_supported: confidential,
            introspection_endpoint_auth_signing_alg_values_supported: facts.client_algorithms,
            revocation_endpoint_auth_methods_supported: any,
            revocation_endpoint_auth_signing_alg_values_supported: facts.client_algorithms,
            dpop_signing_alg_values_supported: facts.proof_algorithms,
            tls_client_certificate_bound_access_tokens: facts.supports_mtls,
            client_id_metadata_document_supported: facts.supports_cimd,
        }
    }
}

fn confidential_methods(facts: &Facts<'_>) -> Vec<&'static str> {
    let mut methods = vec!["client_secret_basic", "client_secret_post"];
    if !facts.client_algorithms.is_empty() {
        methods.push("private_key_jwt");
    }
    if facts.supports_mtls {
        methods.extend(["tls_client_auth", "self_signed_tls_client_auth"]);
    }
    methods
}
