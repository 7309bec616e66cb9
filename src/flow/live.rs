//! Whether an access token still counts: what it says was judged before, this asks what became of it.
//!
//! Three things may have: the token, its sign-in or its grant was revoked, or a token that it was
//! exchanged for; the client that it was issued to, that it speaks for or that acts with it was closed;
//! the account of a token without a sign-in was closed (with a sign-in, that ends the sign-in). A node
//! that does not know what was revoked says so (503) rather than guess.
//!
//! Clients and accounts are read from memory, which the same feed empties that tells what was
//! revoked. Nothing is fetched here: a client that is its own metadata document counts for as long as
//! the tenant takes such documents.

use std::sync::Arc;

use domain::client::{CONSOLE, Client, FIRST_PARTY};
use domain::id::FamilyId;
use domain::rejection::Fault;
use domain::user::{User, UserStatus};
use protocol::access_token::AccessClaims;
use protocol::oauth::exchange::ActingParty;

use super::caller::TYPE_USER;
use super::subject::{self, Holder};
use super::{Act, Flows, clients};

/// Says whether a token still counts.
///
/// # Errors
/// A fault while that is not known.
pub(crate) async fn is_live(
    flows: &Flows,
    act: &Act,
    claims: &AccessClaims,
) -> Result<bool, Fault> {
    Ok(!is_revoked(flows, claims)? && are_parties_live(flows, act, claims).await?)
}

/// Says whether a token was revoked, or its sign-in or its grant ended, or a token that it was exchanged
/// for was revoked. One that names either in a way that is not ours counts as revoked.
///
/// # Errors
/// [`Fault::Store`] while this node does not know.
pub(crate) fn is_revoked(flows: &Flows, claims: &AccessClaims) -> Result<bool, Fault> {
    require_fresh(flows)?;
    let denylist = flows.sessions.denylist();
    let holder = subject::holder_of(flows, claims);
    let grant = claims.grant_id.as_deref().map(str::parse::<FamilyId>);
    let (Some(Holder { session, .. }), Ok(grant)) = (holder, grant.transpose()) else {
        return Ok(true);
    };
    let mut names = std::iter::once(&claims.jti).chain(&claims.parents);
    Ok(names.any(|name| denylist.is_refused(name, session, grant)))
}

/// Refuses to judge while this node does not hear what was revoked and what changed.
///
/// # Errors
/// [`Fault::Store`] then.
pub(crate) fn require_fresh(flows: &Flows) -> Result<(), Fault> {
    if flows.sessions.denylist().is_fresh() {
        return Ok(());
    }
    Err(Fault::Store("what was revoked is not known now".to_owned()))
}

/// Says whether everybody that a token names may still be one.
///
/// # Errors
/// A fault when the store is away.
pub(crate) async fn are_parties_live(
    flows: &Flows,
    act: &Act,
    claims: &AccessClaims,
) -> Result<bool, Fault> {
    let is_person = claims.client_type == TYPE_USER;
    if is_person && claims.sid.is_none() && !is_person_live(flows, act, &claims.sub).await? {
        return Ok(false);
    }
    let acting = claims.act.iter().flat_map(ActingParty::subjects);
    let mut parties: Vec<&str> = acting.collect();
    parties.push(&claims.client_id);
    if !is_person {
        parties.push(&claims.sub);
    }
    parties.sort_unstable();
    parties.dedup();
    for id in parties {
        if !may_be_used(flows, act, id).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Says whether the account that a token speaks for may be used.
async fn is_person_live(flows: &Flows, act: &Act, subject: &str) -> Result<bool, Fault> {
    let Ok(id) = subject.parse() else {
        return Ok(false);
    };
    let found = flows.accounts.load(act.tenant.id, id, act.deadline).await?;
    Ok(found.is_some_and(|user| user.status == UserStatus::Active))
}

/// Says whether a client may be used. Our own API and console are none that could be closed, and a document is not
/// fetched to judge a token.
async fn may_be_used(flows: &Flows, act: &Act, id: &str) -> Result<bool, Fault> {
    if id == FIRST_PARTY || id == CONSOLE {
        return Ok(true);
    }
    if clients::is_url(id) {
        return Ok(act.tenant.config.client_id_metadata_documents);
    }
    Ok(find_client(flows, act, id).await?.is_some())
}

/// Gives a registered client that may be used.
///
/// # Errors
/// A fault when the store is away.
pub(crate) async fn find_client(
    flows: &Flows,
    act: &Act,
    id: &str,
) -> Result<Option<Arc<Client>>, Fault> {
    let found = load_client(flows, act, id).await?;
    Ok(found.filter(|client| !client.disabled))
}

/// Gives a registered client, whether or not it may be used.
///
/// # Errors
/// A fault when the store is away.
pub(crate) async fn load_client(
    flows: &Flows,
    act: &Act,
    id: &str,
) -> Result<Option<Arc<Client>>, Fault> {
    flows.tenants.client(act.tenant.id, id, act.deadline).await
}

/// Gives the account that a token speaks for, as it is stored now, if it may be used: for whoever gives
/// another token for it.
///
/// # Errors
/// A fault when the store is away.
pub(crate) async fn load_person(
    flows: &Flows,
    act: &Act,
    subject: &str,
) -> Result<Option<User>, Fault> {
    let Ok(id) = subject.parse() else {
        return Ok(None);
    };
    let user = act.wait(flows.users.load_user(act.tenant.id, id)).await?;
    Ok(user.filter(|user| user.status == UserStatus::Active))
}
