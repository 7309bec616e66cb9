//! A sign-in, and the room it takes.
//!
//! A user has at most [`MAX_SESSIONS`] sessions that did not end. Counting them is one look into an
//! index that holds no others; only who has too many pays for sorting them.

use domain::id::SessionId;
use domain::session::{EndReason, Family, Session};
use domain::time::UnixMillis;
use rusqlite::params;

use super::{Epitaph, bury};
use crate::port::sessions::{EndedSessions, MAX_SESSIONS, NewSession, StepUp};
use crate::sqlite::row::{self, Columns, Id, last_active};
use crate::sqlite::{Step, attempts, audit, outbox};

/// Nothing is stored unless the user is active, and the password shown is theirs and known to nobody
/// else, at this very moment.
const INSERT: &str = "INSERT INTO sessions
    (tenant_id, id, user_id, auth_time, amr, acr, address, user_agent, created_at, last_active_at,
     expires_at, proofs, device)
SELECT tenant_id, ?2, id, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?13, ?14
FROM users
WHERE tenant_id = ?1 AND id = ?3 AND status = 'active'
    AND (?12 IS NULL OR (password_set_at = ?12 AND NOT password_compromised))";

const STEP_UP: &str = "UPDATE sessions
SET auth_time = ?4, amr = ?5, acr = ?6, proofs = ?7
WHERE tenant_id = ?1 AND id = ?2 AND user_id = ?3 AND ended_at IS NULL
    AND EXISTS (SELECT 1 FROM users WHERE tenant_id = ?1 AND id = ?3 AND status = 'active')";

const IS_NEW_DEVICE: &str = "SELECT COUNT(*) > 0 AND COALESCE(SUM(device = ?4), 0) = 0
FROM sessions
WHERE tenant_id = ?1 AND user_id = ?2 AND id <> ?3";

const INSERT_FAMILY: &str = "INSERT INTO refresh_families
    (tenant_id, id, session_id, user_id, client_id, scope, generation, rotated_at, reissued,
     idle_expires_at, expires_at, details)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

pub(in crate::sqlite) const COUNT: &str = "SELECT COUNT(*)
FROM sessions
WHERE tenant_id = ?1 AND user_id = ?2 AND ended_at IS NULL";

/// The session that is begun is none of those that it displaces, whatever the clock says.
pub(in crate::sqlite) const END_OLDEST: &str = concat!(
    "UPDATE sessions
SET ended_at = ?4
WHERE tenant_id = ?1 AND id IN (
    SELECT s.id
    FROM sessions AS s
    WHERE s.tenant_id = ?1 AND s.user_id = ?2 AND s.ended_at IS NULL AND s.id <> ?3
    ORDER BY ",
    last_active!(),
    " DESC, s.id DESC
    LIMIT ?5 OFFSET ?6
)
RETURNING id"
);

/// How many sessions one sign-in ends at most.
const ENDED_AT_ONCE: u32 = 1_000;

/// Stores a sign-in, and ends the oldest sessions of a user who has too many.
pub(super) fn begin(step: &Step<'_>, new: &NewSession) -> rusqlite::Result<Option<EndedSessions>> {
    let session = &new.session;
    let stored = step.prepare_cached(INSERT)?.execute(params![
        session.tenant.blob(),
        session.id.blob(),
        session.user.blob(),
        session.auth_time.as_millis(),
        row::json(&session.amr)?,
        session.acr,
        session.address.map(|address| address.to_string()),
        session.user_agent,
        session.created_at.as_millis(),
        session.last_active_at.as_millis(),
        session.expires_at.as_millis(),
        new.password_set_at.map(UnixMillis::as_millis),
        row::json(&session.proofs)?,
        session.device(),
    ])?;
    if stored == 0 {
        return Ok(None);
    }
    insert_family(step, &new.family)?;
    if let Some(keys) = &new.clear_attempts {
        attempts::clear(step, session.tenant, keys)?;
    }
    if let Some(letter) = &new.new_device_notice
        && is_new_device(step, session)?
    {
        outbox::queue(step, letter)?;
    }
    audit::write(step, &new.entry)?;
    make_room(step, new).map(Some)
}

/// Makes a sign-in what it is with one more factor.
pub(super) fn step_up(step: &Step<'_>, up: &StepUp) -> rusqlite::Result<bool> {
    let grown = step.prepare_cached(STEP_UP)?.execute(params![
        up.tenant.blob(),
        up.session.blob(),
        up.user.blob(),
        up.auth_time.as_millis(),
        row::json(&up.amr)?,
        up.acr,
        row::json(&up.proofs)?,
    ])?;
    if grown > 0 {
        audit::write(step, &up.entry)?;
    }
    Ok(grown > 0)
}

/// Says whether a session just stored is the first of its user with such a device, and not the first of
/// all.
fn is_new_device(step: &Step<'_>, session: &Session) -> rusqlite::Result<bool> {
    let bounds = params![
        session.tenant.blob(),
        session.user.blob(),
        session.id.blob(),
        session.device(),
    ];
    step.prepare_cached(IS_NEW_DEVICE)?
        .query_row(bounds, |row| row.get(0))
}

/// Stores a family.
pub(super) fn insert_family(step: &Step<'_>, family: &Family) -> rusqlite::Result<()> {
    step.prepare_cached(INSERT_FAMILY)?.execute(params![
        family.tenant.blob(),
        family.id.blob(),
        family.session.blob(),
        family.user.blob(),
        family.client,
        family.scope.to_string(),
        family.generation,
        family.rotated_at.as_millis(),
        family.reissued,
        family.idle_expires_at.as_millis(),
        family.expires_at.as_millis(),
        row::json(&family.details)?,
    ])?;
    Ok(())
}

/// Ends what was not used for longest, if the user has too many with the session just stored.
fn make_room(step: &Step<'_>, new: &NewSession) -> rusqlite::Result<EndedSessions> {
    let ended = mark_oldest(step, new)?;
    if ended.is_empty() {
        return Ok(ended);
    }
    let epitaph = Epitaph {
        tenant: new.session.tenant,
        reason: EndReason::Displaced,
        now: new.session.created_at,
        remember_until: new.remember_until,
    };
    bury(step, &epitaph, &ended)?;
    audit::write(step, &new.displacement())?;
    Ok(ended)
}

fn mark_oldest(step: &Step<'_>, new: &NewSession) -> rusqlite::Result<Vec<SessionId>> {
    let (tenant, user) = (new.session.tenant.blob(), new.session.user.blob());
    let count: u32 = step
        .prepare_cached(COUNT)?
        .query_row(params![tenant, user], |row| row.get(0))?;
    if count <= MAX_SESSIONS {
        return Ok(Vec::new());
    }
    let mut statement = step.prepare_cached(END_OLDEST)?;
    let bounds = params![
        tenant,
        user,
        new.session.id.blob(),
        new.session.created_at.as_millis(),
        ENDED_AT_ONCE,
        MAX_SESSIONS - 1,
    ];
    let rows = statement.query_map(bounds, |row| Columns::of(row).id())?;
    rows.collect()
}
