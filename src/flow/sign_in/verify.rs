//! Going on with a sign-in: one more factor is shown.

use domain::factor::{Factors, Proved};
use domain::rejection::{Fault, Rejection};
use domain::secret::SecretText;
use domain::user::User;
use protocol::assurance::{Demand, Standing};

use super::begin::{Proof, Proven, begin};
use super::factor::{self, Shown};
use super::{Owed, Progress, SignIn, expired};
use crate::flow::login::outcome;
use crate::flow::{Act, Flows, deletion};
use crate::telemetry::meters::LoginOutcome;

/// Go on with a sign-in.
#[derive(Debug, Clone)]
pub struct Verify {
    /// What was proved before, sealed.
    pub token: SecretText,
    /// The name of the browser it is shown in, if it is one.
    pub visitor: Option<String>,
    /// What is asked of the sign-in.
    pub demand: Demand,
    /// What is shown.
    pub shown: Shown,
}

/// Looks at one more factor, and begins the session if that is enough.
///
/// # Errors
/// 401 for a sign-in that is not ours, too old or done, and for a wrong factor; 403 for an account that
/// was deleted; 429 with the time to wait; or a fault.
///
/// # Cancel safety
/// The code may be spent without a session; the person shows the next one.
pub async fn verify(flows: &Flows, act: &Act, message: Verify) -> Result<Progress, Rejection> {
    let progress = look(flows, act, message).await;
    // What succeeds is counted where it is settled, what is owed still when it came to be owed.
    if let Err(rejection) = &progress {
        flows.meters.count_login(act.spot(), outcome(rejection));
    }
    progress
}

async fn look(flows: &Flows, act: &Act, message: Verify) -> Result<Progress, Rejection> {
    let visitor = message.visitor.as_deref();
    let sign_in = SignIn::open(flows, act, message.token.expose(), visitor)?;
    let (user, bound) = sign_in.load(flows, act).await?;
    let proved = factor::prove(flows, act, (&user, &bound), message.shown).await?;
    go_on(
        flows,
        act,
        (sign_in, &user, &bound),
        (proved, message.demand),
    )
    .await
}

/// Adds what was proved, and begins the session if that is enough.
///
/// # Errors
/// As [`verify`].
pub(crate) async fn go_on(
    flows: &Flows,
    act: &Act,
    (mut sign_in, user, bound): (SignIn, &User, &Factors),
    (proved, demand): (Proved, Demand),
) -> Result<Progress, Rejection> {
    sign_in.proofs.push(proved);
    settle(flows, act, (sign_in, user, bound), demand).await
}

/// Begins the session if what was proved is enough, and else tells what is owed.
///
/// # Errors
/// 401 if the sign-in was used already; or a fault.
pub(crate) async fn settle(
    flows: &Flows,
    act: &Act,
    (mut sign_in, user, bound): (SignIn, &User, &Factors),
    demand: Demand,
) -> Result<Progress, Rejection> {
    let standing = sign_in.standing(bound, demand);
    if deletion::is_leaving(user, &standing) {
        return Err(deletion::refuse(flows, act, user, &sign_in).await?.into());
    }
    let reached = match standing {
        Standing::Done(reached) => reached,
        standing => return Ok(Progress::Owes(owed(flows, act, &sign_in, standing)?)),
    };
    if !sign_in.claim(flows, act).await? {
        return Err(expired().into());
    }
    let proven = Proven {
        user,
        proof: Proof::of(reached, sign_in.proofs),
        password_set_at: sign_in.password_set_at,
        clear: None,
    };
    let begun = begin(flows, act, proven).await?.ok_or_else(expired)?;
    flows
        .meters
        .count_login(act.spot(), LoginOutcome::Succeeded);
    Ok(Progress::SignedIn(Box::new(begun)))
}

/// Tells what is still owed.
pub(crate) fn owed(
    flows: &Flows,
    act: &Act,
    sign_in: &SignIn,
    standing: Standing,
) -> Result<Owed, Fault> {
    Ok(Owed {
        token: sign_in.seal(flows, act)?,
        methods: match standing {
            Standing::Owes(methods) => methods,
            Standing::Done(_) | Standing::MustBind => Vec::new(),
        },
    })
}
