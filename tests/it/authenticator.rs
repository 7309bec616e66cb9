//! An authenticator of somebody's, in software: the one that judges the crate `webauthn`.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use rcgen::{BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair};
use serde_json::Value;

#[path = "../../crates/webauthn/src/tests/device.rs"]
#[expect(dead_code, reason = "what spoils answers is for the crate's own tests")]
mod device;

use device::{Created, Device, bytes, signed, text};

/// One that holds one passkey, and whose owner is there and is verified.
pub struct Authenticator {
    device: Device,
    handle: Vec<u8>,
    counter: u32,
    /// Whether it finds out who is there.
    pub verifies: bool,
}

/// Whoever makes authenticators of one model, and vouches for them.
pub struct Maker {
    root: String,
    leaf: Vec<u8>,
    key: EcdsaKeyPair,
}

/// The model of every authenticator here.
pub const MODEL: &str = "07070707-0707-0707-0707-070707070707";

const RP: &str = "localhost";
const ORIGIN: &str = "http://localhost:4000";

impl Authenticator {
    pub fn new() -> Self {
        Self {
            device: Device::new(),
            handle: Vec::new(),
            counter: 0,
            verifies: true,
        }
    }

    /// Makes its passkey; gives what the browser would send.
    pub fn create(&mut self, options: &Value) -> Value {
        let created = self.begin(options);
        read(&created.render(&self.device))
    }

    /// The same, with its maker's word for it.
    pub fn create_attested(&mut self, options: &Value, maker: &Maker) -> Value {
        let mut created = self.begin(options);
        let data = created.authenticator_data();
        let said = created.said.with(r#","crossOrigin":false"#);
        created.object = Some(
            [
                vec![0xa3],
                text("fmt"),
                text("packed"),
                text("attStmt"),
                maker.statement(&signed(&data, &said)),
                text("authData"),
                bytes(&data),
            ]
            .concat(),
        );
        read(&created.render(&self.device))
    }

    fn begin(&mut self, options: &Value) -> Created {
        let mut created = self.device.create(options);
        self.handle = decode(options["user"]["id"].as_str().expect("a handle"));
        RP.clone_into(&mut created.rp);
        ORIGIN.clone_into(&mut created.said.origin);
        created
    }

    /// Shows its passkey; gives what the browser would send.
    pub fn get(&mut self, options: &Value) -> Value {
        self.counter += 1;
        self.get_at(options, self.counter)
    }

    /// Shows its passkey with a counter of one's choice.
    pub fn get_at(&self, options: &Value, counter: u32) -> Value {
        let mut got = self.device.get(options, counter, &self.handle);
        RP.clone_into(&mut got.rp);
        ORIGIN.clone_into(&mut got.said.origin);
        if !self.verifies {
            got.flags = device::UP;
        }
        read(&got.render(&self.device))
    }
}

// === impl Maker ===

impl Maker {
    /// Makes a root, and a certificate for the model (WebAuthn §8.2.1).
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("a key");
        let root = params.self_signed(&key).expect("a certificate").pem();
        let issuer = Issuer::new(params, key);
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        let mut subject = rcgen::DistinguishedName::new();
        subject.push(DnType::CountryName, "AA");
        subject.push(DnType::OrganizationName, "Garden");
        subject.push(DnType::OrganizationalUnitName, "Authenticator Attestation");
        subject.push(DnType::CommonName, "Garden Key");
        params.distinguished_name = subject;
        params.is_ca = IsCa::ExplicitNoCa;
        let model = [vec![0x04, 16], vec![7; 16]].concat();
        let named = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 45724, 1, 1, 4], model);
        params.custom_extensions.push(named);
        let key = KeyPair::generate().expect("a key");
        let leaf = params.signed_by(&key, &issuer).expect("a certificate");
        let leaf = leaf.der().to_vec();
        let kind = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let key = EcdsaKeyPair::from_pkcs8(kind, &key.serialize_der()).expect("a key");
        Self { root, leaf, key }
    }

    /// The root, in PEM.
    pub fn root(&self) -> &str {
        &self.root
    }

    fn statement(&self, message: &[u8]) -> Vec<u8> {
        let signature = self.key.sign(&SystemRandom::new(), message);
        let signature = signature.expect("a signature");
        [
            vec![0xa3],
            text("alg"),
            vec![0x26],
            text("sig"),
            bytes(signature.as_ref()),
            text("x5c"),
            vec![0x81],
            bytes(&self.leaf),
        ]
        .concat()
    }
}

fn read(answer: &[u8]) -> Value {
    serde_json::from_slice(answer).expect("JSON")
}

fn decode(text: &str) -> Vec<u8> {
    base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, text).expect("base64url")
}
