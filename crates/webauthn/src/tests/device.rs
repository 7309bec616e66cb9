//! An authenticator and a browser in one, whose every part can be spoilt before it is signed.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

pub(super) const UP: u8 = 0x01;
pub(super) const UV: u8 = 0x04;
pub(super) const BE: u8 = 0x08;
pub(super) const BS: u8 = 0x10;
pub(super) const AT: u8 = 0x40;
pub(super) const ED: u8 = 0x80;

/// Makes something of the bytes that are to be signed.
pub(super) type Signer = fn(&Device, &[u8]) -> Vec<u8>;

pub(super) struct Device {
    pair: EcdsaKeyPair,
    pub(super) id: Vec<u8>,
}

/// What a browser says.
pub(super) struct Said {
    pub(super) kind: String,
    pub(super) challenge: String,
    pub(super) origin: String,
    /// In the place of all that.
    pub(super) json: Option<Vec<u8>>,
}

/// The parts of an answer to a registration.
pub(super) struct Created {
    pub(super) said: Said,
    pub(super) rp: String,
    pub(super) flags: u8,
    pub(super) id: Vec<u8>,
    pub(super) id_length: Option<u16>,
    pub(super) key: Vec<u8>,
    pub(super) tail: Vec<u8>,
    pub(super) format: Vec<u8>,
    pub(super) statement: Signer,
    pub(super) data: Option<Vec<u8>>,
    pub(super) object: Option<Vec<u8>>,
    pub(super) envelope: fn(&mut Value),
}

/// The parts of an answer to a sign-in.
pub(super) struct Got {
    pub(super) said: Said,
    id: Vec<u8>,
    pub(super) rp: String,
    pub(super) flags: u8,
    pub(super) counter: u32,
    pub(super) tail: Vec<u8>,
    pub(super) data: Option<Vec<u8>>,
    pub(super) handle: Option<Vec<u8>>,
    pub(super) signature: Signer,
    pub(super) envelope: fn(&mut Value),
}

// === impl Device ===

impl Device {
    pub(super) fn new() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
        let id = digest(&SHA256, pair.public_key().as_ref())
            .as_ref()
            .to_vec();
        Self { pair, id }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature = self.pair.sign(&SystemRandom::new(), message);
        signature.expect("a signature").as_ref().to_vec()
    }

    pub(super) fn x(&self) -> &[u8] {
        &self.pair.public_key().as_ref()[1..33]
    }

    pub(super) fn y(&self) -> &[u8] {
        &self.pair.public_key().as_ref()[33..]
    }

    /// The parts that make a good answer to a registration.
    pub(super) fn create(&self, options: &Value) -> Created {
        Created {
            said: Said::new("webauthn.create", options),
            rp: "example.org".to_owned(),
            flags: UP | UV | AT,
            id: self.id.clone(),
            id_length: None,
            key: key(self.x(), self.y()),
            tail: Vec::new(),
            format: text("none"),
            statement: |_, _| vec![0xa0],
            data: None,
            object: None,
            envelope: |_| (),
        }
    }

    /// The parts that make a good answer to a sign-in.
    pub(super) fn get(&self, options: &Value, counter: u32, handle: &[u8]) -> Got {
        Got {
            said: Said::new("webauthn.get", options),
            id: self.id.clone(),
            rp: "example.org".to_owned(),
            flags: UP | UV,
            counter,
            tail: Vec::new(),
            data: None,
            handle: Some(handle.to_vec()),
            signature: Self::sign,
            envelope: |_| (),
        }
    }
}

// === impl Said ===

impl Said {
    fn new(kind: &str, options: &Value) -> Self {
        Self {
            kind: kind.to_owned(),
            challenge: options["challenge"].as_str().expect("one").to_owned(),
            origin: "https://example.org".to_owned(),
            json: None,
        }
    }

    /// Writes it with something in front of the last brace.
    pub(super) fn with(&self, more: &str) -> Vec<u8> {
        let (kind, challenge, origin) = (&self.kind, &self.challenge, &self.origin);
        format!(r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{origin}"{more}}}"#)
            .into_bytes()
    }

    fn render(&self) -> Vec<u8> {
        let plain = || self.with(r#","crossOrigin":false"#);
        self.json.clone().unwrap_or_else(plain)
    }
}

// === impl Created ===

impl Created {
    pub(super) fn authenticator_data(&self) -> Vec<u8> {
        let mut data = fixed(&self.rp, self.flags, 0);
        if self.flags & AT != 0 {
            data.extend_from_slice(&[7; 16]);
            let length = u16::try_from(self.id.len()).expect("a length");
            data.extend_from_slice(&self.id_length.unwrap_or(length).to_be_bytes());
            data.extend_from_slice(&self.id);
            data.extend_from_slice(&self.key);
        }
        data.extend_from_slice(&self.tail);
        data
    }

    pub(super) fn object(&self, device: &Device, said: &[u8]) -> Vec<u8> {
        let data = self
            .data
            .clone()
            .unwrap_or_else(|| self.authenticator_data());
        let statement = (self.statement)(device, &signed(&data, said));
        [
            vec![0xa3],
            text("fmt"),
            self.format.clone(),
            text("attStmt"),
            statement,
            text("authData"),
            bytes(&data),
        ]
        .concat()
    }

    pub(super) fn render(&self, device: &Device) -> Vec<u8> {
        let said = self.said.render();
        let whole = || self.object(device, &said);
        let object = self.object.clone().unwrap_or_else(whole);
        let mut answer = json!({
            "id": encode(&self.id),
            "rawId": encode(&self.id),
            "type": "public-key",
            "authenticatorAttachment": "cross-platform",
            "clientExtensionResults": {"credProps": {"rk": true}},
            "response": {
                "clientDataJSON": encode(&said),
                "attestationObject": encode(&object),
                "transports": ["usb"],
            },
        });
        (self.envelope)(&mut answer);
        answer.to_string().into_bytes()
    }
}

// === impl Got ===

impl Got {
    pub(super) fn render(&self, device: &Device) -> Vec<u8> {
        let said = self.said.render();
        let plain = || {
            let mut data = fixed(&self.rp, self.flags, self.counter);
            data.extend_from_slice(&self.tail);
            data
        };
        let data = self.data.clone().unwrap_or_else(plain);
        let signature = (self.signature)(device, &signed(&data, &said));
        let mut answer = json!({
            "id": encode(&self.id),
            "rawId": encode(&self.id),
            "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": encode(&said),
                "authenticatorData": encode(&data),
                "signature": encode(&signature),
                "userHandle": self.handle.as_ref().map(|handle| encode(handle)),
            },
        });
        (self.envelope)(&mut answer);
        answer.to_string().into_bytes()
    }
}

fn fixed(rp: &str, flags: u8, counter: u32) -> Vec<u8> {
    let mut data = digest(&SHA256, rp.as_bytes()).as_ref().to_vec();
    data.push(flags);
    data.extend_from_slice(&counter.to_be_bytes());
    data
}

pub(super) fn signed(data: &[u8], said: &[u8]) -> Vec<u8> {
    [data, digest(&SHA256, said).as_ref()].concat()
}

pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// An ES256 key (§6.5.1.1).
pub(super) fn key(x: &[u8], y: &[u8]) -> Vec<u8> {
    let head = [0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21];
    [&head[..], &bytes(x), &[0x22], &bytes(y)].concat()
}

/// A packed statement without a certificate (§8.2).
pub(super) fn packed(algorithm: u8, signature: &[u8]) -> Vec<u8> {
    let algorithm = [&text("alg")[..], &[algorithm]].concat();
    [vec![0xa2], algorithm, text("sig"), bytes(signature)].concat()
}

pub(super) fn text(text: &str) -> Vec<u8> {
    [head(0x60, text.len()), text.as_bytes().to_vec()].concat()
}

pub(super) fn bytes(bytes: &[u8]) -> Vec<u8> {
    [head(0x40, bytes.len()), bytes.to_vec()].concat()
}

fn head(major: u8, length: usize) -> Vec<u8> {
    match u16::try_from(length).expect("a short one").to_be_bytes() {
        [0, low] if low < 24 => vec![major | low],
        [0, low] => vec![major | 0x18, low],
        [high, low] => vec![major | 0x19, high, low],
    }
}
