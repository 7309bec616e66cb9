//! What services ask of us: whether a token holds, who an account is, whether somebody may do something.
//!
//! Everybody may ask about themselves: a person by the token that they show about that token and their
//! own account, a client about tokens that were issued to it. Who asks about others needs the right
//! ([`may_ask`]), or is a client that may introspect. Who has none is refused whatever they ask about, so
//! that nobody learns from the refusal what there is. See `docs/decisions/0022-the-grpc-door.md`.
//!
//! Nothing is changed here, and each answer is what the HTTP doors give: tokens are judged by
//! [`judged`](super::judged), accounts and permissions are read by the operators' own flows.

use domain::id::UserId;
use domain::rejection::{Code, OAuthCode, Refusal, Rejection};
use domain::role::{SUBJECT_CLIENT, SUBJECT_USER};
use domain::secret::SecretText;
use domain::user::User;
use protocol::access_token::AccessClaims;
use protocol::introspection::ActiveToken;
use protocol::opaque::REFRESH_PREFIX;

use super::admin::rbac::{self, Check, Checked};
use super::admin::users;
use super::allowed::{About, may_ask};
use super::caller::{Caller, require_person, require_self};
use super::judged::{Inactive, Judged, judge_access, judge_refresh, read_refresh};
use super::{Act, Flows, live};

/// Ask whether an access token may be acted upon.
#[derive(Debug, Clone)]
pub struct ValidateToken {
    /// The token.
    pub token: SecretText,
    /// The resource that it must be for; empty: our own API.
    pub audience: String,
}

/// Says what an access token says, if it may be acted upon.
///
/// # Errors
/// 403 for a token that the caller may not ask about; a fault while this node does not know what was
/// revoked.
pub async fn validate_token(
    flows: &Flows,
    act: &Act,
    caller: &Caller,
    message: ValidateToken,
) -> Result<Option<ActiveToken>, Rejection> {
    let audience = match message.audience.as_str() {
        "" => act.issuer.as_str(),
        named => named,
    };
    let found = introspect_token(flows, act, caller, message.token).await?;
    let is_for_it = |token: &ActiveToken| {
        let named = token.aud.as_ref();
        token.token_type.is_some() && named.is_some_and(|named| named.contains(audience))
    };
    Ok(found.filter(is_for_it))
}

/// Says what a token says, if it is active.
///
/// # Errors
/// As [`validate_token`].
pub async fn introspect_token(
    flows: &Flows,
    act: &Act,
    caller: &Caller,
    token: SecretText,
) -> Result<Option<ActiveToken>, Rejection> {
    let may_all = may_introspect(flows, act, caller).await?;
    let token = token.expose();
    let judged = if token.starts_with(REFRESH_PREFIX) {
        judge_own_refresh(flows, act, caller, token).await?
    } else {
        let is_told = |claims: &AccessClaims| may_all || is_own(caller, claims);
        judge_access(flows, act, token, is_told).await?
    };
    match judged {
        Judged::Inactive(Inactive::Unknown | Inactive::Foreign, _) if !may_all => {
            Err(not_allowed(About::Tokens).into())
        }
        judged => Ok(judged.into_active()),
    }
}

/// Loads an account; the caller's own if none is named.
///
/// # Errors
/// 403 for who may not ask about it; 404 when this tenant has none of this id; 422 when none is named
/// and the caller is no person; or a fault.
pub async fn get_user(
    flows: &Flows,
    act: &Act,
    caller: &Caller,
    named: &str,
) -> Result<User, Rejection> {
    let own = account_of(caller);
    if named.is_empty() {
        let hint = "must name an account: you are none";
        let own = own.ok_or_else(|| Refusal::field("user_id", hint))?;
        return users::get(flows, act, own).await;
    }
    let asked = named.parse::<UserId>().ok();
    if asked.is_none_or(|asked| own != Some(asked))
        && !may_ask(flows, act, caller, About::Users).await?
    {
        return Err(not_allowed(About::Users).into());
    }
    let none = || Refusal::new(Code::NotFound, "There is no such account.");
    users::get(flows, act, asked.ok_or_else(none)?).await
}

/// Says whether somebody may do something, and why; the caller if nobody is named.
///
/// # Errors
/// 403 for who may not ask about them; 422 naming every field that is missing; or a fault.
pub async fn check_permission(
    flows: &Flows,
    act: &Act,
    caller: &Caller,
    mut message: Check,
) -> Result<Checked, Rejection> {
    let own = subject_of(caller);
    if message.subject.is_empty() {
        message.subject = own.clone().unwrap_or_default();
    }
    check_fields(&message)?;
    let is_own = own.as_ref() == Some(&message.subject);
    if !is_own && !may_ask(flows, act, caller, About::Permissions).await? {
        return Err(not_allowed(About::Permissions).into());
    }
    rbac::check(flows, act, message).await
}

/// Judges a refresh token for the client that it was issued to; for everybody else there is none.
async fn judge_own_refresh(
    flows: &Flows,
    act: &Act,
    caller: &Caller,
    token: &str,
) -> Result<Judged, Rejection> {
    let Some((claims, own)) = system(caller).zip(read_refresh(flows, act, token)) else {
        return Ok(Judged::unknown());
    };
    let id = claims.client_id.as_str();
    let issued_to = flows
        .sessions
        .client_of(act.tenant.id, own.family, act.deadline);
    if issued_to.await?.as_deref() != Some(id) {
        return Ok(Judged::unknown());
    }
    let client = live::find_client(flows, act, id).await?;
    judge_refresh(flows, act, &own, (id, client.as_deref())).await
}

/// Says whether a caller may be told of every access token.
async fn may_introspect(flows: &Flows, act: &Act, caller: &Caller) -> Result<bool, Rejection> {
    if let Some(claims) = system(caller) {
        let client = live::find_client(flows, act, &claims.client_id).await?;
        if client.is_some_and(|client| client.metadata.may_introspect) {
            return Ok(true);
        }
    }
    Ok(may_ask(flows, act, caller, About::Tokens).await?)
}

/// Says whether a token is the caller's own: the one that a person shows, or one of their client's.
fn is_own(caller: &Caller, claims: &AccessClaims) -> bool {
    match caller {
        Caller::Person(shown, ..) => shown.jti == claims.jti,
        Caller::System(_) => system(caller).is_some_and(|own| own.client_id == claims.client_id),
        Caller::ApiKey(_) => false,
    }
}

/// Gives the token of a client that speaks for itself, and acts for nobody.
fn system(caller: &Caller) -> Option<&AccessClaims> {
    match caller {
        Caller::System(claims) if claims.act.is_none() => Some(claims.as_ref()),
        Caller::Person(..) | Caller::System(_) | Caller::ApiKey(_) => None,
    }
}

/// Gives the account of a person who is here themselves.
fn account_of(caller: &Caller) -> Option<UserId> {
    let person = require_person(caller).ok()?;
    require_self(&person).ok().map(|()| person.user)
}

/// Names the caller to the rules.
fn subject_of(caller: &Caller) -> Option<String> {
    let user = account_of(caller).map(|user| format!("{SUBJECT_USER}{user}"));
    let client = || system(caller).map(|own| format!("{SUBJECT_CLIENT}{}", own.client_id));
    user.or_else(client)
}

fn check_fields(message: &Check) -> Result<(), Refusal> {
    let fields = [
        ("subject", &message.subject),
        ("object", &message.object),
        ("action", &message.action),
    ];
    let mut missing = fields.into_iter().filter(|(_, value)| value.is_empty());
    let Some((first, _)) = missing.next() else {
        return Ok(());
    };
    let refusal = Refusal::field(first, "is missing");
    Err(missing.fold(refusal, |refusal, (name, _)| {
        refusal.and_field(name, "is missing")
    }))
}

fn not_allowed(about: About) -> Refusal {
    let hint = format!(
        "Who asks about others needs the scope {} or a role that allows it.",
        about.scope()
    );
    Refusal::oauth(OAuthCode::InsufficientScope, hint)
}
