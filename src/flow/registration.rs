//! Clients that register themselves (RFC 7591), and manage what they registered (RFC 7592).
//!
//! Whether they may is the tenant's choice: not at all, with an initial access token (an API key with
//! the scope [`SCOPE`]), or anybody. What may be registered is judged by the same rules as what an
//! operator registers, when it is made and when it is changed; what only an operator decides stays as
//! an operator left it. People are asked for their consent each time, because nobody vouches for the
//! client: it says itself what it is called.
//!
//! A registration access token opens one registration. What is stored of it is its signature; an
//! unknown client and a wrong token are answered alike.

use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use domain::client::{Client, ClientMetadata, ClientPatch, ClientType};
use domain::event::{Actor, EventKind};
use domain::rejection::{Code, Fault, OAuthCode, Refusal, Rejection};
use domain::scope::ScopeSet;
use domain::secret::SecretText;
use domain::tenant::RegistrationPolicy;
use protocol::opaque::RandomToken;
use serde_json::json;
use store::port::clients::ClientWrite;

use super::account::parse_name;
use super::admin::clients::MetadataPatch;
use super::admin::clients::own::{self, defaults_of, detail, has_secret, mint_id, mint_secret};
use super::caller::{self, Caller, Presented};
use super::signature::publish;
use super::token::client_auth::{is_live_secret, stored_signature};
use super::{Act, Flows};

pub(super) mod description;

pub use description::Description;
use description::{in_words_of_rfc_7591, invalid_metadata};

/// What an API key needs to be an initial access token.
pub const SCOPE: &str = "clients:register";

/// When whoever may not register because too many did is told to come back.
const FULL_FOR: Duration = Duration::from_hours(1);

/// Register a client.
#[derive(Debug, Clone)]
pub struct Register {
    /// The initial access token, if one was shown.
    pub credential: Option<Presented>,
    /// What the client says of itself.
    pub description: Description,
}

/// Show, change or delete one's own registration.
#[derive(Debug, Clone)]
pub struct Hold {
    /// Whose it is.
    pub client: String,
    /// The registration access token.
    pub token: SecretText,
}

/// A registration as its client is told.
pub struct Registration {
    /// As it stands.
    pub client: Client,
    /// The client's new secret, if it was given one.
    pub secret: Option<SecretText>,
    /// What opens it.
    pub token: SecretText,
}

/// Registers a client.
///
/// # Errors
/// 403 where nobody may, 429 where too many did, 401 and 403 about the initial access token, RFC 7591's words about the
/// description; or a fault.
pub async fn register(
    flows: &Flows,
    act: &Act,
    message: Register,
) -> Result<Registration, Rejection> {
    let actor = admit(flows, act, message.credential).await?;
    let description = message.description;
    let client_type = description.client_type()?;
    description.check_offer()?;
    let name = parse_name(description.name())
        .map_err(|error| invalid_metadata(format!("client_name: {error}")))?;
    let minted = RandomToken::Registration.mint(&flows.secrets, flows.random.as_ref());
    let base = ClientMetadata {
        is_self_registered: true,
        registration_token: Some(stored_signature(&minted.signature)),
        audiences: act.tenant.config.resources.clone(),
        ..defaults_of(client_type)
    };
    let offered = &flows.settings.oidc.supported_scopes;
    let patch = description.into_patch(client_type, offered)?;
    let metadata = judge(flows, client_type, (base, None), patch).await?;
    let (secret, stored) = has_secret(&metadata)
        .then(|| mint_secret(flows, act.now))
        .unzip();
    let client = Client {
        tenant: act.tenant.id,
        id: mint_id(flows.random.as_ref()),
        name,
        client_type,
        disabled: false,
        metadata,
        secrets: stored.into_iter().collect(),
        created_at: act.now,
        updated_at: act.now,
        version: 1,
    };
    let entry = act
        .entry_by(actor, EventKind::ClientCreated)
        .about(&client.id)
        .with(detail(client.client_type, &client.metadata));
    let most = act.tenant.config.max_self_registered_clients;
    let registered = flows
        .tenants
        .register_client(client.clone(), most, entry, act.deadline);
    if !registered.await? {
        return Err(full().into());
    }
    publish(flows, act, &client.metadata).await;
    Ok(Registration {
        client,
        secret,
        token: minted.token,
    })
}

/// Says that the tenant has as many of these as it takes.
fn full() -> Refusal {
    let hint = "no more clients may register themselves now";
    Refusal::new(Code::RateLimited, hint).retry_after(FULL_FOR)
}

/// Shows a registration (RFC 7592 §2.1).
///
/// # Errors
/// 401 for any token that does not open it; or a fault.
pub async fn show(flows: &Flows, act: &Act, message: Hold) -> Result<Registration, Rejection> {
    let client = open(flows, act, &message).await?;
    Ok(Registration {
        client,
        secret: None,
        token: message.token,
    })
}

/// Replaces a registration (RFC 7592 §2.2).
///
/// # Errors
/// As [`show`]; 403 where nobody may register any more; RFC 7591's words about the description.
pub async fn replace(
    flows: &Flows,
    act: &Act,
    message: Hold,
    description: Description,
) -> Result<Registration, Rejection> {
    let client = open(flows, act, &message).await?;
    if act.tenant.config.registration == RegistrationPolicy::Closed {
        return Err(closed().into());
    }
    check_identity(flows, act, &client, &description)?;
    description.check_offer()?;
    if description.application_type.is_some() && description.client_type()? != client.client_type {
        return Err(invalid_metadata("application_type: cannot be changed").into());
    }
    let name = parse_name(description.name())
        .map_err(|error| invalid_metadata(format!("client_name: {error}")))?;
    let held = ScopeSet::from_stored(client.metadata.scopes.clone());
    let offered = flows.settings.oidc.supported_scopes.union(&held);
    let patch = description.into_patch(client.client_type, &offered)?;
    let stands = &client.metadata;
    let base = (stands.clone(), Some(stands));
    let metadata = judge(flows, client.client_type, base, patch).await?;
    let begins = has_secret(&metadata) && !has_secret(&client.metadata);
    let (secret, stored) = begins.then(|| mint_secret(flows, act.now)).unzip();
    let ends = !has_secret(&metadata);
    let entry = act
        .entry_by(Actor::Client(client.id.clone()), EventKind::ClientUpdated)
        .about(&client.id)
        .with(json!({ "metadata": detail(client.client_type, &metadata) }));
    let patch = ClientPatch {
        name: Some(name),
        disabled: None,
        metadata: Some(metadata),
        secrets: (begins || ends).then(|| stored.into_iter().collect()),
        expected_version: Some(client.version),
    };
    let written = flows
        .tenants
        .update_client(client.id, patch, entry, act.deadline);
    match written.await? {
        ClientWrite::Stored(client) => {
            publish(flows, act, &client.metadata).await;
            Ok(Registration {
                client: *client,
                secret,
                token: message.token,
            })
        }
        ClientWrite::Missing => Err(not_opened().into()),
        ClientWrite::Stale => Err(Fault::Busy("clients").into()),
    }
}

/// Deletes a registration (RFC 7592 §2.3). The client's tokens are refused at once.
///
/// # Errors
/// As [`show`].
pub async fn delete(flows: &Flows, act: &Act, message: Hold) -> Result<(), Rejection> {
    let client = open(flows, act, &message).await?;
    let entry = act
        .entry_by(Actor::Client(client.id.clone()), EventKind::ClientDeleted)
        .about(&client.id);
    let deleted = flows
        .tenants
        .delete_client(client.id, None, entry, act.deadline);
    if deleted.await? {
        return Ok(());
    }
    Err(not_opened().into())
}

/// Judges what a client says, over what stands or a base of ours, and what its sector says of it.
async fn judge(
    flows: &Flows,
    client_type: ClientType,
    (base, stands): (ClientMetadata, Option<&ClientMetadata>),
    patch: MetadataPatch,
) -> Result<ClientMetadata, Refusal> {
    let judged = own::judge(flows, client_type, base, patch);
    let metadata = judged.map_err(|refusal| in_words_of_rfc_7591(&refusal))?;
    own::check_sector(flows, stands, &metadata)
        .await
        .map_err(|refusal| in_words_of_rfc_7591(&refusal))?;
    Ok(metadata)
}

/// Says who registers, if they may.
async fn admit(
    flows: &Flows,
    act: &Act,
    credential: Option<Presented>,
) -> Result<Actor, Rejection> {
    match act.tenant.config.registration {
        RegistrationPolicy::Closed => return Err(closed().into()),
        RegistrationPolicy::Open => return Ok(Actor::Anonymous),
        RegistrationPolicy::Token => {}
    }
    let presented = credential.ok_or_else(|| {
        let hint = "registering here needs an initial access token";
        Refusal::oauth(OAuthCode::InvalidToken, hint)
    })?;
    match caller::authenticate(flows, act, presented).await? {
        caller @ Caller::ApiKey(_) if caller.has_scope(SCOPE) => Ok(caller.actor()),
        _ => {
            let hint = "the initial access token is not one for registering clients";
            Err(Refusal::oauth(OAuthCode::InsufficientScope, hint).into())
        }
    }
}

/// Finds a registration as it is stored now, if the token opens it. RFC 7592 §2.1: an unknown client is
/// a wrong token.
async fn open(flows: &Flows, act: &Act, message: &Hold) -> Result<Client, Rejection> {
    let signature = RandomToken::Registration
        .parse(&flows.secrets, message.token.expose())
        .map_err(|_| not_opened())?;
    let found = flows
        .tenants
        .client_anew(act.tenant.id, &message.client, act.deadline);
    let client = found.await?.filter(|client| !client.disabled);
    let client = client.ok_or_else(not_opened)?;
    let presented = stored_signature(&signature);
    let stored = client.metadata.registration_token.as_deref();
    let is_it = stored.is_some_and(|stored| {
        verify_slices_are_equal(stored.as_bytes(), presented.as_bytes()).is_ok()
    });
    if !is_it {
        return Err(not_opened().into());
    }
    Ok(Client::clone(&client))
}

/// RFC 7592 §2.2: an update names its client, holds the present secret if any, and nothing of what was
/// said about the registration itself.
fn check_identity(
    flows: &Flows,
    act: &Act,
    client: &Client,
    said: &Description,
) -> Result<(), Refusal> {
    if said.client_id.as_deref() != Some(client.id.as_str()) {
        return Err(invalid_metadata("client_id: must be the client's own"));
    }
    let about_itself = [
        &said.registration_access_token,
        &said.registration_client_uri,
        &said.client_secret_expires_at,
        &said.client_id_issued_at,
    ];
    if about_itself.iter().any(|member| member.is_some()) {
        let hint = "an update holds only what is registered, not what was answered beside it";
        return Err(invalid_metadata(hint));
    }
    let Some(secret) = &said.client_secret else {
        return Ok(());
    };
    let signature = RandomToken::ClientSecret.parse(&flows.secrets, secret);
    let is_live = signature.is_ok_and(|signature| is_live_secret(client, &signature, act.now));
    if is_live {
        return Ok(());
    }
    Err(invalid_metadata("client_secret: must be the present one"))
}

fn closed() -> Refusal {
    Refusal::new(Code::Forbidden, "clients do not register themselves here")
}

fn not_opened() -> Refusal {
    let hint = "the registration access token opens no such registration";
    Refusal::oauth(OAuthCode::InvalidToken, hint)
}
