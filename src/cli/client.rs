//! `auth-service client create`: a client, its id and, once, its secret.

use super::failure::Failure;
use super::{ClientCommand, office, prepare};
use crate::config::Configuration;
use crate::flow::Flows;
use crate::flow::admin::clients::{self, CreateClient, MetadataPatch};

/// Runs the subcommand.
///
/// # Errors
/// [`Failure`] for what may not be registered, or when the store cannot be used.
pub(super) fn run(command: ClientCommand, configuration: &Configuration) -> Result<(), Failure> {
    let (message, tenant) = message(command);
    office::run(configuration, async |flows| {
        create(flows, tenant.as_deref(), message).await
    })
}

async fn create(flows: &Flows, tenant: Option<&str>, message: CreateClient) -> Result<(), Failure> {
    let act = office::act(flows, tenant)?;
    let (client, secret) = clients::create(flows, &act, message).await?;
    let id = client.id;
    let secret = secret.map(|secret| format!("client_secret={}\n", secret.expose()));
    prepare::show(&format!("client_id={id}\n{}", secret.unwrap_or_default()))
}

/// What is not said is registered as the client's type has it.
fn message(command: ClientCommand) -> (CreateClient, Option<String>) {
    let ClientCommand::Create {
        name,
        client_type,
        redirect_uris,
        scopes,
        roles,
        tenant,
    } = command;
    let metadata = MetadataPatch {
        redirect_uris: Some(redirect_uris),
        scopes: Some(scopes),
        roles: Some(roles),
        ..MetadataPatch::default()
    };
    let message = CreateClient {
        name,
        client_type,
        metadata,
    };
    (message, tenant)
}
