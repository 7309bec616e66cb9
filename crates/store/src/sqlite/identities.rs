//! The names that other issuers have for people, in SQLite.

use domain::event::Entry;
use domain::id::{TenantId, UserId};
use domain::identity::ExternalIdentity;
use domain::mail::MailJob;
use domain::time::UnixMillis;
use rusqlite::{OptionalExtension, Row, params};

use super::factors::tell;
use super::row::{Columns, Id};
use super::{Sqlite, Step};
use crate::port::Pending;
use crate::port::identities::{Identities, Linking, MAX_IDENTITIES};

const IS_THERE: &str = "SELECT 1
FROM users
WHERE tenant_id = ?1 AND id = ?2";

const HOLDER: &str = "SELECT user_id, created_at
FROM external_identities
WHERE tenant_id = ?1 AND issuer = ?2 AND subject = ?3";

const COUNT: &str = "SELECT COUNT(*)
FROM external_identities
WHERE tenant_id = ?1 AND user_id = ?2";

const LINK: &str =
    "INSERT INTO external_identities (tenant_id, issuer, subject, user_id, created_at)
VALUES (?1, ?2, ?3, ?4, ?5)";

const UNLINK: &str = "DELETE FROM external_identities
WHERE tenant_id = ?1 AND issuer = ?2 AND subject = ?3 AND user_id = ?4";

pub(super) const LIST: &str = "SELECT tenant_id, user_id, issuer, subject, created_at
FROM external_identities
WHERE tenant_id = ?1 AND user_id = ?2
ORDER BY created_at, issuer, subject";

pub(super) const FIND: &str = "SELECT user_id
FROM external_identities
WHERE tenant_id = ?1 AND issuer = ?2 AND subject = ?3";

impl Identities for Sqlite {
    fn link_identity(
        &self,
        identity: ExternalIdentity,
        notice: MailJob,
        entry: Entry,
    ) -> Pending<'_, Linking> {
        self.write(move |step| {
            let linking = link(step, &identity)?;
            if linking == Linking::Linked {
                tell(step, Some(&notice), &entry)?;
            }
            Ok(linking)
        })
    }

    fn unlink_identity(
        &self,
        identity: ExternalIdentity,
        notice: MailJob,
        entry: Entry,
    ) -> Pending<'_, bool> {
        self.write(move |step| {
            let unlinked = step.prepare_cached(UNLINK)?.execute(params![
                identity.tenant.blob(),
                identity.issuer,
                identity.subject,
                identity.user.blob(),
            ])?;
            if unlinked > 0 {
                tell(step, Some(&notice), &entry)?;
            }
            Ok(unlinked > 0)
        })
    }

    fn list_identities(
        &self,
        tenant: TenantId,
        user: UserId,
    ) -> Pending<'_, Vec<ExternalIdentity>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(LIST)?;
            let rows = statement.query_map([tenant.blob(), user.blob()], read)?;
            rows.collect()
        })
    }

    fn find_identity(
        &self,
        tenant: TenantId,
        issuer: String,
        subject: String,
    ) -> Pending<'_, Option<UserId>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(FIND)?;
            let bounds = params![tenant.blob(), issuer, subject];
            let found = statement.query_row(bounds, |row| Columns::of(row).id());
            found.optional()
        })
    }
}

fn link(step: &Step<'_>, identity: &ExternalIdentity) -> rusqlite::Result<Linking> {
    let (tenant, user) = (identity.tenant.blob(), identity.user.blob());
    if !step.prepare_cached(IS_THERE)?.exists([tenant, user])? {
        return Ok(Linking::Missing);
    }
    if let Some((holder, since)) = find_holder(step, identity)? {
        let is_own = holder == identity.user;
        return Ok(if is_own {
            Linking::Before(since)
        } else {
            Linking::Taken
        });
    }
    let count: u32 = step
        .prepare_cached(COUNT)?
        .query_row([tenant, user], |row| row.get(0))?;
    if count >= MAX_IDENTITIES {
        return Ok(Linking::TooMany);
    }
    step.prepare_cached(LINK)?.execute(params![
        tenant,
        identity.issuer,
        identity.subject,
        user,
        identity.created_at.as_millis(),
    ])?;
    Ok(Linking::Linked)
}

fn find_holder(
    step: &Step<'_>,
    identity: &ExternalIdentity,
) -> rusqlite::Result<Option<(UserId, UnixMillis)>> {
    let mut statement = step.prepare_cached(HOLDER)?;
    let bounds = params![identity.tenant.blob(), identity.issuer, identity.subject];
    let found = statement.query_row(bounds, |row| {
        let mut columns = Columns::of(row);
        Ok((columns.id()?, columns.time()?))
    });
    found.optional()
}

fn read(row: &Row<'_>) -> rusqlite::Result<ExternalIdentity> {
    let mut columns = Columns::of(row);
    Ok(ExternalIdentity {
        tenant: columns.id()?,
        user: columns.id()?,
        issuer: columns.take()?,
        subject: columns.take()?,
        created_at: columns.time()?,
    })
}
