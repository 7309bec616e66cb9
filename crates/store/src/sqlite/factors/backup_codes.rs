//! Backup codes.

use domain::id::{TenantId, UserId};
use rusqlite::params;

use super::tell;
use crate::port::factors::{NewBackupCodes, UseBackupCode};
use crate::sqlite::Step;
use crate::sqlite::row::Id;

const INSERT: &str = "INSERT OR IGNORE INTO backup_codes (tenant_id, user_id, signature)
VALUES (?1, ?2, ?3)";

pub(in crate::sqlite) const USE: &str = "DELETE FROM backup_codes
WHERE tenant_id = ?1 AND user_id = ?2 AND signature = ?3";

const FORGET: &str = "DELETE FROM backup_codes
WHERE tenant_id = ?1 AND user_id = ?2";

const COUNT: &str = "SELECT COUNT(*)
FROM backup_codes
WHERE tenant_id = ?1 AND user_id = ?2";

const IS_ANY_FACTOR: &str = "SELECT
    EXISTS (
        SELECT 1
        FROM totps
        WHERE tenant_id = ?1 AND user_id = ?2 AND confirmed_at IS NOT NULL
    )
    OR EXISTS (
        SELECT 1
        FROM passkeys
        WHERE tenant_id = ?1 AND user_id = ?2
    )";

/// Replaces the codes of an account that has a factor.
pub(super) fn renew(step: &Step<'_>, codes: &NewBackupCodes) -> rusqlite::Result<bool> {
    let (tenant, user) = (codes.tenant, codes.user);
    if !super::is_active(step, tenant, user)? || !has_factor(step, (tenant, user))? {
        return Ok(false);
    }
    forget(step, (tenant, user))?;
    insert(step, (tenant, user), &codes.signatures)?;
    tell(step, codes.notice.as_ref(), &codes.entry)?;
    Ok(true)
}

/// Spends a code; gives how many are left.
pub(super) fn spend(step: &Step<'_>, code: &UseBackupCode) -> rusqlite::Result<Option<u32>> {
    let (tenant, user) = (code.tenant.blob(), code.user.blob());
    let mut spent = 0;
    for signature in &code.signatures {
        let mut statement = step.prepare_cached(USE)?;
        spent += statement.execute(params![tenant, user, signature])?;
    }
    if spent == 0 {
        return Ok(None);
    }
    tell(step, code.notice.as_ref(), &code.entry)?;
    let mut statement = step.prepare_cached(COUNT)?;
    let left = statement.query_row(params![tenant, user], |row| row.get(0))?;
    Ok(Some(left))
}

/// Puts codes in the place of older ones; without any, those stand.
pub(super) fn replace_if_given(
    step: &Step<'_>,
    owner: (TenantId, UserId),
    signatures: &[[u8; 32]],
) -> rusqlite::Result<()> {
    if signatures.is_empty() {
        return Ok(());
    }
    forget(step, owner)?;
    insert(step, owner, signatures)
}

/// Forgets every code.
pub(super) fn forget(step: &Step<'_>, (tenant, user): (TenantId, UserId)) -> rusqlite::Result<()> {
    let mut statement = step.prepare_cached(FORGET)?;
    statement.execute(params![tenant.blob(), user.blob()])?;
    Ok(())
}

/// Says whether anything is bound that the codes could stand in for.
pub(super) fn has_factor(
    step: &Step<'_>,
    (tenant, user): (TenantId, UserId),
) -> rusqlite::Result<bool> {
    let mut statement = step.prepare_cached(IS_ANY_FACTOR)?;
    statement.query_row(params![tenant.blob(), user.blob()], |row| row.get(0))
}

fn insert(
    step: &Step<'_>,
    (tenant, user): (TenantId, UserId),
    signatures: &[[u8; 32]],
) -> rusqlite::Result<()> {
    let mut statement = step.prepare_cached(INSERT)?;
    for signature in signatures {
        statement.execute(params![tenant.blob(), user.blob(), signature])?;
    }
    Ok(())
}
