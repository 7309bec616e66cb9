//! Sign-in elsewhere: social providers and SAML.

use std::path::PathBuf;

use domain::secret::SecretText;
use url::Url;

use crate::config::kind::text::{PATH, SECRET, TEXT};
use crate::config::kind::web::HTTP_URL;
use crate::config::kind::{Choice, FLAG, Parsed};
use crate::config::mistake::Mistake;
use crate::config::oidc::OIDC_ISSUER_URL;
use crate::config::values::Values;
use crate::config::variable::{Required, Variable, of, variables};

/// The social providers.
#[derive(Debug, Clone)]
pub struct FederationSettings {
    /// `OAUTH_GOOGLE_…`.
    pub google: ProviderSettings,
    /// `OAUTH_GITHUB_…`.
    pub github: ProviderSettings,
    /// `OAUTH_APPLE_…`; its secret is the path of its .p8 key.
    pub apple: ProviderSettings,
    /// Apple's id of our team; `OAUTH_APPLE_TEAM_ID`.
    pub apple_team_id: Option<String>,
    /// Apple's id of the .p8 key; `OAUTH_APPLE_KEY_ID`.
    pub apple_key_id: Option<String>,
    /// What the `state` parameter is signed with; `OAUTH_STATE_SECRET`.
    pub state_secret: Option<SecretText>,
}

/// One social provider. Everything is present when it is enabled, but for the redirect URI.
#[derive(Debug, Clone)]
pub struct ProviderSettings {
    /// Whether it is offered; `…_ENABLED`, no.
    pub enabled: bool,
    /// What it knows us by; `…_CLIENT_ID`.
    pub client_id: Option<String>,
    /// What we prove it with; `…_CLIENT_SECRET`.
    pub client_secret: Option<SecretText>,
    /// Where it sends people back to; `…_REDIRECT_URI`.
    pub redirect_uri: Option<Url>,
}

/// The SAML service provider that we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamlSettings {
    /// Whether it is offered; `SAML_ENABLED`, no.
    pub enabled: bool,
    /// What identity providers know us by; `SAML_ENTITY_ID`, from the issuer.
    pub entity_id: String,
    /// Where they send assertions to; `SAML_ACS_URL`, from the issuer.
    pub acs_url: Url,
    /// The private key in PEM that signs requests; `SAML_KEY_PATH`.
    pub key: Option<PathBuf>,
    /// Its certificate in PEM; `SAML_CERT_PATH`.
    pub certificate: Option<PathBuf>,
}

type ProviderVariables = (
    &'static Variable<Choice<bool>>,
    &'static Variable<Parsed<String>>,
    &'static Variable<Parsed<SecretText>>,
    &'static Variable<Parsed<Url>>,
);

variables! {
    /// Offer sign-in with Google.
    OAUTH_GOOGLE_ENABLED: Choice<bool> = of(FLAG).or("false").later();
    /// Client id that Google knows us by.
    OAUTH_GOOGLE_CLIENT_ID: Parsed<String> =
        of(TEXT).required(Required::WhenTrue("OAUTH_GOOGLE_ENABLED")).later();
    /// Client secret that Google gave us.
    OAUTH_GOOGLE_CLIENT_SECRET: Parsed<SecretText> =
        of(SECRET).required(Required::WhenTrue("OAUTH_GOOGLE_ENABLED")).secret().later();
    /// Where Google sends people back to.
    OAUTH_GOOGLE_REDIRECT_URI: Parsed<Url> = of(HTTP_URL).later();
    /// Offer sign-in with GitHub.
    OAUTH_GITHUB_ENABLED: Choice<bool> = of(FLAG).or("false").later();
    /// Client id that GitHub knows us by.
    OAUTH_GITHUB_CLIENT_ID: Parsed<String> =
        of(TEXT).required(Required::WhenTrue("OAUTH_GITHUB_ENABLED")).later();
    /// Client secret that GitHub gave us.
    OAUTH_GITHUB_CLIENT_SECRET: Parsed<SecretText> =
        of(SECRET).required(Required::WhenTrue("OAUTH_GITHUB_ENABLED")).secret().later();
    /// Where GitHub sends people back to.
    OAUTH_GITHUB_REDIRECT_URI: Parsed<Url> = of(HTTP_URL).later();
    /// Offer sign-in with Apple.
    OAUTH_APPLE_ENABLED: Choice<bool> = of(FLAG).or("false").later();
    /// Services id that Apple knows us by.
    OAUTH_APPLE_CLIENT_ID: Parsed<String> =
        of(TEXT).required(Required::WhenTrue("OAUTH_APPLE_ENABLED")).later();
    /// Path of the .p8 key that Apple gave us.
    OAUTH_APPLE_CLIENT_SECRET: Parsed<SecretText> =
        of(SECRET).required(Required::WhenTrue("OAUTH_APPLE_ENABLED")).secret().later();
    /// Where Apple sends people back to.
    OAUTH_APPLE_REDIRECT_URI: Parsed<Url> = of(HTTP_URL).later();
    /// Apple's id of our team.
    OAUTH_APPLE_TEAM_ID: Parsed<String> =
        of(TEXT).required(Required::WhenTrue("OAUTH_APPLE_ENABLED")).later();
    /// Apple's id of the .p8 key.
    OAUTH_APPLE_KEY_ID: Parsed<String> =
        of(TEXT).required(Required::WhenTrue("OAUTH_APPLE_ENABLED")).later();
    /// Secret that signs the state sent to providers. Absent: derived from `SYSTEM_SECRETS`.
    OAUTH_STATE_SECRET: Parsed<SecretText> = of(SECRET).secret().later();
    /// Offer sign-in with SAML identity providers.
    SAML_ENABLED: Choice<bool> = of(FLAG).or("false").later();
    /// Name that identity providers know us by.
    SAML_ENTITY_ID: Parsed<String> =
        of(TEXT).or_derived("the issuer and `/auth/saml/metadata`", derive_entity_id).later();
    /// Where identity providers send assertions to.
    SAML_ACS_URL: Parsed<Url> =
        of(HTTP_URL).or_derived("the issuer and `/auth/saml/acs`", derive_acs_url).later();
    /// Private key in PEM that signs requests to identity providers.
    SAML_KEY_PATH: Parsed<PathBuf> =
        of(PATH).required(Required::WhenTrue("SAML_ENABLED")).later();
    /// Certificate of that key, in PEM.
    SAML_CERT_PATH: Parsed<PathBuf> =
        of(PATH).required(Required::WhenTrue("SAML_ENABLED")).later();
}

fn derive_entity_id(values: &Values) -> Option<String> {
    Some(values.peek(&OIDC_ISSUER_URL)? + "/auth/saml/metadata")
}

fn derive_acs_url(values: &Values) -> Option<String> {
    Some(values.peek(&OIDC_ISSUER_URL)? + "/auth/saml/acs")
}

static GOOGLE: ProviderVariables = (
    &OAUTH_GOOGLE_ENABLED,
    &OAUTH_GOOGLE_CLIENT_ID,
    &OAUTH_GOOGLE_CLIENT_SECRET,
    &OAUTH_GOOGLE_REDIRECT_URI,
);

static GITHUB: ProviderVariables = (
    &OAUTH_GITHUB_ENABLED,
    &OAUTH_GITHUB_CLIENT_ID,
    &OAUTH_GITHUB_CLIENT_SECRET,
    &OAUTH_GITHUB_REDIRECT_URI,
);

static APPLE: ProviderVariables = (
    &OAUTH_APPLE_ENABLED,
    &OAUTH_APPLE_CLIENT_ID,
    &OAUTH_APPLE_CLIENT_SECRET,
    &OAUTH_APPLE_REDIRECT_URI,
);

// === impl FederationSettings ===

impl FederationSettings {
    pub(super) fn read(values: &Values) -> Result<Self, Mistake> {
        Ok(Self {
            google: ProviderSettings::read(values, GOOGLE)?,
            github: ProviderSettings::read(values, GITHUB)?,
            apple: ProviderSettings::read(values, APPLE)?,
            apple_team_id: values.find(&OAUTH_APPLE_TEAM_ID)?,
            apple_key_id: values.find(&OAUTH_APPLE_KEY_ID)?,
            state_secret: values.find(&OAUTH_STATE_SECRET)?,
        })
    }
}

// === impl ProviderSettings ===

impl ProviderSettings {
    fn read(
        values: &Values,
        (enabled, id, secret, redirect): ProviderVariables,
    ) -> Result<Self, Mistake> {
        Ok(Self {
            enabled: values.get(enabled)?,
            client_id: values.find(id)?,
            client_secret: values.find(secret)?,
            redirect_uri: values.find(redirect)?,
        })
    }
}

// === impl SamlSettings ===

impl SamlSettings {
    pub(super) fn read(values: &Values) -> Result<Self, Mistake> {
        Ok(Self {
            enabled: values.get(&SAML_ENABLED)?,
            entity_id: values.get(&SAML_ENTITY_ID)?,
            acs_url: values.get(&SAML_ACS_URL)?,
            key: values.find(&SAML_KEY_PATH)?,
            certificate: values.find(&SAML_CERT_PATH)?,
        })
    }
}
