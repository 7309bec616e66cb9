//! Taking factors from accounts.

use domain::id::{TenantId, UserId};
use domain::one_time::Purpose;
use domain::session::EndReason;
use rusqlite::params;

use super::{backup_codes, tell};
use crate::port::factors::{BoundFactor, RecoverFactors, RemoveAllFactors, RemoveFactor};
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

/// As [`port::factors`](crate::port::factors) says who may be recovered by mail.
const MAY_RECOVER: &str = "SELECT 1
FROM users
WHERE tenant_id = ?1 AND id = ?2 AND status = 'active' AND email_verified
    AND password_set_at = ?3 AND NOT password_compromised AND NOT password_by_mail";

const SPEND_CODE: &str = "DELETE FROM one_time
WHERE tenant_id = ?1 AND user_id = ?2 AND purpose = ?3 AND signature = ?4 AND expires_at > ?5";

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
    let doomed = Doomed {
        tenant,
        which: EndTarget::User(user, None),
        reason: EndReason::Administrator,
        now: removal.entry.origin.at,
        remember_until: removal.remember_until,
    };
    let ended = strip(step, user, &doomed)?;
    tell(step, removal.notice.as_ref(), &removal.entry)?;
    Ok(Some(ended))
}

/// Takes everything from whoever shows a mailed code, and ends the sessions.
pub(super) fn recover(
    step: &Step<'_>,
    recovery: &RecoverFactors,
) -> rusqlite::Result<Option<EndedSessions>> {
    let (tenant, user, now) = (recovery.tenant, recovery.user, recovery.entry.origin.at);
    let shown = params![
        tenant.blob(),
        user.blob(),
        recovery.password_set_at.as_millis()
    ];
    if !step.prepare_cached(MAY_RECOVER)?.exists(shown)? || !spend(step, recovery)? {
        return Ok(None);
    }
    let doomed = Doomed {
        tenant,
        which: EndTarget::User(user, None),
        reason: EndReason::FactorsRecovered,
        now,
        remember_until: recovery.remember_until,
    };
    let ended = strip(step, user, &doomed)?;
    tell(step, recovery.notice.as_ref(), &recovery.entry)?;
    Ok(Some(ended))
}

/// Spends the code, if it is the user's and still good.
fn spend(step: &Step<'_>, recovery: &RecoverFactors) -> rusqlite::Result<bool> {
    let mut statement = step.prepare_cached(SPEND_CODE)?;
    let purpose = Purpose::RecoverFactors.as_str();
    let now = recovery.entry.origin.at.as_millis();
    let (tenant, user) = (recovery.tenant.blob(), recovery.user.blob());
    for signature in &recovery.signatures {
        if statement.execute(params![tenant, user, purpose, signature, now])? > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Takes everything from a user whose sessions end.
fn strip(step: &Step<'_>, user: UserId, doomed: &Doomed) -> rusqlite::Result<EndedSessions> {
    for sql in [FORGET_TOTP, FORGET_PASSKEYS] {
        let owner = params![doomed.tenant.blob(), user.blob()];
        step.prepare_cached(sql)?.execute(owner)?;
    }
    backup_codes::forget(step, (doomed.tenant, user))?;
    end(step, doomed)
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
