//! A sign-in that a browser remembers (NIST SP 800-63B-4 §2.2.3, §5.2; OWASP ASVS 5.0 §7).
//!
//! The browser holds a cookie that names the session and says when it was last here, under our
//! signature; the store says whether the session still stands. It ends `SESSION_MAX_AGE` after the
//! person showed the first of the factors it relies on, and `SESSION_IDLE_TIMEOUT` after they were last
//! here, whichever comes first. Each page gives the cookie anew, so an idle browser is told apart without
//! a write. A cookie is for one proof: once the person proves who they are again, older ones are none.

use domain::id::SessionId;
use domain::rejection::Fault;
use domain::secret::SecretText;
use domain::session::Session;
use domain::time::UnixMillis;
use domain::user::User;
use protocol::assurance::{Level, oldest};
use protocol::opaque::{Made, SessionCookie};

use super::account::AccountHolder;
use super::{Act, Flows, lifetimes};

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

// === impl Browser ===

impl Browser {
    /// Says whether the sign-in counts beyond the requests that it was made for: whoever comes to this browser
    /// next finds nothing of it, if the tenant's interface said that it is not to be remembered.
    #[must_use]
    pub fn stays(&self) -> bool {
        self.made != Made::ForOneRequest
    }
}

/// What a browser is to remember.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remembered {
    /// The sign-in.
    pub session: SessionId,
    /// When the person last proved who they are.
    pub auth_time: UnixMillis,
    /// Where.
    pub made: Made,
}

/// Reads a browser's cookie; `None` for one that is not ours, another tenant's, or too old.
#[must_use]
pub fn read_cookie(flows: &Flows, act: &Act, cookie: &str) -> Option<SessionCookie> {
    read_any(flows, act, cookie).filter(|cookie| !is_idle(flows, act, cookie))
}

fn read_any(flows: &Flows, act: &Act, cookie: &str) -> Option<SessionCookie> {
    let cookie = SessionCookie::parse(&flows.secrets, cookie).ok()?;
    (cookie.tenant == act.tenant.id).then_some(cookie)
}

fn is_idle(flows: &Flows, act: &Act, cookie: &SessionCookie) -> bool {
    act.now.since(cookie.seen_at) >= lifetimes::of_sign_ins(flows, act).idle_timeout
}

/// Writes a browser's cookie: it was here now.
#[must_use]
pub fn mint_cookie(flows: &Flows, act: &Act, remembered: Remembered) -> SecretText {
    let cookie = SessionCookie {
        tenant: act.tenant.id,
        session: remembered.session,
        auth_time: remembered.auth_time,
        seen_at: act.now,
        made: remembered.made,
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
    Ok(load(flows, act, known)
        .await?
        .map(|(session, user)| Browser {
            session,
            user,
            made: known.made,
        }))
}

/// Finds the sign-in of a browser that nobody was at for too long, while it is not too old as a whole:
/// what was had then need not be shown again (NIST SP 800-63B-4 §2.2.3).
///
/// # Errors
/// As [`resume`].
pub async fn find_resting(
    flows: &Flows,
    act: &Act,
    cookie: Option<&str>,
) -> Result<Option<Session>, Fault> {
    let known = cookie.and_then(|cookie| read_any(flows, act, cookie));
    let resting = known.filter(|known| known.made == Made::Here && is_idle(flows, act, known));
    let Some(known) = resting else {
        return Ok(None);
    };
    Ok(load(flows, act, known).await?.map(|(session, _)| session))
}

async fn load(
    flows: &Flows,
    act: &Act,
    known: SessionCookie,
) -> Result<Option<(Session, User)>, Fault> {
    let found = flows
        .authorizations
        .load_browser_session(act.tenant.id, known.session, act.now);
    let found = act.wait(found).await?;
    let max_age = lifetimes::of_sign_ins(flows, act).max_age;
    let is_fresh = |session: &Session| {
        let since = oldest(&session.proofs).unwrap_or(session.auth_time);
        act.now.since(since) < max_age
    };
    Ok(found.filter(|(session, _)| session.auth_time == known.auth_time && is_fresh(session)))
}

// === impl Browser ===

impl Browser {
    /// Gives whose account it is.
    #[must_use]
    pub fn holder(&self) -> AccountHolder {
        AccountHolder {
            user: self.user.id,
            session: Some(self.session.id),
            level: Level::parse(&self.session.acr).unwrap_or(Level::Aal1),
        }
    }

    /// Gives what the browser is to remember of it.
    #[must_use]
    pub const fn remembered(&self) -> Remembered {
        Remembered {
            session: self.session.id,
            auth_time: self.session.auth_time,
            made: self.made,
        }
    }
}
