//! A sign-in in progress: what was proved so far, and what is still owed.
//!
//! Whoever shows a right password and owes a second factor gets no session but a [`SignIn`], sealed: who
//! they are, what they proved and when. It comes back with the next factor, as `mfa_token` in JSON or in
//! a cookie from pages, and counts once. Nothing of it is stored before it is done, so what strangers
//! leave half-way costs no row, and a store that is away refuses.
//!
//! What suffices is judged by [`protocol::assurance`] after each step, from what the account has bound at
//! that moment. [`factor`] looks at what is shown, [`begin`] makes the session, [`verify`] goes from one
//! to the other; [`step_up`] adds a factor to a session that there is.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::client::Client;
use domain::factor::{Factor, Factors, MfaPolicy, Proved};
use domain::id::{SessionId, UserId};
use domain::rejection::{Code, Fault, Refusal, Rejection};
use domain::secret::SecretText;
use domain::time::UnixMillis;
use domain::user::{Credentials, User};
use protocol::assurance::{self, Demand, Level, Standing};
use protocol::seal;
use serde::{Deserialize, Serialize};

use super::authorize::Asked;
use super::token::TokenReply;
use super::{Act, Flows, SKEW};

pub mod begin;
pub mod factor;
pub mod step_up;
pub mod verify;

/// A person signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The token pair.
    pub tokens: TokenReply,
    /// Who signed in.
    pub user: UserId,
    /// The new sign-in.
    pub session: SessionId,
    /// When the person proved who they are.
    pub auth_time: UnixMillis,
}

/// What became of a step.
#[derive(Debug, Clone)]
pub enum Progress {
    /// The person is signed in.
    SignedIn(Box<SignedIn>),
    /// Something is still owed.
    Owes(Owed),
}

/// What is still owed.
#[derive(Debug, Clone)]
pub struct Owed {
    /// What was proved so far, sealed.
    pub token: SecretText,
    /// What may be shown next, best liked first; nothing: a second factor is to be bound first.
    pub methods: Vec<Factor>,
}

/// What was proved so far.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SignIn {
    /// Its own name, by which it counts once.
    id: String,
    /// Who they are.
    pub user: UserId,
    /// What they proved, and when.
    pub proofs: Vec<Proved>,
    /// When the password that was shown had been set.
    password_set_at: Option<UnixMillis>,
    /// The name of the browser it belongs to; none: it came as JSON.
    visitor: Option<String>,
    made_at: UnixMillis,
    /// Whether it was claimed in this request.
    #[serde(skip)]
    is_claimed: bool,
}

/// The prefix of a sign-in in progress.
const PREFIX: &str = "qf_mt_";
/// How long somebody may look for their second factor.
const LIFETIME: Duration = Duration::from_mins(10);

/// Says what is asked of a sign-in for a request; without one, of one for ourselves.
#[must_use]
pub fn demand_of(act: &Act, asked: Option<&Asked>) -> Demand {
    let policy = act.tenant.config.mfa;
    let Some(asked) = asked else {
        return Demand {
            policy,
            level: Level::Aal1,
        };
    };
    Demand {
        policy: policy_of(act, &asked.client),
        level: asked.wanted_level(),
    }
}

/// Says what the tenant or a client asks beside a password, whichever asks more.
pub(crate) fn policy_of(act: &Act, client: &Client) -> MfaPolicy {
    let own = client.metadata.mfa.unwrap_or(MfaPolicy::Off);
    act.tenant.config.mfa.max(own)
}

// === impl SignIn ===

impl SignIn {
    /// Begins one for a person who proved the first factors.
    pub(crate) fn new(
        flows: &Flows,
        act: &Act,
        user: UserId,
        (proofs, password_set_at): (Vec<Proved>, Option<UnixMillis>),
        visitor: Option<String>,
    ) -> Self {
        Self {
            id: URL_SAFE_NO_PAD.encode(flows.random.array::<16>()),
            user,
            proofs,
            password_set_at,
            visitor,
            made_at: act.now,
            is_claimed: false,
        }
    }

    /// Judges where it stands.
    #[must_use]
    pub fn standing(&self, bound: &Factors, demand: Demand) -> Standing {
        assurance::judge(&self.proofs, bound, demand)
    }

    /// Seals it, for whoever proved it.
    ///
    /// # Errors
    /// [`Fault::Broken`] if the cipher refuses.
    pub fn seal(&self, flows: &Flows, act: &Act) -> Result<SecretText, Fault> {
        let broken = || Fault::Broken("a sign-in could not be sealed".to_owned());
        let text = serde_json::to_vec(self).map_err(|_| broken())?;
        let sealed = seal::seal(&flows.secrets, &context(act), &text).map_err(|_| broken())?;
        let text = URL_SAFE_NO_PAD.encode(sealed);
        Ok(SecretText::new(format!("{PREFIX}{text}")))
    }

    /// Opens what came back, in the browser that it belongs to.
    ///
    /// # Errors
    /// 401 for what is not ours, another tenant's or browser's, or too old.
    pub fn open(
        flows: &Flows,
        act: &Act,
        text: &str,
        visitor: Option<&str>,
    ) -> Result<Self, Refusal> {
        let sealed = text.strip_prefix(PREFIX).ok_or_else(expired)?;
        let sealed = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| expired())?;
        let opened = seal::open(&flows.secrets, &context(act), &sealed).map_err(|_| expired())?;
        let opened: Self = serde_json::from_slice(&opened.value).map_err(|_| expired())?;
        let is_in_time = act.now < opened.made_at + LIFETIME;
        let is_here = opened.visitor.as_deref() == visitor;
        if is_in_time && is_here {
            Ok(opened)
        } else {
            Err(expired())
        }
    }

    /// Loads the account, which must still be its owner's and have the password that was shown, and what it
    /// has bound.
    ///
    /// # Errors
    /// 401 if it is not so; a fault when the store is away: nobody gets in on a guess.
    pub async fn load(&self, flows: &Flows, act: &Act) -> Result<(User, Factors), Rejection> {
        let found = flows.users.load_password(act.tenant.id, self.user);
        let found = act.wait(found).await?;
        let found = found.filter(|found| found.user.status.is_with_owner());
        let found = found
            .filter(|found| self.is_of(found))
            .ok_or_else(expired)?;
        let bound = flows.factors.load_factors(act.tenant.id, self.user);
        Ok((found.user, act.wait(bound).await?))
    }

    /// Says whether the password that was shown, if one was, is the account's still and known to nobody
    /// else. Else whoever stole one that was replaced could go on to bind a factor of theirs.
    fn is_of(&self, found: &Credentials) -> bool {
        let mut shown = self.proofs.iter().map(|proved| proved.factor);
        let set_at = found.password.as_ref().map(|password| password.set_at);
        let is_same = set_at == self.password_set_at && !found.user.password_compromised;
        is_same || !shown.any(|factor| factor == Factor::Password)
    }

    /// Gives the same sign-in under a new name, of which the password alone is left: what was had is gone.
    /// It ends when the first would have.
    pub(crate) fn anew(self, flows: &Flows) -> Self {
        let is_known = |proved: &Proved| proved.factor == Factor::Password;
        Self {
            id: URL_SAFE_NO_PAD.encode(flows.random.array::<16>()),
            proofs: self.proofs.into_iter().filter(is_known).collect(),
            is_claimed: false,
            ..self
        }
    }

    /// Gives when the password that was shown had been set, if one was.
    pub(crate) const fn password_set_at(&self) -> Option<UnixMillis> {
        self.password_set_at
    }

    /// Claims it: true once, and for the rest of the request that claimed it.
    pub(crate) async fn claim(&mut self, flows: &Flows, act: &Act) -> Result<bool, Fault> {
        if self.is_claimed {
            return Ok(true);
        }
        let text = format!("sign-in\n{}", self.id);
        let mut key = [0; 32];
        key.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        let until = self.made_at + LIFETIME + SKEW;
        let claimed = flows.spent.claim_id(act.tenant.id, key, until);
        self.is_claimed = act.wait(claimed).await?;
        Ok(self.is_claimed)
    }
}

/// What a sign-in that cannot go on is refused with.
pub(crate) fn expired() -> Refusal {
    Refusal::new(
        Code::Unauthorized,
        "The sign-in took too long or was used already. Begin again with the password.",
    )
}

fn context(act: &Act) -> String {
    format!("sign-in/{}", act.tenant.id)
}
