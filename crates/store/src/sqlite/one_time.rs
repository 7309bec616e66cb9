//! One-time tokens in SQLite.

use domain::event::Entry;
use domain::id::{TenantId, UserId};
use domain::mail::MailJob;
use domain::one_time::{OneTime, Purpose};
use domain::session::EndReason;
use domain::time::UnixMillis;
use rusqlite::{Connection, OptionalExtension, params};

use super::row::{Columns, Id};
use super::sessions::{Doomed, end};
use super::{Sqlite, Step, attempts, audit, outbox, users};
use crate::port::Pending;
use crate::port::one_time::{OneTimes, ResetRedemption};
use crate::port::sessions::EndedSessions;

/// An account may be deleted between a flow's look and this write; then nothing is stored.
const REPLACE: &str = "INSERT OR REPLACE INTO one_time
    (tenant_id, user_id, purpose, signature, created_at, expires_at)
SELECT tenant_id, id, ?3, ?4, ?5, ?6
FROM users
WHERE tenant_id = ?1 AND id = ?2";

const SELECT: &str = "SELECT user_id
FROM one_time
WHERE tenant_id = ?1 AND signature = ?2 AND purpose = ?3 AND expires_at > ?4";

const FORGET: &str = "DELETE FROM one_time
WHERE tenant_id = ?1 AND user_id = ?2 AND purpose = ?3";

impl OneTimes for Sqlite {
    fn issue_one_time(&self, token: OneTime, mail: MailJob, entry: Entry) -> Pending<'_, ()> {
        self.write(move |step| {
            if replace(step, &token)? {
                outbox::queue(step, &mail)?;
                audit::write(step, &entry)?;
            }
            Ok(())
        })
    }

    fn load_one_time(
        &self,
        tenant: TenantId,
        purpose: Purpose,
        signature: [u8; 32],
        now: UnixMillis,
    ) -> Pending<'_, Option<UserId>> {
        self.read(move |connection| find(connection, tenant, purpose, (&signature, now)))
    }

    fn redeem_reset(
        &self,
        redemption: ResetRedemption,
    ) -> Pending<'_, Option<(UserId, EndedSessions)>> {
        self.write(move |step| reset(step, &redemption))
    }

    fn redeem_verification(
        &self,
        tenant: TenantId,
        signature: [u8; 32],
        now: UnixMillis,
        entry: Entry,
    ) -> Pending<'_, Option<UserId>> {
        self.write(move |step| {
            let found = find(step, tenant, Purpose::VerifyEmail, (&signature, now))?;
            let Some(user) = found else {
                return Ok(None);
            };
            forget(step, tenant, user, Purpose::VerifyEmail)?;
            users::verify_email(step, (tenant, user), now, &entry)?;
            audit::write(step, &entry.clone().about(&user))?;
            Ok(Some(user))
        })
    }

    fn send_mail(&self, mail: MailJob, entry: Entry) -> Pending<'_, ()> {
        self.write(move |step| {
            outbox::queue(step, &mail)?;
            audit::write(step, &entry)
        })
    }
}

/// Stores a token in the place of an older one; false when its user is gone.
pub(super) fn replace(step: &Step<'_>, token: &OneTime) -> rusqlite::Result<bool> {
    let stored = step.prepare_cached(REPLACE)?.execute(params![
        token.tenant.blob(),
        token.user.blob(),
        token.purpose.as_str(),
        token.signature,
        token.created_at.as_millis(),
        token.expires_at.as_millis(),
    ])?;
    Ok(stored > 0)
}

/// Forgets the user's token of this purpose.
pub(super) fn forget(
    step: &Step<'_>,
    tenant: TenantId,
    user: UserId,
    purpose: Purpose,
) -> rusqlite::Result<()> {
    let mut statement = step.prepare_cached(FORGET)?;
    statement.execute(params![tenant.blob(), user.blob(), purpose.as_str()])?;
    Ok(())
}

fn find(
    connection: &Connection,
    tenant: TenantId,
    purpose: Purpose,
    (signature, now): (&[u8; 32], UnixMillis),
) -> rusqlite::Result<Option<UserId>> {
    let mut statement = connection.prepare_cached(SELECT)?;
    let bounds = params![tenant.blob(), signature, purpose.as_str(), now.as_millis()];
    let found = statement.query_row(bounds, |row| Columns::of(row).id());
    found.optional()
}

fn reset(
    step: &Step<'_>,
    redemption: &ResetRedemption,
) -> rusqlite::Result<Option<(UserId, EndedSessions)>> {
    let (tenant, now) = (redemption.tenant, redemption.now);
    let presented = (&redemption.signature, now);
    let Some(user) = find(step, tenant, Purpose::ResetPassword, presented)? else {
        return Ok(None);
    };
    forget(step, tenant, user, Purpose::ResetPassword)?;
    users::reset_password(step, (tenant, user), &redemption.password)?;
    let ended = end(
        step,
        &Doomed {
            tenant,
            which: crate::port::sessions::EndTarget::User(user, None),
            reason: EndReason::PasswordChanged,
            now,
            remember_until: redemption.remember_until,
        },
    )?;
    attempts::clear(step, tenant, &redemption.clear_attempts)?;
    outbox::queue(step, &redemption.notice)?;
    audit::write(step, &redemption.entry.clone().about(&user))?;
    Ok(Some((user, ended)))
}
