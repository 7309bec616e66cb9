//! Configuration: environment variables in, typed [`Settings`] out, every mistake at once.
//!
//! [`Sources`] are the process environment and the `.env` file. [`Configuration::resolve`] finds the
//! value of every declared variable in them; [`Configuration::settings`] checks each value, then the
//! values against each other, and gives either all settings or all [`Mistakes`]. The process
//! environment is read in one place ([`Sources::of_process`]) and nowhere written, so all of this can
//! be tested with plain maps.
//!
//! A variable is declared once, in the table of its area (`config/tokens.rs`, …), beside the struct
//! that carries it. To add one: add it to the table and to the struct, give it a row in
//! `config/tests/samples.rs`, and run the tests with `UPDATE_DOCS=1`.
//!
//! The service reads configuration once, at its start; certificates and the key service's token
//! are the only files that it reads again. Secrets that development makes for itself are in [`secrets`].

mod checks;
mod cors;
mod doors;
mod email;
mod federation;
mod key_service;
mod kind;
mod limits;
mod mfa;
mod misspelling;
mod mistake;
mod oidc;
mod passwords;
mod reference;
pub mod secrets;
mod sections;
mod service;
mod settings;
mod sources;
mod store;
mod tenants;
#[cfg(test)]
mod tests;
mod tokens;
mod values;
mod variable;

pub use cors::CorsSettings;
pub use doors::{DoorSettings, RequestSettings, TlsSettings};
pub use email::{EmailRoute, EmailSettings};
pub use federation::{FederationSettings, ProviderSettings, SamlSettings};
pub use key_service::KeyServiceSettings;
pub use kind::network::EgressRule;
pub use kind::web::{Origins, is_origin};
pub use limits::LimitSettings;
pub use mfa::{MfaSettings, WebauthnSettings};
pub use misspelling::Warning;
pub use mistake::{Mistake, Mistakes};
pub use oidc::OidcSettings;
pub use passwords::{GREATEST_AT_LEAST, HashingSettings, PasswordSettings, SecretSettings};
pub use reference::{render_docs, render_example};
pub use service::{Environment, LogFormat, LogSettings};
pub use settings::Settings;
pub use sources::Sources;
pub use store::{PostgresSettings, RedisSettings, SslMode, StoreSettings};
pub use tenants::{EgressSettings, ResolutionMode, TenantSettings};
pub use tokens::{DpopSettings, KeySettings, SessionSettings, TokenSettings, shorter};

/// The exit status of a process whose configuration has mistakes (`EX_CONFIG` of sysexits.h).
pub const EXIT_STATUS: u8 = 78;

/// What was found in the sources, before it is judged.
pub struct Configuration {
    values: values::Values,
    in_sources: Vec<Mistake>,
    warnings: Vec<Warning>,
}

impl Configuration {
    /// Finds the value of every variable.
    #[must_use]
    pub fn resolve(sources: Sources) -> Self {
        let warnings = misspelling::find_misspelt(&sources.names());
        let (values, in_sources) = sources.resolve(sections::all());
        Self {
            values,
            in_sources,
            warnings,
        }
    }

    /// Checks everything and gives the settings.
    ///
    /// # Errors
    /// Every mistake, in the order of the documentation.
    pub fn settings(&self) -> Result<Settings, Mistakes> {
        let mistakes = checks::check_all(&self.values, &self.in_sources);
        if mistakes.is_empty() {
            Settings::read(&self.values).map_err(Mistakes::from)
        } else {
            Err(Mistakes(mistakes))
        }
    }

    /// Gives the variables that are set, are not ours, and look as if they were meant to be.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Writes what is in force as an aligned table: variable, value (secrets hidden), origin, and
    /// "not yet in use" where that holds.
    #[must_use]
    pub fn render_table(&self) -> String {
        reference::render_table(&self.values)
    }
}
