//! What may be asked for, and how.

use serde::Serialize;

use super::Facts;
use crate::assertion_grant::ID_JAG;

/// The grants that every service of ours has.
const GRANTS: [&str; 3] = ["authorization_code", "refresh_token", "client_credentials"];

/// The name of the ID-JAG among the kinds of assertions that are grants.
const ID_JAG_PROFILE: &str = "urn:ietf:params:oauth:grant-profile:id-jag";

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are members of a standard's document"
)]
pub(super) struct Requests<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes_supported: Vec<&'a str>,
    response_types_supported: [&'static str; 1],
    response_modes_supported: [&'static str; 5],
    grant_types_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity_chaining_requested_token_types_supported: Option<[&'static str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_grant_profiles_supported: Option<[&'static str; 1]>,
    code_challenge_methods_supported: [&'static str; 1],
    prompt_values_supported: [&'static str; 4],
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    acr_values_supported: &'a [&'a str],
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    ui_locales_supported: &'a [&'a str],
    claims_parameter_supported: bool,
    request_parameter_supported: bool,
    /// Said even when false, because its absence means true (OpenID Connect Discovery §3).
    request_uri_parameter_supported: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    require_request_uri_registration: Option<bool>,
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    request_object_signing_alg_values_supported: &'a [&'a str],
    authorization_response_iss_parameter_supported: bool,
}

// === impl Requests ===

impl<'a> Requests<'a> {
    pub(super) fn new(facts: &Facts<'a>) -> Self {
        let reads_objects = facts.supports_request_objects || facts.supports_request_uri;
        Self {
            scopes_supported: facts.scopes.iter().collect(),
            response_types_supported: ["code"],
            response_modes_supported: ["query", "form_post", "query.jwt", "form_post.jwt", "jwt"],
            grant_types_supported: grant_types(facts),
            identity_chaining_requested_token_types_supported: facts
                .issues_id_jag
                .then_some([ID_JAG]),
            authorization_grant_profiles_supported: facts
                .accepts_id_jag
                .then_some([ID_JAG_PROFILE]),
            code_challenge_methods_supported: ["S256"],
            prompt_values_supported: ["none", "login", "consent", "select_account"],
            acr_values_supported: facts.acr_values,
            ui_locales_supported: facts.ui_locales,
            claims_parameter_supported: true,
            request_parameter_supported: facts.supports_request_objects,
            request_uri_parameter_supported: facts.supports_request_uri,
            // Nothing else is ever fetched; where nothing is fetched at all, there is nothing to say.
            require_request_uri_registration: facts.supports_request_uri.then_some(true),
            request_object_signing_alg_values_supported: if reads_objects {
                facts.client_algorithms
            } else {
                &[]
            },
            authorization_response_iss_parameter_supported: true,
        }
    }
}

fn grant_types(facts: &Facts<'_>) -> Vec<&'static str> {
    let optional = [
        (
            facts.supports_device_flow,
            "urn:ietf:params:oauth:grant-type:device_code",
        ),
        (
            facts.supports_token_exchange,
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        (
            facts.supports_jwt_bearer,
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
        ),
        (
            !facts.ciba_delivery_modes.is_empty(),
            "urn:openid:params:grant-type:ciba",
        ),
    ];
    let offered = optional.into_iter().filter(|(offered, _)| *offered);
    GRANTS
        .into_iter()
        .chain(offered.map(|(_, grant)| grant))
        .collect()
}
