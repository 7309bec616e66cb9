//! By which name a client knows a person, and a sign-in of theirs (OpenID Connect Core §8).
//!
//! A client whose subjects are public is told the account's id and the session's; one whose subjects are
//! pairwise is told names that only its sector knows, everywhere: in ID tokens, access tokens,
//! introspection, userinfo, logout tokens. Which sector that is, is fixed when a grant begins and kept
//! with it, so that no later registration changes a subject (§12.2), and no client learns by registering
//! another host what that one is told.
//!
//! The tenant's salt is read once and remembered: [`prepare`] sees to it before anything that happens
//! once, [`names`] then never waits. See `docs/decisions/0012-pairwise-access-tokens.md` for how our own
//! endpoints know whose token such a client shows.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::client::Client;
use domain::id::{SessionId, TenantId, UserId};
use domain::rejection::Fault;
use protocol::access_token::AccessClaims;
use protocol::oidc::subject;
use protocol::seal;
use store::port::salts::Salts;
use uuid::Uuid;

use super::{Act, Flows};

/// The salts that were read. Each is its tenant's for good.
pub struct KeptSalts {
    store: Arc<dyn Salts>,
    known: RwLock<HashMap<TenantId, [u8; 32]>>,
}

/// What a client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    /// Of the person: `sub`.
    pub(crate) subject: String,
    /// Of the sign-in: `sid`.
    pub(crate) session: String,
}

/// Whose an access token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holder {
    /// The person; none: the token speaks for a client.
    pub(crate) user: Option<UserId>,
    /// The sign-in that it belongs to.
    pub(crate) session: Option<SessionId>,
}

/// How one client is told of people, from one moment on.
#[derive(Clone)]
pub struct Naming(Option<(String, [u8; 32])>);

/// Shows nothing of it: it holds the salt.
impl fmt::Debug for Naming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Naming").finish_non_exhaustive()
    }
}

// === impl Naming ===

impl Naming {
    /// Finds out how a client is told of people now.
    ///
    /// # Errors
    /// As [`prepare`] and [`sector_of`].
    ///
    /// # Cancel safety
    /// As [`prepare`].
    pub(crate) async fn load(flows: &Flows, act: &Act, client: &Client) -> Result<Self, Fault> {
        let Some(sector) = sector_of(client)? else {
            return Ok(Self(None));
        };
        prepare(flows, act).await?;
        let salt = flows.salts.get(act.tenant.id);
        let salt = salt.ok_or(Fault::Restarting("salts"))?;
        Ok(Self(Some((sector, salt))))
    }

    /// Says whether a subject is this person: by the name that the client is told, or by the
    /// account's own, which it may have been told before.
    #[must_use]
    pub(crate) fn is_name_of(&self, named: &str, user: UserId) -> bool {
        let pairwise = |(sector, salt): &(String, _)| subject::pairwise(salt, sector, user);
        named == user.to_string() || self.0.as_ref().map(pairwise).as_deref() == Some(named)
    }
}

// === impl KeptSalts ===

impl KeptSalts {
    /// Remembers nothing yet.
    #[must_use]
    pub fn new(store: Arc<dyn Salts>) -> Self {
        Self {
            store,
            known: RwLock::default(),
        }
    }

    fn get(&self, tenant: TenantId) -> Option<[u8; 32]> {
        // Whoever panicked left no half-made change: an entry is put in one step.
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&tenant).copied()
    }

    fn put(&self, tenant: TenantId, salt: [u8; 32]) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(tenant, salt);
    }
}

/// Makes sure that the tenant's salt is known here; the first node to need it draws it.
///
/// # Errors
/// A fault when the store is away.
///
/// # Cancel safety
/// A salt that was drawn is kept whether or not anybody waits.
pub(crate) async fn prepare(flows: &Flows, act: &Act) -> Result<(), Fault> {
    let tenant = act.tenant.id;
    if flows.salts.get(tenant).is_some() {
        return Ok(());
    }
    let drawn = flows.random.array::<32>();
    let kept = Box::pin(act.wait(flows.salts.store.keep_salt(tenant, drawn))).await?;
    flows.salts.put(tenant, kept);
    Ok(())
}

/// Gives the sector that a client's subjects are made for now; none: they are public.
///
/// # Errors
/// [`Fault::Broken`] for a client that should not have been registered.
pub(crate) fn sector_of(client: &Client) -> Result<Option<String>, Fault> {
    let sector = subject::sector(&client.metadata);
    sector.map_err(|error| Fault::Broken(format!("client {}: {error}", client.id)))
}

/// Gives the sector of a grant: the one it began in, or else its client's own.
///
/// # Errors
/// As [`sector_of`].
pub(crate) fn sector_of_grant(
    kept: Option<&str>,
    client: Option<&Client>,
) -> Result<Option<String>, Fault> {
    match (kept, client) {
        (Some(kept), _) => Ok(Some(kept.to_owned())),
        (None, Some(client)) => sector_of(client),
        (None, None) => Ok(None),
    }
}

/// Names a person and a sign-in in a sector; see [`prepare`].
///
/// # Errors
/// [`Fault::Restarting`] if nobody has read the salt.
pub(crate) fn names(
    flows: &Flows,
    act: &Act,
    (user, session): (UserId, SessionId),
    sector: Option<&str>,
) -> Result<Names, Fault> {
    let Some(sector) = sector else {
        return Ok(Names {
            subject: user.to_string(),
            session: session.to_string(),
        });
    };
    let salt = flows.salts.get(act.tenant.id);
    let salt = salt.ok_or(Fault::Restarting("salts"))?;
    Ok(Names {
        subject: subject::pairwise(&salt, sector, user),
        session: subject::pairwise_session(&salt, sector, session),
    })
}

/// Seals whose an access token is into the token, for our own endpoints.
///
/// # Errors
/// [`Fault::Broken`] if the cipher refuses.
pub(crate) fn seal_holder(
    flows: &Flows,
    act: &Act,
    jti: &str,
    (user, session): (UserId, SessionId),
) -> Result<String, Fault> {
    let both = [*user.as_uuid().as_bytes(), *session.as_uuid().as_bytes()].concat();
    let context = context(&act.tenant.id.to_string(), jti);
    let sealed = seal::seal(&flows.secrets, &context, &both)
        .map_err(|_| Fault::Broken("the holder of a token could not be sealed".to_owned()))?;
    Ok(URL_SAFE_NO_PAD.encode(sealed))
}

/// Says whose an accepted access token is; `None` if it does not say it as ours do.
pub(crate) fn holder_of(flows: &Flows, claims: &AccessClaims) -> Option<Holder> {
    if let Some(sealed) = &claims.account {
        let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let opened =
            seal::open(&flows.secrets, &context(&claims.tid, &claims.jti), &sealed).ok()?;
        let (user, session) = opened.value.split_at_checked(16)?;
        return Some(Holder {
            user: Some(UserId::from_uuid(Uuid::from_slice(user).ok()?)),
            session: Some(SessionId::from_uuid(Uuid::from_slice(session).ok()?)),
        });
    }
    let is_person = claims.client_type == super::caller::TYPE_USER;
    Some(Holder {
        user: is_person.then(|| claims.sub.parse()).transpose().ok()?,
        session: claims.sid.as_deref().map(str::parse).transpose().ok()?,
    })
}

fn context(tenant: &str, jti: &str) -> String {
    format!("access-token/{tenant}/{jti}")
}
