//! Waiting devices in SQLite; redeeming what an allowed one is worth is in `sessions`.

use std::time::Duration;

use domain::id::TenantId;
use domain::time::UnixMillis;
use rusqlite::{OptionalExtension, Row, params};

use super::authorizations::{find_live, insert_code};
use super::row::{self, Columns, Id};
use super::{Sqlite, Step, audit};
use crate::port::Pending;
use crate::port::authorizations::{CodeIssue, NewCode};
use crate::port::devices::{
    Denial, DeviceStatus, Devices, FoundDevice, NewDevice, Poll, Polled, SLOWER, SLOWEST,
    WaitingDevice,
};

const BEGIN: &str = "INSERT INTO device_codes
    (tenant_id, signature, user_code_key, client_id, scope, resources, status, created_at, expires_at,
    interval_s)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'waiting', ?7, ?8, ?9)
ON CONFLICT DO NOTHING";

pub(super) const FIND: &str = "SELECT signature, client_id, scope, resources, expires_at
FROM device_codes
WHERE tenant_id = ?1 AND user_code_key = ?2 AND status = 'waiting' AND expires_at > ?3";

const DECIDE: &str = "UPDATE device_codes
SET status = ?4
WHERE tenant_id = ?1 AND signature = ?2 AND status = 'waiting' AND expires_at > ?3
    AND (?5 IS NULL OR client_id = ?5)";

pub(super) const SELECT_POLLED: &str = "SELECT status, expires_at, polled_at, interval_s
FROM device_codes
WHERE tenant_id = ?1 AND signature = ?2 AND client_id = ?3";

const POLL: &str = "UPDATE device_codes
SET polled_at = ?3, interval_s = ?4
WHERE tenant_id = ?1 AND signature = ?2";

impl Devices for Sqlite {
    fn begin_device(&self, device: NewDevice) -> Pending<'_, bool> {
        self.write(move |step| begin(step, &device))
    }

    fn find_device(
        &self,
        tenant: TenantId,
        user_code: [u8; 32],
        now: UnixMillis,
    ) -> Pending<'_, Option<WaitingDevice>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(FIND)?;
            let bounds = params![tenant.blob(), user_code, now.as_millis()];
            statement.query_row(bounds, waiting).optional()
        })
    }

    fn allow_device(&self, code: NewCode) -> Pending<'_, CodeIssue> {
        self.write(move |step| allow(step, &code))
    }

    fn deny_device(&self, denial: Denial) -> Pending<'_, bool> {
        self.write(move |step| {
            let decided = step.prepare_cached(DECIDE)?.execute(params![
                denial.tenant.blob(),
                denial.signature,
                denial.now.as_millis(),
                DeviceStatus::Denied.as_str(),
                None::<String>,
            ])?;
            if decided > 0 {
                audit::write(step, &denial.entry)?;
            }
            Ok(decided > 0)
        })
    }

    fn poll_device(&self, poll: Poll) -> Pending<'_, Polled> {
        self.write(move |step| answer(step, &poll))
    }
}

fn begin(step: &Step<'_>, device: &NewDevice) -> rusqlite::Result<bool> {
    let stored = step.prepare_cached(BEGIN)?.execute(params![
        device.tenant.blob(),
        device.signature,
        device.user_code,
        device.client,
        device.scope.to_string(),
        row::json(&device.resources)?,
        device.created_at.as_millis(),
        device.expires_at.as_millis(),
        seconds(device.interval),
    ])?;
    Ok(stored > 0)
}

fn allow(step: &Step<'_>, new: &NewCode) -> rusqlite::Result<CodeIssue> {
    let live = find_live(step, new.tenant, new.grant.session, new.created_at)?;
    if live.is_none_or(|(session, _)| session.user != new.grant.user) {
        return Ok(CodeIssue::SessionEnded);
    }
    let decided = step.prepare_cached(DECIDE)?.execute(params![
        new.tenant.blob(),
        new.signature,
        new.created_at.as_millis(),
        DeviceStatus::Allowed.as_str(),
        new.grant.client,
    ])?;
    if decided == 0 {
        return Ok(CodeIssue::AlreadySpent);
    }
    insert_code(step, new)?;
    audit::write(step, &new.entry)?;
    Ok(CodeIssue::Issued)
}

fn answer(step: &Step<'_>, poll: &Poll) -> rusqlite::Result<Polled> {
    let mut statement = step.prepare_cached(SELECT_POLLED)?;
    let bounds = params![poll.tenant.blob(), poll.signature, poll.client];
    let Some(found) = statement.query_row(bounds, polled).optional()? else {
        return Ok(Polled::Unknown);
    };
    let answer = found.answer(poll.now);
    let interval = match answer {
        Polled::Waiting => found.interval,
        Polled::TooSoon => SLOWEST.min(found.interval.saturating_add(SLOWER)),
        _ => return Ok(answer),
    };
    step.prepare_cached(POLL)?.execute(params![
        poll.tenant.blob(),
        poll.signature,
        poll.now.as_millis(),
        seconds(interval),
    ])?;
    Ok(answer)
}

fn seconds(span: Duration) -> u32 {
    u32::try_from(span.as_secs()).unwrap_or(u32::MAX)
}

fn waiting(row: &Row<'_>) -> rusqlite::Result<WaitingDevice> {
    let columns = &mut Columns::of(row);
    Ok(WaitingDevice {
        signature: columns.take()?,
        client: columns.take()?,
        scope: row::scope(&columns.take::<String>()?),
        resources: columns.json()?,
        expires_at: columns.time()?,
    })
}

fn polled(row: &Row<'_>) -> rusqlite::Result<FoundDevice> {
    let columns = &mut Columns::of(row);
    Ok(FoundDevice {
        status: columns.word(DeviceStatus::parse)?,
        expires_at: columns.time()?,
        polled_at: columns.maybe_time()?,
        interval: Duration::from_secs(columns.take::<u32>()?.into()),
    })
}
