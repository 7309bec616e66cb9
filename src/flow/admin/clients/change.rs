//! Changing clients: patch, rotate the secret.

use std::time::Duration;

use domain::client::{Client, ClientPatch, ClientSecret};
use domain::event::{Entry, EventKind};
use domain::rejection::{Code, Fault, Refusal, Rejection};
use domain::secret::SecretText;
use domain::time::UnixMillis;
use serde_json::{Value, json};
use store::port::clients::ClientWrite;

use super::registration::{MetadataPatch, Terms, detail, has_secret};
use super::{get, mint_secret, sector, terms};
use crate::flow::account::{Mistakes, parse_name};
use crate::flow::admin::role::require_appointer;
use crate::flow::admin::{if_current, not_found, stale};
use crate::flow::allowed::subjects_of_client;
use crate::flow::signature::publish;
use crate::flow::{Act, Flows};

/// Change a client; `None` leaves a field alone.
#[derive(Debug, Clone, Default)]
pub struct PatchClient {
    /// Which one.
    pub client: String,
    /// A new name.
    pub name: Option<String>,
    /// Close or reopen it.
    pub disabled: Option<bool>,
    /// What is registered anew.
    pub metadata: MetadataPatch,
    /// The version the change is based on; absent: whichever is stored.
    pub version: Option<i64>,
}

/// How long a secret still works after the next one was made.
const SECRET_GRACE: Duration = Duration::from_hours(24);
/// How often a change is made again because another node was faster.
const TRIES: u32 = 4;

/// Changes a client. A change of nothing is no change. A client that stops authenticating by a
/// secret loses those it had; one that begins to gets its first by [`rotate_secret`].
///
/// # Errors
/// 422 naming every wrong field; 404 when there is none of this id; 412 when another version is
/// stored than the expected one; or a fault.
pub async fn patch(flows: &Flows, act: &Act, message: PatchClient) -> Result<Client, Rejection> {
    let id = message.client.clone();
    let expected = message.version;
    if message.is_empty() {
        let found = get(flows, act, &id).await?;
        return if_current(found, |client| client.version, expected);
    }
    let make = |client: &Client| {
        let terms = terms(flows, client.client_type);
        let patch = message.clone().check(client, terms)?;
        let entry = act.entry(EventKind::ClientUpdated).about(&client.id);
        Ok((patch.clone(), entry.with(told(client, &patch))))
    };
    let client = write(flows, act, &id, expected, make).await?;
    publish(flows, act, &client.metadata).await;
    Ok(client)
}

/// Gives a client a new secret; the one before works for another day, older ones do not.
///
/// # Errors
/// 404 when there is none of this id; 409 when it does not authenticate by a secret; or a fault.
pub async fn rotate_secret(
    flows: &Flows,
    act: &Act,
    client: String,
) -> Result<(Client, SecretText), Rejection> {
    let (secret, stored) = mint_secret(flows, act.now);
    let make = |client: &Client| {
        if !has_secret(&client.metadata) {
            return Err(no_secret());
        }
        let patch = ClientPatch {
            secrets: Some(rotated(&client.secrets, stored.clone(), act.now)),
            ..ClientPatch::default()
        };
        let entry = act.entry(EventKind::ClientSecretRotated);
        Ok((patch, entry.about(&client.id)))
    };
    let client = write(flows, act, &client, None, make).await?;
    Ok((client, secret))
}

/// Writes a change, if the client is in reach, that is made of the client as it stands, and makes it again if another node
/// changed the client in between and nobody named a version.
async fn write(
    flows: &Flows,
    act: &Act,
    id: &str,
    expected: Option<i64>,
    make: impl Fn(&Client) -> Result<(ClientPatch, Entry), Refusal>,
) -> Result<Client, Rejection> {
    for _ in 0..TRIES {
        let client = get(flows, act, id).await?;
        require_appointer(flows, act, &subjects_of_client(&client))?;
        let (mut patch, entry) = make(&client)?;
        let roles = patch.metadata.as_ref().map(|next| next.roles.as_slice());
        require_appointer(flows, act, roles.unwrap_or_default())?;
        if let Some(next) = &patch.metadata {
            sector::check(flows, Some(&client.metadata), next).await?;
        }
        patch.expected_version = Some(expected.unwrap_or(client.version));
        let written = flows
            .tenants
            .update_client(id.to_owned(), patch, entry, act.deadline);
        match written.await? {
            ClientWrite::Stored(client) => return Ok(*client),
            ClientWrite::Missing => return Err(not_found("client").into()),
            // What is remembered here is older than what is stored.
            ClientWrite::Stale => flows.tenants.forget_client(act.tenant.id, id),
        }
        if expected.is_some() {
            return Err(stale().into());
        }
    }
    Err(Fault::Busy("clients").into())
}

// === impl PatchClient ===

impl PatchClient {
    fn is_empty(&self) -> bool {
        self.name.is_none() && self.disabled.is_none() && self.metadata.is_empty()
    }

    /// Judges the change over the client as it stands.
    fn check(self, client: &Client, terms: Terms) -> Result<ClientPatch, Refusal> {
        let mut mistakes = Mistakes::default();
        let name = self.name.as_deref().map(parse_name);
        let name = name.and_then(|name| mistakes.check("name", name));
        let metadata = (!self.metadata.is_empty()).then(|| {
            let base = client.metadata.clone();
            self.metadata.over(base, terms, &mut mistakes)
        });
        mistakes.into_result()?;
        let drops_secrets = metadata.as_ref().is_some_and(|next| !has_secret(next));
        Ok(ClientPatch {
            name,
            disabled: self.disabled,
            metadata,
            secrets: drops_secrets.then(Vec::new),
            expected_version: None,
        })
    }
}

/// Puts a new secret in front: the newest of those before works until the grace is over.
fn rotated(before: &[ClientSecret], new: ClientSecret, now: UnixMillis) -> Vec<ClientSecret> {
    let end = now + SECRET_GRACE;
    let is_live = |secret: &&ClientSecret| secret.expires_at.is_none_or(|at| now < at);
    let previous = before.iter().find(is_live).map(|secret| ClientSecret {
        expires_at: Some(secret.expires_at.map_or(end, |at| at.min(end))),
        ..secret.clone()
    });
    [new].into_iter().chain(previous).collect()
}

/// Gives what the audit trail keeps of a change.
fn told(client: &Client, patch: &ClientPatch) -> Value {
    let mut changed = Vec::new();
    if patch.name.is_some() {
        changed.push("name");
    }
    if patch.disabled.is_some() {
        changed.push("disabled");
    }
    if patch.metadata.is_some() {
        changed.push("metadata");
    }
    let metadata = patch.metadata.as_ref();
    let metadata = metadata.map(|next| detail(client.client_type, next));
    json!({ "changed": changed, "disabled": patch.disabled, "metadata": metadata })
}

fn no_secret() -> Refusal {
    Refusal::new(
        Code::Conflict,
        "This client has no secret: its token_endpoint_auth_method is another.",
    )
}

#[cfg(test)]
mod tests;
