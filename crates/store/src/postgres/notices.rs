//! Clients that are to be told of ended sessions, on PostgreSQL. They are left by whatever ends a
//! session; see `ending`.

use std::time::Duration;

use domain::id::{SessionId, UserId};
use domain::notice::{Notice, NoticeId};
use domain::rejection::Fault;
use domain::time::UnixMillis;
use tokio_postgres::Row;

use super::pool::Values;
use super::row::{self, get};
use super::{Postgres, Scope};
use crate::port::Pending;
use crate::port::notices::Notices;

/// Leaves notices of the sessions in `ended`, as a part of a `WITH`. A client that describes itself is
/// in no table: whether it is to be told is seen when it is. Of several families the one that was used
/// last says how the client knows the person.
///
/// Parameters: `$1` the tenant, and the present instant.
macro_rules! leaving {
    ($now:literal) => {
        concat!(
            "left_notices AS (
                INSERT INTO logout_notices
                    (tenant_id, session_id, client_id, user_id, sector, due_at, created_at)
                SELECT f.tenant_id, f.session_id, f.client_id, f.user_id, f.details->>'sector',
                       ",
            $now,
            "::bigint, ",
            $now,
            "::bigint
                FROM ended
                JOIN refresh_families AS f ON f.session_id = ended.id
                LEFT JOIN clients AS c ON c.tenant_id = f.tenant_id AND c.id = f.client_id
                WHERE f.tenant_id = $1
                  AND (
                      c.metadata->>'backchannel_logout_uri' IS NOT NULL
                      OR f.client_id LIKE 'http%'
                  )
                ORDER BY f.rotated_at DESC
                ON CONFLICT DO NOTHING
            )"
        )
    };
}
pub(in crate::postgres) use leaving;

/// Notices that another node is claiming at this moment are skipped, not waited for.
const CLAIM_NOTICES: &str = "
    WITH due AS (
        SELECT tenant_id, session_id, client_id
        FROM logout_notices
        WHERE state = 'waiting' AND due_at <= $2
        ORDER BY due_at
        LIMIT $1
        FOR UPDATE SKIP LOCKED
    )
    UPDATE logout_notices AS n
    SET attempts = n.attempts + 1,
        due_at = $3
    FROM due
    WHERE n.tenant_id = due.tenant_id
      AND n.session_id = due.session_id
      AND n.client_id = due.client_id
    RETURNING n.tenant_id, n.session_id, n.client_id, n.user_id, n.sector, n.attempts, n.created_at";

const COMPLETE_NOTICE: &str = "
    DELETE FROM logout_notices
    WHERE tenant_id = $1 AND session_id = $2 AND client_id = $3";

const RETRY_NOTICE: &str = "
    UPDATE logout_notices
    SET due_at = $4,
        error = $5
    WHERE tenant_id = $1 AND session_id = $2 AND client_id = $3 AND state = 'waiting'";

const ABANDON_NOTICE: &str = "
    UPDATE logout_notices
    SET state = 'abandoned',
        error = $4
    WHERE tenant_id = $1 AND session_id = $2 AND client_id = $3 AND state = 'waiting'";

const COUNT_NOTICES: &str = "
    SELECT count(*) AS waiting
    FROM logout_notices
    WHERE state = 'waiting'";

fn notice(row: &Row) -> Result<Notice, Fault> {
    Ok(Notice {
        id: NoticeId {
            tenant: row::tenant(row, "tenant_id")?,
            session: SessionId::from_uuid(get(row, "session_id")?),
            client: get(row, "client_id")?,
        },
        user: UserId::from_uuid(get(row, "user_id")?),
        sector: get(row, "sector")?,
        attempts: row::number(row, "attempts")?,
        created_at: row::instant(row, "created_at")?,
    })
}

impl Notices for Postgres {
    fn claim_notices(
        &self,
        limit: u32,
        now: UnixMillis,
        lease: Duration,
    ) -> Pending<'_, Vec<Notice>> {
        Box::pin(async move {
            let (limit, until) = (i64::from(limit), (now + lease).as_millis());
            let values: Values<'_> = &[&limit, &now.as_millis(), &until];
            let claimed = self.pool().run(Scope::System, CLAIM_NOTICES, values);
            let mut claimed: Vec<Notice> = claimed
                .await?
                .iter()
                .map(notice)
                .collect::<Result<_, Fault>>()?;
            claimed.sort_by_key(|notice| notice.created_at);
            Ok(claimed)
        })
    }

    fn complete_notice(&self, notice: NoticeId) -> Pending<'_, ()> {
        Box::pin(async move {
            let (key, session) = (notice.tenant.as_uuid(), notice.session.as_uuid());
            let values: Values<'_> = &[&key, &session, &notice.client];
            let scope = Scope::Tenant(notice.tenant);
            let done = self.pool().run(scope, COMPLETE_NOTICE, values);
            done.await.map(drop)
        })
    }

    fn retry_notice(&self, notice: NoticeId, at: UnixMillis, error: String) -> Pending<'_, ()> {
        Box::pin(async move {
            let (key, session) = (notice.tenant.as_uuid(), notice.session.as_uuid());
            let (at, error) = (at.as_millis(), error.replace('\0', "\u{fffd}"));
            let values: Values<'_> = &[&key, &session, &notice.client, &at, &error];
            let scope = Scope::Tenant(notice.tenant);
            let done = self.pool().run(scope, RETRY_NOTICE, values);
            done.await.map(drop)
        })
    }

    fn abandon_notice(&self, notice: NoticeId, error: String) -> Pending<'_, ()> {
        Box::pin(async move {
            let (key, session) = (notice.tenant.as_uuid(), notice.session.as_uuid());
            let error = error.replace('\0', "\u{fffd}");
            let values: Values<'_> = &[&key, &session, &notice.client, &error];
            let scope = Scope::Tenant(notice.tenant);
            let done = self.pool().run(scope, ABANDON_NOTICE, values);
            done.await.map(drop)
        })
    }

    fn count_notices(&self) -> Pending<'_, u64> {
        Box::pin(async move {
            let rows = self.pool().run(Scope::System, COUNT_NOTICES, &[]).await?;
            rows.first()
                .map_or(Ok(0), |row| row::number(row, "waiting"))
        })
    }
}
