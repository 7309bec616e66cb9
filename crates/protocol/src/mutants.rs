//! Five hundred ways to spoil a signed token, none of which may be accepted (RFC 8725, RFC 7515 §10).
//!
//! A test gives an [`Original`] that its judge accepts; the mutants change its text, sign another
//! header or other claims with the right key, or sign with a key of their own.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::key::Algorithm;
use serde_json::{Value, json};

use crate::jose::key_pair::KeyPair;
use crate::jose::vectors::{forge, forge_text, with, without};

/// A token that is accepted as it stands.
pub(crate) struct Original {
    /// Its header; `alg`, `kid` and `jwk` become those of the key in use if they are there.
    pub(crate) header: Value,
    /// Its claims.
    pub(crate) claims: Value,
    /// The claims that are refused with a value of another type.
    pub(crate) judged: &'static [&'static str],
}

/// What was done to the token, and what came of it.
type Mutant = (String, String);

impl Original {
    /// Checks that the judge accepts the original and no mutant of it.
    pub(crate) fn check_mutants(&self, is_accepted: impl Fn(&str, &KeyPair) -> bool) {
        for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
            let pair = KeyPair::generate(algorithm).expect("generates");
            let header = self.header_of(&pair);
            let text = forge(&pair, &header, &self.claims);
            assert!(is_accepted(&text, &pair), "the original is good");
            let mutants = [
                texts(&text),
                self.headers(&pair),
                self.claims(&pair),
                self.signatures(&pair),
                self.confusions(&pair),
            ]
            .concat();
            assert!(mutants.len() >= 500, "{} mutants", mutants.len());
            for (name, mutant) in mutants {
                assert!(!is_accepted(&mutant, &pair), "{name}: {mutant}");
            }
        }
    }

    fn header_of(&self, pair: &KeyPair) -> Value {
        let own = [
            ("alg", json!(pair.algorithm().as_str())),
            ("kid", json!(pair.kid())),
            ("jwk", pair.public_jwk().clone()),
        ];
        let present = own
            .into_iter()
            .filter(|(name, _)| self.header.get(name).is_some());
        present.fold(self.header.clone(), |header, (name, value)| {
            with(&header, name, value)
        })
    }

    /// Headers that ask for something else, signed with the right key.
    fn headers(&self, pair: &KeyPair) -> Vec<Mutant> {
        let header = self.header_of(pair);
        let changes = [
            (
                "alg",
                json!([
                    "none", "None", "NONE", "nOnE", "HS256", "HS384", "HS512", "RS1"
                ]),
            ),
            (
                "alg",
                json!([
                    "RS256", "PS256", "ES384", "ES256K", "Ed448", "", " ES256", null, 7
                ]),
            ),
            ("alg", json!([["ES256"], {}])),
            (
                "typ",
                json!([
                    "secevent+jwt",
                    "logout+jwt",
                    "token-introspection+jwt",
                    "",
                    null,
                    1
                ]),
            ),
            (
                "typ",
                json!([["JWT"], {}, " JWT", "application/application/jwt"]),
            ),
            ("kid", json!([null, 1, [], {}])),
            (
                "crit",
                json!([["exp"], ["b64"], ["x"], [], null, "exp", {}]),
            ),
            ("b64", json!([false, true, null])),
        ];
        let changes = changes.iter().flat_map(|(name, values)| {
            let values = values.as_array().expect("a list");
            values.iter().map(move |value| (*name, value.clone()))
        });
        let mut mutants: Vec<Mutant> = changes
            .map(|(name, value)| {
                let changed = with(&header, name, value.clone());
                let text = forge(pair, &changed, &self.claims);
                (format!("header {name}={value}"), text)
            })
            .collect();
        let claims = self.claims.to_string();
        for (name, text) in spoilt_objects(&header, &["alg", "typ"]) {
            mutants.push((format!("header {name}"), forge_text(pair, &text, &claims)));
        }
        mutants
    }

    /// Claims of other types, signed with the right key.
    fn claims(&self, pair: &KeyPair) -> Vec<Mutant> {
        let header = self.header_of(pair);
        let mut mutants = Vec::new();
        for name in self.judged {
            for value in other_types(name, &self.claims[*name]) {
                let changed = with(&self.claims, name, value.clone());
                mutants.push((format!("{name}={value}"), forge(pair, &header, &changed)));
            }
            if !["iat", "nbf"].contains(name) {
                let changed = without(&self.claims, name);
                mutants.push((format!("no {name}"), forge(pair, &header, &changed)));
            }
        }
        let header = header.to_string();
        for (name, text) in spoilt_objects(&self.claims, self.judged) {
            mutants.push((format!("claims {name}"), forge_text(pair, &header, &text)));
        }
        mutants
    }

    /// Signatures that are none, or another's.
    fn signatures(&self, pair: &KeyPair) -> Vec<Mutant> {
        let header = self.header_of(pair);
        let good = forge(pair, &header, &self.claims);
        let (signed, signature) = good.rsplit_once('.').expect("three parts");
        let bytes = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
        let (r, s) = bytes.split_at(32);
        let other = forge(pair, &header, &with(&self.claims, "other", json!(1)));
        let other = other.rsplit_once('.').expect("three parts").1.to_owned();
        let mut mutants: Vec<Mutant> = [
            ("none", vec![]),
            ("zeros", vec![0; 64]),
            ("ones", vec![0xff; 64]),
            ("one byte", vec![0]),
            ("swapped halves", [s, r].concat()),
            ("twice", [bytes.as_slice(), &bytes].concat()),
            ("a byte more", [bytes.as_slice(), &[0]].concat()),
            ("a byte before", [&[0], bytes.as_slice()].concat()),
            ("DER", [&[0x30, 0x44, 2, 32], r, &[2, 32], s].concat()),
        ]
        .into_iter()
        .map(|(name, bytes)| {
            let text = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(bytes));
            (format!("signature {name}"), text)
        })
        .collect();
        mutants.push(("of another token".to_owned(), format!("{signed}.{other}")));
        mutants
    }

    /// Another's key, the public key as a secret, and no key at all.
    fn confusions(&self, pair: &KeyPair) -> Vec<Mutant> {
        let attacker = KeyPair::generate(pair.algorithm()).expect("generates");
        let header = self.header_of(pair);
        let mut headers = vec![("as it is", header.clone())];
        headers.extend([
            (
                "jku",
                with(&header, "jku", json!("https://attacker.example/jwks")),
            ),
            (
                "x5u",
                with(&header, "x5u", json!("https://attacker.example/x5u")),
            ),
            ("x5c", with(&header, "x5c", json!(["MIIB"]))),
            ("kid", with(&header, "kid", json!(attacker.kid()))),
        ]);
        if header.get("jwk").is_none() {
            headers.push(("jwk", with(&header, "jwk", attacker.public_jwk().clone())));
        }
        let mut mutants: Vec<Mutant> = headers
            .into_iter()
            .map(|(name, header)| {
                let text = forge(&attacker, &header, &self.claims);
                (format!("another's key, {name}"), text)
            })
            .collect();
        mutants.extend(self.symmetric(pair));
        mutants
    }

    /// The public key, or nothing, as the secret of an HMAC (RFC 8725 §2.1).
    fn symmetric(&self, pair: &KeyPair) -> Vec<Mutant> {
        let jwk = pair.public_jwk();
        let x = jwk["x"].as_str().expect("a coordinate");
        let raw = URL_SAFE_NO_PAD.decode(x).expect("base64url");
        let secrets = [vec![], jwk.to_string().into_bytes(), x.into(), raw];
        let kinds = [
            ("HS256", hmac::HMAC_SHA256),
            ("HS384", hmac::HMAC_SHA384),
            ("HS512", hmac::HMAC_SHA512),
        ];
        let mut mutants = Vec::new();
        for ((name, kind), secret) in kinds
            .iter()
            .flat_map(|kind| secrets.iter().map(move |secret| (kind, secret)))
        {
            let header = with(&self.header_of(pair), "alg", json!(name));
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let signed = format!("{}.{}", part(&header), part(&self.claims));
            let tag = hmac::sign(&hmac::Key::new(*kind, secret), signed.as_bytes());
            let text = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag));
            mutants.push((format!("{name} of {} bytes", secret.len()), text));
        }
        mutants
    }
}

/// The text itself cut, changed, rearranged and padded.
fn texts(text: &str) -> Vec<Mutant> {
    let parts: Vec<_> = text.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        unreachable!("three parts")
    };
    let mut mutants: Vec<Mutant> = [
        format!("{claims}.{header}.{signature}"),
        format!("{header}.{signature}.{claims}"),
        format!("{signature}.{claims}.{header}"),
        format!("{header}.{claims}"),
        format!("{header}.{claims}."),
        format!("{header}..{signature}"),
        format!(".{claims}.{signature}"),
        format!("{header}.{header}.{signature}"),
        format!("{header}.{claims}.{signature}.{signature}"),
        format!("{header}.{claims}.{signature}.."),
        format!("{text}{text}"),
        format!("{text},{text}"),
        format!("{header}.{claims}~.{signature}"),
        text.to_uppercase(),
        text.to_lowercase(),
        "a".repeat(20_000),
    ]
    .map(|mutant| ("rearranged".to_owned(), mutant))
    .into();
    for noise in [
        "=", "==", " ", "\n", "\r\n", "\t", "\0", ".", "A", "+", "/", "%00", "é", "\u{feff}",
    ] {
        for (place, _) in text.match_indices('.').chain([(0, ""), (text.len(), "")]) {
            let (before, after) = text.split_at(place);
            mutants.push((
                format!("{noise:?} at {place}"),
                format!("{before}{noise}{after}"),
            ));
        }
    }
    mutants.extend(
        (1..=signature.len() + 40)
            .map(|cut| (format!("cut by {cut}"), text[..text.len() - cut].to_owned())),
    );
    mutants.extend(text.char_indices().map(|(place, old)| {
        let new = if old == 'A' { 'B' } else { 'A' };
        let (before, after) = (&text[..place], &text[place + 1..]);
        (
            format!("changed at {place}"),
            format!("{before}{new}{after}"),
        )
    }));
    mutants
}

/// Texts that are no object, or an object that repeats a member.
fn spoilt_objects(object: &Value, names: &[&str]) -> Vec<Mutant> {
    let text = object.to_string();
    let open = text.strip_suffix('}').expect("an object");
    let mut spoilt: Vec<Mutant> = [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        format!("[{text}]"),
        format!("{text}{text}"),
        format!("{text},"),
        format!("\u{feff}{text}"),
        format!("{open},}}"),
        open.to_owned(),
        Value::String(text.clone()).to_string(),
        format!("{open},\"x\":{}}}", "[".repeat(500)),
        format!("{open},\"x\":{{\"y\":1,\"y\":2}}}}"),
    ]
    .map(|text| ("no object".to_owned(), text))
    .into();
    for name in names.iter().filter(|name| object.get(**name).is_some()) {
        for value in [object[*name].clone(), json!("other")] {
            let after = format!("{open},\"{name}\":{value}}}");
            let before = format!("{{\"{name}\":{value},{}", &text[1..]);
            spoilt.push((format!("{name} again"), after));
            spoilt.push((format!("{name} before"), before));
        }
    }
    spoilt
}

/// Values of other types than a claim has. A list as `aud` is each judge's own matter.
fn other_types(name: &str, value: &Value) -> Vec<Value> {
    let mut others = vec![json!(null), json!(true), json!({}), json!({ "a": 1 })];
    if name != "aud" {
        others.extend([json!([]), json!([value])]);
    }
    if value.is_number() {
        let text = value.to_string();
        others.extend([json!(text), json!("never"), json!(""), json!(1e300)]);
    } else {
        others.extend([json!(0), json!(1.5)]);
    }
    others
}
