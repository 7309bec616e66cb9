//! Access tokens whose signature was found good, so that it is checked once for each token and not
//! once for each request: a verification costs forty times what a digest does.
//!
//! What is kept is what a token says, by the digest of the whole text, and nothing of what is decided
//! about it: whether it is in time, of this tenant, bound to who shows it, and whether it was revoked
//! is judged each time. A token whose key has left the ring is verified anew, and so refused.
//!
//! Bounded in bytes. Only what we signed gets in, so no stranger can push anything out.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use moka::sync::Cache;
use protocol::access_token::AccessClaims;
use protocol::jose::verify::VerifyingKey;

/// How many bytes of tokens are kept, about.
const CAPACITY: u64 = 4 * 1024 * 1024;
/// What an entry takes beside the length of its token.
const OVERHEAD: usize = 512;
/// How long nobody may ask before an entry goes.
const IDLE: Duration = Duration::from_mins(15);

/// Verified tokens. Clones share them.
#[derive(Clone)]
pub struct VerifiedTokens(Cache<[u8; SHA256_OUTPUT_LEN], Verified>);

#[derive(Clone)]
struct Verified {
    kid: String,
    length: usize,
    claims: Arc<AccessClaims>,
}

// === impl VerifiedTokens ===

impl Default for VerifiedTokens {
    fn default() -> Self {
        let weigh = |_: &_, entry: &Verified| {
            u32::try_from(entry.length.saturating_add(OVERHEAD)).unwrap_or(u32::MAX)
        };
        let cache = Cache::builder()
            .max_capacity(CAPACITY)
            .weigher(weigh)
            .time_to_idle(IDLE)
            .build();
        Self(cache)
    }
}

impl VerifiedTokens {
    /// Gives what a token says if one of our keys signed it. Whether it holds is not asked.
    pub(super) fn claims<'k>(
        &self,
        token: &str,
        find: impl Fn(&str) -> Option<&'k VerifyingKey>,
    ) -> Option<Arc<AccessClaims>> {
        let key = name_of(token)?;
        if let Some(seen) = self.0.get(&key)
            && find(&seen.kid).is_some()
        {
            return Some(seen.claims);
        }
        let mut signed_by = None;
        let claims = AccessClaims::verify(token, |kid| {
            signed_by = Some(kid.to_owned());
            find(kid)
        });
        let claims = Arc::new(claims.ok()?);
        let entry = Verified {
            kid: signed_by?,
            length: token.len(),
            claims: Arc::clone(&claims),
        };
        self.0.insert(key, entry);
        Some(claims)
    }
}

/// Names a token by all of its text.
fn name_of(token: &str) -> Option<[u8; SHA256_OUTPUT_LEN]> {
    digest(&SHA256, token.as_bytes()).as_ref().try_into().ok()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use domain::key::Algorithm;
    use protocol::jose::key_pair::KeyPair;
    use protocol::jose::signer::Signer;
    use serde_json::json;

    use super::*;

    fn minted() -> (String, VerifyingKey) {
        let pair = KeyPair::generate(Algorithm::Es256).expect("generates");
        let key = VerifyingKey::new(Algorithm::Es256, pair.public_jwk()).expect("verifies");
        let claims = json!({
            "iss": "i", "sub": "u", "aud": "i", "client_id": "c", "iat": 1, "exp": 2, "jti": "j",
            "tid": "t", "client_type": "user",
        });
        let claims: AccessClaims = serde_json::from_value(claims).expect("complete claims");
        let token = claims.mint(&Signer::new(pair), false).expect("mints");
        (token, key)
    }

    #[test]
    fn a_token_is_verified_once_and_its_claims_are_the_same_each_time() {
        let (token, key) = minted();
        let verified = VerifiedTokens::default();
        let first = verified.claims(&token, |_| Some(&key)).expect("ours");
        let again = verified.claims(&token, |_| Some(&key)).expect("ours");
        assert!(Arc::ptr_eq(&first, &again), "the second was not read anew");
    }

    #[test]
    fn a_token_whose_key_left_the_ring_is_refused_although_it_was_seen() {
        let (token, key) = minted();
        let (verified, is_there) = (VerifiedTokens::default(), Cell::new(true));
        let find = |_: &str| is_there.get().then_some(&key);
        assert!(verified.claims(&token, find).is_some());
        is_there.set(false);
        assert!(verified.claims(&token, find).is_none());
        is_there.set(true);
        assert!(verified.claims(&token, find).is_some());
    }

    #[test]
    fn no_text_but_the_very_same_passes_for_a_token_that_was_seen() {
        let (token, key) = minted();
        let verified = VerifiedTokens::default();
        assert!(verified.claims(&token, |_| Some(&key)).is_some());
        for end in 1..token.len() {
            let cut = token.get(..end).unwrap_or_default();
            assert!(verified.claims(cut, |_| Some(&key)).is_none(), "{cut}");
        }
        let (other, _) = minted();
        assert!(verified.claims(&other, |_| Some(&key)).is_none());
    }
}
