//! What a login interface is shown of a request.

use domain::authorization::{AuthorizationRequest, Prompt};
use domain::client::Client;
use form_urlencoded::Serializer;
use serde_json::{Value, json};

use crate::flow::Act;
use crate::flow::login_ui::{Shown, Stage};

/// Shows a request. The names are those that login interfaces know from other services.
pub(super) fn view(act: &Act, stage: Stage, challenge: &str, shown: &Shown) -> Value {
    let request = &shown.asked.request;
    let standing = shown.standing.as_ref();
    let mut body = json!({
        "challenge": challenge,
        "client": client(&shown.asked.client),
        "requested_scope": shown.asked.disclosed().iter().collect::<Vec<_>>(),
        "requested_access_token_audience": request.resources,
        "authorization_details": request.authorization_details,
        "skip": shown.skip,
        "subject": standing.map(|(_, user)| user.id.to_string()),
        "prompt": words(request.prompt),
        "max_age": request.max_age,
        "oidc_context": {
            "acr_values": request.acr_values,
            "login_hint": request.login_hint,
            "ui_locales": request.ui_locales,
        },
        "request_url": request_url(act, request),
        "expires_at": shown.expires_at.to_string(),
    });
    let (Some((session, _)), Some(members)) = (standing, body.as_object_mut()) else {
        return body;
    };
    members.insert("session_id".to_owned(), json!(session.id));
    if stage == Stage::Consent {
        members.insert("acr".to_owned(), json!(session.acr));
        members.insert("amr".to_owned(), json!(session.amr));
        let auth_time = session.auth_time.to_string();
        members.insert("auth_time".to_owned(), json!(auth_time));
    }
    body
}

fn client(client: &Client) -> Value {
    let metadata = &client.metadata;
    json!({
        "client_id": client.id,
        "client_name": client.name,
        "client_type": client.client_type,
        "client_uri": metadata.client_uri,
        "logo_uri": metadata.logo_uri,
        "policy_uri": metadata.policy_uri,
        "tos_uri": metadata.tos_uri,
        "is_first_party": metadata.is_first_party,
        "is_self_registered": metadata.is_self_registered,
    })
}

fn words(prompt: Prompt) -> Vec<&'static str> {
    let all = [
        (prompt.none, "none"),
        (prompt.login, "login"),
        (prompt.consent, "consent"),
        (prompt.select_account, "select_account"),
    ];
    let asked = all.into_iter().filter(|(is_asked, _)| *is_asked);
    asked.map(|(_, word)| word).collect()
}

/// Writes the request as an address, whichever way it came: what the interface may send a person to who
/// took too long.
fn request_url(act: &Act, request: &AuthorizationRequest) -> String {
    let (scope, prompt) = (request.scope.to_string(), words(request.prompt).join(" "));
    let (acr, locales) = (request.acr_values.join(" "), request.ui_locales.join(" "));
    let max_age = request.max_age.map(|seconds| seconds.to_string());
    let known = [
        ("client_id", Some(request.client.as_str())),
        ("response_type", Some("code")),
        ("redirect_uri", Some(request.redirect_uri.as_str())),
        ("scope", Some(scope.as_str())),
        ("state", request.state.as_deref()),
        ("nonce", request.nonce.as_deref()),
        ("code_challenge", request.code_challenge.as_deref()),
        (
            "code_challenge_method",
            request.code_challenge.as_ref().map(|_| "S256"),
        ),
        ("prompt", Some(prompt.as_str())),
        ("max_age", max_age.as_deref()),
        ("login_hint", request.login_hint.as_deref()),
        ("acr_values", Some(acr.as_str())),
        ("ui_locales", Some(locales.as_str())),
    ];
    let resources = request.resources.iter();
    let resources = resources.map(|resource| ("resource", Some(resource.as_str())));
    let pairs = known.into_iter().chain(resources);
    let pairs = pairs.filter_map(|(name, value)| Some((name, value?)));
    let query = Serializer::new(String::new())
        .extend_pairs(pairs.filter(|(_, value)| !value.is_empty()))
        .finish();
    format!("{}/oauth/authorize?{query}", act.issuer)
}
