//! Judging a new password (NIST SP 800-63B-4 §3.1.1): length, what it is made of, whether others
//! used it before. Every flow that sets a password asks here.

use domain::email::EmailAddress;
use domain::rejection::Fault;
use domain::secret::SecretText;
use domain::tenant::DEFAULT_SLUG;
use domain::user::{PasswordRecord, User};
use hashing::Place;
use protocol::password::{Context, PasswordPolicy, Unacceptable, check_new_password};

use super::{Act, Flows};

/// What this service is called: no password is made of that.
const SERVICE_NAMES: [&str; 3] = ["QuantFlow Studio", "QuantFlow", "auth-service"];

/// Whose password it is to be: what it must not be made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whose<'a> {
    pub(crate) email: Option<&'a EmailAddress>,
    pub(crate) name: &'a str,
}

impl<'a> From<&'a User> for Whose<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            email: Some(&user.email),
            name: &user.name,
        }
    }
}

/// Judges a new password; the breached-passwords service is asked last, and only about what is
/// acceptable otherwise.
///
/// # Errors
/// Why it is not acceptable, in words for the person.
pub(crate) async fn judge(
    flows: &Flows,
    act: &Act,
    password: &SecretText,
    whose: Whose<'_>,
) -> Result<(), Unacceptable> {
    let mut service = SERVICE_NAMES.to_vec();
    // The tenant everyone begins with is called "default", which is a word like any other.
    if act.tenant.slug != DEFAULT_SLUG {
        service.push(&act.tenant.name);
    }
    let rules = &act.tenant.config.password_policy;
    service.extend(rules.forbidden_words.iter().map(String::as_str));
    let context = Context {
        email: whose.email,
        name: whose.name,
        service: &service,
    };
    let policy = PasswordPolicy {
        min_length: least_length(flows, act),
        max_length: flows.settings.passwords.greatest(rules),
    };
    check_new_password(password, policy, context, flows.blocklist.as_ref())?;
    match &flows.breached {
        Some(breached) if breached.contains(password, act.deadline).await => {
            Err(Unacceptable::Common)
        }
        _ => Ok(()),
    }
}

/// Gives the least length of a password in the act's tenant, in code points.
#[must_use]
pub fn least_length(flows: &Flows, act: &Act) -> usize {
    let config = &act.tenant.config;
    let passwords = &flows.settings.passwords;
    passwords.least_of(config.mfa, &config.password_policy)
}

/// Hashes a password that was judged acceptable, at a place that was taken before the judging cost
/// anything.
///
/// # Errors
/// The gate's: [`Fault::Late`].
pub(crate) async fn hash(
    act: &Act,
    place: Place,
    password: SecretText,
) -> Result<PasswordRecord, Fault> {
    let deadline = act.deadline.instant();
    place.hash(password, act.now, deadline).await
}
