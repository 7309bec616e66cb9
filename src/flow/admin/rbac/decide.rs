//! Asking whether somebody may do something, and why.

use domain::rejection::Rejection;
use domain::role::{Policy, SUBJECT_CLIENT, SUBJECT_USER};

use super::rules;
use crate::flow::admin::{clients, users};
use crate::flow::{Act, Flows, allowed};

/// Ask whether somebody may do something.
#[derive(Debug, Clone)]
pub struct Check {
    /// Who: a role, or `user:` or `client:` and an id.
    pub subject: String,
    /// On what.
    pub object: String,
    /// To do what.
    pub action: String,
}

/// What a check comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Why it is allowed; nothing: it is not.
    pub why: Option<Why>,
}

/// Why something is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// The role, or the account or client itself, that is allowed it.
    pub subject: String,
    /// How many steps of inheritance away the policy's own subject is.
    pub distance: usize,
    /// The policy; none for what `admin` is allowed by itself.
    pub policy: Option<Policy>,
}

/// Says whether somebody may do something, and why. Who is nobody, or may not be used, may do nothing.
///
/// # Errors
/// A fault.
pub async fn check(flows: &Flows, act: &Act, message: Check) -> Result<Checked, Rejection> {
    let subjects = subjects_of(flows, act, &message.subject).await?;
    let rules = rules(flows, act);
    let named = subjects.iter().map(String::as_str);
    let reason = rules.decide(named, &message.object, &message.action);
    let why = reason.map(|reason| Why {
        subject: reason.subject,
        distance: reason.distance,
        policy: reason.policy.cloned(),
    });
    Ok(Checked { why })
}

/// Names a subject as the rules know it: a role by itself, an account or a client with its roles.
pub(super) async fn subjects_of(
    flows: &Flows,
    act: &Act,
    subject: &str,
) -> Result<Vec<String>, Rejection> {
    if let Some(id) = subject.strip_prefix(SUBJECT_USER) {
        let Ok(id) = id.parse() else {
            return Ok(Vec::new());
        };
        let found = users::get(flows, act, id).await;
        return found
            .map(|user| allowed::subjects_of_user(&user))
            .or_else(none);
    }
    if let Some(id) = subject.strip_prefix(SUBJECT_CLIENT) {
        let found = clients::get(flows, act, id).await;
        return found
            .map(|client| allowed::subjects_of_client(&client))
            .or_else(none);
    }
    if rules(flows, act).has_role(subject) {
        return Ok(vec![subject.to_owned()]);
    }
    Ok(Vec::new())
}

/// Who is not found is nobody; a fault stays one.
fn none(rejection: Rejection) -> Result<Vec<String>, Rejection> {
    match rejection {
        Rejection::Refused(_) => Ok(Vec::new()),
        fault @ Rejection::Failed(_) => Err(fault),
    }
}
