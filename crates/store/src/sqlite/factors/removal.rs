//! Taking factors from accounts.

use domain::id::{TenantId, UserId};
use domain::session::EndReason;
use rusqlite::params;

use super::{backup_codes, tell};
use crate::port::factors::{BoundFactor, RemoveAllFactors, RemoveFactor};
use crate::port::sessions::{EndTarget, EndedSessions};
use crate::sqlite::Step;
use crate::sqlite::row::Id;
use crate::sqlite::sessions::{Doomed, end};

const REMOVE_TOTP: &str = "DELETE FROM totps
WHERE tenant_id = ?1 AND user_id = ?2 AND confirmed_at IS NOT NULL";

const REMOVE_PASSKEY: &str = "DELETE FROM passkeys
WHERE tenant_id = ?1 AND user_id = ?2 AND id = ?3";

const FORGET_TOTP: &str = "DELETE FROM totps
WHERE tenant_id = ?1 AND user_id = ?2";

const FORGET_PASSKEYS: &str = "DELETE FROM passkeys
WHERE tenant_id = ?1 AND user_id = ?2";

const EXISTS: &str = "SELECT 1
FROM users
WHERE tenant_id = ?1 AND id = ?2";

/// Takes one factor, and the backup codes with the last.
pub(super) fn remove(step: &Step<'_>, removal: &RemoveFactor) -> rusqlite::Result<bool> {
    let owner = (removal.tenant, removal.user);
    if !delete(step, owner, removal.which)? {
        return Ok(false);
    }
    if !backup_codes::has_factor(step, owner)? {
        backup_codes::forget(step, owner)?;
    }
    tell(step, removal.notice.as_ref(), &removal.entry)?;
    Ok(true)
}

/// Takes everything, and ends the sessions.
pub(super) fn remove_all(
    step: &Step<'_>,
    removal: &RemoveAllFactors,
) -> rusqlite::Result<Option<EndedSessions>> {
    let (tenant, user) = (removal.tenant, removal.user);
    let owner = params![tenant.blob(), user.blob()];
    if !step.prepare_cached(EXISTS)?.exists(owner)? {
        return Ok(None);
    }
    for sql in [FORGET_TOTP, FORGET_PASSKEYS] {
        step.prepare_cached(sql)?.execute(owner)?;
    }
    backup_codes::forget(step, (tenant, user))?;
    let doomed = Doomed {
        tenant,
        which: EndTarget::User(user, None),
        reason: EndReason::Administrator,
        now: removal.entry.origin.at,
        remember_until: removal.remember_until,
    };
    let ended = end(step, &doomed)?;
    tell(step, removal.notice.as_ref(), &removal.entry)?;
    Ok(Some(ended))
}

fn delete(
    step: &Step<'_>,
    (tenant, user): (TenantId, UserId),
    which: BoundFactor,
) -> rusqlite::Result<bool> {
    let (tenant, user) = (tenant.blob(), user.blob());
    let gone = match which {
        BoundFactor::Totp => step
            .prepare_cached(REMOVE_TOTP)?
            .execute(params![tenant, user])?,
        BoundFactor::Passkey(id) => {
            step.prepare_cached(REMOVE_PASSKEY)?
                .execute(params![tenant, user, id.blob()])?
        }
    };
    Ok(gone > 0)
}
