//! What the authorization endpoint demands of a request (OAuth 2.1 §4.1.1, RFC 9700, OpenID Connect
//! Core §3.1.2), in the order in which it is demanded.
//!
//! There are two stages, because a mistake is told to two different readers. [`choose_target`] finds
//! out where an answer may go at all; until then every mistake is told to the person on a page of
//! ours, and the browser is sent nowhere. After it, [`check`] goes through one table, row by row, and
//! the first row that objects is told to the client at its redirect URI.
//!
//! A row reads the parameters, and writes what it found right into the request that is being made;
//! later rows may rely on it. Unknown parameters are ignored (RFC 6749 §3.1). Who the person is,
//! whether they consent, whom an `id_token_hint` is about and whether a pushed or signed request is
//! genuine is judged elsewhere; here nothing is looked up and nothing is remembered.

mod arrival;
mod binding;
mod details;
mod error;
mod person;
#[cfg(test)]
pub(crate) mod sample;
mod scope;
mod target;

use domain::authorization::{AuthorizationRequest, Prompt, ResponseMode};
use domain::client::Client;
use domain::scope::ScopeSet;

pub use self::error::{AuthorizationError, AuthorizationErrorCode};
pub use self::scope::OFFLINE_ACCESS;
pub use self::target::{Target, Untrusted, choose_target};
use super::parameters::Parameters;

/// On which way a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrived {
    /// By the browser.
    Plain,
    /// From the client itself (RFC 9126), under a `request_uri` with this signature.
    Pushed([u8; 32]),
}

/// What a row looks at.
struct Asked<'a> {
    parameters: &'a Parameters,
    client: &'a Client,
    how: Arrived,
    is_signed: bool,
}

/// What a row says: nothing, or why the request is refused.
type Verdict = Result<(), AuthorizationError>;

/// A row: what is judged, where it is written, and how.
type Row = (
    &'static str,
    &'static str,
    fn(&Asked<'_>, &mut AuthorizationRequest) -> Verdict,
);

macro_rules! rows {
    ($($name:literal $section:literal $($check:ident)::+)+) => {
        /// The table.
        static ROWS: &[Row] = &[$(($name, $section, $($check)::+)),+];
    };
}

rows! {
// name                    section                               check
   "state"                 "RFC 6749 §4.1.1"                     arrival::read_state
   "registration"          "OpenID Connect Core §7.2.1"          arrival::check_registration
   "pushed"                "RFC 9126 §6, FAPI 2.0 §5.3.2.2"      arrival::read_pushed
   "signed"                "RFC 9101 §10.5"                      arrival::check_signed
   "client"                "FAPI 2.0 §5.3.2.1"                   arrival::check_client
   "response_type"         "OAuth 2.1 §4.1.1"                    arrival::check_response_type
   "response_mode"         "OAuth Multiple Response Types §2.1"  arrival::check_response_mode
   "scope"                 "RFC 6749 §3.3"                       scope::read_scope
   "offline_access"        "OpenID Connect Core §11"             scope::drop_offline_access
   "nonce"                 "OpenID Connect Core §3.1.2.1"        binding::read_nonce
   "code_challenge"        "RFC 7636 §4.4.1, RFC 9700 §2.1.1"    binding::read_code_challenge
   "dpop_jkt"              "RFC 9449 §10"                        binding::read_dpop_jkt
   "prompt"                "OpenID Connect Core §3.1.2.1"        person::read_prompt
   "max_age"               "OpenID Connect Core §3.1.2.1"        person::read_max_age
   "login_hint"            "OpenID Connect Core §3.1.2.1"        person::read_login_hint
   "acr_values"            "OpenID Connect Core §3.1.2.1"        person::read_acr_values
   "ui_locales"            "OpenID Connect Core §3.1.2.1"        person::read_ui_locales
   "claims"                "OpenID Connect Core §5.5"            details::read_claims
   "resource"              "RFC 8707 §2.1"                       details::read_resources
   "authorization_details" "RFC 9396 §5"                         details::read_authorization_details
}

/// Judges a request whose target is known, and gives what it asks for. `is_signed` says that the
/// parameters were in a request object whose signature was verified (RFC 9101).
///
/// # Errors
/// The objection of the first row that has one; to be sent to the target.
pub fn check(
    parameters: &Parameters,
    client: &Client,
    target: &Target,
    how: Arrived,
    is_signed: bool,
) -> Result<AuthorizationRequest, AuthorizationError> {
    let asked = Asked {
        parameters,
        client,
        how,
        is_signed,
    };
    let mut request = begin(client, target);
    for (_, _, judge) in ROWS {
        judge(&asked, &mut request)?;
    }
    Ok(request)
}

/// Judges what a device without a browser asks for: the scope and the resources (RFC 8628 §3.1).
///
/// # Errors
/// As [`check`]; to be told to the client at once.
pub fn check_device(
    parameters: &Parameters,
    client: &Client,
) -> Result<(ScopeSet, Vec<String>), AuthorizationError> {
    let asked = Asked {
        parameters,
        client,
        how: Arrived::Plain,
        is_signed: false,
    };
    let nowhere = Target {
        redirect_uri: String::new(),
        mode: ResponseMode::Query,
        state: None,
    };
    let mut request = begin(client, &nowhere);
    scope::read_scope(&asked, &mut request)?;
    scope::drop_offline_access(&asked, &mut request)?;
    details::read_resources(&asked, &mut request)?;
    Ok((request.scope, request.resources))
}

/// Gives a request that asks for nothing yet.
fn begin(client: &Client, target: &Target) -> AuthorizationRequest {
    AuthorizationRequest {
        client: client.id.clone(),
        redirect_uri: target.redirect_uri.clone(),
        response_mode: target.mode,
        scope: ScopeSet::default(),
        state: None,
        nonce: None,
        code_challenge: None,
        prompt: Prompt::default(),
        max_age: None,
        login_hint: None,
        expected_subject: None,
        acr_values: Vec::new(),
        claims: None,
        resources: Vec::new(),
        authorization_details: None,
        dpop_jkt: None,
        ui_locales: Vec::new(),
        pushed: None,
    }
}

// === impl Asked ===

impl<'a> Asked<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        self.parameters.get(name)
    }

    /// Gives a parameter that is not longer than a bound, in bytes.
    fn bounded(&self, name: &str, most: usize) -> Result<Option<&'a str>, AuthorizationError> {
        match self.get(name) {
            Some(value) if value.len() > most => Err(invalid_request(format!(
                "{name} is longer than {most} bytes."
            ))),
            found => Ok(found),
        }
    }

    fn is_fapi(&self) -> bool {
        self.client.metadata.fapi_2_0
    }
}

fn invalid_request(hint: impl Into<String>) -> AuthorizationError {
    AuthorizationError::new(AuthorizationErrorCode::InvalidRequest, hint)
}

#[cfg(test)]
mod tests;
