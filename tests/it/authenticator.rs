//! An authenticator of somebody's, in software: the one that judges the crate `webauthn`.

use serde_json::Value;

#[path = "../../crates/webauthn/src/tests/device.rs"]
#[expect(dead_code, reason = "what spoils answers is for the crate's own tests")]
mod device;

use device::Device;

/// One that holds one passkey, and whose owner is there and is verified.
pub struct Authenticator {
    device: Device,
    handle: Vec<u8>,
    counter: u32,
    /// Whether it finds out who is there.
    pub verifies: bool,
}

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
        let mut created = self.device.create(options);
        self.handle = decode(options["user"]["id"].as_str().expect("a handle"));
        RP.clone_into(&mut created.rp);
        ORIGIN.clone_into(&mut created.said.origin);
        read(&created.render(&self.device))
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

fn read(answer: &[u8]) -> Value {
    serde_json::from_slice(answer).expect("JSON")
}

fn decode(text: &str) -> Vec<u8> {
    base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, text).expect("base64url")
}
