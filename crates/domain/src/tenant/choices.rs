//! Choices of a tenant that narrow what the service's configuration says, and never widen it.

use serde::{Deserialize, Serialize};

/// How long tokens and sign-ins last; what is absent lasts as the configuration says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Lifetimes {
    /// Access tokens of people and services.
    pub access_token_seconds: Option<u32>,
    /// Access tokens of agents.
    pub agent_token_seconds: Option<u32>,
    /// ID tokens.
    pub id_token_seconds: Option<u32>,
    /// Refresh tokens that are not used.
    pub refresh_token_seconds: Option<u32>,
    /// Refresh tokens however much they are used.
    pub refresh_token_max_age_seconds: Option<u32>,
    /// A browser's sign-in that is not used.
    pub session_idle_seconds: Option<u32>,
    /// A browser's sign-in however much it is used.
    pub session_max_age_seconds: Option<u32>,
}

/// What new passwords must be; what is absent is as the configuration says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PasswordRules {
    /// Least length, in code points; counts where it is more than the configuration's.
    pub min_length: Option<u32>,
    /// Greatest length, in code points; counts where it is less than the configuration's.
    pub max_length: Option<u32>,
    /// What no password is made of, beside the names of the service, the tenant and the person.
    pub forbidden_words: Vec<String>,
}
