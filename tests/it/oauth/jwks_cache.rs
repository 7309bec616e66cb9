//! Key rotation as those see it who may keep the key set for its `max-age` (RFC 9111 §4.2): none of them
//! ever meets a token that names a key which is not in the set they keep.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::time::{Clock, UnixMillis};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::cases;
use crate::client::{Answer, Client};
use crate::house::House;

cases![who_keeps_the_key_set_for_its_max_age_never_meets_an_unknown_kid];

/// How far the clock goes at each step; the verifiers fetch at steps of their own.
const STEP: Duration = Duration::from_secs(100);
const STEPS: usize = 60;
const VERIFIERS: usize = 6;
/// How many tokens are asked for at each step, half of them while the key is rotated.
const TOKENS: usize = 8;

/// Somebody who verifies tokens, and fetches the key set when theirs is too old and no sooner.
pub(super) struct Verifier {
    kids: BTreeSet<String>,
    until: UnixMillis,
}

impl Verifier {
    /// Begins to fetch then.
    pub(super) const fn from(until: UnixMillis) -> Self {
        Self {
            kids: BTreeSet::new(),
            until,
        }
    }

    /// Says whether a token that names this key can be verified; what has not begun has no say.
    pub(super) fn may_accept(&self, kid: &str) -> bool {
        self.kids.is_empty() || self.kids.contains(kid)
    }

    pub(super) async fn look(&mut self, public: &Client, now: UnixMillis) {
        if now < self.until {
            return;
        }
        let set = public.get("/.well-known/jwks.json").await.expect(200);
        self.until = now + max_age(&set);
        let keys = set.json()["keys"].as_array().expect("keys").clone();
        let kid = |key: &Value| key["kid"].as_str().expect("a kid").to_owned();
        self.kids = keys.iter().map(kid).collect();
    }
}

fn max_age(answer: &Answer) -> Duration {
    let directives = answer.header("cache-control").split(',');
    let seconds = directives
        .filter_map(|one| one.trim().strip_prefix("max-age="))
        .find_map(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.expect("a max-age"))
}

pub(super) fn kid_of(token: &str) -> String {
    let header = token.trim_start_matches("qf_at_").split('.').next();
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(header.unwrap_or_default());
    let header: Value = serde_json::from_slice(&bytes.expect("base64url")).expect("JSON");
    header["kid"].as_str().expect("a kid").to_owned()
}

async fn who_keeps_the_key_set_for_its_max_age_never_meets_an_unknown_kid(house: House) {
    let (id, secret) = house.add_client(&["read"]).await;
    let public = house.public();
    let mut verifiers: Vec<Verifier> = (0..VERIFIERS)
        .map(|number| u32::try_from(number).expect("a few"))
        // Each begins at a step of its own.
        .map(|number| Verifier::from(house.clock.now() + STEP * number))
        .collect();
    let mut signed_with = BTreeSet::new();
    for step in 0..STEPS {
        for verifier in &mut verifiers {
            verifier.look(&public, house.clock.now()).await;
        }
        let asked = (0..TOKENS).map(|_| house.client_token(&id, &secret));
        let admin = house.admin();
        let rotate = admin.post("/admin/keys/rotate", json!({}));
        let (tokens, _) = futures_util::future::join(join_all(asked), rotate).await;
        for token in tokens {
            let kid = kid_of(&token.expect(200).field("access_token"));
            for verifier in &verifiers {
                assert!(verifier.may_accept(&kid), "step {step}: {kid} is unknown");
            }
            signed_with.insert(kid);
        }
        house.clock.advance(STEP);
    }
    assert!(signed_with.len() >= 5, "it was rotated: {signed_with:?}");
}
