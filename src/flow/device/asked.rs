//! The device that a person named, while they sign in and read about it.
//!
//! It travels in the pages' addresses and forms, sealed for the browser in which its code was typed: a
//! stranger who typed a code can send nobody past that step.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::client::Client;
use domain::rejection::{Code, Fault, Refusal, Rejection};
use domain::scope::ScopeSet;
use domain::time::UnixMillis;
use protocol::seal;
use serde::{Deserialize, Serialize};
use store::port::devices::WaitingDevice;

use super::begin::may_wait;
use crate::flow::authorize::load_client;
use crate::flow::{Act, Flows};

/// A device that waits, of a client that is there now.
#[derive(Debug, Clone)]
pub struct AskedDevice {
    /// The device as it was found.
    pub device: WaitingDevice,
    /// Its code, as it is shown.
    pub user_code: String,
    /// The client that it is.
    pub client: Arc<Client>,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    signature: [u8; 32],
    client: String,
    scope: ScopeSet,
    resources: Vec<String>,
    expires_at: UnixMillis,
    user_code: String,
}

// === impl AskedDevice ===

impl AskedDevice {
    /// Seals it for a page in this browser.
    ///
    /// # Errors
    /// [`Fault::Broken`] if the cipher refuses.
    pub fn seal(&self, flows: &Flows, act: &Act, visitor: &str) -> Result<String, Fault> {
        let device = self.device.clone();
        let sealed = Sealed {
            signature: device.signature,
            client: device.client,
            scope: device.scope,
            resources: device.resources,
            expires_at: device.expires_at,
            user_code: self.user_code.clone(),
        };
        let broken = || Fault::Broken("a device could not be sealed".to_owned());
        let text = serde_json::to_vec(&sealed).map_err(|_| broken())?;
        let context = context(act, visitor);
        let sealed = seal::seal(&flows.secrets, &context, &text).map_err(|_| broken())?;
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens what a page in this browser brought back. Whether the device still waits, the store says
    /// when the person decides.
    ///
    /// # Errors
    /// 400 for what is not ours, another browser's, too old, or of a client that is gone; a fault when
    /// the store is away.
    pub async fn open(
        flows: &Flows,
        act: &Act,
        visitor: &str,
        text: &str,
    ) -> Result<Self, Rejection> {
        let sealed = URL_SAFE_NO_PAD.decode(text).map_err(|_| expired())?;
        let context = context(act, visitor);
        let opened = seal::open(&flows.secrets, &context, &sealed).map_err(|_| expired())?;
        let sealed: Sealed = serde_json::from_slice(&opened.value).map_err(|_| expired())?;
        if act.now >= sealed.expires_at {
            return Err(expired().into());
        }
        let client = load_client(flows, act, &sealed.client).await?;
        if !may_wait(&client) {
            return Err(expired().into());
        }
        Ok(Self {
            device: WaitingDevice {
                signature: sealed.signature,
                client: sealed.client,
                scope: sealed.scope,
                resources: sealed.resources,
                expires_at: sealed.expires_at,
            },
            user_code: sealed.user_code,
            client,
        })
    }
}

fn expired() -> Refusal {
    Refusal::new(
        Code::BadRequest,
        "the code has expired, or it was typed in another browser; look at the device again",
    )
}

fn context(act: &Act, visitor: &str) -> String {
    format!("device/{}/{visitor}", act.tenant.id)
}
