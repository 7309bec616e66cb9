//! Registering: a new account with its password, and the letter that proves its address, in one
//! commit.
//!
//! All fields are judged together. The password is hashed before the store is asked whether the
//! address is taken, so that a taken one is not told by the clock. A tenant may choose that it is
//! not told at all: then every acceptable registration is answered alike, and whoever has the
//! account already is told by mail.

use std::time::Duration;

use domain::email::EmailAddress;
use domain::event::{Actor, EventKind};
use domain::id::UserId;
use domain::mail::LetterBody;
use domain::one_time::Purpose;
use domain::rejection::{Code, Fault, Refusal, Rejection};
use domain::secret::SecretText;
use domain::user::{PasswordRecord, ROLE_USER, User, UserStatus};
use store::port::users::{NewUser, Registration};

use super::account::{Mistakes, parse_name};
use super::attempt::attempt_keys;
use super::evenly::evenly;
use super::letter::{may_send, mint_one_time, seal_letter};
use super::new_password::{self, Whose};
use super::{Act, Flows};

/// Register a person.
#[derive(Debug, Clone)]
pub struct Register {
    /// Their address.
    pub email: String,
    /// Their password.
    pub password: SecretText,
    /// What they call themselves.
    pub name: String,
}

/// What a registration is answered with.
#[derive(Debug, Clone)]
pub enum RegisterReply {
    /// The new account.
    Created(Box<User>),
    /// Nothing more: the tenant does not tell which addresses are taken.
    Accepted,
}

/// How many accounts a network may register in an hour: so many times `RATE_LIMIT_BURST`.
const BURSTS_AN_HOUR: u64 = 10;
const HOUR: Duration = Duration::from_hours(1);

/// Registers a person.
///
/// # Errors
/// 422 naming every wrong field; 429 when the network has registered too many; 409 when the address is
/// taken, unless the tenant does not tell; or a fault.
pub async fn register(
    flows: &Flows,
    act: &Act,
    message: Register,
) -> Result<RegisterReply, Rejection> {
    let (email, name) = check(flows, act, &message).await?;
    let place = flows.hashing.reserve()?;
    spend_place(flows, act).await?;
    let record = new_password::hash(act, place, message.password).await?;
    let user = new_user(flows, act, email, name);
    if act.tenant.config.silent_registration {
        evenly(act.deadline, store_silently(flows, act, user, record)).await?;
        return Ok(RegisterReply::Accepted);
    }
    match store(flows, act, &user, record).await? {
        Registration::Created => Ok(RegisterReply::Created(Box::new(user))),
        Registration::EmailTaken => Err(taken().into()),
    }
}

/// What a taken address is refused with.
pub(crate) fn taken() -> Refusal {
    Refusal::new(
        Code::Conflict,
        "There is an account with this e-mail address already.",
    )
}

/// Makes an account that is active and proves its address later.
pub(crate) fn new_user(flows: &Flows, act: &Act, email: EmailAddress, name: String) -> User {
    User {
        id: UserId::generate(act.now, flows.random.as_ref()),
        tenant: act.tenant.id,
        email,
        email_verified: false,
        name,
        status: UserStatus::Active,
        locked_reason: None,
        roles: vec![ROLE_USER.to_owned()],
        password_compromised: false,
        password_by_mail: false,
        erase_at: None,
        created_at: act.now,
        updated_at: act.now,
        version: 1,
    }
}

/// Counts a registration against its network. Each costs a hash, a row and a mail to whomever the
/// stranger names, so the bucket of requests alone would let one network send millions a day.
async fn spend_place(flows: &Flows, act: &Act) -> Result<(), Rejection> {
    let Some(network) = act.network else {
        return Ok(());
    };
    let most = u64::from(flows.settings.limits.burst.get()).saturating_mul(BURSTS_AN_HOUR);
    let key = format!("register/from/{}", network.address());
    let spent = flows.limits.spend(key, most, HOUR, act.deadline).await?;
    let too_many = "Too many accounts were registered from this network. Try again later.";
    spent.map_err(|rest| Refusal::new(Code::RateLimited, too_many).retry_after(rest))?;
    Ok(())
}

async fn check(
    flows: &Flows,
    act: &Act,
    message: &Register,
) -> Result<(EmailAddress, String), Refusal> {
    let mut mistakes = Mistakes::default();
    let email = mistakes.check("email", EmailAddress::parse(&message.email));
    // Before the password is held against it: a name as long as a body is ten thousand words.
    let name = parse_name(&message.name);
    let whose = Whose {
        email: email.as_ref(),
        name: name.as_deref().unwrap_or_default(),
    };
    let judged = new_password::judge(flows, act, &message.password, whose).await;
    mistakes.check("password", judged);
    let name = mistakes.check("name", name);
    mistakes.into_result()?;
    email
        .zip(name)
        .ok_or_else(|| Refusal::new(Code::Validation, "a field is missing"))
}

async fn store(
    flows: &Flows,
    act: &Act,
    user: &User,
    record: PasswordRecord,
) -> Result<Registration, Fault> {
    let verification = mint_one_time(flows, act, user, Purpose::VerifyEmail)?;
    let actor = Actor::User(user.id.to_string());
    let new = NewUser {
        user: user.clone(),
        password: Some(record),
        verification: Some(verification),
        entry: act
            .entry_by(actor, EventKind::UserRegistered)
            .about(&user.id),
    };
    let stored = act.wait(flows.users.register_user(new)).await?;
    if stored == Registration::Created {
        flows.mail.nudge();
    }
    Ok(stored)
}

/// Stores the account, or tells whoever has the address already.
async fn store_silently(
    flows: &Flows,
    act: &Act,
    user: User,
    record: PasswordRecord,
) -> Result<(), Fault> {
    if store(flows, act, &user, record).await? == Registration::Created {
        return Ok(());
    }
    let keys = attempt_keys(&flows.secrets, act.tenant.id, user.email.as_str());
    if !may_send(flows, act, Purpose::VerifyEmail, keys.newest).await? {
        return Ok(());
    }
    let found = flows.users.load_credentials(act.tenant.id, user.email);
    let Some(found) = act.wait(found).await? else {
        return Ok(());
    };
    let letter = seal_letter(flows, act, &found.user, LetterBody::AlreadyRegistered)?;
    let entry = act
        .entry(EventKind::UserRegistered)
        .about(&found.user.id)
        .failed();
    act.wait(flows.one_time.send_mail(letter, entry)).await?;
    flows.mail.nudge();
    Ok(())
}
