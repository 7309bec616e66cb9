//! Authenticator apps.

use domain::event::Entry;
use domain::factor::Totp;
use domain::id::{TenantId, UserId};
use domain::time::UnixMillis;
use rusqlite::params;

use super::{backup_codes, is_active, tell};
use crate::port::factors::ConfirmTotp;
use crate::sqlite::row::Id;
use crate::sqlite::{Step, audit};

const BEGIN: &str = "INSERT INTO totps
    (tenant_id, user_id, sealed_secret, digits, period_s, created_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (tenant_id, user_id) DO UPDATE
SET sealed_secret = excluded.sealed_secret, digits = excluded.digits, period_s = excluded.period_s,
    created_at = excluded.created_at
WHERE confirmed_at IS NULL";

const CONFIRM: &str = "UPDATE totps
SET confirmed_at = ?4, last_step = ?5
WHERE tenant_id = ?1 AND user_id = ?2 AND created_at = ?3 AND confirmed_at IS NULL";

pub(in crate::sqlite) const USE: &str = "UPDATE totps
SET last_step = ?4
WHERE tenant_id = ?1 AND user_id = ?2 AND created_at = ?3 AND confirmed_at IS NOT NULL
    AND (last_step IS NULL OR last_step < ?4)";

/// Stores a secret that is to be confirmed.
pub(super) fn begin(step: &Step<'_>, totp: &Totp, entry: &Entry) -> rusqlite::Result<bool> {
    if !is_active(step, totp.tenant, totp.user)? {
        return Ok(false);
    }
    let stored = step.prepare_cached(BEGIN)?.execute(params![
        totp.tenant.blob(),
        totp.user.blob(),
        totp.sealed_secret,
        totp.digits,
        totp.period,
        totp.created_at.as_millis(),
    ])?;
    if stored > 0 {
        audit::write(step, entry)?;
    }
    Ok(stored > 0)
}

/// Confirms an app by the first code of it.
pub(super) fn confirm(step: &Step<'_>, order: &ConfirmTotp) -> rusqlite::Result<bool> {
    let (tenant, user) = (order.tenant, order.user);
    if !is_active(step, tenant, user)? {
        return Ok(false);
    }
    let confirmed = step.prepare_cached(CONFIRM)?.execute(params![
        tenant.blob(),
        user.blob(),
        order.created_at.as_millis(),
        order.at.as_millis(),
        stored_step(order.step),
    ])?;
    if confirmed > 0 {
        backup_codes::replace_if_given(step, (tenant, user), &order.backup_codes)?;
        tell(step, order.notice.as_ref(), &order.entry)?;
    }
    Ok(confirmed > 0)
}

/// Takes a time step.
pub(super) fn take(
    writer: &Step<'_>,
    (tenant, user): (TenantId, UserId),
    created_at: UnixMillis,
    step: u64,
) -> rusqlite::Result<bool> {
    let taken = writer.prepare_cached(USE)?.execute(params![
        tenant.blob(),
        user.blob(),
        created_at.as_millis(),
        stored_step(step),
    ])?;
    Ok(taken > 0)
}

fn stored_step(step: u64) -> i64 {
    i64::try_from(step).unwrap_or(i64::MAX)
}
