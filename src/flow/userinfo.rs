//! Telling a client about the person whose token it shows (OpenID Connect Core §5.3).

use domain::rejection::{OAuthCode, Refusal, Rejection};
use domain::scope::ScopeSet;
use domain::user::UserStatus;
use protocol::oidc::claims::{self, ClaimsTarget};
use serde_json::{Map, Value};

use super::caller::Person;
use super::token::id_token::OPENID;
use super::{Act, Flows};

/// Gives the claims that the token's scope opens, as they are now.
///
/// # Errors
/// 403 `insufficient_scope` without `openid`; 401 when the account is gone or closed; or a fault.
pub async fn userinfo(
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
    let found = flows.users.load_user(act.tenant.id, person.user);
    let user = act.wait(found).await?;
    let user = user.filter(|user| user.status == UserStatus::Active);
    let user = user.ok_or_else(super::caller::invalid_token)?;
    let requested = person.claims.claims.as_ref();
    let mut claims = claims::claims_for(ClaimsTarget::Userinfo, &scope, requested, &user);
    claims.insert("sub".to_owned(), Value::String(person.claims.sub.clone()));
    Ok(claims)
}
