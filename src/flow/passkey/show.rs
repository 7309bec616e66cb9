//! Showing a passkey: beside a password, or instead of one.
//!
//! As a whole sign-in it is asked for without naming anybody, so nobody learns from the question who has
//! an account; the authenticator must have found out who was there. An answer of a passkey that is nobody's
//! here is refused as every other.

use domain::client::FIRST_PARTY;
use domain::event::EventKind;
use domain::factor::{Factor, Factors, Passkey, Proved};
use domain::id::UserId;
use domain::rejection::{Code, Fault, Refusal, Rejection};
use domain::user::User;
use protocol::assurance::Demand;
use serde_json::json;
use store::port::factors::UsePasskey;
use webauthn::{Answer, Known, Problem, Shown, SignIn as Asked};

use super::{Answered, Begun, Ceremony, Purpose, handle_of, refuse, relying_party, wrong};
use crate::flow::sign_in::verify::go_on;
use crate::flow::sign_in::{Progress, SignIn};
use crate::flow::{Act, Flows, mfa};
use crate::telemetry::meters::LoginOutcome;

/// Sign a person in by a passkey alone.
#[derive(Debug, Clone)]
pub struct SignInByPasskey {
    /// What the browser answered.
    pub answered: Answered,
    /// What is asked of the sign-in.
    pub demand: Demand,
}

/// Begins to ask for any passkey, as a whole sign-in.
///
/// # Errors
/// 404 where there are no passkeys; [`Fault::Broken`] if nothing can be asked.
pub fn begin_sign_in(flows: &Flows, act: &Act, visitor: Option<&str>) -> Result<Begun, Rejection> {
    let begun = relying_party(flows)?.begin_sign_in(flows.random.as_ref());
    let (options, state) = begun.map_err(refuse)?;
    let state = state.to_bytes().map_err(refuse)?;
    let ceremony = Ceremony::new(flows, act, (Purpose::Show, None), visitor, state);
    Ok(Begun {
        options,
        state: ceremony.seal(flows, act)?,
    })
}

/// Begins to ask somebody who is known for one of their passkeys.
///
/// # Errors
/// 404 for whoever has none; otherwise as [`begin_sign_in`].
pub fn begin_second_factor(
    flows: &Flows,
    act: &Act,
    (user, bound): (UserId, &Factors),
    visitor: Option<&str>,
) -> Result<Begun, Rejection> {
    if bound.passkeys.is_empty() {
        return Err(Refusal::new(Code::NotFound, "No passkey is set up.").into());
    }
    let passkeys: Vec<_> = bound
        .passkeys
        .iter()
        .map(|one| one.credential.clone())
        .collect();
    let begun = relying_party(flows)?.begin_second_factor(
        flows.random.as_ref(),
        &handle_of(user),
        &passkeys,
    );
    let (options, state) = begun.map_err(refuse)?;
    let state = state.to_bytes().map_err(refuse)?;
    let ceremony = Ceremony::new(flows, act, (Purpose::Show, Some(user)), visitor, state);
    Ok(Begun {
        options,
        state: ceremony.seal(flows, act)?,
    })
}

/// Looks at the passkey that somebody who is known shows.
///
/// # Errors
/// 401 for whatever is not one of theirs, or was shown before; a fault when the store is away.
pub(crate) async fn prove(
    flows: &Flows,
    act: &Act,
    (user, bound): (&User, &Factors),
    answered: Answered,
) -> Result<Proved, Rejection> {
    let expected = (Purpose::Show, Some(user.id));
    let ceremony = Ceremony::claim(flows, act, &answered, expected).await?;
    let answer = Answer::parse(&answered.response).map_err(refuse)?;
    let known = bound
        .passkeys
        .iter()
        .find(|one| one.credential_id == answer.credential_id());
    let Some(known) = known else {
        record(flows, act, user.id, "unbound").await?;
        return Err(wrong().into());
    };
    look(flows, act, (&ceremony, &answer), known).await
}

/// Signs a person in by a passkey alone.
///
/// # Errors
/// 401, the same for every reason; or a fault.
///
/// # Cancel safety
/// The ceremony may be spent without a session; the person shows the passkey again.
pub async fn sign_in(
    flows: &Flows,
    act: &Act,
    message: SignInByPasskey,
) -> Result<Progress, Rejection> {
    let progress = try_sign_in(flows, act, message).await;
    // What succeeds is counted where it is settled.
    let outcome = match &progress {
        Ok(Progress::SignedIn(_)) => None,
        Ok(Progress::Owes(_)) => Some(LoginOutcome::Owing),
        Err(Rejection::Refused(_)) => Some(LoginOutcome::Refused),
        Err(Rejection::Failed(_)) => Some(LoginOutcome::Failed),
    };
    if let Some(outcome) = outcome {
        flows.meters.count_login(act.spot(), outcome);
    }
    progress
}

async fn try_sign_in(
    flows: &Flows,
    act: &Act,
    message: SignInByPasskey,
) -> Result<Progress, Rejection> {
    let expected = (Purpose::Show, None);
    let ceremony = Ceremony::claim(flows, act, &message.answered, expected).await?;
    let answer = Answer::parse(&message.answered.response).map_err(refuse)?;
    let id = answer.credential_id().to_vec();
    let known = flows.factors.find_passkey(act.tenant.id, id);
    let known = act.wait(known).await?.ok_or_else(wrong)?;
    let proved = look(flows, act, (&ceremony, &answer), &known).await?;
    let user = act
        .wait(flows.users.load_user(act.tenant.id, known.user))
        .await?;
    let user = user
        .filter(|user| may_sign_in(act, user))
        .ok_or_else(wrong)?;
    let bound = mfa::load(flows, act, user.id).await?;
    let nothing = (Vec::new(), None);
    let sign_in = SignIn::new(flows, act, user.id, nothing, message.answered.visitor);
    go_on(
        flows,
        act,
        (sign_in, &user, &bound),
        (proved, message.demand),
    )
    .await
}

/// As for passwords: where a tenant does not tell which addresses are taken, an address that nobody
/// proved opens no account.
fn may_sign_in(act: &Act, user: &User) -> bool {
    let is_proven = user.email_verified || !act.tenant.config.silent_registration;
    user.status.is_with_owner() && is_proven
}

/// Judges an answer by the passkey that it is said to come from, and has the store take its counter.
async fn look(
    flows: &Flows,
    act: &Act,
    (ceremony, answer): (&Ceremony, &Answer),
    known: &Passkey,
) -> Result<Proved, Rejection> {
    let asked = Asked::from_bytes(&ceremony.state).map_err(refuse)?;
    let handle = handle_of(known.user);
    let bound = Known {
        credential: &known.credential,
        handle: &handle,
    };
    let judged = relying_party(flows)?.finish_sign_in(&asked, answer, bound);
    let shown = match judged {
        Ok(shown) => shown,
        Err(problem) => {
            let why = if problem == Problem::Copied {
                "copied"
            } else {
                "wrong"
            };
            record(flows, act, known.user, why).await?;
            return Err(refuse(problem));
        }
    };
    let is_verified = shown.is_user_verified;
    if !act
        .wait(flows.factors.use_passkey(used(act, known, shown)))
        .await?
    {
        record(flows, act, known.user, "copied").await?;
        return Err(wrong().into());
    }
    Ok(Proved {
        factor: if is_verified {
            Factor::VerifyingPasskey
        } else {
            Factor::Passkey
        },
        at: act.now,
    })
}

fn used(act: &Act, known: &Passkey, shown: Shown) -> UsePasskey {
    UsePasskey {
        tenant: act.tenant.id,
        user: known.user,
        id: known.id,
        credential: shown.credential,
        sign_count: shown.sign_count,
        is_backed_up: shown.is_backed_up,
        at: act.now,
    }
}

async fn record(flows: &Flows, act: &Act, user: UserId, why: &str) -> Result<(), Fault> {
    let entry = act
        .entry(EventKind::FactorFailed)
        .about(&user)
        .through(FIRST_PARTY)
        .with(json!({ "factor": Factor::Passkey.as_str(), "why": why }))
        .failed();
    act.wait(flows.audit.append(vec![entry])).await
}
