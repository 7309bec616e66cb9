//! A tenant's switches, as its own operators turn them.
//!
//! They are the tenant's that the operator speaks for, and no other: whichever else is named is not
//! found. A change is written through the tenants owner with its audit entry, counts the version up, and
//! is in effect on this node before it is answered, on every other within a second.

use std::sync::Arc;

use domain::event::EventKind;
use domain::factor::MfaPolicy;
use domain::rejection::{Code, Refusal, Rejection};
use domain::tenant::{
    AssertionAudience, AssertionIssuer, Branding, PasskeyAuthenticators, RegistrationPolicy,
    Tenant, TenantConfig,
};
use serde_json::json;
use store::port::tenants::TenantWrite;
use url::{Host, Url};

use super::{not_found, stale};
use crate::flow::account::{Mistakes, parse_name};
use crate::flow::passkey;
use crate::flow::{Act, Flows};
use crate::language::LANGUAGES;

mod assertions;

/// Change a tenant's switches; `None` leaves one alone.
#[derive(Debug, Clone, Default)]
pub struct PatchTenant {
    /// Its id or slug.
    pub tenant: String,
    /// What people know it by.
    pub name: Option<String>,
    /// The picture of its pages; nothing for none.
    pub logo_uri: Option<Option<String>>,
    /// The colour of its buttons; nothing for ours.
    pub colour: Option<Option<String>>,
    /// The language of its pages and letters for whoever asks for none; nothing for English.
    pub language: Option<Option<String>>,
    /// Whether registrations are answered alike for free and taken addresses.
    pub silent_registration: Option<bool>,
    /// What people are asked for beside a password.
    pub mfa: Option<MfaPolicy>,
    /// Which passkeys may be bound; nothing for any.
    pub passkey_authenticators: Option<Option<PasskeyAuthenticators>>,
    /// Who may register clients at the public door.
    pub registration: Option<RegistrationPolicy>,
    /// How many of those there may be.
    pub max_self_registered_clients: Option<u32>,
    /// Whether clients may describe themselves in documents.
    pub client_id_metadata_documents: Option<bool>,
    /// Which resources the tokens of clients that describe themselves may be for.
    pub resources: Option<Vec<String>>,
    /// Whose assertions about people are taken as grants.
    pub assertion_issuers: Option<Vec<AssertionIssuer>>,
    /// To which other authorization servers people are asserted.
    pub assertion_audiences: Option<Vec<AssertionAudience>>,
    /// Where people sign in; nothing for our pages.
    pub login_ui_url: Option<Option<String>>,
    /// Where they are asked what they allow; nothing for our pages.
    pub consent_ui_url: Option<Option<String>>,
    /// The version it was based on.
    pub version: Option<i64>,
}

/// The longest address of a page, in bytes.
const MAX_URL: usize = 512;
/// The most clients that may be let register themselves.
const MOST_CLIENTS: u32 = 1_000_000;
/// The most resources, and the longest of them.
const MAX_RESOURCES: usize = 50;

/// The most certificates, and the most models, of a list of authenticators.
const MAX_AUTHENTICATORS: usize = 100;

/// Gives the operator's own tenant by its id or slug.
///
/// # Errors
/// 404 for any other.
pub fn get(act: &Act, name: &str) -> Result<Arc<Tenant>, Refusal> {
    let tenant = &act.tenant;
    if tenant.slug == name || tenant.id.to_string() == name {
        return Ok(Arc::clone(tenant));
    }
    Err(not_found("tenant"))
}

/// Turns switches of the operator's own tenant.
///
/// # Errors
/// 403 for where people sign in or whose word is taken for them and a key that opens one area only; 404
/// for any other tenant; 412 when it has changed since `version`, or changes at this moment; 422 for what
/// is not acceptable; or a fault.
pub async fn patch(flows: &Flows, act: &Act, message: PatchTenant) -> Result<Tenant, Rejection> {
    let known = get(act, &message.tenant)?;
    if message
        .version
        .is_some_and(|version| version != known.version)
    {
        return Err(stale().into());
    }
    require_appointer_of_trust(act, &message)?;
    let name = check(flows, act, &message)?;
    check_clients(flows, act, &message).await?;
    let changed = Tenant {
        name: name.unwrap_or_else(|| known.name.clone()),
        config: apply(known.config.clone(), message),
        ..known.as_ref().clone()
    };
    let entry = act
        .entry(EventKind::TenantUpdated)
        .about(&known.id)
        .with(json!({ "name": changed.name, "config": changed.config }));
    let written = flows.tenants.update_tenant(changed, entry, act.deadline);
    match written.await? {
        TenantWrite::Stored(tenant) => Ok(*tenant),
        TenantWrite::Stale | TenantWrite::SlugTaken => Err(stale().into()),
    }
}

/// Refuses to say where people sign in, or whose word is taken for them, for a key that opens one area
/// only: operators would tell their passwords there, and it would make itself a key for all (OWASP ASVS
/// 5.0 §8.2.1).
fn require_appointer_of_trust(act: &Act, message: &PatchTenant) -> Result<(), Refusal> {
    let names_page = message.login_ui_url.is_some() || message.consent_ui_url.is_some();
    let names_other = message.assertion_issuers.is_some() || message.assertion_audiences.is_some();
    if act.may_appoint || !names_page && !names_other {
        return Ok(());
    }
    let hint = "This key opens one area only: it may not say where people sign in, or whose word is taken.";
    Err(Refusal::new(Code::Forbidden, hint))
}

fn check(flows: &Flows, act: &Act, message: &PatchTenant) -> Result<Option<String>, Refusal> {
    let mut mistakes = Mistakes::default();
    let name = message.name.as_deref();
    let name = name.and_then(|name| mistakes.check("name", parse_name(name)));
    if let Some(Some(uri)) = &message.logo_uri {
        mistakes.check("logo_uri", check_logo(uri));
    }
    if let Some(Some(colour)) = &message.colour {
        mistakes.check("colour", check_colour(colour));
    }
    if let Some(Some(language)) = &message.language {
        mistakes.check("language", check_language(language));
    }
    for (field, url) in [
        ("login_ui_url", &message.login_ui_url),
        ("consent_ui_url", &message.consent_ui_url),
    ] {
        if let Some(Some(url)) = url {
            mistakes.check(field, check_page(url));
        }
    }
    if let Some(resources) = &message.resources {
        mistakes.check("resources", check_resources(resources));
    }
    if let Some(issuers) = &message.assertion_issuers {
        let takes_clear_text = flows.egress.takes_clear_text();
        let judged = assertions::check_issuers(issuers, &act.issuer, takes_clear_text);
        mistakes.check("assertion_issuers", judged);
    }
    if let Some(audiences) = &message.assertion_audiences {
        let judged = assertions::check_audiences(audiences, &act.issuer);
        mistakes.check("assertion_audiences", judged);
    }
    if let Some(Some(chosen)) = &message.passkey_authenticators {
        mistakes.check("passkey_authenticators", check_authenticators(chosen));
    }
    if message.max_self_registered_clients > Some(MOST_CLIENTS) {
        mistakes.add("max_self_registered_clients", "must be at most 1000000");
    }
    mistakes.into_result()?;
    Ok(name)
}

/// Refuses clients that are none, so that a typo is never silence.
async fn check_clients(flows: &Flows, act: &Act, message: &PatchTenant) -> Result<(), Rejection> {
    let issuers = message.assertion_issuers.as_deref().unwrap_or_default();
    let audiences = message.assertion_audiences.as_deref().unwrap_or_default();
    for id in assertions::clients_of(issuers, audiences) {
        let found = flows.tenants.client(act.tenant.id, id, act.deadline);
        if found.await?.is_none() {
            return Err(Refusal::field("clients", format!("{id} is no client")).into());
        }
    }
    Ok(())
}

fn apply(config: TenantConfig, message: PatchTenant) -> TenantConfig {
    TenantConfig {
        branding: Branding {
            logo_uri: message.logo_uri.unwrap_or(config.branding.logo_uri),
            colour: message.colour.unwrap_or(config.branding.colour),
            language: message.language.unwrap_or(config.branding.language),
        },
        silent_registration: message
            .silent_registration
            .unwrap_or(config.silent_registration),
        mfa: message.mfa.unwrap_or(config.mfa),
        passkey_authenticators: message
            .passkey_authenticators
            .unwrap_or(config.passkey_authenticators),
        registration: message.registration.unwrap_or(config.registration),
        max_self_registered_clients: message
            .max_self_registered_clients
            .unwrap_or(config.max_self_registered_clients),
        client_id_metadata_documents: message
            .client_id_metadata_documents
            .unwrap_or(config.client_id_metadata_documents),
        resources: message.resources.unwrap_or(config.resources),
        assertion_issuers: message
            .assertion_issuers
            .unwrap_or(config.assertion_issuers),
        assertion_audiences: message
            .assertion_audiences
            .unwrap_or(config.assertion_audiences),
        login_ui_url: message.login_ui_url.unwrap_or(config.login_ui_url),
        consent_ui_url: message.consent_ui_url.unwrap_or(config.consent_ui_url),
    }
}

/// Checks where a browser may be sent with a challenge: by TLS, or to this machine.
fn check_page(text: &str) -> Result<(), &'static str> {
    let url = Url::parse(text).map_err(|_| "must be an address")?;
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let is_safe = url.scheme() == "https" || url.scheme() == "http" && is_here;
    let is_bare = url.username().is_empty() && url.password().is_none();
    if !is_safe || !is_bare || url.fragment().is_some() || text.len() > MAX_URL {
        return Err("must be an https address without user information and fragment");
    }
    Ok(())
}

/// Checks where browsers get the picture: by TLS alone, since every page of ours is fetched so.
fn check_logo(text: &str) -> Result<(), &'static str> {
    check_page(text)?;
    if Url::parse(text).is_ok_and(|url| url.scheme() == "https") {
        return Ok(());
    }
    Err("must be an https address")
}

fn check_authenticators(chosen: &PasskeyAuthenticators) -> Result<(), &'static str> {
    if chosen.roots.len().max(chosen.models.len()) > MAX_AUTHENTICATORS {
        return Err("must have at most 100 roots and 100 models");
    }
    passkey::read_list(chosen).map(drop)
}

fn check_colour(text: &str) -> Result<(), &'static str> {
    let digits = text.strip_prefix('#').unwrap_or_default();
    if digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(());
    }
    Err("must be #rrggbb")
}

fn check_language(text: &str) -> Result<(), &'static str> {
    if LANGUAGES.contains(&text) {
        return Ok(());
    }
    Err("must be one of the languages that there are: en, de")
}

fn check_resources(resources: &[String]) -> Result<(), &'static str> {
    let is_one = |text: &String| {
        let url = Url::parse(text);
        text.len() <= MAX_URL && url.is_ok_and(|url| url.fragment().is_none())
    };
    if resources.len() > MAX_RESOURCES || !resources.iter().all(is_one) {
        return Err("must be at most 50 absolute URIs without a fragment (RFC 8707)");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_sent_to_pages_by_tls_or_on_this_machine() {
        for text in [
            "https://login.example/start?x=1",
            "http://localhost:3000/login",
            "http://127.0.0.1:3000",
        ] {
            assert_eq!(check_page(text), Ok(()), "{text}");
        }
        for text in [
            "",
            "/login",
            "http://login.example/",
            "javascript:alert(1)",
            "https://user@login.example/",
            "https://login.example/#x",
            "data:text/html,x",
        ] {
            assert!(check_page(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_logo_comes_by_tls_and_a_colour_is_a_colour() {
        assert_eq!(check_logo("https://cdn.example/logo.svg"), Ok(()));
        assert!(check_logo("http://localhost/logo.svg").is_err());
        for good in ["#000000", "#aBcDeF"] {
            assert_eq!(check_colour(good), Ok(()), "{good}");
        }
        for odd in ["", "#", "#fff", "red", "#1234567", "#12345g", "#é1234"] {
            assert!(check_colour(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn what_is_not_named_stays() {
        let config = TenantConfig {
            silent_registration: true,
            login_ui_url: Some("https://login.example/".to_owned()),
            ..TenantConfig::default()
        };
        let same = apply(config.clone(), PatchTenant::default());
        assert_eq!(same, config);
        let message = PatchTenant {
            login_ui_url: Some(None),
            ..PatchTenant::default()
        };
        assert_eq!(apply(config, message).login_ui_url, None);
    }
}
