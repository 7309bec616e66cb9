//! Telling a client about the person whose token it shows (OpenID Connect Core §5.3).

use domain::client::{Client, FIRST_PARTY};
use domain::rejection::{OAuthCode, Refusal, Rejection};
use domain::scope::ScopeSet;
use domain::user::UserStatus;
use protocol::oidc::claims::{self, ClaimsTarget};
use protocol::oidc::id_token::TYPE;
use serde_json::{Map, Value};

use super::caller::Person;
use super::token::id_token::OPENID;
use super::{Act, Flows, clients, signature};

/// What a client is told of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Userinfo {
    /// The claims.
    Plain(Map<String, Value>),
    /// A JWS of them, for a client that registered `userinfo_signed_response_alg`.
    Signed(String),
}

/// Gives the claims that the token's scope opens, as they are now.
///
/// # Errors
/// 403 `insufficient_scope` without `openid`; 401 when the account or the client is gone or closed; or
/// a fault.
pub async fn userinfo(flows: &Flows, act: &Act, person: &Person) -> Result<Userinfo, Rejection> {
    let claims = load_claims(flows, act, person).await?;
    let id = &person.claims.client_id;
    if id == FIRST_PARTY {
        return Ok(Userinfo::Plain(claims));
    }
    let client = clients::find(flows, act, id).await?;
    let client = client.filter(|client| !client.disabled);
    // Without it nobody knows how the client wants to be told: never in a weaker form than it asked for.
    let client = client.ok_or_else(super::caller::invalid_token)?;
    if client.metadata.userinfo_signed_response_alg.is_none() {
        return Ok(Userinfo::Plain(claims));
    }
    sign(flows, act, &client, claims).await
}

async fn load_claims(
    flows: &Flows,
    act: &Act,
    person: &Person,
) -> Result<Map<String, Value>, Rejection> {
    let scope = ScopeSet::parse(&person.claims.scope).unwrap_or_default();
    if !scope.contains(OPENID) {
        return Err(Refusal::oauth(
            OAuthCode::InsufficientScope,
            "the token's scope does not include openid",
        )
        .into());
    }
    let found = flows
        .accounts
        .load(act.tenant.id, person.user, act.deadline);
    let user = found.await?;
    let user = user.filter(|user| user.status == UserStatus::Active);
    let user = user.ok_or_else(super::caller::invalid_token)?;
    let requested = person.claims.claims.as_ref();
    let mut claims = claims::claims_for(ClaimsTarget::Userinfo, &scope, requested, &user);
    claims.insert("sub".to_owned(), Value::String(person.claims.sub.clone()));
    Ok(claims)
}

/// Signs the claims, with `iss` and `aud` as OpenID Connect Core §5.3.2 has it. There is no `exp`, so it
/// cannot pass for an ID token.
async fn sign(
    flows: &Flows,
    act: &Act,
    client: &Client,
    mut claims: Map<String, Value>,
) -> Result<Userinfo, Rejection> {
    claims.insert("iss".to_owned(), Value::String(act.issuer.clone()));
    claims.insert("aud".to_owned(), Value::String(client.id.clone()));
    let word = client.metadata.userinfo_signed_response_alg.as_deref();
    let wanted = signature::registered(word);
    let signed = signature::sign(flows, act, wanted, (TYPE, &claims)).await?;
    Ok(Userinfo::Signed(signed))
}
