//! The names that other issuers have for people, on PostgreSQL.

use domain::event::Entry;
use domain::id::{TenantId, UserId};
use domain::identity::ExternalIdentity;
use domain::mail::MailJob;
use domain::rejection::Fault;
use domain::time::UnixMillis;
use tokio_postgres::Row;
use uuid::Uuid;

use super::factors::{Head, telling};
use super::pool::Values;
use super::row::{self, get};
use super::{Postgres, Scope};
use crate::port::Pending;
use crate::port::identities::{Identities, Linking, MAX_IDENTITIES};

/// Run while the account is locked. Two accounts may be given one name at the same moment: the primary key
/// makes the second wait, and then nothing of it is done; it does not see whose the name became.
const LINK_IDENTITY: &str = concat!(
    "WITH owner AS (
        SELECT id
        FROM users
        WHERE tenant_id = $1 AND id = $4
    ), crowd AS (
        SELECT count(*) AS size
        FROM external_identities
        WHERE tenant_id = $1 AND user_id = $4
    ), done AS (
        INSERT INTO external_identities (tenant_id, issuer, subject, user_id, created_at)
        SELECT $1, $9, $10, owner.id, $11
        FROM owner
        JOIN crowd ON crowd.size < $12
        ON CONFLICT (tenant_id, issuer, subject) DO NOTHING
        RETURNING user_id
    ), ",
    telling!("done"),
    "
    SELECT EXISTS (SELECT FROM done) AS is_new,
           crowd.size < $12 AS has_room,
           held.user_id AS holder,
           held.created_at AS since
    FROM owner
    CROSS JOIN crowd
    LEFT JOIN external_identities AS held
        ON held.tenant_id = $1 AND held.issuer = $9 AND held.subject = $10"
);

const UNLINK_IDENTITY: &str = concat!(
    "WITH gone AS (
        DELETE FROM external_identities
        WHERE tenant_id = $1 AND issuer = $9 AND subject = $10 AND user_id = $4
        RETURNING user_id
    ), ",
    telling!("gone"),
    "
    SELECT user_id FROM gone"
);

const LIST_IDENTITIES: &str = "
    SELECT tenant_id, user_id, issuer, subject, created_at
    FROM external_identities
    WHERE tenant_id = $1 AND user_id = $2
    ORDER BY created_at, issuer, subject";

const FIND_IDENTITY: &str = "
    SELECT user_id
    FROM external_identities
    WHERE tenant_id = $1 AND issuer = $2 AND subject = $3";

impl Identities for Postgres {
    fn link_identity(
        &self,
        identity: ExternalIdentity,
        notice: MailJob,
        entry: Entry,
    ) -> Pending<'_, Linking> {
        Box::pin(self.give_identity(identity, notice, entry))
    }

    fn unlink_identity(
        &self,
        identity: ExternalIdentity,
        notice: MailJob,
        entry: Entry,
    ) -> Pending<'_, bool> {
        Box::pin(async move {
            let head = Head::of(identity.user, Some(&notice), &entry);
            let values = head.with(&[&identity.issuer, &identity.subject]);
            let scope = Scope::Tenant(identity.tenant);
            let gone = self.pool().run(scope, UNLINK_IDENTITY, &values).await?;
            Ok(!gone.is_empty())
        })
    }

    fn list_identities(
        &self,
        tenant: TenantId,
        user: UserId,
    ) -> Pending<'_, Vec<ExternalIdentity>> {
        Box::pin(async move {
            let values: Values<'_> = &[&tenant.as_uuid(), &user.as_uuid()];
            let scope = Scope::Tenant(tenant);
            let rows = self.pool().run(scope, LIST_IDENTITIES, values).await?;
            rows.iter().map(identity).collect()
        })
    }

    fn find_identity(
        &self,
        tenant: TenantId,
        issuer: String,
        subject: String,
    ) -> Pending<'_, Option<UserId>> {
        Box::pin(async move {
            let values: Values<'_> = &[&tenant.as_uuid(), &issuer, &subject];
            let scope = Scope::Tenant(tenant);
            let rows = self.pool().run(scope, FIND_IDENTITY, values).await?;
            let user = |row| get(row, "user_id").map(UserId::from_uuid);
            rows.first().map(user).transpose()
        })
    }
}

impl Postgres {
    async fn give_identity(
        &self,
        identity: ExternalIdentity,
        notice: MailJob,
        entry: Entry,
    ) -> Result<Linking, Fault> {
        let head = Head::of(identity.user, Some(&notice), &entry);
        let (since, most) = (identity.created_at.as_millis(), i64::from(MAX_IDENTITIES));
        let values = head.with(&[&identity.issuer, &identity.subject, &since, &most]);
        let owner = (identity.tenant, identity.user);
        let rows = self
            .with_owner_locked(owner, LINK_IDENTITY, &values)
            .await?;
        let Some(row) = rows.first() else {
            return Ok(Linking::Missing);
        };
        if get(row, "is_new")? {
            return Ok(Linking::Linked);
        }
        match get::<Option<Uuid>>(row, "holder")? {
            Some(holder) if holder == identity.user.as_uuid() => {
                let since: i64 = get(row, "since")?;
                Ok(Linking::Before(UnixMillis::from_millis(since)))
            }
            None if !get::<bool>(row, "has_room")? => Ok(Linking::TooMany),
            _ => Ok(Linking::Taken),
        }
    }
}

fn identity(row: &Row) -> Result<ExternalIdentity, Fault> {
    Ok(ExternalIdentity {
        tenant: row::tenant(row, "tenant_id")?,
        user: UserId::from_uuid(get(row, "user_id")?),
        issuer: get(row, "issuer")?,
        subject: get(row, "subject")?,
        created_at: row::instant(row, "created_at")?,
    })
}
