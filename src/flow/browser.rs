//! A sign-in that a browser remembers (NIST SP 800-63B-4 §2.2.3, §5.2; OWASP ASVS 5.0 §7).
//!
//! The browser holds a cookie that names the session and says when it was last here, under our
//! signature; the store says whether the session still stands. It ends `SESSION_MAX_AGE` after the
//! person proved who they are, and `SESSION_IDLE_TIMEOUT` after they were last here, whichever comes
//! first. Each page gives the cookie anew, so an idle browser is told apart without a write.

use domain::id::SessionId;
use domain::rejection::Fault;
use domain::secret::SecretText;
use domain::session::Session;
use domain::user::User;
use protocol::opaque::{Made, SessionCookie};

use super::{Act, Flows};

/// Who is signed in in this browser.
#[derive(Debug, Clone)]
pub struct Browser {
    /// The sign-in.
    pub session: Session,
    /// Whose it is; active.
    pub user: User,
    /// Where it was made.
    pub made: Made,
}

/// Reads a browser's cookie; `None` for one that is not ours, another tenant's, or too old.
#[must_use]
pub fn read_cookie(flows: &Flows, act: &Act, cookie: &str) -> Option<SessionCookie> {
    let cookie = SessionCookie::parse(&flows.secrets, cookie).ok()?;
    let idle = flows.settings.sessions.idle_timeout;
    let is_here = act.now.since(cookie.seen_at) < idle;
    (cookie.tenant == act.tenant.id && is_here).then_some(cookie)
}

/// Writes a browser's cookie: it was here now.
#[must_use]
pub fn mint_cookie(flows: &Flows, act: &Act, session: SessionId, made: Made) -> SecretText {
    let cookie = SessionCookie {
        tenant: act.tenant.id,
        session,
        seen_at: act.now,
        made,
    };
    cookie.mint(&flows.secrets)
}

/// Finds who is signed in in a browser.
///
/// # Errors
/// A fault when the store is away: nobody is taken for signed in or out on a guess.
///
/// # Cancel safety
/// Reads only.
pub async fn resume(
    flows: &Flows,
    act: &Act,
    cookie: Option<&str>,
) -> Result<Option<Browser>, Fault> {
    let Some(known) = cookie.and_then(|cookie| read_cookie(flows, act, cookie)) else {
        return Ok(None);
    };
    let found = flows
        .authorizations
        .load_browser_session(act.tenant.id, known.session, act.now);
    let found = act.wait(found).await?;
    let max_age = flows.settings.sessions.max_age;
    let is_fresh = |session: &Session| act.now.since(session.auth_time) < max_age;
    Ok(found
        .filter(|(session, _)| is_fresh(session))
        .map(|(session, user)| Browser {
            session,
            user,
            made: known.made,
        }))
}
