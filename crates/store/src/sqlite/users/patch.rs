//! Changes to accounts, and their deletion.

use domain::change::ChangeKind;
use domain::event::Entry;
use domain::id::UserId;
use domain::one_time::Purpose;
use domain::session::EndReason;
use domain::time::UnixMillis;
use domain::user::{User, UserPatch, UserStatus};
use rusqlite::{OptionalExtension, params};

use super::{SELECT, read};
use crate::port::sessions::{EndTarget, EndedSessions};
use crate::port::users::UserWrite;
use crate::sqlite::row::{self, Id};
use crate::sqlite::sessions::{Doomed, end};
use crate::sqlite::{Step, audit, changes, one_time, outbox};

const OWNER: &str = "SELECT id
FROM users
WHERE tenant_id = ?1 AND email_key = ?2";

const UPDATE: &str = "UPDATE users
SET email = ?3, email_key = ?4, email_verified = ?5, name = ?6, name_key = ?7, status = ?8,
    locked_reason = ?9, roles = ?10, updated_at = ?11, version = ?12, password_compromised = ?13,
    erase_at = ?14
WHERE tenant_id = ?1 AND id = ?2";

/// Sessions, families and tokens go with it.
const DELETE: &str = "DELETE FROM users
WHERE tenant_id = ?1 AND id = ?2";

/// Applies a patch.
pub(super) fn update(
    step: &Step<'_>,
    user: UserId,
    patch: &UserPatch,
    (remember_until, entry): (UnixMillis, &Entry),
) -> rusqlite::Result<UserWrite> {
    let Some(before) = load(step, user, entry)? else {
        return Ok(UserWrite::Missing);
    };
    if patch
        .expected_version
        .is_some_and(|version| version != before.version)
    {
        return Ok(UserWrite::Stale);
    }
    let after = apply(&before, patch, entry.origin.at);
    if after.email != before.email {
        if is_taken(step, &after)? {
            return Ok(UserWrite::EmailTaken);
        }
        // A token mailed to the old address must not verify the new one, nor let whoever reads
        // the old mailbox choose the password or let go of the second factors.
        for purpose in [
            Purpose::VerifyEmail,
            Purpose::ResetPassword,
            Purpose::RecoverFactors,
        ] {
            one_time::forget(step, after.tenant, after.id, purpose)?;
        }
    }
    store(step, &after)?;
    let is_closed = after.status != UserStatus::Active || patch.password_compromised;
    let ended = if is_closed {
        end_all(step, user, remember_until, entry)?
    } else {
        EndedSessions::new()
    };
    if let Some(letter) = &patch.notice {
        outbox::queue(step, letter)?;
    }
    changes::announce_hint(step, entry, &ChangeKind::UserChanged(user))?;
    audit::write(step, entry)?;
    Ok(UserWrite::Stored(Box::new(after), ended))
}

/// Deletes an account.
pub(in crate::sqlite) fn delete(
    step: &Step<'_>,
    user: UserId,
    remember_until: UnixMillis,
    entry: &Entry,
) -> rusqlite::Result<Option<EndedSessions>> {
    let ended = end_all(step, user, remember_until, entry)?;
    let mut statement = step.prepare_cached(DELETE)?;
    if statement.execute(params![entry.origin.tenant.blob(), user.blob()])? == 0 {
        return Ok(None);
    }
    changes::announce_hint(step, entry, &ChangeKind::UserChanged(user))?;
    audit::write(step, entry)?;
    Ok(Some(ended))
}

/// Says whether another version is stored than one that is expected.
pub(super) fn is_stale(
    step: &Step<'_>,
    user: UserId,
    expected: Option<i64>,
    entry: &Entry,
) -> rusqlite::Result<bool> {
    let Some(expected) = expected else {
        return Ok(false);
    };
    let found = load(step, user, entry)?;
    Ok(found.is_some_and(|user| user.version != expected))
}

fn load(step: &Step<'_>, user: UserId, entry: &Entry) -> rusqlite::Result<Option<User>> {
    let mut statement = step.prepare_cached(SELECT)?;
    let bounds = params![entry.origin.tenant.blob(), user.blob()];
    let found = statement.query_row(bounds, read).optional()?;
    Ok(found.map(|credentials| credentials.user))
}

fn apply(before: &User, patch: &UserPatch, now: UnixMillis) -> User {
    let mut after = before.clone();
    if let Some(email) = patch.email.clone().filter(|email| *email != before.email) {
        after.email = email;
        after.email_verified = false;
    }
    after.email_verified = patch.email_verified.unwrap_or(after.email_verified);
    after.name = patch.name.clone().unwrap_or(after.name);
    after.roles = patch.roles.clone().unwrap_or(after.roles);
    after.password_compromised |= patch.password_compromised;
    if let Some(status) = patch.status {
        after.status = status;
        after.locked_reason = None;
        after.erase_at = patch.erase_at;
    }
    if after.status != UserStatus::Active && patch.locked_reason.is_some() {
        after.locked_reason.clone_from(&patch.locked_reason);
    }
    after.updated_at = now;
    after.version += 1;
    after
}

fn is_taken(step: &Step<'_>, user: &User) -> rusqlite::Result<bool> {
    let owner: Option<[u8; 16]> = step
        .prepare_cached(OWNER)?
        .query_row(params![user.tenant.blob(), user.email.key()], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(owner.is_some_and(|owner| owner != user.id.blob()))
}

fn store(step: &Step<'_>, user: &User) -> rusqlite::Result<()> {
    step.prepare_cached(UPDATE)?.execute(params![
        user.tenant.blob(),
        user.id.blob(),
        user.email.as_str(),
        user.email.key(),
        user.email_verified,
        user.name,
        row::fold(&user.name),
        user.status.as_str(),
        user.locked_reason,
        row::json(&user.roles)?,
        user.updated_at.as_millis(),
        user.version,
        user.password_compromised,
        user.erase_at.map(UnixMillis::as_millis),
    ])?;
    Ok(())
}

fn end_all(
    step: &Step<'_>,
    user: UserId,
    remember_until: UnixMillis,
    entry: &Entry,
) -> rusqlite::Result<EndedSessions> {
    let doomed = Doomed {
        tenant: entry.origin.tenant,
        which: EndTarget::User(user, None),
        reason: EndReason::Administrator,
        now: entry.origin.at,
        remember_until,
    };
    end(step, &doomed)
}
