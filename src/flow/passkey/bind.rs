//! Making a passkey an account's, naming it, and letting go of it.

use domain::event::EventKind;
use domain::factor::{Factor, Passkey, Proved};
use domain::id::PasskeyId;
use domain::mail::LetterBody;
use domain::rejection::{Code, Refusal, Rejection};
use domain::secret::SecretText;
use domain::user::User;
use protocol::assurance::Demand;
use serde_json::json;
use store::port::factors::{AddPasskey, BoundFactor, PasskeyBinding, RemoveFactor};
use webauthn::{Account, NewPasskey, Registration};

use super::{
    Answered, Begun, Ceremony, Purpose, handle_of, list_of, refuse, relying_party, taken, wrong,
};
use crate::flow::account::AccountHolder;
use crate::flow::mfa::{self, Binder, actor, check_may_go, codes, notice};
use crate::flow::sign_in::Progress;
use crate::flow::sign_in::verify::go_on;
use crate::flow::{Act, Flows};

/// Bind a passkey.
#[derive(Debug, Clone)]
pub struct BindPasskey {
    /// What the browser answered.
    pub answered: Answered,
    /// What its owner calls it.
    pub name: String,

    /// What is asked of the sign-in that it is for, if it is for one.
    pub demand: Demand,
}

/// A passkey that was bound.
#[derive(Debug, Clone)]
pub struct Bound {
    /// The passkey.
    pub passkey: Passkey,
    /// The account's backup codes, if these are its first. Shown once.
    pub backup_codes: Vec<SecretText>,
    /// How the sign-in goes on that it was bound for.
    pub progress: Option<Progress>,
}

/// The longest name of a passkey, in characters.
const MAX_NAME: usize = 64;

/// Begins to bind a passkey.
///
/// # Errors
/// 404 where there are no passkeys; [`Fault::Broken`](domain::rejection::Fault::Broken) if nothing can be
/// asked.
pub fn begin(
    flows: &Flows,
    act: &Act,
    binder: &Binder,
    visitor: Option<&str>,
) -> Result<Begun, Rejection> {
    let user = &binder.user;
    let account = Account {
        handle: &handle_of(user.id),
        name: user.email.as_str(),
        display_name: &user.name,
    };
    let bound = binder.bound.passkeys.iter();
    let exclude: Vec<Vec<u8>> = bound.map(|one| one.credential_id.clone()).collect();
    let random = flows.random.as_ref();
    let (party, allowed) = (relying_party(flows)?, list_of(act)?);
    let begun = party.begin_registration(random, account, &exclude, allowed.as_ref());
    let (options, state) = begun.map_err(refuse)?;
    let state = state.to_bytes().map_err(refuse)?;
    let whose = (Purpose::Bind, Some(user.id));
    let ceremony = Ceremony::new(flows, act, whose, visitor, state);
    Ok(Begun {
        options,
        state: ceremony.seal(flows, act)?,
    })
}

/// Binds the passkey that answered; an account's first factor brings backup codes with it.
///
/// # Errors
/// 401 for an answer to something else; 403 for an authenticator that the tenant does not allow; 409 when it is bound already or there are too many; 422 for a name
/// that is none; or a fault.
pub async fn finish(
    flows: &Flows,
    act: &Act,
    mut binder: Binder,
    message: BindPasskey,
) -> Result<Bound, Rejection> {
    let name = parse_name(&message.name)?;
    let expected = (Purpose::Bind, Some(binder.user.id));
    let ceremony = Ceremony::claim(flows, act, &message.answered, expected).await?;
    let state = Registration::from_bytes(&ceremony.state).map_err(refuse)?;
    let answer = &message.answered.response;
    let (party, allowed) = (relying_party(flows)?, list_of(act)?);
    let made = party.finish_registration(&state, answer, allowed.as_ref());
    let made = made.map_err(refuse)?;
    binder.claim(flows, act).await?;
    let Binder {
        user,
        bound,
        sign_in,
    } = binder;
    let is_verified = made.is_user_verified;
    let passkey = passkey_of(flows, act, &user, (made, name));
    let is_first = bound.backup_codes == 0;
    let backup = if is_first {
        codes::make(flows, (act.tenant.id, user.id))
    } else {
        codes::Made::default()
    };
    store(flows, act, &user, (&passkey, backup.signatures)).await?;
    if is_first {
        mfa::reopen(flows, act, (user.id, Factor::BackupCode)).await;
    }
    let progress = match sign_in {
        None => None,
        Some(sign_in) => {
            let bound = mfa::load(flows, act, user.id).await?;
            let factor = if is_verified {
                Factor::VerifyingPasskey
            } else {
                Factor::Passkey
            };
            let proved = Proved {
                factor,
                at: act.now,
            };
            let whose = (sign_in, &user, &bound);
            Some(go_on(flows, act, whose, (proved, message.demand)).await?)
        }
    };
    Ok(Bound {
        passkey,
        backup_codes: backup.codes,
        progress,
    })
}

fn passkey_of(
    flows: &Flows,
    act: &Act,
    user: &User,
    (made, name): (NewPasskey, String),
) -> Passkey {
    Passkey {
        id: PasskeyId::generate(act.now, flows.random.as_ref()),
        tenant: act.tenant.id,
        user: user.id,
        credential_id: made.credential_id,
        name,
        credential: made.credential,
        sign_count: made.sign_count,
        is_backup_eligible: made.is_backup_eligible,
        is_backed_up: made.is_backed_up,
        created_at: act.now,
        last_used_at: None,
    }
}

async fn store(
    flows: &Flows,
    act: &Act,
    user: &User,
    (passkey, backup_codes): (&Passkey, Vec<[u8; 32]>),
) -> Result<(), Rejection> {
    let body = LetterBody::FactorAdded {
        factor: Factor::Passkey,
    };
    let binding = AddPasskey {
        passkey: passkey.clone(),
        backup_codes,
        notice: notice(flows, act, user, body)?,
        entry: act
            .entry_by(actor(user), EventKind::FactorAdded)
            .about(&user.id)
            .with(json!({ "factor": Factor::Passkey.as_str(), "passkey": passkey.id })),
    };
    match act.wait(flows.factors.add_passkey(binding)).await? {
        PasskeyBinding::Bound => {
            flows.mail.nudge();
            Ok(())
        }
        PasskeyBinding::Taken => Err(taken().into()),
        PasskeyBinding::TooMany => {
            let hint = "There are as many passkeys as there can be. Remove one first.";
            Err(Refusal::new(Code::Conflict, hint).into())
        }
        PasskeyBinding::Missing => Err(wrong().into()),
    }
}

/// Lists a person's passkeys, oldest first.
///
/// # Errors
/// A fault when the store is away.
pub async fn list(
    flows: &Flows,
    act: &Act,
    person: AccountHolder,
) -> Result<Vec<Passkey>, Rejection> {
    Ok(mfa::load(flows, act, person.user).await?.passkeys)
}

/// Gives one of a person's passkeys another name.
///
/// # Errors
/// 404 when they have no such passkey; 422 for a name that is none; or a fault.
pub async fn rename(
    flows: &Flows,
    act: &Act,
    person: AccountHolder,
    (id, name): (PasskeyId, &str),
) -> Result<Passkey, Rejection> {
    let name = parse_name(name)?;
    let entry = act
        .entry_by(person.actor(), EventKind::FactorRenamed)
        .about(&person.user)
        .with(json!({ "passkey": id }));
    let renamed = flows.factors.rename_passkey(person.user, id, name, entry);
    if !act.wait(renamed).await? {
        return Err(missing().into());
    }
    let passkeys = list(flows, act, person).await?;
    let renamed = passkeys.into_iter().find(|one| one.id == id);
    Ok(renamed.ok_or_else(missing)?)
}

/// Removes one of the passkeys of somebody who proved who they are a short while ago.
///
/// # Errors
/// 404 when they have no such passkey; 409 where a factor is required and this is the last; or a fault.
pub async fn remove(
    flows: &Flows,
    act: &Act,
    binder: &Binder,
    id: PasskeyId,
) -> Result<(), Rejection> {
    let user = &binder.user;
    if !binder.bound.passkeys.iter().any(|one| one.id == id) {
        return Err(missing().into());
    }
    check_may_go(act, &binder.bound)?;
    let body = LetterBody::FactorRemoved {
        factor: Factor::Passkey,
    };
    let removal = RemoveFactor {
        tenant: act.tenant.id,
        user: user.id,
        which: BoundFactor::Passkey(id),
        notice: notice(flows, act, user, body)?,
        entry: act
            .entry_by(actor(user), EventKind::FactorRemoved)
            .about(&user.id)
            .with(json!({ "factor": Factor::Passkey.as_str(), "passkey": id })),
    };
    if !act.wait(flows.factors.remove_factor(removal)).await? {
        return Err(missing().into());
    }
    flows.mail.nudge();
    Ok(())
}

/// Checks a passkey's name and trims it: 1 to 64 characters, none of them a control character.
fn parse_name(name: &str) -> Result<String, Refusal> {
    let name = name.trim();
    let is_fine = (1..=MAX_NAME).contains(&name.chars().count());
    if !is_fine || name.chars().any(char::is_control) {
        let message = "must have 1 to 64 characters, none of them a control character";
        return Err(Refusal::field("name", message));
    }
    Ok(name.to_owned())
}

fn missing() -> Refusal {
    Refusal::new(Code::NotFound, "There is no such passkey.")
}
