//! Proof Key for Code Exchange (RFC 7636), with `S256` only (RFC 9700 §2.1.1).
//!
//! A client sends the hash of a secret with its authorization request and the secret itself with the
//! code, so a stolen code is worth nothing. A verifier is demanded exactly when a challenge was sent;
//! one that comes without a challenge is refused too, because somebody took the challenge out of the
//! request on its way (RFC 9700 §4.8.2).

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The only `code_challenge_method` (RFC 7636 §4.3).
pub const METHOD: &str = "S256";

/// An S256 challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge(String);

/// The text is not an S256 challenge (RFC 7636 §4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("code_challenge must be a SHA-256 hash: 43 characters of base64url")]
pub struct InvalidChallenge;

/// The verifier is not the one of the challenge; `invalid_grant` (RFC 7636 §4.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("code_verifier does not match the code_challenge of the authorization request")]
pub struct PkceMismatch;

/// The length of a SHA-256 hash in base64url without padding.
const HASH_CHARACTERS: usize = 43;

/// The longest verifier; the shortest is as long as a hash (RFC 7636 §4.1).
const MAX_VERIFIER_CHARACTERS: usize = 128;

// === impl Challenge ===

impl Challenge {
    /// Reads a `code_challenge`.
    ///
    /// # Errors
    /// [`InvalidChallenge`] unless it is exactly 43 characters of base64url.
    pub fn parse(text: &str) -> Result<Self, InvalidChallenge> {
        if is_hash(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidChallenge)
        }
    }

    /// Makes the challenge of a verifier.
    #[must_use]
    pub fn of(verifier: &str) -> Self {
        let hash = digest(&SHA256, verifier.as_bytes());
        Self(URL_SAFE_NO_PAD.encode(hash.as_ref()))
    }

    /// Gives the challenge as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Gives the challenge as it came.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }

    /// Compares with the hash of a verifier, in constant time.
    fn is_of(&self, verifier: &str) -> bool {
        let expected = Self::of(verifier);
        verify_slices_are_equal(expected.0.as_bytes(), self.0.as_bytes()).is_ok()
    }
}

/// Judges the verifier that came with a code, given the challenge the code was asked for with.
///
/// # Errors
/// [`PkceMismatch`] when one of both is missing, the verifier is malformed, or they do not belong
/// together.
pub fn check_verifier(challenge: Option<&str>, verifier: Option<&str>) -> Result<(), PkceMismatch> {
    let (challenge, verifier) = match (challenge, verifier) {
        (None, None) => return Ok(()),
        (Some(challenge), Some(verifier)) => (challenge, verifier),
        // Without a challenge: the downgrade of RFC 9700 §4.8.2.
        (Some(_), None) | (None, Some(_)) => return Err(PkceMismatch),
    };
    let challenge = Challenge::parse(challenge).map_err(|InvalidChallenge| PkceMismatch)?;
    if is_verifier(verifier) && challenge.is_of(verifier) {
        Ok(())
    } else {
        Err(PkceMismatch)
    }
}

/// Says whether a text has the form of a SHA-256 hash in base64url; thumbprints of keys have it too
/// (RFC 7638 §3).
pub(crate) fn is_hash(text: &str) -> bool {
    let base64url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    text.len() == HASH_CHARACTERS && text.bytes().all(base64url)
}

/// `code-verifier = 43*128unreserved` (RFC 7636 §4.1).
fn is_verifier(text: &str) -> bool {
    let unreserved =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    (HASH_CHARACTERS..=MAX_VERIFIER_CHARACTERS).contains(&text.len())
        && text.bytes().all(unreserved)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn hashed(verifier: &str) -> String {
        URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()).as_ref())
    }

    #[test]
    fn rfc_7636_appendix_b_the_example_matches() {
        assert_eq!(check_verifier(Some(CHALLENGE), Some(VERIFIER)), Ok(()));
        assert_eq!(
            Challenge::parse(CHALLENGE)
                .map(Challenge::into_string)
                .as_deref(),
            Ok(CHALLENGE)
        );
    }

    #[test]
    fn rfc_7636_4_6_any_other_verifier_is_refused() {
        for position in 0..VERIFIER.len() {
            let mut other = VERIFIER.as_bytes().to_vec();
            other[position] ^= 1;
            let other = String::from_utf8(other).expect("ASCII");
            assert_eq!(
                check_verifier(Some(CHALLENGE), Some(&other)),
                Err(PkceMismatch)
            );
        }
    }

    #[test]
    fn rfc_7636_4_6_plain_is_never_compared() {
        assert_eq!(
            check_verifier(Some(CHALLENGE), Some(CHALLENGE)),
            Err(PkceMismatch)
        );
        assert_eq!(
            check_verifier(Some(VERIFIER), Some(VERIFIER)),
            Err(PkceMismatch)
        );
    }

    #[test]
    fn oauth_2_1_4_1_3_a_verifier_is_demanded_if_a_challenge_was_sent() {
        assert_eq!(check_verifier(Some(CHALLENGE), None), Err(PkceMismatch));
        assert_eq!(check_verifier(Some(CHALLENGE), Some("")), Err(PkceMismatch));
        assert_eq!(check_verifier(None, None), Ok(()));
    }

    #[test]
    fn rfc_9700_4_8_2_a_verifier_without_a_challenge_is_refused() {
        assert_eq!(check_verifier(None, Some(VERIFIER)), Err(PkceMismatch));
        assert_eq!(check_verifier(Some(""), Some(VERIFIER)), Err(PkceMismatch));
    }

    #[test]
    fn rfc_7636_4_1_a_verifier_is_43_to_128_unreserved_characters() {
        let judge = |verifier: &str| check_verifier(Some(&hashed(verifier)), Some(verifier));
        assert_eq!(judge(&"a".repeat(43)), Ok(()));
        assert_eq!(judge(&"~".repeat(128)), Ok(()));
        assert_eq!(judge(&"a".repeat(42)), Err(PkceMismatch));
        assert_eq!(judge(&"a".repeat(129)), Err(PkceMismatch));
        for odd in ['=', '+', '/', ' ', '%', '\0', 'é'] {
            let verifier = format!("{}{odd}", "a".repeat(50));
            assert_eq!(judge(&verifier), Err(PkceMismatch), "{odd:?}");
        }
    }

    #[test]
    fn rfc_7636_4_2_a_challenge_is_43_characters_of_base64url() {
        let padded = format!("{CHALLENGE}=");
        let standard = CHALLENGE.replace('-', "+");
        for odd in ["", "plain", &CHALLENGE[1..], &padded, &standard] {
            assert_eq!(Challenge::parse(odd), Err(InvalidChallenge), "{odd}");
        }
        assert_eq!(
            Challenge::parse(&format!("{}é", &CHALLENGE[2..])),
            Err(InvalidChallenge)
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_checking_panic(challenge in ".{0,60}", verifier in ".{0,140}") {
            prop_assert_eq!(check_verifier(Some(&challenge), Some(&verifier)), Err(PkceMismatch));
        }

        #[test]
        fn every_verifier_matches_its_own_challenge(verifier in "[A-Za-z0-9._~-]{43,128}") {
            prop_assert_eq!(check_verifier(Some(&hashed(&verifier)), Some(&verifier)), Ok(()));
        }
    }
}
