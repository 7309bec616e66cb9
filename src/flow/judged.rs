//! What a token comes to: the one judgement behind introspection at every door.
//!
//! A judgement says why a token is not active; who may be told of that is the asker's door's to decide.
//! RFC 7662 §2.2 lets clients be told of nothing but that it is not; operators are told why. What names
//! another tenant shows nothing of itself here.

use domain::client::Client;
use domain::rejection::{Fault, Rejection};
use domain::session::Presentation;
use protocol::access_token::{AccessClaims, Confirmation};
use protocol::introspection::ActiveToken;
use protocol::opaque::RefreshToken;
use store::port::sessions::Granted;

use super::{Act, Flows, caller, live, subject};

/// What a token comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// It counts.
    Active(Box<ActiveToken>),
    /// It does not; and what it says, as far as that is this tenant's to know.
    Inactive(Inactive, Option<Box<ActiveToken>>),
}

/// Why a token does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inactive {
    /// It is none of ours, or not one that the asker may be told of.
    Unknown,
    /// Signed by a key of the tenant's, but under another issuer's name; or by one that tenants still
    /// share, for another.
    Foreign,
    /// Its time is over.
    Expired,
    /// It was revoked, or its sign-in or its grant ended.
    Revoked,
    /// A newer one has taken its place.
    Spent,
    /// An account or a client that it names may not be used.
    Closed,
}

/// Judges an access token. Whoever may not be told of it is told that it is unknown.
///
/// # Errors
/// A fault while this node does not know what was revoked, or a store is away.
pub(crate) async fn judge_access(
    flows: &Flows,
    act: &Act,
    token: &str,
    is_told: impl Fn(&AccessClaims) -> bool,
) -> Result<Judged, Fault> {
    let Some(claims) = caller::read(flows, act, token).await? else {
        return Ok(Judged::unknown());
    };
    if claims.tid != act.tenant.id.to_string() || claims.iss != act.issuer {
        return Ok(Judged::Inactive(Inactive::Foreign, None));
    }
    if !is_told(&claims) {
        return Ok(Judged::unknown());
    }
    let why = if claims
        .check(caller::expected(flows, act, &claims.tid))
        .is_err()
    {
        Some(Inactive::Expired)
    } else if live::is_revoked(flows, &claims)? {
        Some(Inactive::Revoked)
    } else if !live::are_parties_live(flows, act, &claims).await? {
        Some(Inactive::Closed)
    } else {
        None
    };
    let told = Box::new(ActiveToken::from(AccessClaims::clone(&claims)));
    Ok(match why {
        None => Judged::Active(told),
        Some(why) => Judged::Inactive(why, Some(told)),
    })
}

/// Judges a refresh token of one client: it is active if it is the current one of its family and in
/// time.
///
/// # Errors
/// A fault when the store is away.
pub(crate) async fn judge_refresh(
    flows: &Flows,
    act: &Act,
    token: &RefreshToken,
    (id, client): (&str, Option<&Client>),
) -> Result<Judged, Rejection> {
    let found =
        flows
            .sessions
            .live_family(act.tenant.id, token.family, id.to_owned(), act.deadline);
    let Some(granted) = found.await? else {
        return Ok(Judged::Inactive(Inactive::Revoked, None));
    };
    let window = flows.settings.tokens.refresh_reuse_window;
    let presentation = granted.family.judge(token.generation, act.now, window);
    subject::prepare(flows, act).await?;
    let told = Box::new(describe_refresh(flows, act, client, granted)?);
    Ok(match presentation {
        Presentation::Current => Judged::Active(told),
        Presentation::Expired => Judged::Inactive(Inactive::Expired, Some(told)),
        Presentation::Repeat | Presentation::Reissue | Presentation::Reuse => {
            Judged::Inactive(Inactive::Spent, Some(told))
        }
        Presentation::Unissued => Judged::unknown(),
    })
}

/// Reads a refresh token of this tenant.
pub(crate) fn read_refresh(flows: &Flows, act: &Act, token: &str) -> Option<RefreshToken> {
    let parsed = RefreshToken::parse(&flows.secrets, token).ok();
    parsed.filter(|token| token.tenant == act.tenant.id)
}

fn describe_refresh(
    flows: &Flows,
    act: &Act,
    client: Option<&Client>,
    granted: Granted,
) -> Result<ActiveToken, Fault> {
    let Granted {
        family,
        session,
        user,
        ..
    } = granted;
    let sector = subject::sector_of_grant(family.details.sector.as_deref(), client)?;
    let names = subject::names(flows, act, (user.id, session.id), sector.as_deref())?;
    let (jkt, certificate) = (family.details.dpop_jkt, family.details.certificate);
    Ok(ActiveToken {
        scope: family.scope.to_string(),
        client_id: family.client,
        exp: family.idle_expires_at.min(family.expires_at).as_seconds(),
        iat: family.rotated_at.as_seconds(),
        sub: names.subject,
        iss: act.issuer.clone(),
        cnf: (jkt.is_some() || certificate.is_some()).then_some(Confirmation {
            jkt,
            x5t_s256: certificate,
        }),
        tid: act.tenant.id.to_string(),
        roles: user.roles,
        client_type: caller::TYPE_USER.to_owned(),
        acr: Some(session.acr),
        amr: session.amr,
        auth_time: Some(session.auth_time.as_seconds()),
        sid: Some(names.session),
        ..ActiveToken::default()
    })
}

// === impl Judged ===

impl Judged {
    /// Judges nothing of ours.
    pub(crate) const fn unknown() -> Self {
        Self::Inactive(Inactive::Unknown, None)
    }

    /// Gives what it says, if it counts.
    #[must_use]
    pub fn into_active(self) -> Option<ActiveToken> {
        match self {
            Self::Active(token) => Some(*token),
            Self::Inactive(..) => None,
        }
    }
}

// === impl Inactive ===

impl Inactive {
    /// Gives the word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Foreign => "foreign",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Spent => "spent",
            Self::Closed => "closed",
        }
    }
}
