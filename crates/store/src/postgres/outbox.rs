//! Mails waiting to be sent, on PostgreSQL.

use std::time::Duration;

use domain::id::{MailId, TenantId};
use domain::mail::MailJob;
use domain::rejection::Fault;
use domain::time::UnixMillis;
use tokio_postgres::Row;

use super::row::{self, get};
use super::{Postgres, Scope};
use crate::port::Pending;
use crate::port::outbox::Outbox;

/// Mails that another node is claiming at this moment are skipped, not waited for.
const CLAIM_MAILS: &str = "
    WITH due AS (
        SELECT tenant_id, id
        FROM outbox
        WHERE state = 'waiting' AND due_at <= $2
        ORDER BY created_at, id
        LIMIT $1
        FOR UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE outbox AS o
        SET attempts = o.attempts + 1,
            due_at = $3
        FROM due
        WHERE o.tenant_id = due.tenant_id AND o.id = due.id
        RETURNING o.tenant_id, o.id, o.sealed, o.attempts, o.created_at
    )
    SELECT * FROM claimed
    ORDER BY created_at, id";

const COMPLETE_MAIL: &str = "
    DELETE FROM outbox
    WHERE tenant_id = $1 AND id = $2";

const RETRY_MAIL: &str = "
    UPDATE outbox
    SET due_at = $3,
        error = $4
    WHERE tenant_id = $1 AND id = $2 AND state = 'waiting'";

const ABANDON_MAIL: &str = "
    UPDATE outbox
    SET state = 'abandoned',
        error = $3
    WHERE tenant_id = $1 AND id = $2 AND state = 'waiting'";

const COUNT_WAITING: &str = "
    SELECT count(*) AS waiting
    FROM outbox
    WHERE state = 'waiting'";

fn mail(row: &Row) -> Result<MailJob, Fault> {
    Ok(MailJob {
        id: MailId::from_uuid(get(row, "id")?),
        tenant: row::tenant(row, "tenant_id")?,
        sealed: get(row, "sealed")?,
        attempts: row::number(row, "attempts")?,
        created_at: row::instant(row, "created_at")?,
    })
}

impl Outbox for Postgres {
    fn claim_mails(
        &self,
        limit: u32,
        now: UnixMillis,
        lease: Duration,
    ) -> Pending<'_, Vec<MailJob>> {
        Box::pin(async move {
            let (limit, until) = (i64::from(limit), (now + lease).as_millis());
            let now = now.as_millis();
            let rows = self
                .pool()
                .run(Scope::System, CLAIM_MAILS, &[&limit, &now, &until])
                .await?;
            rows.iter().map(mail).collect()
        })
    }

    fn complete_mail(&self, tenant: TenantId, mail: MailId) -> Pending<'_, ()> {
        Box::pin(async move {
            let (key, id) = (tenant.as_uuid(), mail.as_uuid());
            self.pool()
                .run(Scope::Tenant(tenant), COMPLETE_MAIL, &[&key, &id])
                .await
                .map(drop)
        })
    }

    fn retry_mail(
        &self,
        tenant: TenantId,
        mail: MailId,
        at: UnixMillis,
        error: String,
    ) -> Pending<'_, ()> {
        Box::pin(async move {
            let (key, id, at) = (tenant.as_uuid(), mail.as_uuid(), at.as_millis());
            let error = error.replace('\0', "\u{fffd}");
            self.pool()
                .run(Scope::Tenant(tenant), RETRY_MAIL, &[&key, &id, &at, &error])
                .await
                .map(drop)
        })
    }

    fn abandon_mail(&self, tenant: TenantId, mail: MailId, error: String) -> Pending<'_, ()> {
        Box::pin(async move {
            let (key, id) = (tenant.as_uuid(), mail.as_uuid());
            let error = error.replace('\0', "\u{fffd}");
            self.pool()
                .run(Scope::Tenant(tenant), ABANDON_MAIL, &[&key, &id, &error])
                .await
                .map(drop)
        })
    }

    fn count_waiting(&self) -> Pending<'_, u64> {
        Box::pin(async move {
            let rows = self.pool().run(Scope::System, COUNT_WAITING, &[]).await?;
            rows.first()
                .map_or(Ok(0), |row| row::number(row, "waiting"))
        })
    }
}
