//! How long tokens and sign-ins of the act's tenant last: as the configuration says, or shorter where the
//! tenant chose so. What outlives a token (a revocation, a retired key) goes by the configuration alone.

use std::time::Duration;

use super::{Act, Flows};
use crate::config::{SessionSettings, TokenSettings, shorter};

/// Gives how long the tenant's tokens last.
#[must_use]
pub fn of_tokens(flows: &Flows, act: &Act) -> TokenSettings {
    flows
        .settings
        .tokens
        .narrowed(&act.tenant.config.token_ttls)
}

/// Gives how long the tenant's sign-ins last in a browser.
#[must_use]
pub fn of_sign_ins(flows: &Flows, act: &Act) -> SessionSettings {
    let chosen = &act.tenant.config.token_ttls;
    flows.settings.sessions.narrowed(chosen)
}

/// Gives how long the tenant's ID tokens last.
#[must_use]
pub fn of_id_tokens(flows: &Flows, act: &Act) -> Duration {
    let chosen = act.tenant.config.token_ttls.id_token_seconds;
    shorter(flows.settings.oidc.id_token_ttl, chosen)
}
