//! What travels: a challenge to the interface, and a verifier back with what it decided.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::{SessionId, UserId};
use domain::rejection::{Fault, Rejection};
use domain::time::UnixMillis;
use protocol::opaque::Made;
use protocol::seal;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::unknown;
use crate::flow::authorize::{Asked, SealedRequest};
use crate::flow::{Act, Flows, SKEW};

/// How long an interface has for a person.
const CHALLENGE_LIVES: Duration = Duration::from_mins(30);
/// How long a browser has to come back.
const VERIFIER_LIVES: Duration = Duration::from_mins(5);

/// What an interface is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// To find out who the person is.
    #[serde(rename = "l")]
    Login,
    /// To ask what they allow.
    #[serde(rename = "c")]
    Consent,
}

/// A sign-in that there is.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Standing {
    pub(super) session: SessionId,
    pub(super) user: UserId,
    pub(super) made: Made,
}

/// A question to an interface.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Challenge {
    /// Its own name, by which it counts once.
    id: String,
    stage: Stage,
    asked: SealedRequest,
    /// The name of the browser that began.
    pub(super) visitor: String,
    made_at: UnixMillis,
    pub(super) standing: Option<Standing>,
    pub(super) skip: bool,
}

/// What an interface decided.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Verdict {
    /// Who the person is.
    SignedIn {
        user: UserId,
        acr: String,
        amr: Vec<String>,
        remember: bool,
    },
    /// What they allow.
    Allowed {
        scope: Vec<String>,
        resources: Vec<String>,
        remember: bool,
    },
    /// Neither.
    Rejected { error: String, description: String },
}

/// The way back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Verifier {
    pub(super) challenge: Challenge,
    pub(super) verdict: Verdict,
    /// Who decided, for the audit trail.
    pub(super) by: String,
    pub(super) decided_at: UnixMillis,
}

// === impl Stage ===

impl Stage {
    /// Names the parameter that carries a challenge.
    #[must_use]
    pub const fn challenge_name(self) -> &'static str {
        match self {
            Self::Login => "login_challenge",
            Self::Consent => "consent_challenge",
        }
    }

    const fn verifier_name(self) -> &'static str {
        match self {
            Self::Login => "login_verifier",
            Self::Consent => "consent_verifier",
        }
    }
}

// === impl Challenge ===

impl Challenge {
    pub(super) fn new(
        flows: &Flows,
        act: &Act,
        stage: Stage,
        asked: &Asked,
        visitor: &str,
    ) -> Self {
        Self {
            id: URL_SAFE_NO_PAD.encode(flows.random.array::<16>()),
            stage,
            asked: asked.to_sealed(),
            visitor: visitor.to_owned(),
            made_at: act.now,
            standing: None,
            skip: false,
        }
    }

    pub(super) fn seal(&self, flows: &Flows, act: &Act) -> Result<String, Fault> {
        seal_text(flows, &challenge_context(act), self)
    }

    /// Opens one of this tenant and stage that is not too old.
    pub(super) fn open(
        flows: &Flows,
        act: &Act,
        stage: Stage,
        text: &str,
    ) -> Result<Self, Rejection> {
        let opened: Option<Self> = open_text(flows, &challenge_context(act), text);
        let opened = opened.filter(|one| one.stage == stage && act.now < one.expires_at());
        Ok(opened.ok_or_else(unknown)?)
    }

    pub(super) fn expires_at(&self) -> UnixMillis {
        self.made_at + CHALLENGE_LIVES
    }

    /// Gives the request, whose client and redirect URI must still stand.
    pub(super) async fn reopen(&self, flows: &Flows, act: &Act) -> Result<Asked, Rejection> {
        let reopened = Asked::reopen(flows, act, self.asked.clone()).await;
        reopened.map_err(|rejection| match rejection {
            Rejection::Refused(_) => unknown().into(),
            failed @ Rejection::Failed(_) => failed,
        })
    }

    /// Claims it for one purpose: true once.
    pub(super) async fn claim(&self, flows: &Flows, act: &Act, what: &str) -> Result<bool, Fault> {
        let text = format!("login-ui\n{what}\n{}", self.id);
        let mut key = [0; 32];
        key.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        let until = self.expires_at() + VERIFIER_LIVES + SKEW;
        act.wait(flows.spent.claim_id(act.tenant.id, key, until))
            .await
    }
}

// === impl Verifier ===

impl Verifier {
    /// Gives the address of ours that the browser is to be sent to.
    pub(super) fn place(&self, flows: &Flows, act: &Act) -> Result<String, Fault> {
        let sealed = seal_text(flows, &verifier_context(act), self)?;
        let name = self.challenge.stage.verifier_name();
        Ok(format!("{}/oauth/resume?{name}={sealed}", act.issuer))
    }

    /// Opens one of this tenant that is not too old.
    pub(super) fn open(flows: &Flows, act: &Act, text: &str) -> Option<Self> {
        let opened: Option<Self> = open_text(flows, &verifier_context(act), text);
        opened.filter(|one| act.now < one.decided_at + VERIFIER_LIVES)
    }
}

fn challenge_context(act: &Act) -> String {
    format!("login-challenge/{}", act.tenant.id)
}

fn verifier_context(act: &Act) -> String {
    format!("login-verifier/{}", act.tenant.id)
}

fn seal_text(flows: &Flows, context: &str, value: &impl Serialize) -> Result<String, Fault> {
    let broken = || Fault::Broken("a challenge could not be sealed".to_owned());
    let text = serde_json::to_vec(value).map_err(|_| broken())?;
    let sealed = seal::seal(&flows.secrets, context, &text).map_err(|_| broken())?;
    Ok(URL_SAFE_NO_PAD.encode(sealed))
}

fn open_text<T: DeserializeOwned>(flows: &Flows, context: &str, text: &str) -> Option<T> {
    let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
    let opened = seal::open(&flows.secrets, context, &sealed).ok()?;
    serde_json::from_slice(&opened.value).ok()
}
