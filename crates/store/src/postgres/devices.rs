//! Waiting devices on PostgreSQL; redeeming what an allowed one is worth is in `sessions`.

use std::time::Duration;

use domain::id::TenantId;
use domain::rejection::Fault;
use domain::scope::ScopeSet;
use domain::time::UnixMillis;
use tokio_postgres::Row;

use super::pool::{Step, Values};
use super::row::{self, Line, get};
use super::{Postgres, Scope};
use crate::port::Pending;
use crate::port::authorizations::{CodeIssue, NewCode};
use crate::port::devices::{
    Denial, DeviceStatus, Devices, FoundDevice, NewDevice, Poll, Polled, SLOWER, SLOWEST,
    WaitingDevice,
};

const BEGIN_DEVICE: &str = "
    INSERT INTO device_codes (
        tenant_id, signature, user_code_key, client_id, scope, resources, status, created_at,
        expires_at, interval_s
    )
    VALUES ($1, $2, $3, $4, $5, $6, 'waiting', $7, $8, $9)
    ON CONFLICT DO NOTHING
    RETURNING signature";

const FIND_DEVICE: &str = "
    SELECT signature, client_id, scope, resources, expires_at
    FROM device_codes
    WHERE tenant_id = $1
      AND user_code_key = $2
      AND status = 'waiting'
      AND expires_at > $3";

/// Locks as issuing a code does: the user before the session, then the device. Whoever decides at once
/// waits for the first to commit, and then finds it decided.
///
/// `$4` the device, `$5` the client, `$6` the user, `$7` the session, `$8` what the code is worth, `$9`
/// the present instant, `$10` the code's end.
const ALLOW_DEVICE: &str = "
    WITH holder AS (
        SELECT s.id
        FROM users AS u
        JOIN sessions AS s ON s.tenant_id = u.tenant_id AND s.user_id = u.id
        WHERE u.tenant_id = $1
          AND u.id = $6
          AND u.status = 'active'
          AND s.id = $7
          AND s.ended_at IS NULL
          AND s.expires_at > $9
        FOR KEY SHARE OF u, s
    ), allowed AS (
        UPDATE device_codes AS d
        SET status = 'allowed'
        FROM holder
        WHERE d.tenant_id = $1
          AND d.signature = $4
          AND d.client_id = $5
          AND d.status = 'waiting'
          AND d.expires_at > $9
        RETURNING d.signature, holder.id
    ), code AS (
        INSERT INTO codes (
            tenant_id, signature, client_id, user_id, session_id, content, created_at, expires_at
        )
        SELECT $1, $4, $5, $6, allowed.id, $8, $9, $10
        FROM allowed
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3
        FROM allowed
    )
    SELECT EXISTS (SELECT FROM allowed) AS is_allowed
    FROM holder";

const DENY_DEVICE: &str = "
    WITH denied AS (
        UPDATE device_codes
        SET status = 'denied'
        WHERE tenant_id = $1
          AND signature = $4
          AND status = 'waiting'
          AND expires_at > $5
        RETURNING signature
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3
        FROM denied
    )
    SELECT signature
    FROM denied";

/// Polls of one device are answered one after the other.
const LOCK_POLLED: &str = "
    SELECT status, expires_at, polled_at, interval_s
    FROM device_codes
    WHERE tenant_id = $1 AND signature = $2 AND client_id = $3
    FOR NO KEY UPDATE";

/// Remembers what [`FoundDevice::answer`] says of the locked row. `$5` and `$6` are how much slower,
/// and how slow at most.
const POLL_DEVICE: &str = "
    UPDATE device_codes
    SET polled_at = $4,
        interval_s = CASE
            WHEN $4 < polled_at + interval_s * 1000 THEN least(interval_s + $5::bigint, $6::bigint)
            ELSE interval_s
        END
    WHERE tenant_id = $1
      AND signature = $2
      AND client_id = $3
      AND status = 'waiting'
      AND expires_at > $4";

fn waiting(row: &Row) -> Result<WaitingDevice, Fault> {
    Ok(WaitingDevice {
        signature: row::bytes32(row, "signature")?,
        client: get(row, "client_id")?,
        scope: ScopeSet::from_stored(get(row, "scope")?),
        resources: get(row, "resources")?,
        expires_at: row::instant(row, "expires_at")?,
    })
}

fn polled(row: &Row) -> Result<FoundDevice, Fault> {
    let status: &str = get(row, "status")?;
    let status = DeviceStatus::parse(status)
        .ok_or_else(|| Fault::Broken("a device has an unknown status".to_owned()))?;
    Ok(FoundDevice {
        status,
        expires_at: row::instant(row, "expires_at")?,
        polled_at: row::maybe_instant(row, "polled_at")?,
        interval: Duration::from_secs(row::number(row, "interval_s")?),
    })
}

fn seconds(span: Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
}

impl Postgres {
    async fn store_device(&self, device: NewDevice) -> Result<bool, Fault> {
        let tenant = device.tenant.as_uuid();
        let values: Values<'_> = &[
            &tenant,
            &device.signature.as_slice(),
            &device.user_code.as_slice(),
            &device.client,
            &row::scopes(&device.scope),
            &device.resources,
            &device.created_at.as_millis(),
            &device.expires_at.as_millis(),
            &seconds(device.interval),
        ];
        let scope = Scope::Tenant(device.tenant);
        let stored = self.pool().run(scope, BEGIN_DEVICE, values).await?;
        Ok(!stored.is_empty())
    }

    async fn allow(&self, new: NewCode) -> Result<CodeIssue, Fault> {
        let (line, grant) = (Line::of(&new.entry), &new.grant);
        let values: Values<'_> = &[
            &line.tenant,
            &line.at,
            &line.fields,
            &new.signature.as_slice(),
            &grant.client,
            &grant.user.as_uuid(),
            &grant.session.as_uuid(),
            &row::to_json(grant)?,
            &new.created_at.as_millis(),
            &new.expires_at.as_millis(),
        ];
        let scope = Scope::Tenant(new.tenant);
        let rows = self.pool().run(scope, ALLOW_DEVICE, values).await?;
        let Some(row) = rows.first() else {
            return Ok(CodeIssue::SessionEnded);
        };
        if get(row, "is_allowed")? {
            return Ok(CodeIssue::Issued);
        }
        Ok(CodeIssue::AlreadySpent)
    }

    async fn deny(&self, denial: Denial) -> Result<bool, Fault> {
        let line = Line::of(&denial.entry);
        let (signature, now) = (denial.signature.as_slice(), denial.now.as_millis());
        let values: Values<'_> = &[&line.tenant, &line.at, &line.fields, &signature, &now];
        let scope = Scope::Tenant(denial.tenant);
        let denied = self.pool().run(scope, DENY_DEVICE, values).await?;
        Ok(!denied.is_empty())
    }

    async fn answer_poll(&self, poll: Poll) -> Result<Polled, Fault> {
        if !row::is_storable(&poll.client) {
            return Ok(Polled::Unknown);
        }
        let (tenant, signature) = (poll.tenant.as_uuid(), poll.signature.as_slice());
        let (now, slower, slowest) = (poll.now.as_millis(), seconds(SLOWER), seconds(SLOWEST));
        let lock: Values<'_> = &[&tenant, &signature, &poll.client];
        let remember: Values<'_> = &[&tenant, &signature, &poll.client, &now, &slower, &slowest];
        let steps = [(LOCK_POLLED, lock), (POLL_DEVICE, remember)];
        let steps = steps.map(|(sql, values)| Step { sql, values });
        let scope = Scope::Tenant(poll.tenant);
        let answers = self.pool().run_all(scope, &steps).await?;
        let found = answers.first().and_then(|rows| rows.first());
        found.map_or(Ok(Polled::Unknown), |row| {
            polled(row).map(|found| found.answer(poll.now))
        })
    }
}

impl Devices for Postgres {
    fn begin_device(&self, device: NewDevice) -> Pending<'_, bool> {
        Box::pin(self.store_device(device))
    }

    fn find_device(
        &self,
        tenant: TenantId,
        user_code: [u8; 32],
        now: UnixMillis,
    ) -> Pending<'_, Option<WaitingDevice>> {
        Box::pin(async move {
            let (id, code, now) = (tenant.as_uuid(), user_code.as_slice(), now.as_millis());
            let values: Values<'_> = &[&id, &code, &now];
            let scope = Scope::Tenant(tenant);
            let rows = self.pool().run(scope, FIND_DEVICE, values).await?;
            rows.first().map(waiting).transpose()
        })
    }

    fn allow_device(&self, code: NewCode) -> Pending<'_, CodeIssue> {
        Box::pin(self.allow(code))
    }

    fn deny_device(&self, denial: Denial) -> Pending<'_, bool> {
        Box::pin(self.deny(denial))
    }

    fn poll_device(&self, poll: Poll) -> Pending<'_, Polled> {
        Box::pin(self.answer_poll(poll))
    }
}
