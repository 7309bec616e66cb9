//! `auth-service admin create-key`: an API key for the admin door, shown once.

use super::failure::Failure;
use super::{AdminCommand, office, prepare};
use crate::config::Configuration;
use crate::flow::Flows;
use crate::flow::admin::api_keys::{self, CreateApiKey};

/// Runs the subcommand.
///
/// # Errors
/// [`Failure`] for a name or scope that is not acceptable, or when the store cannot be used.
pub(super) fn run(command: AdminCommand, configuration: &Configuration) -> Result<(), Failure> {
    let AdminCommand::CreateKey {
        name,
        scopes,
        tenant,
    } = command;
    let message = CreateApiKey { name, scopes };
    office::run(configuration, async |flows| {
        create_key(flows, tenant.as_deref(), message).await
    })
}

async fn create_key(
    flows: &Flows,
    tenant: Option<&str>,
    message: CreateApiKey,
) -> Result<(), Failure> {
    let act = office::act(flows, tenant)?;
    let (key, secret) = api_keys::create(flows, &act, message).await?;
    let (id, secret) = (key.id, secret.expose());
    prepare::show(&format!("api_key_id={id}\napi_key={secret}\n"))
}
