//! Signing out: of this device, or of all.

use domain::event::EventKind;
use domain::rejection::Rejection;
use domain::time::UnixMillis;
use store::port::sessions::EndTarget;

use super::caller::Person;
use super::{Act, Flows, sessions};

/// Ends this session with its refresh family and its access tokens.
///
/// # Errors
/// A fault; the session may then be ended or not.
pub async fn logout(flows: &Flows, act: &Act, person: &Person) -> Result<(), Rejection> {
    match person.session {
        Some(session) => {
            let target = EndTarget::Session(person.user, session);
            sessions::end(flows, act, person.holder(), target).await?;
            Ok(())
        }
        None => refuse_token(flows, act, person).await,
    }
}

/// Ends every session of the person.
///
/// # Errors
/// As [`logout`].
pub async fn logout_all(flows: &Flows, act: &Act, person: &Person) -> Result<(), Rejection> {
    let target = EndTarget::User(person.user, None);
    sessions::end(flows, act, person.holder(), target).await?;
    match person.session {
        Some(_) => Ok(()),
        None => refuse_token(flows, act, person).await,
    }
}

/// Refuses a token that belongs to no session.
async fn refuse_token(flows: &Flows, act: &Act, person: &Person) -> Result<(), Rejection> {
    let claims = &person.claims;
    let entry = act
        .entry_by(person.actor(), EventKind::TokenRevoked)
        .about(&person.user);
    let expires_at = UnixMillis::from_seconds(claims.exp);
    let revoked = flows.sessions.revoke_access(
        act.tenant.id,
        claims.jti.clone(),
        expires_at,
        entry,
        act.deadline,
    );
    Ok(revoked.await?)
}
