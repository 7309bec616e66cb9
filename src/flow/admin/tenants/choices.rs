//! What a tenant may choose: what an operator says of it, judged and put beside what it chose before.

use domain::factor::MfaPolicy;
use domain::rejection::{Code, Refusal, Rejection};
use domain::tenant::{
    AssertionAudience, AssertionIssuer, Branding, Lifetimes, PasskeyAuthenticators, PasswordRules,
    RegistrationPolicy, Tenant, TenantConfig,
};

use super::pages::{
    check_authenticators, check_colour, check_language, check_logo, check_origins, check_page,
    check_providers, check_resources,
};
use super::{assertions, limits};
use crate::flow::account::Mistakes;
use crate::flow::issuer::issuer_of;
use crate::flow::{Act, Flows};

/// Changes of a tenant's choices; `None` leaves one alone.
#[derive(Debug, Clone, Default)]
pub struct Choices {
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
    /// What new passwords must be.
    pub password_policy: Option<PasswordRules>,
    /// How long tokens and sign-ins last.
    pub token_ttls: Option<Lifetimes>,
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
    /// Which providers may vouch for its people; nothing for all whose word is taken.
    pub allowed_oauth_providers: Option<Option<Vec<String>>>,
    /// To which other authorization servers people are asserted.
    pub assertion_audiences: Option<Vec<AssertionAudience>>,
    /// Where people sign in; nothing for our pages.
    pub login_ui_url: Option<Option<String>>,
    /// Where they are asked what they allow; nothing for our pages.
    pub consent_ui_url: Option<Option<String>>,
    /// Which web pages may call it; nothing for those that the service lists.
    pub cors_allowed_origins: Option<Option<Vec<String>>>,
}

/// The most clients that may be let register themselves.
const MOST_CLIENTS: u32 = 1_000_000;

// === impl Choices ===

impl Choices {
    /// Judges what is chosen for a tenant.
    pub(super) fn check(&self, flows: &Flows, tenant: &Tenant, mistakes: &mut Mistakes) {
        self.check_look(mistakes);
        self.check_trust(flows, tenant, mistakes);
        self.check_limits(flows, tenant, mistakes);
    }

    fn check_look(&self, mistakes: &mut Mistakes) {
        if let Some(Some(uri)) = &self.logo_uri {
            mistakes.check("logo_uri", check_logo(uri));
        }
        if let Some(Some(colour)) = &self.colour {
            mistakes.check("colour", check_colour(colour));
        }
        if let Some(Some(language)) = &self.language {
            mistakes.check("language", check_language(language));
        }
        for (field, url) in [
            ("login_ui_url", &self.login_ui_url),
            ("consent_ui_url", &self.consent_ui_url),
        ] {
            if let Some(Some(url)) = url {
                mistakes.check(field, check_page(url));
            }
        }
    }

    fn check_trust(&self, flows: &Flows, tenant: &Tenant, mistakes: &mut Mistakes) {
        let issuer = issuer_of(&flows.settings, tenant);
        if let Some(resources) = &self.resources {
            mistakes.check("resources", check_resources(resources));
        }
        if let Some(Some(origins)) = &self.cors_allowed_origins {
            mistakes.check("cors_allowed_origins", check_origins(origins));
        }
        if let Some(issuers) = &self.assertion_issuers {
            let takes_clear_text = flows.egress.takes_clear_text();
            let judged = assertions::check_issuers(issuers, &issuer, takes_clear_text);
            mistakes.check("assertion_issuers", judged);
        }
        if let Some(audiences) = &self.assertion_audiences {
            let judged = assertions::check_audiences(audiences, &issuer);
            mistakes.check("assertion_audiences", judged);
        }
        if let Some(Some(names)) = &self.allowed_oauth_providers {
            mistakes.check("allowed_oauth_providers", check_providers(names));
        }
        if let Some(Some(chosen)) = &self.passkey_authenticators {
            mistakes.check("passkey_authenticators", check_authenticators(chosen));
        }
        if self.max_self_registered_clients > Some(MOST_CLIENTS) {
            mistakes.add("max_self_registered_clients", "must be at most 1000000");
        }
    }

    fn check_limits(&self, flows: &Flows, tenant: &Tenant, mistakes: &mut Mistakes) {
        if let Some(ttls) = &self.token_ttls {
            mistakes.check("token_ttls", limits::check_lifetimes(&flows.settings, ttls));
        }
        // A weaker second factor asks for longer passwords: both are judged as they will stand.
        if let Some(rules) = &self.password_policy {
            let mfa = self.mfa.unwrap_or(tenant.config.mfa);
            let judged = limits::check_passwords(&flows.settings.passwords, mfa, rules);
            mistakes.check("password_policy", judged);
        }
    }

    /// Refuses to say where people sign in, or whose word is taken for them, for a key that opens one area
    /// only: operators would tell their passwords there, and it would make itself a key for all (OWASP
    /// ASVS 5.0 §8.2.1).
    pub(super) fn require_appointer_of_trust(&self, act: &Act) -> Result<(), Refusal> {
        let names_page = self.login_ui_url.is_some() || self.consent_ui_url.is_some();
        let names_other = self.assertion_issuers.is_some()
            || self.assertion_audiences.is_some()
            || self.allowed_oauth_providers.is_some();
        if act.may_appoint || !names_page && !names_other {
            return Ok(());
        }
        let hint = "This key opens one area only: it may not say where people sign in, or whose word is taken.";
        Err(Refusal::new(Code::Forbidden, hint))
    }

    /// Refuses clients that the tenant does not have, so that a typo is never silence.
    pub(super) async fn check_clients(
        &self,
        flows: &Flows,
        act: &Act,
        tenant: &Tenant,
    ) -> Result<(), Rejection> {
        let issuers = self.assertion_issuers.as_deref().unwrap_or_default();
        let audiences = self.assertion_audiences.as_deref().unwrap_or_default();
        for id in assertions::clients_of(issuers, audiences) {
            let found = flows.tenants.client(tenant.id, id, act.deadline);
            if found.await?.is_none() {
                return Err(Refusal::field("clients", format!("{id} is no client")).into());
            }
        }
        Ok(())
    }

    /// Puts what is chosen beside what was chosen before.
    pub(super) fn apply(self, config: TenantConfig) -> TenantConfig {
        TenantConfig {
            branding: Branding {
                logo_uri: self.logo_uri.unwrap_or(config.branding.logo_uri),
                colour: self.colour.unwrap_or(config.branding.colour),
                language: self.language.unwrap_or(config.branding.language),
            },
            silent_registration: self
                .silent_registration
                .unwrap_or(config.silent_registration),
            password_policy: self.password_policy.unwrap_or(config.password_policy),
            token_ttls: self.token_ttls.unwrap_or(config.token_ttls),
            mfa: self.mfa.unwrap_or(config.mfa),
            passkey_authenticators: self
                .passkey_authenticators
                .unwrap_or(config.passkey_authenticators),
            registration: self.registration.unwrap_or(config.registration),
            max_self_registered_clients: self
                .max_self_registered_clients
                .unwrap_or(config.max_self_registered_clients),
            client_id_metadata_documents: self
                .client_id_metadata_documents
                .unwrap_or(config.client_id_metadata_documents),
            resources: self.resources.unwrap_or(config.resources),
            assertion_issuers: self.assertion_issuers.unwrap_or(config.assertion_issuers),
            allowed_oauth_providers: self
                .allowed_oauth_providers
                .unwrap_or(config.allowed_oauth_providers),
            assertion_audiences: self
                .assertion_audiences
                .unwrap_or(config.assertion_audiences),
            login_ui_url: self.login_ui_url.unwrap_or(config.login_ui_url),
            consent_ui_url: self.consent_ui_url.unwrap_or(config.consent_ui_url),
            cors_allowed_origins: self
                .cors_allowed_origins
                .unwrap_or(config.cors_allowed_origins),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_stays() {
        let config = TenantConfig {
            silent_registration: true,
            login_ui_url: Some("https://login.example/".to_owned()),
            ..TenantConfig::default()
        };
        let same = Choices::default().apply(config.clone());
        assert_eq!(same, config);
        let message = Choices {
            login_ui_url: Some(None),
            ..Choices::default()
        };
        assert_eq!(message.apply(config).login_ui_url, None);
    }
}
