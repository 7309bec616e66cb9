//! Tokens bound to a key (RFC 9449): each request with a proof of its own.

use std::rc::Rc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use domain::random::Random;
use serde_json::{Value, json};

use super::Place;
use crate::asker::Asker;
use crate::estate::Estate;
use crate::message::{Message, form};

/// A client that proves its key at each request for a token.
struct Prover {
    message: Message,
    body: String,
    key: Option<Key>,
    series: u64,
    number: u64,
}

/// A key and the header that names it, encoded.
struct Key {
    pair: EcdsaKeyPair,
    header: String,
}

/// What tokens say of the service.
const ISSUER: &str = "http://localhost:4000";
const PATH: &str = "/oauth/token";

/// The grant `client_credentials`, with a proof.
pub(super) fn client_credentials(estate: &Rc<Estate>, _: Place) -> Box<dyn Asker> {
    let random: &dyn Random = &protocol::entropy::SystemRandom;
    let message = Message::new("POST", PATH).form();
    Box::new(Prover {
        message: message.with("authorization", &estate.robot.basic),
        body: form(&[("grant_type", "client_credentials"), ("scope", "read")]),
        key: Key::make(),
        series: u64::from_le_bytes(random.array()),
        number: 0,
    })
}

impl Asker for Prover {
    fn ask(&mut self, out: &mut Vec<u8>) -> bool {
        self.number = self.number.wrapping_add(1);
        let jti = format!("{:016x}-{}", self.series, self.number);
        let Some(proof) = self.key.as_ref().and_then(|key| key.prove(&jti)) else {
            return false;
        };
        self.message
            .write(out, &[("dpop", &proof)], Some(&self.body));
        true
    }
}

// === impl Key ===

impl Key {
    fn make() -> Option<Self> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).ok()?;
        let point = pair.public_key().as_ref();
        let (x, y) = point.get(1..)?.split_at_checked(32)?;
        let jwk = json!({
            "kty": "EC", "crv": "P-256", "x": BASE64URL.encode(x), "y": BASE64URL.encode(y),
        });
        let header = encode(&json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk }));
        Some(Self { pair, header })
    }

    fn prove(&self, jti: &str) -> Option<String> {
        let claims = json!({
            "htm": "POST", "htu": format!("{ISSUER}{PATH}"), "jti": jti, "iat": now(),
        });
        let signed = format!("{}.{}", self.header, encode(&claims));
        let signature = self
            .pair
            .sign(&SystemRandom::new(), signed.as_bytes())
            .ok()?;
        Some(format!("{signed}.{}", BASE64URL.encode(signature)))
    }
}

fn encode(part: &Value) -> String {
    BASE64URL.encode(part.to_string())
}

/// The second that it is.
fn now() -> i64 {
    rustix::time::clock_gettime(rustix::time::ClockId::Realtime).tv_sec
}
