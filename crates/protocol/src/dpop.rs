//! Proofs that a sender holds a key (DPoP, RFC 9449 §4).
//!
//! [`Proof::check`] judges one proof as §4.3 lists it, for one request at one instant. What it cannot
//! know stays with the caller: that the request carried exactly one `DPoP` header, that the `jti` was
//! not seen before (claim it once, until [`Proof::accept_until`]), and that the token presented is
//! bound to [`Proof::jkt`]. [`nonce`] issues and knows the nonces of §8, without storing any.
//!
//! Signatures are those of FAPI 2.0 §5.4.1: one list for every client, so that no proof is refused
//! only because its client grew stricter.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::time::UnixMillis;
use serde::Deserialize;

use crate::jose::compact::Compact;
use crate::jose::foreign::ForeignAlgorithm;
use crate::jose::jwk::PublicKey;
pub use crate::jose::jwk::thumbprint;
use crate::jose::times::Times;
use crate::jose::verify::{BadToken, Typ};
use crate::system_secrets::SystemSecrets;

pub mod nonce;
mod target;

/// What a proof may be signed with.
pub const ALGORITHMS: [ForeignAlgorithm; 3] = ForeignAlgorithm::FAPI;

/// The longest `jti` we remember, in bytes.
pub const MAX_JTI_BYTES: usize = 256;

const TYPE: Typ = Typ::Exactly("dpop+jwt");

/// A proof that is good for the request it was judged for, if it is the first with its `jti`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The thumbprint of the sender's key (RFC 7638).
    pub jkt: String,
    /// Its own name, accepted once for each key.
    pub jti: String,
    /// The last instant at which it could still be accepted.
    pub accept_until: UnixMillis,
}

/// The request that a proof must be about.
#[derive(Clone, Copy)]
pub struct Expected<'a> {
    /// The request's method.
    pub method: &'a str,
    /// The request's URI as the client must have seen it; query and fragment do not count.
    pub uri: &'a str,
    /// The present instant.
    pub now: UnixMillis,
    /// How old a proof may be.
    pub window: Duration,
    /// The access token that comes with it, as presented; then `ath` must be its hash.
    pub access_token: Option<&'a str>,
    /// Whether a nonce of ours must be in it.
    pub nonce: NonceRule<'a>,
}

/// Whether a nonce is demanded (RFC 9449 §8).
#[derive(Clone, Copy)]
pub enum NonceRule<'a> {
    /// None is; one that comes is not looked at.
    Optional,
    /// One that we issued.
    Required {
        /// What it was signed with.
        secrets: &'a SystemSecrets,
        /// How long it is good for.
        ttl: Duration,
    },
}

/// The proof is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadProof {
    /// `invalid_dpop_proof`, with what is wrong.
    #[error("{0}")]
    Invalid(&'static str),
    /// `use_dpop_nonce`: good but for the nonce; the next one must have the nonce that comes with
    /// the answer.
    #[error("a nonce issued by this server is required")]
    UseNonce,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    ath: Option<String>,
    nonce: Option<String>,
    #[serde(flatten)]
    times: Times,
}

/// Gives the `ath` of an access token (RFC 9449 §4.2).
#[must_use]
pub fn access_token_hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes()))
}

// === impl Proof ===

impl Proof {
    /// Judges a proof in the order of RFC 9449 §4.3, but for the nonce, which is asked for last: a
    /// proof that is bad in any other way learns nothing from us.
    ///
    /// # Errors
    /// See [`BadProof`].
    pub fn check(text: &str, expected: &Expected<'_>) -> Result<Self, BadProof> {
        let (key, claims) = open(text)?;
        if claims.jti.is_empty() || claims.jti.len() > MAX_JTI_BYTES {
            return Err(BadProof::Invalid("jti must have 1 to 256 bytes"));
        }
        claims.check_request(expected)?;
        let accept_until = claims.check_times(expected)?;
        claims.check_access_token(expected.access_token)?;
        claims.check_nonce(expected)?;
        Ok(Self {
            jkt: key.thumbprint().ok_or(BadToken::UnknownKey)?,
            jti: claims.jti,
            accept_until,
        })
    }
}

/// Verifies the signature with the key that the proof itself names.
fn open(text: &str) -> Result<(PublicKey, Claims), BadToken> {
    let compact = Compact::read(text)?;
    compact.check_type(TYPE)?;
    let algorithm = ForeignAlgorithm::of(&compact, &ALGORITHMS)?;
    let key = compact.jwk().and_then(PublicKey::parse);
    let key = key.ok_or(BadToken::UnknownKey)?;
    algorithm.check(&compact, &key)?;
    let claims = compact.claims()?;
    Ok((key, claims))
}

// === impl Claims ===

impl Claims {
    fn check_request(&self, expected: &Expected<'_>) -> Result<(), BadProof> {
        if self.htm != expected.method {
            return Err(BadProof::Invalid("htm is not the request's method"));
        }
        if !target::is_same(&self.htu, expected.uri) {
            return Err(BadProof::Invalid("htu is not the request's URI"));
        }
        Ok(())
    }

    /// Gives the last instant at which the proof could be accepted.
    fn check_times(&self, expected: &Expected<'_>) -> Result<UnixMillis, BadProof> {
        let issued = self.times.iat.ok_or(BadProof::Invalid("iat is missing"))?;
        let accept_until = issued.at() + expected.window;
        if expected.now > accept_until || self.times.check(expected.now).is_err() {
            return Err(BadProof::Invalid("iat is too old or in the future"));
        }
        Ok(accept_until)
    }

    fn check_access_token(&self, token: Option<&str>) -> Result<(), BadProof> {
        let fits = |token| self.ath.as_deref() == Some(access_token_hash(token).as_str());
        if token.is_none_or(fits) {
            Ok(())
        } else {
            Err(BadProof::Invalid("ath is not the access token's hash"))
        }
    }

    fn check_nonce(&self, expected: &Expected<'_>) -> Result<(), BadProof> {
        let NonceRule::Required { secrets, ttl } = expected.nonce else {
            return Ok(());
        };
        let fresh = |text: &str| nonce::is_fresh(secrets, text, expected.now, ttl);
        if self.nonce.as_deref().is_some_and(fresh) {
            Ok(())
        } else {
            Err(BadProof::UseNonce)
        }
    }
}

// === impl BadProof ===

impl From<BadToken> for BadProof {
    fn from(bad: BadToken) -> Self {
        Self::Invalid(match bad {
            BadToken::Malformed => "the proof is malformed",
            BadToken::WrongKind => "typ must be dpop+jwt and alg one of ES256, EdDSA, PS256",
            BadToken::UnknownKey => "jwk must be a public key that fits alg",
            BadToken::BadSignature => "the signature does not fit jwk",
        })
    }
}

#[cfg(test)]
mod tests;
