//! The member `config` of a tenant: what it chooses.

use domain::rejection::Refusal;
use domain::tenant::{Lifetimes, PasswordRules, RegistrationPolicy};

use super::assertions::{take_audience, take_issuer};
use super::{authenticators, take_mfa};
use crate::flow::admin::tenants::Choices;
use crate::http::fields::Fields;

/// Reads what is chosen. What is no choice that there is, is refused by name.
///
/// # Errors
/// As [`Fields::finish`].
pub(super) fn take(fields: &mut Fields) -> Result<Choices, Refusal> {
    let mut config = fields.optional_fields("config");
    let mut branding = config.optional_fields("branding");
    let choices = Choices {
        logo_uri: branding.nullable("logo_uri", Fields::optional_text),
        colour: branding.nullable("colour", Fields::optional_text),
        language: branding.nullable("language", Fields::optional_text),
        silent_registration: config.optional_flag("silent_registration"),
        mfa: take_mfa(&mut config, "mfa"),
        password_policy: take_whole(&mut config, "password_policy", take_rules)?,
        token_ttls: take_whole(&mut config, "token_ttls", take_lifetimes)?,
        passkey_authenticators: config.nullable("passkey_authenticators", authenticators::take),
        registration: take_registration(&mut config),
        max_self_registered_clients: config.optional_number("max_self_registered_clients"),
        client_id_metadata_documents: config.optional_flag("client_id_metadata_documents"),
        resources: config.optional_texts("resources"),
        assertion_issuers: config.optional_list("assertion_issuers", take_issuer),
        allowed_oauth_providers: config.nullable("allowed_oauth_providers", Fields::optional_texts),
        assertion_audiences: config.optional_list("assertion_audiences", take_audience),
        login_ui_url: config.nullable("login_ui_url", Fields::optional_text),
        consent_ui_url: config.nullable("consent_ui_url", Fields::optional_text),
        cors_allowed_origins: config.nullable("cors_allowed_origins", Fields::optional_texts),
    };
    let choices = branding.finish(choices)?;
    config.finish(choices)
}

/// Reads an object that replaces the one before as a whole; `null` is one without members.
fn take_whole<T>(
    config: &mut Fields,
    name: &'static str,
    read: impl Fn(&mut Fields) -> T,
) -> Result<Option<T>, Refusal> {
    if !config.has(name) {
        return Ok(None);
    }
    let mut fields = config.optional_fields(name);
    let whole = read(&mut fields);
    fields.finish(Some(whole))
}

/// Reads what new passwords must be.
pub(in super::super) fn take_rules(fields: &mut Fields) -> PasswordRules {
    PasswordRules {
        min_length: fields.optional_number("min_length"),
        max_length: fields.optional_number("max_length"),
        forbidden_words: fields.optional_texts("forbidden_words").unwrap_or_default(),
    }
}

fn take_lifetimes(fields: &mut Fields) -> Lifetimes {
    Lifetimes {
        access_token_seconds: fields.optional_number("access_token_seconds"),
        agent_token_seconds: fields.optional_number("agent_token_seconds"),
        id_token_seconds: fields.optional_number("id_token_seconds"),
        refresh_token_seconds: fields.optional_number("refresh_token_seconds"),
        refresh_token_max_age_seconds: fields.optional_number("refresh_token_max_age_seconds"),
        session_idle_seconds: fields.optional_number("session_idle_seconds"),
        session_max_age_seconds: fields.optional_number("session_max_age_seconds"),
    }
}

fn take_registration(config: &mut Fields) -> Option<RegistrationPolicy> {
    let word = config.optional_text("registration")?;
    let policy = match word.as_str() {
        "closed" => RegistrationPolicy::Closed,
        "token" => RegistrationPolicy::Token,
        "open" => RegistrationPolicy::Open,
        _ => {
            config.refuse("registration", "must be closed, token or open");
            return None;
        }
    };
    Some(policy)
}
