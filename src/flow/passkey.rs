//! Passkeys (WebAuthn Level 3): bound to an account, shown as a second factor, and as a whole sign-in.
//!
//! What a browser is asked and what it answers is judged by the crate `webauthn`. Between the two, the
//! state of a ceremony travels sealed, as sign-ins in progress do: whoever opens the sign-in page costs
//! no row. It is for one account and one browser where there are such, for five minutes, and is claimed
//! once in the store when it is answered, so no challenge counts twice (WebAuthn §13.4.3).
//!
//! [`bind`] makes passkeys an account's and takes them from it, [`show`] asks for them.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::UserId;
use domain::rejection::{Code, Fault, Refusal, Rejection};
use domain::secret::SecretText;
use domain::tenant::PasskeyAuthenticators;
use domain::time::UnixMillis;
use protocol::seal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;
use webauthn::{AllowList, Problem, RelyingParty};

use super::{Act, Flows, SKEW};

pub mod bind;
pub mod show;

/// What a browser is asked.
#[derive(Debug, Clone)]
pub struct Begun {
    /// For `navigator.credentials`.
    pub options: Value,
    /// The state of the ceremony, sealed: it comes back with the answer.
    pub state: SecretText,
}

/// What a browser answered.
#[derive(Debug, Clone)]
pub struct Answered {
    /// The state of the ceremony, sealed.
    pub state: SecretText,
    /// The credential, as `toJSON()` gives it.
    pub response: Vec<u8>,
    /// The name of the browser, if it is one.
    pub visitor: Option<String>,
}

/// What a ceremony is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Purpose {
    Bind,
    Show,
}

/// A ceremony as it travels.
#[derive(Debug, Serialize, Deserialize)]
struct Ceremony {
    /// Its own name, by which it counts once.
    id: String,
    purpose: Purpose,
    /// Whose it is; nobody's in particular for a whole sign-in.
    user: Option<UserId>,
    /// The browser it belongs to, if it is one.
    visitor: Option<String>,
    made_at: UnixMillis,
    state: Vec<u8>,
}

/// How long a browser may take (WebAuthn §15.1).
const LIFETIME: Duration = Duration::from_mins(5);

/// Gives whom passkeys are bound to.
///
/// # Errors
/// 404 where the issuer is an address, which passkeys cannot be bound to.
fn relying_party(flows: &Flows) -> Result<&RelyingParty, Refusal> {
    flows.relying_party.as_deref().ok_or_else(|| {
        let hint = "Passkeys are not offered here: WEBAUTHN_RP_ID is not set.";
        Refusal::new(Code::NotFound, hint)
    })
}

/// Makes a tenant's list of authenticators.
///
/// # Errors
/// What is wrong with it, in words for its operator.
pub(crate) fn read_list(chosen: &PasskeyAuthenticators) -> Result<AllowList, &'static str> {
    let roots: Vec<&str> = chosen.roots.iter().map(String::as_str).collect();
    let models: Result<Vec<Uuid>, _> = chosen.models.iter().map(|one| one.parse()).collect();
    let models = models.map_err(|_| "models must hold AAGUIDs, each written as a UUID")?;
    if roots.is_empty() || models.is_empty() {
        return Err("needs at least one of roots and one of models");
    }
    AllowList::new(&roots, &models).map_err(|_| "roots must hold certificates, each in PEM")
}

/// Gives the list of the act's tenant, if it has one.
///
/// # Errors
/// [`Fault::Broken`] for one that does not read: then nothing is bound.
fn list_of(act: &Act) -> Result<Option<AllowList>, Fault> {
    let chosen = act.tenant.config.passkey_authenticators.as_ref();
    let list = chosen.map(read_list).transpose();
    list.map_err(|why| Fault::Broken(format!("a tenant's list of authenticators: {why}")))
}

/// What authenticators call an account: nothing that names a person (WebAuthn §14.6.1).
const fn handle_of(user: UserId) -> [u8; 16] {
    *user.as_uuid().as_bytes()
}

/// Says what an answer that is not taken is refused with: to strangers all of them look alike.
fn refuse(problem: Problem) -> Rejection {
    match problem {
        Problem::Broken => Fault::Broken("a passkey does not read".to_owned()).into(),
        Problem::AlreadyBound => taken().into(),
        Problem::NotAllowed => {
            let hint = "This kind of authenticator is not allowed here. Use another.";
            Refusal::new(Code::Forbidden, hint).into()
        }
        Problem::Malformed | Problem::Refused | Problem::NotVerified | Problem::Copied => {
            wrong().into()
        }
    }
}

fn wrong() -> Refusal {
    Refusal::new(
        Code::Unauthorized,
        "The passkey was not accepted. Begin again, or use another way.",
    )
}

fn taken() -> Refusal {
    Refusal::new(Code::Conflict, "This passkey is set up already.")
}

// === impl Ceremony ===

impl Ceremony {
    fn new(
        flows: &Flows,
        act: &Act,
        (purpose, user): (Purpose, Option<UserId>),
        visitor: Option<&str>,
        state: Vec<u8>,
    ) -> Self {
        Self {
            id: URL_SAFE_NO_PAD.encode(flows.random.array::<16>()),
            purpose,
            user,
            visitor: visitor.map(str::to_owned),
            made_at: act.now,
            state,
        }
    }

    fn seal(&self, flows: &Flows, act: &Act) -> Result<SecretText, Fault> {
        let broken = || Fault::Broken("a ceremony could not be sealed".to_owned());
        let text = serde_json::to_vec(self).map_err(|_| broken())?;
        let sealed = seal::seal(&flows.secrets, &context(act), &text).map_err(|_| broken())?;
        Ok(SecretText::new(URL_SAFE_NO_PAD.encode(sealed)))
    }

    /// Opens what came back, and claims it: it counts once, whether or not the answer is right.
    ///
    /// # Errors
    /// 401 for one that is not ours, for something or somebody else, too old or used; a fault when the
    /// store is away.
    async fn claim(
        flows: &Flows,
        act: &Act,
        answered: &Answered,
        expected: (Purpose, Option<UserId>),
    ) -> Result<Self, Rejection> {
        let sealed = URL_SAFE_NO_PAD
            .decode(answered.state.expose())
            .map_err(|_| wrong())?;
        let opened = seal::open(&flows.secrets, &context(act), &sealed).map_err(|_| wrong())?;
        let opened: Self = serde_json::from_slice(&opened.value).map_err(|_| wrong())?;
        let is_in_time = act.now < opened.made_at + LIFETIME;
        let is_here = opened.visitor == answered.visitor;
        let is_expected = (opened.purpose, opened.user) == expected && is_here;
        if !is_in_time || !is_expected {
            return Err(wrong().into());
        }
        let mut key = [0; 32];
        let text = format!("passkey\n{}", opened.id);
        key.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        let until = opened.made_at + LIFETIME + SKEW;
        let claimed = flows.spent.claim_id(act.tenant.id, key, until);
        if act.wait(claimed).await? {
            Ok(opened)
        } else {
            Err(wrong().into())
        }
    }
}

fn context(act: &Act) -> String {
    format!("passkey/{}", act.tenant.id)
}
