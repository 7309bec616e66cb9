//! Tenants: the border that no row, key, cache entry or token crosses.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::factor::MfaPolicy;
use crate::id::TenantId;
use crate::time::UnixMillis;

mod choices;

pub use choices::{Lifetimes, PasswordRules};

/// The slug of the tenant that exists from the first start.
pub const DEFAULT_SLUG: &str = "default";

/// One organisation's share of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its name for machines; the `tid` claim.
    pub id: TenantId,
    /// Its name in hosts and paths: 1–63 of `a-z`, `0-9`, `-`.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// Whether it may be used.
    pub status: TenantStatus,
    /// What its administrators chose.
    pub config: TenantConfig,
    /// Counts changes, so that a late write is noticed.
    pub version: i64,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it is erased with everything that belongs to it, if it was deleted. The beginning of time
    /// says that this has begun.
    pub erase_at: Option<UnixMillis>,
}

/// Whether a tenant may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantStatus {
    /// Everything works.
    Active,
    /// Every request is refused with 403.
    Suspended,
    /// To everybody it is no tenant any more; until its day comes it can be had back.
    Deleted,
}

/// What a list of tenants is narrowed by; what is absent narrows nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TenantFilter {
    /// How it stands.
    pub status: Option<TenantStatus>,
    /// How its slug begins.
    pub slug: Option<String>,
}

/// A tenant's choices; what is absent follows the service's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TenantConfig {
    /// Answer a registration with 202 whether or not the address is taken, and tell its owner by
    /// mail. Nobody signs in before they have proved their address.
    pub silent_registration: bool,
    /// What people are asked for beside a password.
    pub mfa: MfaPolicy,
    /// What new passwords must be.
    pub password_policy: PasswordRules,
    /// How long tokens and sign-ins last.
    pub token_ttls: Lifetimes,
    /// Which passkeys may be bound; nothing: any, and nobody is asked what theirs is.
    pub passkey_authenticators: Option<PasskeyAuthenticators>,
    /// How its pages and mails look.
    pub branding: Branding,
    /// Who may register clients at the public door (RFC 7591).
    pub registration: RegistrationPolicy,
    /// Whether a client may be named by the URL of a document in which it describes itself.
    pub client_id_metadata_documents: bool,
    /// Which resources (RFC 8707) the tokens of clients that describe themselves may be for.
    pub resources: Vec<String>,
    /// Whose assertions about people are taken as grants (RFC 7523 §2.1); nobody's: there is no such
    /// grant.
    pub assertion_issuers: Vec<AssertionIssuer>,
    /// Which providers may vouch for its people, by their names; nothing: every issuer whose assertions
    /// are taken.
    pub allowed_oauth_providers: Option<Vec<String>>,
    /// To which other authorization servers people are asserted (ID-JAG).
    pub assertion_audiences: Vec<AssertionAudience>,
    /// How many clients may have registered themselves; those that nobody uses go by themselves.
    pub max_self_registered_clients: u32,
    /// Where people sign in instead of on our pages.
    pub login_ui_url: Option<String>,
    /// Where they are asked what they allow instead of on our pages.
    pub consent_ui_url: Option<String>,
    /// Which web pages may call it from a browser, by their origins; nothing: those that the service
    /// lists.
    pub cors_allowed_origins: Option<Vec<String>>,
}

/// Which authenticators may hold passkeys (WebAuthn §7.1).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PasskeyAuthenticators {
    /// Who vouches for them: certificates, in PEM.
    pub roots: Vec<String>,
    /// Which models: their AAGUIDs.
    pub models: Vec<String>,
}

/// An issuer whose assertions about people are taken.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AssertionIssuer {
    /// Its name; compared byte for byte.
    pub issuer: String,
    /// Which kind of assertion it gives.
    pub profile: AssertionProfile,
    /// Whom its assertions are about.
    pub subject: AssertedSubject,
    /// Which clients may show them; nobody else.
    pub clients: Vec<String>,
    /// Its public keys; beside `jwks_uri` they alone count.
    pub jwks: Option<Value>,
    /// Where its public keys are.
    pub jwks_uri: Option<String>,
}

/// Which kind of assertion an issuer gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssertionProfile {
    /// An ID-JAG: made for one client here, and for nothing else.
    #[default]
    IdJag,
    /// Any that RFC 7523 §3 allows.
    Assertion,
}

/// Whom an issuer's assertions are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssertedSubject {
    /// `sub` is the id of an account here.
    #[default]
    Account,
    /// The issuer knows people by an address that it verified, as we did: `email` where it says so
    /// (`email_verified`), or without any `sub`.
    VerifiedEmail,
    /// Whoever was linked to the issuer's `sub`, and nobody else, whatever address it names.
    Linked,
}

/// Another authorization server that takes our word for people.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AssertionAudience {
    /// Its issuer; compared byte for byte.
    pub issuer: String,
    /// Which clients are given assertions for it, each with its name there.
    pub clients: BTreeMap<String, String>,
    /// Which scopes may be asked for there.
    pub scopes: Vec<String>,
    /// Which resources may be asked for there (RFC 8707).
    pub resources: Vec<String>,
    /// Whether a person's verified address is told.
    pub tells_email: bool,
}

/// Who may register clients at the public door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationPolicy {
    /// Nobody.
    #[default]
    Closed,
    /// Whoever shows an initial access token.
    Token,
    /// Anybody.
    Open,
}

impl TenantConfig {
    /// Says whether a provider may vouch for its people, if its word is taken at all.
    #[must_use]
    pub fn is_allowed_provider(&self, name: &str) -> bool {
        let mut allowed = self.allowed_oauth_providers.iter().flatten();
        self.allowed_oauth_providers.is_none() || allowed.any(|allowed| allowed == name)
    }

    /// Gives the issuers that may vouch for its people.
    pub fn vouching_issuers(&self) -> impl Iterator<Item = &AssertionIssuer> {
        let issuers = self.assertion_issuers.iter();
        issuers.filter(|issuer| self.is_allowed_provider(&issuer.issuer))
    }
}

impl Default for TenantConfig {
    fn default() -> Self {
        Self {
            silent_registration: false,
            mfa: MfaPolicy::default(),
            password_policy: PasswordRules::default(),
            token_ttls: Lifetimes::default(),
            passkey_authenticators: None,
            branding: Branding::default(),
            registration: RegistrationPolicy::default(),
            client_id_metadata_documents: true,
            resources: Vec::new(),
            assertion_issuers: Vec::new(),
            allowed_oauth_providers: None,
            assertion_audiences: Vec::new(),
            max_self_registered_clients: 1_000,
            login_ui_url: None,
            consent_ui_url: None,
            cors_allowed_origins: None,
        }
    }
}

/// How a tenant's pages and letters look, and which language they speak.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Branding {
    /// Its picture: an `https` address.
    pub logo_uri: Option<String>,
    /// The colour of its buttons: `#rrggbb`.
    pub colour: Option<String>,
    /// The language (BCP 47) for whoever asks for none that we have; nothing for English.
    pub language: Option<String>,
}

/// Says whether a text may be a slug: a DNS label in lower case (RFC 1123 §2.1).
#[must_use]
pub fn is_slug(text: &str) -> bool {
    let fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(fine)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

impl TenantStatus {
    /// Gives the word a store keeps.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
        }
    }

    /// Reads the word a store kept; anything unknown is suspended, because checks fail closed.
    #[must_use]
    pub fn from_stored(word: &str) -> Self {
        match word {
            "active" => Self::Active,
            "deleted" => Self::Deleted,
            _ => Self::Suspended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_a_dns_label() {
        assert!(is_slug("acme-2") && is_slug("a"));
        for text in ["", "-a", "a-", "A", "a.b", "a_b", &"a".repeat(64)] {
            assert!(!is_slug(text), "{text}");
        }
    }

    #[test]
    fn what_a_tenant_did_not_choose_is_as_before() {
        let stored: TenantConfig = serde_json::from_str("{}").expect("nothing chosen");
        assert_eq!(stored, TenantConfig::default());
        assert_eq!(stored.registration, RegistrationPolicy::Closed);
        assert!(stored.client_id_metadata_documents);
    }

    #[test]
    fn whose_word_is_taken_is_stored_and_what_was_not_said_is_the_strictest() {
        let config = TenantConfig {
            assertion_issuers: vec![AssertionIssuer {
                issuer: "https://idp.example".to_owned(),
                subject: AssertedSubject::VerifiedEmail,
                ..AssertionIssuer::default()
            }],
            ..TenantConfig::default()
        };
        let stored = serde_json::to_string(&config).expect("JSON");
        assert_eq!(
            serde_json::from_str::<TenantConfig>(&stored).ok(),
            Some(config)
        );
        let least = r#"{"assertion_issuers":[{"issuer":"https://idp.example"}]}"#;
        let read: TenantConfig = serde_json::from_str(least).expect("a choice");
        let issuer = read.assertion_issuers.first().expect("one");
        assert_eq!(issuer.profile, AssertionProfile::IdJag);
        assert_eq!(issuer.subject, AssertedSubject::Account);
        assert!(issuer.clients.is_empty());
    }

    #[test]
    fn a_list_of_providers_takes_from_those_that_are_trusted_and_adds_none() {
        let config = |allowed: Option<&[&str]>| TenantConfig {
            assertion_issuers: ["https://a.example", "https://b.example"]
                .map(|issuer| AssertionIssuer {
                    issuer: issuer.to_owned(),
                    ..AssertionIssuer::default()
                })
                .to_vec(),
            allowed_oauth_providers: allowed
                .map(|names| names.iter().map(|&name| name.to_owned()).collect()),
            ..TenantConfig::default()
        };
        assert_eq!(config(None).vouching_issuers().count(), 2);
        assert_eq!(config(Some(&[])).vouching_issuers().count(), 0);
        let listed = config(Some(&["https://b.example", "https://c.example"]));
        let issuers: Vec<_> = listed.vouching_issuers().map(|one| &one.issuer).collect();
        assert_eq!(issuers, ["https://b.example"]);
        assert!(!listed.is_allowed_provider("https://B.example"));
    }

    #[test]
    fn a_status_is_read_as_it_was_stored_and_an_unknown_one_is_closed() {
        for status in [
            TenantStatus::Active,
            TenantStatus::Suspended,
            TenantStatus::Deleted,
        ] {
            assert_eq!(TenantStatus::from_stored(status.as_str()), status);
        }
        assert_eq!(
            TenantStatus::from_stored("whatever"),
            TenantStatus::Suspended
        );
    }
}
