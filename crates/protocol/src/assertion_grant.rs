//! Assertions as grants: what another issuer says of a person, for one of our clients (RFC 7523 §2.1,
//! §3), and its stricter kind, the ID-JAG (draft-ietf-oauth-identity-assertion-authz-grant).
//!
//! `aud` is our issuer as one text, as with [`client_assertion`](super::client_assertion). An ID-JAG has
//! a type of its own and names the client that it was issued to; what it says of scope and resources
//! bounds what the token is for. Whose keys verify it is found by [`peek_issuer`]; nothing read so is to
//! be believed.
//!
//! That an assertion is used once is the caller's to see: claim [`Asserted::jti`] for the issuer until
//! [`Asserted::expires_at`]. [`IdJag`] is what we issue ourselves.

use domain::scope::ScopeSet;
use domain::time::UnixMillis;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::access_token::Audience;
pub use crate::client_assertion::BadAssertion;
use crate::client_assertion::{MAX_JTI_BYTES, MAX_LIFETIME};
use crate::jose::compact::Compact;
use crate::jose::foreign::{ForeignAlgorithm, ForeignKeys};
use crate::jose::times::{NumericDate, Times};
use crate::jose::verify::Typ;

/// The grant's registered name (RFC 7523 §2.1).
pub const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The type of an ID-JAG where tokens are exchanged for it (ID-JAG §4.3).
pub const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";

/// The `typ` of an ID-JAG.
pub const ID_JAG_TYPE: &str = "oauth-id-jag+jwt";

/// What kind of assertion an issuer gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Any that RFC 7523 §3 allows.
    Assertion,
    /// An ID-JAG, and nothing that could have been made for anything else (RFC 8725 §3.11).
    IdJag,
}

/// What an assertion must match to be accepted here and now.
#[derive(Clone, Copy)]
pub struct Expected<'a> {
    /// Our own name, which its `aud` must give.
    pub audience: &'a str,
    /// Who is to have issued it.
    pub issuer: &'a str,
    /// Which kind that issuer gives.
    pub profile: Profile,
    /// The client that shows it.
    pub client_id: &'a str,
    /// That issuer's keys.
    pub keys: &'a ForeignKeys,
    /// The algorithms it may be signed with.
    pub algorithms: &'a [ForeignAlgorithm],
    /// The present instant.
    pub now: UnixMillis,
}

/// What an assertion says that is good if it is the issuer's first with its `jti`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asserted {
    /// Whom it is about, in the issuer's words.
    pub subject: String,
    /// The address that they are known by, where the issuer knows people so: `email` if it says that this is
    /// verified, or `sub` if it says nothing of an address. One that it does not vouch for is none,
    /// since whoever may write it there could be anybody.
    pub address: Option<String>,
    /// What the token may be for at most, if it says so.
    pub scope: Option<ScopeSet>,
    /// Which resources the token may be for, if it says so.
    pub resource: Vec<String>,
    /// Its own name, accepted once for each issuer.
    pub jti: String,
    /// From when on it is not accepted.
    pub expires_at: UnixMillis,
}

/// The claims of an ID-JAG that we issue: its `typ` is [`ID_JAG_TYPE`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IdJag {
    /// Us.
    pub iss: String,
    /// Whom it is about.
    pub sub: String,
    /// The authorization server that it is for: its issuer.
    pub aud: String,
    /// The client, by its name there.
    pub client_id: String,
    /// Its own name.
    pub jti: String,
    /// When it was issued, in seconds.
    pub iat: i64,
    /// When it expires, in seconds.
    pub exp: i64,
    /// What the token may be for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Which resources the token may be for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<Audience>,
    /// When the person proved who they are, in seconds.
    pub auth_time: i64,
    /// How well.
    pub acr: String,
    /// How (RFC 8176).
    pub amr: Vec<String>,
    /// Their verified address, where it is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// True, where there is an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Value,
    jti: String,
    #[serde(default, deserialize_with = "present")]
    client_id: Option<String>,
    #[serde(default, deserialize_with = "present")]
    scope: Option<String>,
    #[serde(default, deserialize_with = "present")]
    resource: Option<Audience>,
    #[serde(default, deserialize_with = "present")]
    email: Option<String>,
    #[serde(default, deserialize_with = "present")]
    email_verified: Option<bool>,
    #[serde(flatten)]
    times: Times,
}

/// Reads `iss` of an assertion that nobody has verified, to find the keys that verify it.
#[must_use]
pub fn peek_issuer(text: &str) -> Option<String> {
    let claims: Map<String, Value> = Compact::read(text).ok()?.claims().ok()?;
    claims.get("iss")?.as_str().map(str::to_owned)
}

/// Reads a member that is there: `null` is not absence.
fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

// === impl Profile ===

impl Profile {
    const fn typ(self) -> Typ {
        match self {
            Self::Assertion => Typ::AbsentOr(&["JWT"]),
            Self::IdJag => Typ::Exactly(ID_JAG_TYPE),
        }
    }
}

// === impl Asserted ===

impl Asserted {
    /// Judges an assertion as RFC 7523 §3 lists it, and an ID-JAG as its draft does.
    ///
    /// # Errors
    /// See [`BadAssertion`].
    pub fn check(text: &str, expected: &Expected<'_>) -> Result<Self, BadAssertion> {
        let typ = expected.profile.typ();
        let verified = expected
            .keys
            .verify::<Claims>(text, typ, expected.algorithms)?;
        let claims = verified.claims;
        claims.check_parties(expected)?;
        let expires_at = claims.check_times(expected)?;
        if claims.jti.is_empty() || claims.jti.len() > MAX_JTI_BYTES {
            return Err(BadAssertion::Claims("jti must have 1 to 256 bytes"));
        }
        let scope = claims.scope.as_deref().map(ScopeSet::parse).transpose();
        let scope = scope.map_err(|_| BadAssertion::Claims("scope is none"))?;
        let address = claims.known_address();
        Ok(Self {
            subject: claims.sub,
            address,
            scope,
            resource: match claims.resource {
                None => Vec::new(),
                Some(Audience::One(only)) => vec![only],
                Some(Audience::Many(several)) => several,
            },
            jti: claims.jti,
            expires_at,
        })
    }
}

// === impl Claims ===

impl Claims {
    fn check_parties(&self, expected: &Expected<'_>) -> Result<(), BadAssertion> {
        if self.iss != expected.issuer || self.sub.is_empty() {
            return Err(BadAssertion::Claims("iss or sub is another"));
        }
        if self.aud != *expected.audience {
            return Err(BadAssertion::Claims("aud must be the issuer, as one text"));
        }
        match &self.client_id {
            Some(client) if client == expected.client_id => Ok(()),
            None if expected.profile == Profile::Assertion => Ok(()),
            _ => Err(BadAssertion::Claims("client_id must be the client's")),
        }
    }

    /// Gives the address that the issuer vouches for. OpenID Connect Core §5.1: `email_verified` is "True if the
    /// End-User's e-mail address has been verified"; that nothing is said is not that.
    fn known_address(&self) -> Option<String> {
        match (&self.email, self.email_verified) {
            (Some(email), Some(true)) => Some(email.clone()),
            (None, None | Some(true)) => Some(self.sub.clone()),
            (Some(_), None | Some(false)) | (None, Some(false)) => None,
        }
    }

    /// Gives when the assertion expires.
    fn check_times(&self, expected: &Expected<'_>) -> Result<UnixMillis, BadAssertion> {
        let exp = self.times.exp.map(NumericDate::at);
        let exp = exp.ok_or(BadAssertion::Claims("exp is missing"))?;
        if exp > expected.now + MAX_LIFETIME {
            return Err(BadAssertion::Claims("exp is more than an hour ahead"));
        }
        if expected.profile == Profile::IdJag && self.times.iat.is_none() {
            return Err(BadAssertion::Claims("iat is missing"));
        }
        self.times
            .check(expected.now)
            .map(|()| exp)
            .map_err(|_| BadAssertion::Claims("expired or not yet valid"))
    }
}

#[cfg(test)]
mod tests;
