//! The nonces of DPoP proofs (RFC 9449 §8), issued and known again without storing any.
//!
//! A nonce is a slice of time and our signature over it, so every node knows what any node issued, and
//! a restart forgets none. It is not spent: that a proof is used once is what its `jti` is for; the
//! nonce shows that the proof was not made long in advance.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::time::UnixMillis;

use crate::jose::times;
use crate::system_secrets::{Label, SystemSecrets};

/// The length of a slice, in seconds: how often a client sees a new nonce.
const SLICE_SECONDS: i64 = 10;

const SLICE: Duration = Duration::from_secs(SLICE_SECONDS.unsigned_abs());

/// Gives the nonce of this instant.
#[must_use]
pub fn issue(secrets: &SystemSecrets, now: UnixMillis) -> String {
    let slice = now.as_seconds().div_euclid(SLICE_SECONDS).to_be_bytes();
    let signature = secrets.sign(Label::DpopNonce, &slice);
    URL_SAFE_NO_PAD.encode([slice.as_slice(), &signature].concat())
}

/// Tells whether a nonce is ours and was issued no longer than `ttl` ago, to the slice.
#[must_use]
pub fn is_fresh(secrets: &SystemSecrets, text: &str, now: UnixMillis, ttl: Duration) -> bool {
    let Some(start) = open(secrets, text) else {
        return false;
    };
    now < start + SLICE + ttl && !times::is_ahead(start, now)
}

/// Gives the instant at which the nonce's slice begins, if the nonce is ours.
fn open(secrets: &SystemSecrets, text: &str) -> Option<UnixMillis> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (slice, signature) = bytes.split_first_chunk::<8>()?;
    if !secrets.is_signed(Label::DpopNonce, slice, signature) {
        return None;
    }
    let seconds = i64::from_be_bytes(*slice).saturating_mul(SLICE_SECONDS);
    Some(UnixMillis::from_seconds(seconds))
}

#[cfg(test)]
mod tests {
    use domain::secret::SecretBytes;

    use super::*;

    const TTL: Duration = Duration::from_mins(5);
    const NOW: UnixMillis = UnixMillis::from_seconds(1_700_000_000);

    fn secrets(seed: u8) -> SystemSecrets {
        SystemSecrets::new(&[SecretBytes::new(vec![seed; 32])]).expect("one secret")
    }

    #[test]
    fn rfc_9449_8_a_nonce_is_good_for_its_time_and_no_longer() {
        let secrets = secrets(1);
        let nonce = issue(&secrets, NOW);
        let fresh_after =
            |seconds| is_fresh(&secrets, &nonce, NOW + Duration::from_secs(seconds), TTL);
        assert!(fresh_after(0) && fresh_after(300));
        assert!(!fresh_after(310) && !fresh_after(86_400));
    }

    #[test]
    fn a_node_whose_clock_is_behind_knows_it_but_not_one_from_the_future() {
        let secrets = secrets(1);
        let nonce = issue(&secrets, NOW);
        let behind = |seconds| is_fresh(&secrets, &nonce, NOW - Duration::from_secs(seconds), TTL);
        assert!(behind(10) && !behind(60));
    }

    #[test]
    fn a_foreign_changed_or_truncated_nonce_is_not_ours() {
        let ours = secrets(1);
        let nonce = issue(&ours, NOW);
        assert!(!is_fresh(&secrets(2), &nonce, NOW, TTL));
        for length in 0..nonce.len() {
            assert!(!is_fresh(&ours, &nonce[..length], NOW, TTL), "{length}");
        }
        for changed in [
            format!("A{nonce}"),
            format!("{nonce}="),
            format!("B{}", &nonce[1..]),
        ] {
            assert!(!is_fresh(&ours, &changed, NOW, TTL), "{changed}");
        }
    }

    #[test]
    fn rfc_9449_8_1_a_nonce_fits_into_a_header() {
        let nonce = issue(&secrets(1), NOW);
        assert!(nonce.bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(nonce.len() < 64);
    }
}
