//! Where the endpoints are; their paths are fixed by CONTRACT §6.

use serde::Serialize;

use super::Facts;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Endpoints {
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: String,
    jwks_uri: String,
    pushed_authorization_request_endpoint: String,
    introspection_endpoint: String,
    revocation_endpoint: String,
    end_session_endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_authorization_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backchannel_authentication_endpoint: Option<String>,
}

// === impl Endpoints ===

impl Endpoints {
    pub(super) fn new(facts: &Facts<'_>) -> Self {
        let at = |path: &str| format!("{}{path}", facts.issuer);
        let offers_ciba = !facts.ciba_delivery_modes.is_empty();
        Self {
            authorization_endpoint: at("/oauth/authorize"),
            token_endpoint: at("/oauth/token"),
            userinfo_endpoint: at("/userinfo"),
            jwks_uri: at("/.well-known/jwks.json"),
            pushed_authorization_request_endpoint: at("/oauth/par"),
            introspection_endpoint: at("/oauth/introspect"),
            revocation_endpoint: at("/oauth/revoke"),
            end_session_endpoint: at("/oauth/logout"),
            registration_endpoint: facts.is_registration_open.then(|| at("/oauth/register")),
            device_authorization_endpoint: facts
                .supports_device_flow
                .then(|| at("/oauth/device_authorization")),
            backchannel_authentication_endpoint: offers_ciba.then(|| at("/oauth/bc-authorize")),
        }
    }
}
