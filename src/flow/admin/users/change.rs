//! Changing accounts: patch, lock, unlock.

use domain::email::EmailAddress;
use domain::event::EventKind;
use domain::id::UserId;
use domain::mail::LetterBody;
use domain::rejection::{Refusal, Rejection};
use domain::user::{User, UserPatch, UserStatus};
use serde_json::{Value, json};

use super::{get, write};
use crate::flow::account::{Mistakes, parse_name};
use crate::flow::admin::if_current;
use crate::flow::admin::role::check_roles;
use crate::flow::attempt::attempt_keys;
use crate::flow::letter::seal_letter;
use crate::flow::{Act, Flows};

/// Change an account; `None` leaves a field alone.
#[derive(Debug, Clone)]
pub struct PatchUser {
    /// Which one.
    pub user: UserId,
    /// A new address; unverified unless `email_verified` says otherwise.
    pub email: Option<String>,
    /// Whether the address counts as verified.
    pub email_verified: Option<bool>,
    /// A new name.
    pub name: Option<String>,
    /// A new status; anything but active ends the account's sessions.
    pub status: Option<UserStatus>,
    /// New roles, replacing the old.
    pub roles: Option<Vec<String>>,
    /// Others know its password: that signs nobody in any more, and the account's sessions end.
    pub password_compromised: bool,
    /// The version the change is based on; absent: whichever is stored.
    pub version: Option<i64>,
}

// === impl Close ===

impl Close {
    pub(super) const fn locked(user: UserId, reason: String) -> Self {
        Self {
            user,
            reason,
            status: UserStatus::Locked,
            event: EventKind::UserLocked,
        }
    }

    pub(super) const fn suspended(user: UserId, reason: String) -> Self {
        Self {
            user,
            reason,
            status: UserStatus::Suspended,
            event: EventKind::UserUpdated,
        }
    }
}

// === impl PatchUser ===

impl PatchUser {
    /// Changes nothing of an account yet.
    #[must_use]
    pub const fn of(user: UserId) -> Self {
        Self {
            user,
            email: None,
            email_verified: None,
            name: None,
            status: None,
            roles: None,
            password_compromised: false,
            version: None,
        }
    }
}

/// Close an account for now.
#[derive(Debug, Clone)]
pub struct LockUser {
    /// Which one.
    pub user: UserId,
    /// Why, for the operators who come after.
    pub reason: Option<String>,
}

/// Close an account, for a reason that is acceptable.
#[derive(Debug, Clone)]
pub(super) struct Close {
    user: UserId,
    reason: String,
    status: UserStatus,
    event: EventKind,
}

/// The longest reason, in characters.
const REASON_MAX_CHARS: usize = 500;

/// Changes an account. A change of nothing is no change.
///
/// # Errors
/// 422 naming every wrong field; 404 when there is none of this id; 403 for an operator and a key for
/// one area; 409 when the new address is taken; 412 when another version is stored than the expected one; or a fault.
pub async fn patch(flows: &Flows, act: &Act, message: PatchUser) -> Result<User, Rejection> {
    let user = message.user;
    let mut patch = check(message)?;
    let changed = changed(&patch);
    if changed.is_empty() {
        let found = get(flows, act, user).await?;
        return if_current(found, |user| user.version, patch.expected_version);
    }
    if patch.password_compromised {
        let owner = get(flows, act, user).await?;
        let letter = seal_letter(flows, act, &owner, LetterBody::PasswordCompromised)?;
        patch.notice = Some(letter);
    }
    let mut detail = json!({ "changed": changed });
    if let (Some(fields), Some(status)) = (detail.as_object_mut(), patch.status) {
        fields.insert("status".to_owned(), status.as_str().into());
    }
    if let (Some(fields), Some(roles)) = (detail.as_object_mut(), &patch.roles) {
        fields.insert("roles".to_owned(), roles.clone().into());
    }
    let entry = act.entry(EventKind::UserUpdated).about(&user).with(detail);
    let written = write(flows, act, user, patch, entry).await?;
    flows.mail.nudge();
    Ok(written)
}

/// Closes an account for now: every session of it ends, and it may not sign in.
///
/// # Errors
/// 422 for a reason that is missing or not acceptable; 404 when there is none of this id; or a fault.
pub async fn lock(flows: &Flows, act: &Act, message: LockUser) -> Result<User, Rejection> {
    let reason = parse_reason(message.reason.as_deref().unwrap_or_default());
    let reason = reason.map_err(|error| Refusal::field("reason", error))?;
    close(flows, act, Close::locked(message.user, reason)).await
}

/// Closes an account: every session of it ends, and it may not sign in.
pub(super) async fn close(flows: &Flows, act: &Act, message: Close) -> Result<User, Rejection> {
    let patch = UserPatch {
        status: Some(message.status),
        locked_reason: Some(message.reason),
        ..UserPatch::default()
    };
    // The reason stays with the account: free text may name people, and the trail is for ever.
    let detail = json!({ "status": message.status });
    let entry = act.entry(message.event).about(&message.user).with(detail);
    write(flows, act, message.user, patch, entry).await
}

/// Opens an account again, and forgets its failed sign-ins. What the lock ended stays ended.
///
/// # Errors
/// 404 when there is none of this id; or a fault.
pub async fn unlock(flows: &Flows, act: &Act, user: UserId) -> Result<User, Rejection> {
    let patch = UserPatch {
        status: Some(UserStatus::Active),
        ..UserPatch::default()
    };
    let entry = act.entry(EventKind::UserUnlocked).about(&user);
    let user = write(flows, act, user, patch, entry).await?;
    let keys = attempt_keys(&flows.secrets, act.tenant.id, user.email.as_str());
    flows
        .attempts
        .clear(act.tenant.id, keys, act.deadline)
        .await?;
    Ok(user)
}

fn check(message: PatchUser) -> Result<UserPatch, Refusal> {
    let mut mistakes = Mistakes::default();
    let email = message.email.as_deref().map(EmailAddress::parse);
    let name = message.name.as_deref().map(parse_name);
    let patch = UserPatch {
        email: email.and_then(|email| mistakes.check("email", email)),
        email_verified: message.email_verified,
        name: name.and_then(|name| mistakes.check("name", name)),
        status: message.status,
        locked_reason: None,
        erase_at: None,
        roles: message.roles.map(|roles| check_roles(&mut mistakes, roles)),
        password_compromised: message.password_compromised,
        notice: None,
        expected_version: message.version,
    };
    mistakes.into_result()?;
    Ok(patch)
}

/// Names what a patch changes, never to what: an address has no place in the trail.
fn changed(patch: &UserPatch) -> Vec<Value> {
    let fields = [
        ("email", patch.email.is_some()),
        ("email_verified", patch.email_verified.is_some()),
        ("name", patch.name.is_some()),
        ("status", patch.status.is_some()),
        ("roles", patch.roles.is_some()),
        ("password_compromised", patch.password_compromised),
    ];
    let named = fields.into_iter().filter(|(_, is_changed)| *is_changed);
    named.map(|(name, _)| name.into()).collect()
}

pub(super) fn parse_reason(reason: &str) -> Result<String, &'static str> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err("must say why");
    }
    if reason.chars().count() > REASON_MAX_CHARS {
        return Err("must have at most 500 characters");
    }
    if reason.chars().any(char::is_control) {
        return Err("must not contain control characters");
    }
    Ok(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use domain::random::Counting;
    use domain::time::UnixMillis;

    use super::*;

    fn nothing() -> PatchUser {
        PatchUser::of(UserId::generate(
            UnixMillis::from_millis(1),
            &Counting::default(),
        ))
    }

    #[test]
    fn a_patch_of_nothing_changes_nothing() {
        let patch = check(nothing()).expect("acceptable");
        assert!(changed(&patch).is_empty());
    }

    #[test]
    fn what_changed_is_named_and_the_address_is_not_told() {
        let message = PatchUser {
            email: Some("ada@example.org".to_owned()),
            roles: Some(vec!["admin".to_owned()]),
            ..nothing()
        };
        let patch = check(message).expect("acceptable");
        let told = json!(changed(&patch)).to_string();
        assert_eq!(told, r#"["email","roles"]"#);
    }

    #[test]
    fn every_wrong_field_is_named() {
        let message = PatchUser {
            email: Some("nonsense".to_owned()),
            name: Some(" ".to_owned()),
            roles: Some(vec!["A".to_owned()]),
            ..nothing()
        };
        let refusal = check(message).expect_err("three mistakes");
        let fields: Vec<_> = refusal.fields.iter().map(|f| f.field.as_ref()).collect();
        assert_eq!(fields, ["email", "name", "roles"]);
    }

    #[test]
    fn a_reason_is_a_line_of_text() {
        assert_eq!(parse_reason(" lost device "), Ok("lost device".to_owned()));
        for reason in ["", "  ", "a\nb", &"a".repeat(501)] {
            assert!(parse_reason(reason).is_err(), "{reason:?}");
        }
    }
}
