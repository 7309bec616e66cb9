//! Finding a client: one that is registered here, or one that is named by the URL of a document in
//! which it describes itself.
//!
//! Client-id metadata documents (MCP authorization; draft-ietf-oauth-client-id-metadata-document): the
//! document is fetched through the egress guard and kept for as long as its answer says, ten seconds
//! at least and an hour at most. It counts if it names itself, holds no secret, and would be accepted
//! as a registration. Nobody vouches for such a client: it is never ours, and people are asked each
//! time. See `docs/decisions/0009-client-id-metadata-documents.md`.
//!
//! A document that cannot be had now is our failure, one that is none is no client. A stranger who
//! names addresses does not learn which of them could not be reached and which may not be asked.

use std::sync::Arc;
use std::time::Duration;

use domain::client::{CONSOLE, Client, ClientMetadata, ClientType};
use domain::rejection::{Fault, Refusal};
use serde_json::Value;
use url::Url;

use super::account::parse_name;
use super::admin::clients::own::{self, defaults_of};
use super::kept::{Held, Kept, Key};
use super::registration::Description;
use super::registration::description::{GRANTS, invalid_metadata};
use super::token::client_auth::{METHOD_NONE, METHOD_PRIVATE_KEY_JWT};
use super::{Act, Flows, console};
use crate::egress::NotFetched;

/// Clients that described themselves; `None` stands for a document that is none.
pub type KeptDocuments = Kept<Option<Arc<Client>>>;

/// How long a document is kept at least: one sign-in asks for it several times.
const LEAST: Duration = Duration::from_secs(10);
/// How long at most.
const MOST: Duration = Duration::from_hours(1);
/// How long if its answer does not say.
const USUAL: Duration = Duration::from_mins(5);
/// The longest name, in bytes.
const MAX_BYTES: usize = 512;

/// Finds a client by its name, disabled or not; from memory only while this node hears of changes
/// within a second, since a disabled client or a replaced secret must be refused everywhere by then
/// (CONTRACT §11).
///
/// # Errors
/// A fault when the store is away, or while the client's document cannot be had.
pub(super) async fn find(flows: &Flows, act: &Act, id: &str) -> Result<Option<Arc<Client>>, Fault> {
    if is_url(id) {
        return Box::pin(find_document(flows, act, id)).await;
    }
    if id == CONSOLE {
        return Ok(Some(console::shared_client(flows, act)));
    }
    let (tenants, tenant) = (&flows.tenants, act.tenant.id);
    if flows.sessions.denylist().is_fresh() {
        return tenants.client(tenant, id, act.deadline).await;
    }
    Box::pin(tenants.client_anew(tenant, id, act.deadline)).await
}

/// Says whether a client is named by a URL.
#[must_use]
pub fn is_url(id: &str) -> bool {
    id.starts_with("https://") || id.starts_with("http://")
}

async fn find_document(flows: &Flows, act: &Act, id: &str) -> Result<Option<Arc<Client>>, Fault> {
    if !act.tenant.config.client_id_metadata_documents {
        return Ok(None);
    }
    let Some(url) = parse_url(id) else {
        return Ok(None);
    };
    let key: Key = (act.tenant.id, id.to_owned());
    let is_good = |held: &Held<_>| act.now < held.until;
    let kept = flows
        .kept_documents
        .get(&key, is_good, |_| fetch(flows, act, id, url));
    let held = act.deadline.bound(kept).await?;
    let missing = || Fault::Upstream("a client's metadata document cannot be had".to_owned());
    held.value.ok_or_else(missing)
}

/// Reads a name that is a URL (draft §3): with a path, without fragment, user information and dot
/// segments, in its one spelling. Whether it may be asked is the guard's to judge.
fn parse_url(id: &str) -> Option<Url> {
    let url = Url::parse(id).ok().filter(|url| url.as_str() == id)?;
    let has_path = url.path().len() > 1;
    let is_bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (has_path && is_bare && id.len() <= MAX_BYTES).then_some(url)
}

async fn fetch(flows: &Flows, act: &Act, id: &str, url: Url) -> Held<Option<Arc<Client>>> {
    let fetched = match flows.egress.fetch(&url).await {
        Ok(fetched) => fetched,
        Err(NotFetched::Status(400..=499) | NotFetched::TooLong) => return no_client(act),
        Err(reason) => {
            tracing::warn!(%reason, "a client's metadata document could not be fetched");
            return Held::failed(act.now);
        }
    };
    let said = serde_json::from_slice(&fetched.body);
    let read = said.map_err(|_| invalid_metadata("it is no JSON"));
    let judged = match read.and_then(|said| judge(flows, act, id, said)) {
        Ok(client) => {
            let checked = own::check_sector(flows, None, &client.metadata).await;
            checked.map(|()| client)
        }
        Err(refusal) => Err(refusal),
    };
    match judged {
        Ok(client) => {
            let span = fetched.fresh_for.unwrap_or(USUAL).clamp(LEAST, MOST);
            Held {
                value: Some(Some(Arc::new(client))),
                at: act.now,
                until: act.now + span,
            }
        }
        Err(refusal) => {
            tracing::info!(reason = %refusal.hint, "a client's metadata document is not accepted");
            no_client(act)
        }
    }
}

fn no_client(act: &Act) -> Held<Option<Arc<Client>>> {
    Held {
        value: Some(None),
        at: act.now,
        until: act.now + LEAST,
    }
}

fn judge(flows: &Flows, act: &Act, id: &str, said: Value) -> Result<Client, Refusal> {
    let description = Description::read(said)?;
    let (client_type, description) = check(id, description)?;
    let name = parse_name(description.name()).map_err(invalid_metadata)?;
    let base = ClientMetadata {
        is_self_registered: true,
        audiences: act.tenant.config.resources.clone(),
        ..defaults_of(client_type)
    };
    let offered = &flows.settings.oidc.supported_scopes;
    let mut patch = description.into_patch(client_type, offered)?;
    // It is written for every service that it is shown to: what we do not offer is passed over.
    patch.answers = patch.answers.offered();
    // Nobody fetches a document while a person waits to be signed out.
    patch.logout.frontchannel_logout_uri = None;
    let metadata = own::judge(flows, client_type, base, patch)?;
    Ok(Client {
        tenant: act.tenant.id,
        id: id.to_owned(),
        name,
        client_type,
        disabled: false,
        metadata,
        secrets: Vec::new(),
        created_at: act.now,
        updated_at: act.now,
        version: 1,
    })
}

/// Draft §4: it names itself, says what it is called and where answers go, and shares no secret with
/// us. Grants that we do not offer to such clients are passed over.
fn check(id: &str, said: Description) -> Result<(ClientType, Description), Refusal> {
    if said.client_id.as_deref() != Some(id) {
        return Err(invalid_metadata("client_id is not the document's own URL"));
    }
    if said.client_name.is_none() || said.redirect_uris.is_empty() {
        return Err(invalid_metadata("client_name or redirect_uris is missing"));
    }
    if said.client_secret.is_some() || said.client_secret_expires_at.is_some() {
        return Err(invalid_metadata("a public document holds no secret"));
    }
    let method = said.token_endpoint_auth_method.as_deref();
    let method = method.unwrap_or(METHOD_NONE).to_owned();
    if ![METHOD_NONE, METHOD_PRIVATE_KEY_JWT].contains(&method.as_str()) {
        return Err(invalid_metadata("its method needs a secret"));
    }
    let client_type = said.client_type()?;
    let offered = |grants: Vec<String>| {
        let mut grants = grants;
        grants.retain(|grant| GRANTS.contains(&grant.as_str()));
        grants
    };
    let description = Description {
        token_endpoint_auth_method: Some(method),
        grant_types: said.grant_types.map(offered),
        ..said
    };
    Ok((client_type, description))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "https://app.example/client.json";

    #[test]
    fn mcp_a_client_id_is_a_url_with_a_path_in_its_one_spelling() {
        for id in [
            ID,
            "https://app.example:8443/a/b",
            "https://app.example/c?x=1",
        ] {
            assert!(parse_url(id).is_some(), "{id}");
        }
        let long = format!("https://app.example/{}", "a".repeat(MAX_BYTES));
        for id in [
            "https://app.example",
            "https://app.example/",
            "https://app.example:443/c",
            "https://APP.example/c",
            "https://app.example/a/../c",
            "https://app.example/./c",
            "https://app.example/%2e%2e/c",
            "https://app.example/c#x",
            "https://u:p@app.example/c",
            "https://app.example\\c",
            " https://app.example/c",
            "https://äpp.example/c",
            "https:/app.example/c",
            &long,
        ] {
            assert!(parse_url(id).is_none(), "{id}");
        }
    }

    #[test]
    fn mcp_a_document_names_itself_has_its_fields_and_no_secret() {
        let document = |own: Value| {
            let mut said = json!({
                "client_id": ID, "client_name": "App", "redirect_uris": ["https://app.example/cb"],
            });
            let own = own.as_object().expect("an object").clone();
            said.as_object_mut().expect("an object").extend(own);
            check(ID, Description::read(said).expect("a description"))
        };
        let (client_type, read) = document(json!({})).expect("acceptable");
        assert_eq!(client_type, ClientType::Web);
        assert_eq!(read.token_endpoint_auth_method.as_deref(), Some("none"));
        for own in [
            json!({ "client_id": "https://app.example/other.json" }),
            json!({ "client_id": null }),
            json!({ "client_name": null }),
            json!({ "redirect_uris": [] }),
            json!({ "client_secret": "x" }),
            json!({ "client_secret_expires_at": 0 }),
            json!({ "token_endpoint_auth_method": "client_secret_basic" }),
            json!({ "token_endpoint_auth_method": "client_secret_jwt" }),
        ] {
            assert!(document(own.clone()).is_err(), "{own}");
        }
        let grants = json!({ "grant_types": ["authorization_code", "client_credentials"] });
        let (_, read) = document(grants).expect("acceptable");
        assert_eq!(
            read.grant_types,
            Some(vec!["authorization_code".to_owned()])
        );
    }
}
