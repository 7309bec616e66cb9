//! Making something once, however often it is asked for: `Idempotency-Key`.
//!
//! A door begins here before it runs what makes something, and ends here with what was answered. The key
//! is claimed for one request of one caller; the store notes what was made under it in the commit that
//! makes it, so no crash makes a repetition make it twice (`docs/decisions/0024`). An answer may hold a
//! secret that is shown once: it is sealed by the vault, under the tenant's data key, for a day.

use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use domain::rejection::{Code, Fault, Refusal, Rejection};
use protocol::system_secrets::Label;
use store::port::idempotency::{Claimed, KeyClaim, Outcome};
use zeroize::Zeroizing;

use super::{Act, Flows};

/// How long an answer is kept.
const KEPT: Duration = Duration::from_hours(24);
/// How long after its deadline a request that made nothing still holds its key: what it sent to the store
/// may be on its way. Should it arrive even later, its commit fails.
const LINGERING: Duration = Duration::from_secs(10);

/// What a key says.
pub enum Begun {
    /// Nothing was made under it: make it, and [`end`] so.
    Ours(KeyClaim),
    /// This was answered.
    Answered(Zeroizing<Vec<u8>>),
}

/// How an act under a key ended.
pub enum Ended {
    /// Something was made, and this is answered.
    Answered(Zeroizing<Vec<u8>>),
    /// Nothing was made.
    Nothing,
}

/// Claims a key for this request. `asked` is everything that is asked, in a form that is the same
/// whenever the same is asked. From then on the act's entries note in the claim what is made.
///
/// # Errors
/// 422 when something else was asked under the key; 409 while that is being done, and when what it made
/// was never answered; or a fault.
pub async fn begin(
    flows: &Flows,
    act: &mut Act,
    key: &str,
    asked: &str,
) -> Result<Begun, Rejection> {
    let claim = KeyClaim {
        tenant: act.tenant.id,
        key: name(act, key),
        fingerprint: flows.secrets.sign(Label::Idempotency, asked.as_bytes()),
        request: act.origin.request,
        now: act.now,
        lease_until: act.now + act.deadline.remaining() + LINGERING,
        expires_at: act.now + KEPT,
    };
    let claimed = act.wait(flows.idempotency.claim_key(claim)).await?;
    let Claimed::Taken {
        fingerprint,
        outcome,
    } = claimed
    else {
        act.origin.claimed_in = Some(act.tenant.id);
        return Ok(Begun::Ours(claim));
    };
    let label = Label::Idempotency;
    if !flows
        .secrets
        .is_signed(label, asked.as_bytes(), &fingerprint)
    {
        return Err(other().into());
    }
    match outcome {
        Outcome::Open => Err(underway().into()),
        Outcome::Made { subject } => Err(made(subject.as_deref()).into()),
        Outcome::Answered(sealed) => {
            let context = context(&claim);
            let opened = flows
                .vault
                .open(claim.tenant, &context, &sealed, act.deadline);
            Ok(Begun::Answered(opened.await?))
        }
    }
}

/// Keeps what was answered, or gives back a key under which nothing was made. What has failed here is
/// made good by what the commit noted, or by the end of the lease.
///
/// # Errors
/// A fault.
pub async fn end(flows: &Flows, act: &Act, claim: KeyClaim, ended: Ended) -> Result<(), Fault> {
    let answer = match ended {
        Ended::Answered(answer) => answer,
        Ended::Nothing => return act.wait(flows.idempotency.release_key(claim)).await,
    };
    let context = context(&claim);
    let sealed = flows
        .vault
        .seal(claim.tenant, &context, &answer, act.deadline);
    let sealed = sealed.await?;
    act.wait(flows.idempotency.keep_answer(claim, sealed)).await
}

/// Names a key of this caller: under another's key nobody is answered anything.
fn name(act: &Act, key: &str) -> [u8; 32] {
    let (kind, id) = act.origin.actor.to_stored();
    let mut digest = Context::new(&SHA256);
    for part in [kind, id.unwrap_or_default(), key] {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        digest.update(&length.to_be_bytes());
        digest.update(part.as_bytes());
    }
    let mut name = [0; 32];
    name.copy_from_slice(digest.finish().as_ref());
    name
}

/// Names the row that an answer is sealed for.
fn context(claim: &KeyClaim) -> String {
    let hex = claim.key.iter().map(|byte| format!("{byte:02x}"));
    format!("idempotency/{}", hex.collect::<String>())
}

fn other() -> Refusal {
    let hint = "This Idempotency-Key was used for another request. Take a new one.";
    Refusal::new(Code::Validation, hint).and_field(
        "Idempotency-Key",
        "belongs to a request that asked for something else",
    )
}

fn underway() -> Refusal {
    let hint = "The request with this Idempotency-Key is being answered.";
    Refusal::new(Code::Conflict, hint).retry_after(Duration::from_secs(1))
}

fn made(subject: Option<&str>) -> Refusal {
    let what = subject.map_or_else(
        || "Something".to_owned(),
        |subject| format!("What you asked for, {subject},"),
    );
    let hint = format!(
        "{what} was made under this Idempotency-Key, and its answer was lost. A secret that was in it \
         is lost too: give it a new one, or delete it and take a new key."
    );
    Refusal::new(Code::Conflict, hint)
}
