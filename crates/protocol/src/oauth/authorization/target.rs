//! Where the answer to an authorization request may go.
//!
//! Until this is known nobody is redirected: a server that sends a browser wherever a request says is
//! an open redirector (RFC 6749 §4.1.2.1, RFC 9700 §4.11.2).

use domain::authorization::{AuthorizationRequest, ResponseMode};
use domain::client::Client;

use super::super::parameters::Parameters;
use super::super::redirect_uri::is_registered;

/// Where an answer goes, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// One that the client registered.
    pub redirect_uri: String,
    /// The mode that was asked for, or `query` where it is not one of ours: the answer will say so.
    pub mode: ResponseMode,
    /// Given back as it came; absent where it is longer than any client needs.
    pub state: Option<String>,
}

/// Why the browser is sent nowhere: the person is told, on a page of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{hint}")]
pub struct Untrusted {
    /// One sentence for that page.
    pub hint: &'static str,
}

/// The longest `state`, in bytes.
pub(super) const MAX_STATE: usize = 2048;

/// The grant that a code is for.
const CODE_GRANT: &str = "authorization_code";

/// Finds out where the answer may go.
///
/// # Errors
/// [`Untrusted`] when the client may not ask, or when the redirect URI is not one of its own.
pub fn choose_target(parameters: &Parameters, client: &Client) -> Result<Target, Untrusted> {
    check_client(parameters, client)?;
    let redirect_uri = choose_redirect_uri(parameters, client)?;
    let asked = parameters.get("response_mode");
    let mode = asked.map_or(Some(ResponseMode::Query), parse_mode);
    let state = parameters.get("state");
    Ok(Target {
        redirect_uri: redirect_uri.to_owned(),
        mode: mode.unwrap_or(ResponseMode::Query),
        state: state
            .filter(|state| state.len() <= MAX_STATE)
            .map(str::to_owned),
    })
}

fn check_client(parameters: &Parameters, client: &Client) -> Result<(), Untrusted> {
    if parameters
        .get("client_id")
        .is_some_and(|id| id != client.id)
    {
        return Err(refuse("The request names two applications."));
    }
    if client.disabled {
        return Err(refuse("This application is disabled."));
    }
    let grants = &client.metadata.grant_types;
    if !grants.iter().any(|grant| grant == CODE_GRANT) {
        return Err(refuse("This application may not ask people to sign in."));
    }
    Ok(())
}

fn choose_redirect_uri<'a>(
    parameters: &'a Parameters,
    client: &'a Client,
) -> Result<&'a str, Untrusted> {
    let registered = &client.metadata.redirect_uris;
    if let Some(presented) = parameters.get("redirect_uri") {
        let known = is_registered(registered, presented);
        return known.then_some(presented).ok_or(refuse(
            "The redirect_uri is not one that this application registered.",
        ));
    }
    match registered.as_slice() {
        [only] if !must_name_it(parameters, client) => Ok(only),
        _ => Err(refuse("The request must say a redirect_uri.")),
    }
}

/// Says whether the redirect URI may not be left out (OpenID Connect Core §3.1.2.1, FAPI 2.0
/// §5.3.2.2).
fn must_name_it(parameters: &Parameters, client: &Client) -> bool {
    let scope = parameters.get("scope").unwrap_or_default();
    client.metadata.fapi_2_0 || scope.split(' ').any(|token| token == "openid")
}

/// Reads a response mode that a code may be answered in. A fragment is none: it outlives redirects
/// (RFC 9700 §4.1.2) and stays in histories.
pub(super) fn parse_mode(text: &str) -> Option<ResponseMode> {
    match text {
        "query" => Some(ResponseMode::Query),
        "form_post" => Some(ResponseMode::FormPost),
        // For a code, `jwt` is `query.jwt` (JARM §2.3.4).
        "query.jwt" | "jwt" => Some(ResponseMode::QueryJwt),
        "form_post.jwt" => Some(ResponseMode::FormPostJwt),
        _ => None,
    }
}

const fn refuse(hint: &'static str) -> Untrusted {
    Untrusted { hint }
}

// === impl Target ===

impl From<&Self> for Target {
    fn from(target: &Self) -> Self {
        target.clone()
    }
}

impl From<&AuthorizationRequest> for Target {
    fn from(request: &AuthorizationRequest) -> Self {
        Self {
            redirect_uri: request.redirect_uri.clone(),
            mode: request.response_mode,
            state: request.state.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{CALLBACK, client, parameters};
    use super::*;

    fn target(changes: &[(&str, &str)], client: &Client) -> Result<Target, Untrusted> {
        choose_target(&parameters(changes), client)
    }

    #[test]
    fn rfc_6749_4_1_2_1_nobody_is_redirected_for_a_client_that_may_not_ask() {
        assert!(target(&[], &client()).is_ok());
        let mut disabled = client();
        disabled.disabled = true;
        assert!(target(&[], &disabled).is_err());
        let mut other_grants = client();
        other_grants.metadata.grant_types = vec!["client_credentials".to_owned()];
        assert!(target(&[], &other_grants).is_err());
        assert!(target(&[("client_id", "client_other")], &client()).is_err());
    }

    #[test]
    fn rfc_6749_4_1_2_1_nobody_is_redirected_to_an_unregistered_uri() {
        for evil in [
            "https://evil.example/",
            "https://app.example.org/callback/../x",
            "//x",
            "x",
        ] {
            assert!(
                target(&[("redirect_uri", evil)], &client()).is_err(),
                "{evil}"
            );
        }
        let mut none = client();
        none.metadata.redirect_uris.clear();
        assert!(target(&[], &none).is_err());
        assert!(target(&[("redirect_uri", "")], &none).is_err());
    }

    #[test]
    fn oauth_2_1_4_1_1_the_only_registered_uri_need_not_be_named() {
        let unnamed = [("redirect_uri", ""), ("scope", "email")];
        let chosen = target(&unnamed, &client()).map(|target| target.redirect_uri);
        assert_eq!(chosen.as_deref(), Ok(CALLBACK));
        let mut two = client();
        two.metadata
            .redirect_uris
            .push("https://app.example.org/b".to_owned());
        assert!(target(&unnamed, &two).is_err());
    }

    #[test]
    fn openid_connect_core_3_1_2_1_redirect_uri_is_required() {
        let unnamed = [("redirect_uri", ""), ("scope", "email openid")];
        assert!(target(&unnamed, &client()).is_err());
    }

    #[test]
    fn fapi_2_0_5_3_2_2_redirect_uri_is_required() {
        let mut fapi = client();
        fapi.metadata.fapi_2_0 = true;
        assert!(target(&[("redirect_uri", ""), ("scope", "email")], &fapi).is_err());
    }

    #[test]
    fn jarm_2_3_each_response_mode_is_known_and_jwt_is_query_jwt() {
        for (text, mode) in [
            ("", ResponseMode::Query),
            ("query", ResponseMode::Query),
            ("form_post", ResponseMode::FormPost),
            ("query.jwt", ResponseMode::QueryJwt),
            ("jwt", ResponseMode::QueryJwt),
            ("form_post.jwt", ResponseMode::FormPostJwt),
            ("fragment", ResponseMode::Query),
        ] {
            let chosen = target(&[("response_mode", text)], &client());
            assert_eq!(chosen.map(|target| target.mode), Ok(mode), "{text}");
        }
    }

    #[test]
    fn a_state_that_no_client_needs_is_not_given_back() {
        let given = |state: &str| target(&[("state", state)], &client()).map(|given| given.state);
        let longest = "x".repeat(MAX_STATE);
        assert_eq!(given(&longest), Ok(Some(longest.clone())));
        assert_eq!(given(&format!("{longest}x")), Ok(None));
    }
}
