//! Clients, as operators register and look after them (RFC 7591, RFC 7592).
//!
//! The tenants owner alone writes clients. A change is made of what is stored and of what the
//! operator says, so it is written only if that version still stands; where another node was
//! faster, and the operator named no version, it is made again of what stands then.
//!
//! A secret is shown once, by the reply that made it; what is stored is its signature. Next:
//! `registration` for what may be registered.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::client::{Client, ClientMetadata, ClientSecret, ClientType};
use domain::event::EventKind;
use domain::page::{Page, PageRequest};
use domain::random::Random;
use domain::rejection::{Refusal, Rejection};
use domain::secret::SecretText;
use domain::time::UnixMillis;
use protocol::opaque::RandomToken;

use super::role::require_appointer;
use super::{not_found, stale};
use crate::flow::account::{Mistakes, parse_name};
use crate::flow::allowed::subjects_of_client;
use crate::flow::signature::publish;
use crate::flow::token::client_auth::stored_signature;
use crate::flow::{Act, Flows};

mod change;
pub(in crate::flow) mod own;
pub(in crate::flow::admin) mod redirect_uri;
mod registration;
mod sector;

pub use change::{PatchClient, patch, rotate_secret};
pub use registration::{
    AnswersPatch, CertificatesPatch, KeysPatch, LogoutPatch, MetadataPatch, PagesPatch,
    PolicyPatch, SubjectsPatch,
};

use registration::{Terms, has_secret};

/// Register a client.
#[derive(Debug, Clone)]
pub struct CreateClient {
    /// Its name for people.
    pub name: String,
    /// What stands behind it.
    pub client_type: ClientType,
    /// Everything else; what is absent follows the type.
    pub metadata: MetadataPatch,
}

/// Lists clients, newest first.
///
/// # Errors
/// A fault when the store is away.
pub async fn list(flows: &Flows, act: &Act, page: PageRequest) -> Result<Page<Client>, Rejection> {
    let found = flows
        .tenants
        .list_clients(act.tenant.id, page, act.deadline);
    Ok(found.await?)
}

/// Loads a client.
///
/// # Errors
/// 404 when there is none of this id; or a fault.
pub async fn get(flows: &Flows, act: &Act, client: &str) -> Result<Client, Rejection> {
    let found = flows.tenants.client(act.tenant.id, client, act.deadline);
    let found = found.await?.ok_or_else(|| not_found("client"))?;
    Ok(Client::clone(&found))
}

/// Registers a client, and gives it a secret if it authenticates by one.
///
/// # Errors
/// 422 naming every wrong field; 403 for an operator whom a key for one area would make; or a fault.
pub async fn create(
    flows: &Flows,
    act: &Act,
    message: CreateClient,
) -> Result<(Client, Option<SecretText>), Rejection> {
    let terms = terms(flows, message.client_type);
    let (name, metadata) = check(terms, &message.name, message.metadata)?;
    require_appointer(flows, act, &metadata.roles)?;
    sector::check(flows, None, &metadata).await?;
    let minted = has_secret(&metadata).then(|| mint_secret(flows, act.now));
    let (secret, stored) = minted.unzip();
    let client = Client {
        tenant: act.tenant.id,
        id: mint_id(flows.random.as_ref()),
        name,
        client_type: message.client_type,
        disabled: false,
        metadata,
        secrets: stored.into_iter().collect(),
        created_at: act.now,
        updated_at: act.now,
        version: 1,
    };
    let entry = act
        .entry(EventKind::ClientCreated)
        .about(&client.id)
        .with(registration::detail(client.client_type, &client.metadata));
    let stored = flows
        .tenants
        .create_client(client.clone(), entry, act.deadline);
    stored.await?;
    publish(flows, act, &client.metadata).await;
    Ok((client, secret))
}

/// Deletes a client. Its tokens are refused at once.
///
/// # Errors
/// 404 when there is none of this id; 403 for an operator and a key for one area; 412 when it is not of
/// the version that is expected; or a fault.
pub async fn delete(
    flows: &Flows,
    act: &Act,
    client: String,
    expected: Option<i64>,
) -> Result<(), Rejection> {
    if !act.may_appoint {
        let stored = get(flows, act, &client).await?;
        require_appointer(flows, act, &subjects_of_client(&stored))?;
    }
    let entry = act.entry(EventKind::ClientDeleted).about(&client);
    let tenants = &flows.tenants;
    let deleted = tenants.delete_client(client.clone(), expected, entry, act.deadline);
    if deleted.await? {
        return Ok(());
    }
    // Whatever stands there is another version; nothing stands there if that is what is wrong.
    get(flows, act, &client).await?;
    Err(stale().into())
}

/// Gives what a registration is judged under.
fn terms(flows: &Flows, client_type: ClientType) -> Terms {
    Terms {
        client_type,
        takes_clear_text: flows.egress.takes_clear_text(),
        takes_certificates: flows.client_authorities.is_some(),
    }
}

fn check(
    terms: Terms,
    name: &str,
    metadata: MetadataPatch,
) -> Result<(String, ClientMetadata), Refusal> {
    let mut mistakes = Mistakes::default();
    let name = mistakes.check("name", parse_name(name));
    let defaults = registration::defaults_of(terms.client_type);
    let metadata = metadata.over(defaults, terms, &mut mistakes);
    mistakes.into_result()?;
    let name = name.ok_or_else(|| Refusal::field("name", "is missing"))?;
    Ok((name, metadata))
}

/// Makes a public name of 128 random bits: it looks like no user's subject (RFC 9700 §4.15).
pub(in crate::flow) fn mint_id(random: &dyn Random) -> String {
    format!("client_{}", URL_SAFE_NO_PAD.encode(random.array::<16>()))
}

/// Makes a secret, and what is stored of it.
pub(in crate::flow) fn mint_secret(flows: &Flows, now: UnixMillis) -> (SecretText, ClientSecret) {
    let minted = RandomToken::ClientSecret.mint(&flows.secrets, flows.random.as_ref());
    let stored = ClientSecret {
        signature: stored_signature(&minted.signature),
        created_at: now,
        expires_at: None,
    };
    (minted.token, stored)
}

#[cfg(test)]
mod tests {
    use domain::random::Counting;

    use super::*;

    #[test]
    fn an_id_is_128_random_bits_behind_a_word() {
        let random = Counting::default();
        let (one, two) = (mint_id(&random), mint_id(&random));
        assert_ne!(one, two);
        let bytes = URL_SAFE_NO_PAD.decode(one.trim_start_matches("client_"));
        assert_eq!(bytes.map(|bytes| bytes.len()), Ok(16));
    }

    #[test]
    fn the_name_and_the_registration_are_judged_together() {
        let metadata = MetadataPatch {
            roles: Some(vec!["Not A Role".to_owned()]),
            ..MetadataPatch::default()
        };
        let terms = Terms {
            client_type: ClientType::Service,
            takes_clear_text: false,
            takes_certificates: false,
        };
        let refusal = check(terms, "", metadata).expect_err("two mistakes");
        let fields: Vec<_> = refusal.fields.iter().map(|f| f.field.as_ref()).collect();
        assert_eq!(fields, ["name", "roles"]);
    }
}
