//! Floor 1: passkeys, as pure functions (Web Authentication Level 3).
//!
//! A passkey is bound by a registration ceremony and shown by an authentication ceremony. Each has two
//! halves: `begin_…` gives the options for the browser and a state; `finish_…` takes that state and what
//! the browser answered. The caller keeps the state from everybody else and lets it be answered once: the
//! challenge in it is what keeps an answer from counting twice.
//!
//! Signatures, keys and attestations are judged by `webauthn-rs-core`. It is the half of `webauthn-rs` that
//! lets us ask for discoverable credentials (see `docs/decisions/0016`). What it lets through although the
//! standard does not, or tells decoders to refuse, is refused here first: origins that are the same only
//! after parsing, members given twice, bytes after the end, CBOR that is not in its canonical form,
//! credential ids above 1,023 bytes, statements where there should be none.
//!
//! A passkey is asked to be discoverable, so that it can be the whole sign-in; a whole sign-in demands
//! that the authenticator found out who was there (UV), a second factor demands that somebody was (UP).
//! Once a passkey was bound with UV, it is never taken without. Keys are ES256, ES384 and RS256 of 2,048
//! bits: what the library verifies.
//!
//! Nothing here reads a clock or makes a challenge by itself, with one exception that the library leaves
//! us: whether an attestation's certificates are in date is judged by the system's clock.
//!
//! Start with [`RelyingParty`]; [`registration`] and [`sign_in`] are the two ceremonies, [`AllowList`] is
//! what a tenant demands of authenticators.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::random::Random;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;
use webauthn_rs_core::WebauthnCore;
use webauthn_rs_core::error::WebauthnError;

mod attestation;
pub mod registration;
pub mod sign_in;
mod strict;
#[cfg(test)]
mod tests;

pub use attestation::AllowList;
pub use registration::{Account, NewPasskey, Registration};
pub use sign_in::{Answer, Known, Shown, SignIn};

/// Who passkeys are bound to: a domain, and the origins of the pages that may use them.
#[derive(Debug, Clone)]
pub struct RelyingParty {
    core: WebauthnCore,
    /// As browsers write them.
    origins: Vec<String>,
}

/// Why an answer was not taken, by what can be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It is not what a browser sends: nothing but another browser helps.
    #[error("not an answer of a browser")]
    Malformed,
    /// It is for another ceremony, page or person, or its signature is another's: begin anew.
    #[error("an answer to something else")]
    Refused,
    /// The authenticator did not find out who was there: ask for a PIN or a finger.
    #[error("nobody was verified")]
    NotVerified,
    /// Its counter did not move on: there may be two of it. Its owner is to be told.
    #[error("the passkey may have been copied")]
    Copied,
    /// The authenticator is bound already: use that passkey.
    #[error("bound already")]
    AlreadyBound,
    /// It is not one of the authenticators that the tenant allows: use another.
    #[error("not an authenticator of the list")]
    NotAllowed,
    /// What we kept does not read: our fault.
    #[error("a state or passkey that does not read")]
    Broken,
}

/// The id, an origin, a certificate or a list does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no relying party or list can be made of that")]
pub struct Misconfigured;

/// How long a browser waits for the authenticator.
const TIMEOUT: std::time::Duration = std::time::Duration::from_mins(5);
/// The length of a challenge, in bytes (§13.4.3 asks for 16).
const CHALLENGE_BYTES: usize = 32;

// === impl RelyingParty ===

impl RelyingParty {
    /// Takes the domain that passkeys are bound to, its name for people, and its pages' origins.
    ///
    /// # Errors
    /// [`Misconfigured`] without an origin, and for one whose host is neither the domain nor below it, or
    /// that is neither `https` nor on this machine (§5.1.3, secure contexts).
    pub fn new(id: &str, name: &str, origins: &[Url]) -> Result<Self, Misconfigured> {
        if id.is_empty() || origins.is_empty() || !origins.iter().all(|origin| may_use(origin, id))
        {
            return Err(Misconfigured);
        }
        let written = origins.iter().map(|url| url.origin().ascii_serialization());
        Ok(Self {
            origins: written.collect(),
            core: WebauthnCore::new_unsafe_experts_only(
                name,
                id,
                origins.to_vec(),
                TIMEOUT,
                Some(false),
                Some(false),
            ),
        })
    }
}

/// Says whether pages of an origin may use passkeys of a domain.
fn may_use(origin: &Url, id: &str) -> bool {
    let Some(host) = origin.domain() else {
        return false;
    };
    let is_local = host == "localhost" || host.ends_with(".localhost");
    let is_secure = origin.scheme() == "https" || (origin.scheme() == "http" && is_local);
    let is_below = host
        .strip_suffix(id)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    is_secure && is_below
}

/// Makes a challenge, as text.
fn mint_challenge(random: &dyn Random) -> String {
    URL_SAFE_NO_PAD.encode(random.array::<CHALLENGE_BYTES>())
}

/// Puts our own challenge, or another member, in the place of the library's.
fn replace(whole: &mut Value, pointer: &str, with: Value) -> Result<(), Problem> {
    let place = whole.pointer_mut(pointer).ok_or(Problem::Broken)?;
    *place = with;
    Ok(())
}

fn to_value(of: &impl Serialize) -> Result<Value, Problem> {
    serde_json::to_value(of).map_err(|_| Problem::Broken)
}

fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_json::from_value(value).map_err(|_| Problem::Broken)
}

// === impl Problem ===

impl From<WebauthnError> for Problem {
    fn from(error: WebauthnError) -> Self {
        match error {
            WebauthnError::UserNotVerified => Self::NotVerified,
            WebauthnError::CredentialPossibleCompromise => Self::Copied,
            WebauthnError::AttestationNotVerifiable
            | WebauthnError::AttestationUntrustedAaguid
            | WebauthnError::AttestationFormatMissingAaguid
            | WebauthnError::AttestationChainNotTrusted(_)
            | WebauthnError::AttestationTrustFailure
            | WebauthnError::AttestationLeafCertMissing => Self::NotAllowed,
            WebauthnError::ParseBase64Failure(_)
            | WebauthnError::ParseCBORFailure(_)
            | WebauthnError::ParseJSONFailure(_)
            | WebauthnError::ParseNOMFailure
            | WebauthnError::ParseInsufficientBytesAvailable => Self::Malformed,
            _ => Self::Refused,
        }
    }
}
