//! Passkeys.

use domain::event::Entry;
use domain::factor::Passkey;
use domain::id::{PasskeyId, UserId};
use domain::time::UnixMillis;
use rusqlite::params;

use super::{backup_codes, is_active, passkey_columns, tell};
use crate::port::factors::{AddPasskey, MAX_PASSKEYS, PasskeyBinding, UsePasskey};
use crate::sqlite::row::{self, Id};
use crate::sqlite::{Step, audit};

pub(in crate::sqlite) const FIND: &str = concat!(
    "SELECT ",
    passkey_columns!(),
    "
FROM passkeys AS p
WHERE p.tenant_id = ?1 AND p.credential_id = ?2"
);

const IS_TAKEN: &str = "SELECT 1
FROM passkeys
WHERE tenant_id = ?1 AND credential_id = ?2";

const COUNT: &str = "SELECT COUNT(*)
FROM passkeys
WHERE tenant_id = ?1 AND user_id = ?2";

const INSERT: &str = "INSERT INTO passkeys
    (tenant_id, id, user_id, credential_id, name, credential, sign_count, is_backup_eligible,
     is_backed_up, created_at, last_used_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

const RENAME: &str = "UPDATE passkeys
SET name = ?4
WHERE tenant_id = ?1 AND user_id = ?2 AND id = ?3";

pub(in crate::sqlite) const USE: &str = "UPDATE passkeys
SET credential = ?4, sign_count = ?5, is_backed_up = ?6, last_used_at = ?7
WHERE tenant_id = ?1 AND user_id = ?2 AND id = ?3
    AND (sign_count < ?5 OR (sign_count = 0 AND ?5 = 0))";

/// Binds a passkey.
pub(super) fn add(step: &Step<'_>, binding: &AddPasskey) -> rusqlite::Result<PasskeyBinding> {
    let passkey = &binding.passkey;
    let (tenant, user) = (passkey.tenant, passkey.user);
    if !is_active(step, tenant, user)? {
        return Ok(PasskeyBinding::Missing);
    }
    let same = params![tenant.blob(), passkey.credential_id];
    if step.prepare_cached(IS_TAKEN)?.exists(same)? {
        return Ok(PasskeyBinding::Taken);
    }
    let count: u32 = step
        .prepare_cached(COUNT)?
        .query_row(params![tenant.blob(), user.blob()], |row| row.get(0))?;
    if count >= MAX_PASSKEYS {
        return Ok(PasskeyBinding::TooMany);
    }
    insert(step, passkey)?;
    backup_codes::replace_if_given(step, (tenant, user), &binding.backup_codes)?;
    tell(step, binding.notice.as_ref(), &binding.entry)?;
    Ok(PasskeyBinding::Bound)
}

/// Gives a passkey another name.
pub(super) fn rename(
    step: &Step<'_>,
    (user, passkey): (UserId, PasskeyId),
    name: &str,
    entry: &Entry,
) -> rusqlite::Result<bool> {
    let tenant = entry.origin.tenant.blob();
    let bounds = params![tenant, user.blob(), passkey.blob(), name];
    let renamed = step.prepare_cached(RENAME)?.execute(bounds)?;
    if renamed > 0 {
        audit::write(step, entry)?;
    }
    Ok(renamed > 0)
}

/// Records a use, if the counter allows it.
pub(super) fn record_use(step: &Step<'_>, used: &UsePasskey) -> rusqlite::Result<bool> {
    let recorded = step.prepare_cached(USE)?.execute(params![
        used.tenant.blob(),
        used.user.blob(),
        used.id.blob(),
        row::json(&used.credential)?,
        used.sign_count,
        used.is_backed_up,
        used.at.as_millis(),
    ])?;
    Ok(recorded > 0)
}

fn insert(step: &Step<'_>, passkey: &Passkey) -> rusqlite::Result<()> {
    step.prepare_cached(INSERT)?.execute(params![
        passkey.tenant.blob(),
        passkey.id.blob(),
        passkey.user.blob(),
        passkey.credential_id,
        passkey.name,
        row::json(&passkey.credential)?,
        passkey.sign_count,
        passkey.is_backup_eligible,
        passkey.is_backed_up,
        passkey.created_at.as_millis(),
        passkey.last_used_at.map(UnixMillis::as_millis),
    ])?;
    Ok(())
}
