//! One presentation of a refresh token: the hot path of the whole store.
//!
//! One look at family, session and user by their keys, then one update by row number and one entry:
//! when the session was last active is told by its family, unless that does not rotate. That the writer is alone makes "at most one advances" true without further ado.

use domain::event::{Entry, EventKind};
use domain::id::{FamilyId, SessionId, TenantId};
use domain::session::{EndReason, Presentation};
use domain::user::UserStatus;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::json;

use super::{Doomed, end};
use crate::port::sessions::{EndTarget, Granted, Rotation, Turn};
use crate::sqlite::row::{self, Columns, Id, family_columns, session_columns, user_columns};
use crate::sqlite::{Step, audit};

pub(in crate::sqlite) const SELECT: &str = concat!(
    "SELECT f.rowid, s.rowid, COALESCE(f.ended_at, s.ended_at), f.end_reason, ",
    family_columns!(),
    ", ",
    session_columns!("max(s.last_active_at, f.rotated_at)"),
    ", ",
    user_columns!(),
    "
FROM refresh_families AS f
CROSS JOIN sessions AS s ON s.tenant_id = f.tenant_id AND s.id = f.session_id
CROSS JOIN users AS u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
WHERE f.tenant_id = ?1 AND f.id = ?2 AND f.client_id = ?3"
);

const ADVANCE: &str = "UPDATE refresh_families
SET generation = ?2, rotated_at = ?3, idle_expires_at = ?4, reissued = ?5
WHERE rowid = ?1";

const REISSUE: &str = "UPDATE refresh_families
SET reissued = 1
WHERE rowid = ?1";

const TOUCH: &str = "UPDATE sessions
SET last_active_at = ?2
WHERE rowid = ?1";

/// A family as it was found.
struct Found {
    family_row: i64,
    session_row: i64,
    is_ended: bool,
    by_reuse: bool,
    granted: Granted,
}

/// Judges a presentation and does what the judgement says.
pub(super) fn rotate(step: &Step<'_>, turn: &Turn) -> rusqlite::Result<Rotation> {
    let mut statement = step.prepare_cached(SELECT)?;
    let bounds = params![turn.tenant.blob(), turn.family.blob(), turn.client];
    let Some(found) = statement.query_row(bounds, read).optional()? else {
        return Ok(Rotation::Unknown);
    };
    let Granted { family, user, .. } = &found.granted;
    if !family.is_open_to(turn.jkt.as_deref(), turn.certificate.as_deref()) {
        return Ok(Rotation::Unknown);
    }
    if found.by_reuse {
        return Ok(Rotation::Reused(family.session));
    }
    if found.is_ended || user.status != UserStatus::Active {
        return Ok(Rotation::Ended);
    }
    match family.judge(turn.generation, turn.now, turn.window) {
        Presentation::Current => advance(step, turn, found),
        Presentation::Repeat => Ok(Rotation::Granted(Box::new(found.granted))),
        Presentation::Reissue => reissue(step, turn, found),
        Presentation::Reuse => punish(step, turn, &found.granted),
        Presentation::Expired => Ok(Rotation::Ended),
        Presentation::Unissued => Ok(Rotation::Unknown),
    }
}

/// Reads a family that has not ended.
pub(super) fn load(
    connection: &Connection,
    tenant: TenantId,
    family: FamilyId,
    client: &str,
) -> rusqlite::Result<Option<Granted>> {
    let mut statement = connection.prepare_cached(SELECT)?;
    let bounds = params![tenant.blob(), family.blob(), client];
    let found = statement.query_row(bounds, read).optional()?;
    let may_go_on =
        |found: &Found| !found.is_ended && found.granted.user.status == UserStatus::Active;
    Ok(found.filter(may_go_on).map(|found| found.granted))
}

fn advance(step: &Step<'_>, turn: &Turn, mut found: Found) -> rusqlite::Result<Rotation> {
    let granted = &mut found.granted;
    granted.family.advance(turn.rotates, turn.now, turn.idle);
    granted.session.last_active_at = turn.now;
    granted.advanced = true;
    step.prepare_cached(ADVANCE)?.execute(params![
        found.family_row,
        granted.family.generation,
        granted.family.rotated_at.as_millis(),
        granted.family.idle_expires_at.as_millis(),
        granted.family.reissued,
    ])?;
    if !turn.rotates {
        step.prepare_cached(TOUCH)?
            .execute(params![found.session_row, turn.now.as_millis()])?;
    }
    let told = entry(EventKind::TokenRefreshed, turn, &found.granted);
    audit::write(step, &told)?;
    Ok(Rotation::Granted(Box::new(found.granted)))
}

fn reissue(step: &Step<'_>, turn: &Turn, mut found: Found) -> rusqlite::Result<Rotation> {
    found.granted.family.reissued = true;
    step.prepare_cached(REISSUE)?.execute([found.family_row])?;
    let told = entry(EventKind::TokenRefreshed, turn, &found.granted);
    audit::write(step, &told.with(json!({"reissued": true})))?;
    Ok(Rotation::Granted(Box::new(found.granted)))
}

fn punish(step: &Step<'_>, turn: &Turn, granted: &Granted) -> rusqlite::Result<Rotation> {
    let session: SessionId = granted.session.id;
    let doomed = Doomed {
        tenant: turn.tenant,
        which: EndTarget::Session(granted.user.id, session),
        reason: EndReason::Reuse,
        now: turn.now,
        remember_until: turn.remember_until,
    };
    end(step, &doomed)?;
    let told = entry(EventKind::TokenReuseDetected, turn, granted);
    audit::write(step, &told.failed())?;
    Ok(Rotation::Reused(session))
}

fn entry(kind: EventKind, turn: &Turn, granted: &Granted) -> Entry {
    Entry::new(kind, &turn.origin)
        .about(&granted.user.id)
        .through(&turn.client)
        .within(granted.session.id)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Found> {
    let columns = &mut Columns::of(row);
    Ok(Found {
        family_row: columns.take()?,
        session_row: columns.take()?,
        is_ended: columns.take::<Option<i64>>()?.is_some(),
        by_reuse: columns.take::<Option<String>>()?.as_deref() == Some(EndReason::Reuse.as_str()),
        granted: Granted {
            family: row::family(columns)?,
            session: row::session(columns)?,
            user: row::user(columns)?,
            advanced: false,
        },
    })
}
