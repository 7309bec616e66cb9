//! The vocabulary of redeeming an authorization code (RFC 6749 §4.1.3), or a device code that was
//! allowed (RFC 8628 §3.4).

use std::fmt;
use std::sync::Arc;

use domain::authorization::{CodeGrant, GrantDetails};
use domain::event::{Entry, EventKind, Origin};
use domain::id::TenantId;
use domain::session::{Family, Session};
use domain::time::UnixMillis;
use domain::user::User;
use serde_json::json;

use super::EndedSessions;

/// Says whether whoever presents a code proved what its grant demands: the redirect URI, the verifier
/// of the challenge (RFC 7636 §4.6), the key (RFC 9449 §10). Pure and quick: a store may call it
/// inside its step.
pub type Judge = Arc<dyn Fn(&CodeGrant) -> bool + Send + Sync>;

/// What is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redeemable {
    /// An authorization code. It travels through a browser: whoever presents it a second time may have
    /// stolen it, or the first did, so what it gave is taken back (RFC 9700 §4.5).
    AuthorizationCode,
    /// A device code. It never leaves the device, which asks with it again and again: that it asks once
    /// more takes nothing back.
    DeviceCode,
}

/// One presentation of a code.
#[derive(Clone)]
pub struct Redemption {
    /// The tenant.
    pub tenant: TenantId,
    /// What kind of code it is.
    pub kind: Redeemable,
    /// The code's signature.
    pub signature: [u8; 32],
    /// The client that presents it; another client's code is refused.
    pub client: String,
    /// Judges the rest of what was presented.
    pub judge: Judge,
    /// The family to begin: its id, number and ends. What it is for comes from the grant; see
    /// [`family_of`](Self::family_of).
    pub family: Family,
    /// The `jti` of the access token that goes with it, refused if the code is replayed.
    pub access_jti: String,
    /// When that access token expires.
    pub access_expires_at: UnixMillis,
    /// The present instant.
    pub now: UnixMillis,
    /// Until when other nodes must remember an ended session.
    pub remember_until: UnixMillis,
    /// Where it comes from, for the audit entry.
    pub origin: Origin,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Redeemed {
    /// The code is spent now and gave this.
    Granted(Box<RedeemedGrant>),
    /// The authorization code was spent before: what it gave is taken back.
    Replayed(Replay),
    /// It is worth nothing here; nothing was written.
    Refused,
}

/// What a code gave.
#[derive(Debug, Clone, PartialEq)]
pub struct RedeemedGrant {
    /// What it was worth.
    pub grant: CodeGrant,
    /// The session it was given in; live.
    pub session: Session,
    /// Who allowed it; active.
    pub user: User,
    /// The family it began.
    pub family: Family,
}

/// What a replay took back: to be refused on this node before the verb's caller answers. Empty if an
/// earlier replay took it back already.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Replay {
    /// The session, if it was live.
    pub ended: EndedSessions,
    /// The `jti` of the access token that the code gave, and when that expires.
    pub access: Option<(String, UnixMillis)>,
}

// === impl Redeemable ===

impl Redeemable {
    /// Gives the word of the audit trail.
    const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::DeviceCode => "device_code",
        }
    }
}

// === impl Redemption ===

impl Redemption {
    /// Makes the family that the code begins: session, user, client, scope and details are the
    /// grant's. A key or a certificate that the caller's family names was proved with the code, and
    /// binds the family where the grant names none (RFC 9449 §5, RFC 8705 §4).
    #[must_use]
    pub fn family_of(&self, grant: &CodeGrant) -> Family {
        let (granted, proved) = (&grant.details, &self.family.details);
        let details = GrantDetails {
            dpop_jkt: granted.dpop_jkt.clone().or_else(|| proved.dpop_jkt.clone()),
            certificate: granted
                .certificate
                .clone()
                .or_else(|| proved.certificate.clone()),
            ..granted.clone()
        };
        Family {
            tenant: self.tenant,
            session: grant.session,
            user: grant.user,
            client: grant.client.clone(),
            scope: grant.scope.clone(),
            details,
            ..self.family.clone()
        }
    }

    /// Writes the entry of a code that was redeemed.
    pub(crate) fn issued_entry(&self, grant: &CodeGrant) -> Entry {
        self.entry(EventKind::TokenIssued, grant)
            .with(json!({"grant": self.kind.as_str(), "jti": self.access_jti}))
    }

    /// Writes the entry of a code that was presented again.
    pub(crate) fn replayed_entry(&self, grant: &CodeGrant) -> Entry {
        self.entry(EventKind::CodeReplayed, grant).failed()
    }

    fn entry(&self, kind: EventKind, grant: &CodeGrant) -> Entry {
        Entry::new(kind, &self.origin)
            .about(&grant.user)
            .through(&grant.client)
            .within(grant.session)
    }
}

/// Leaves out the judge, which cannot be shown.
impl fmt::Debug for Redemption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redemption")
            .field("tenant", &self.tenant)
            .field("client", &self.client)
            .field("family", &self.family.id)
            .finish_non_exhaustive()
    }
}
