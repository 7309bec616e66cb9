//! Rotating a refresh token: the hottest verb.
//!
//! One statement locks the family, reads it with its session and user, and advances or reissues it
//! where the rule says so. The rule stands in SQL because the row must change in the same round
//! trip; [`Family::judge`] then judges the same row as it was read, and if the two ever disagreed
//! the verb would fail instead of granting anything.
//!
//! Under READ COMMITTED a statement that waited for the family's lock reads the family anew. Of N
//! concurrent presentations one finds the number current; the others find what it left.
//!
//! A reuse is rare and ends other families too, which must be locked in order: it takes a
//! transaction of its own, judges again, and writes then.

use domain::event::{Entry, EventKind, Origin};
use domain::id::{FamilyId, TenantId};
use domain::rejection::Fault;
use domain::session::{EndReason, Family, Presentation};
use domain::time::UnixMillis;
use domain::user::UserStatus;
use serde_json::json;
use tokio_postgres::Row;

use super::super::ending::{self, End, ending};
use super::super::pool::{Step, Values};
use super::super::row::{self, Line, family_columns, get, session_columns, user_columns};
use super::super::{Postgres, Scope};
use crate::port::sessions::{Granted, Rotation, Turn};

/// `$2` the present instant, `$3` the fields of the entry, `$4` the family, `$5` the client, `$6`
/// the number presented, `$7` the reuse window and `$8` the idle time in milliseconds, `$9` the key that
/// was proved, `$10` whether the family goes on to another token, `$11` the certificate that was
/// shown.
const ROTATE_REFRESH: &str = concat!(
    "WITH before AS (
        SELECT ",
    family_columns!(),
    ", ",
    session_columns!(),
    ", ",
    user_columns!(),
    ", s.ended_at AS s_ended_at
        FROM refresh_families AS f
        JOIN sessions AS s ON s.tenant_id = f.tenant_id AND s.id = f.session_id
        JOIN users AS u ON u.tenant_id = f.tenant_id AND u.id = f.user_id
        WHERE f.tenant_id = $1 AND f.id = $4 AND f.client_id = $5
          AND coalesce(f.details->>'dpop_jkt', $9::text, '') = coalesce($9::text, '')
          AND coalesce(f.details->>'certificate', $11::text, '') = coalesce($11::text, '')
        FOR NO KEY UPDATE OF f
    ), verdict AS (
        SELECT f_id, s_id, u_id, f_client,
               CASE
                   WHEN $6::bigint = f_generation THEN 'current'
                   WHEN $2::bigint - f_rotated_at > $7::bigint AND NOT f_reissued THEN 'reissue'
               END AS what
        FROM before
        WHERE f_ended_at IS NULL
          AND s_ended_at IS NULL
          AND u_status = 'active'
          AND $6::bigint BETWEEN f_generation - 1 AND f_generation
          AND $2::bigint < least(f_idle_expires_at, f_expires_at)
    ), written AS (
        UPDATE refresh_families AS f
        SET generation = f.generation + (verdict.what = 'current' AND $10::boolean)::int,
            rotated_at = CASE
                WHEN verdict.what = 'current' AND $10::boolean THEN $2
                ELSE f.rotated_at
            END,
            idle_expires_at = CASE verdict.what
                WHEN 'current' THEN $2 + $8::bigint
                ELSE f.idle_expires_at
            END,
            reissued = verdict.what = 'reissue' OR NOT $10::boolean
        FROM verdict
        WHERE f.tenant_id = $1 AND f.id = verdict.f_id AND verdict.what IS NOT NULL
        RETURNING verdict.s_id, verdict.u_id, verdict.f_client, verdict.what
    ), seen AS (
        UPDATE sessions AS s
        SET last_active_at = $2
        FROM written
        WHERE s.tenant_id = $1 AND s.id = written.s_id AND written.what = 'current'
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3::jsonb || jsonb_build_object(
            'subject', u_id::text,
            'session_id', s_id::text,
            'client_id', f_client,
            'detail', CASE what WHEN 'reissue' THEN '{\"reissued\": true}'::jsonb ELSE '{}' END
        )
        FROM written
    )
    SELECT before.*, (SELECT what FROM written) AS what
    FROM before"
);

const LOAD_FAMILY: &str = concat!(
    "SELECT ",
    family_columns!(),
    " FROM refresh_families AS f
    WHERE f.tenant_id = $1 AND f.id = $2 AND f.client_id = $3
      AND coalesce(f.details->>'dpop_jkt', $4::text, '') = coalesce($4::text, '')
      AND coalesce(f.details->>'certificate', $5::text, '') = coalesce($5::text, '')"
);

const LOAD_LIVE_FAMILY: &str = concat!(
    "SELECT ",
    family_columns!(),
    ", ",
    session_columns!(),
    ", ",
    user_columns!(),
    " FROM refresh_families AS f
    JOIN sessions AS s ON s.tenant_id = f.tenant_id AND s.id = f.session_id
    JOIN users AS u ON u.tenant_id = f.tenant_id AND u.id = f.user_id
    WHERE f.tenant_id = $1 AND f.id = $2 AND f.client_id = $3
      AND f.ended_at IS NULL
      AND s.ended_at IS NULL
      AND u.status = 'active'"
);

const END_REUSED: &str = concat!(
    "WITH ",
    ending!("s.id = $7"),
    ", entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3
        FROM ended
    )
    SELECT id FROM ended"
);

/// What a family's row says that [`Family`] does not: that it ended, and how.
fn ended_as(row: &Row, family: &Family) -> Result<Option<Rotation>, Fault> {
    let ended: Option<i64> = get(row, "f_ended_at")?;
    if ended.is_none() {
        return Ok(None);
    }
    let reason: Option<&str> = get(row, "f_ended_reason")?;
    Ok(Some(match reason {
        Some(word) if word == EndReason::Reuse.as_str() => Rotation::Reused(family.session),
        _ => Rotation::Ended,
    }))
}

/// What the row, as it was before, makes of the turn; `None` for a reuse that nobody has acted on.
fn outcome(row: &Row, turn: &Turn) -> Result<Option<Rotation>, Fault> {
    let written: Option<&str> = get(row, "what")?;
    let family = row::family(row)?;
    if let Some(end) = ended_as(row, &family)? {
        return agreed(written, None, end).map(Some);
    }
    // A family that began while its session ended was seen by nobody who could end it.
    if row::maybe_instant(row, "s_ended_at")?.is_some() {
        return agreed(written, None, Rotation::Ended).map(Some);
    }
    let user = row::user(row)?;
    let judgement = family.judge(turn.generation, turn.now, turn.window);
    let expected = match judgement {
        Presentation::Reuse => return Ok(None),
        Presentation::Expired => return agreed(written, None, Rotation::Ended).map(Some),
        _ if user.status != UserStatus::Active => {
            return agreed(written, None, Rotation::Ended).map(Some);
        }
        Presentation::Unissued => return agreed(written, None, Rotation::Unknown).map(Some),
        Presentation::Current => Some("current"),
        Presentation::Reissue => Some("reissue"),
        Presentation::Repeat => None,
    };
    let mut granted = Granted {
        session: row::session(row)?,
        advanced: judgement == Presentation::Current,
        family,
        user,
    };
    apply(judgement, turn, &mut granted);
    agreed(written, expected, Rotation::Granted(Box::new(granted))).map(Some)
}

/// Makes of the family as it was the family as it is.
fn apply(judgement: Presentation, turn: &Turn, granted: &mut Granted) {
    match judgement {
        Presentation::Current => {
            granted.family.advance(turn.rotates, turn.now, turn.idle);
            granted.session.last_active_at = turn.now;
        }
        Presentation::Reissue => granted.family.reissued = true,
        _ => {}
    }
}

/// Gives the rotation if the statement wrote what the judgement expected.
fn agreed(
    written: Option<&str>,
    expected: Option<&str>,
    rotation: Rotation,
) -> Result<Rotation, Fault> {
    if written == expected {
        return Ok(rotation);
    }
    Err(Fault::Broken(format!(
        "a rotation was written as {written:?} and judged as {expected:?}"
    )))
}

fn reuse_entry(origin: &Origin, family: &Family) -> Entry {
    Entry::new(EventKind::TokenReuseDetected, origin)
        .about(&family.user)
        .through(&family.client)
        .within(family.session)
        .with(json!({"reason": EndReason::Reuse.as_str()}))
        .failed()
}

impl Postgres {
    pub(super) async fn rotate(&self, turn: Turn) -> Result<Rotation, Fault> {
        if !row::is_storable(&turn.client) {
            return Ok(Rotation::Unknown);
        }
        let line = Line::of(&Entry::new(EventKind::TokenRefreshed, &turn.origin));
        let (tenant, family) = (turn.tenant.as_uuid(), turn.family.as_uuid());
        let span = |span: std::time::Duration| (UnixMillis::default() + span).as_millis();
        let values: Values<'_> = &[
            &tenant,
            &turn.now.as_millis(),
            &line.fields,
            &family,
            &turn.client,
            &i64::from(turn.generation),
            &span(turn.window),
            &span(turn.idle),
            &turn.jkt,
            &turn.rotates,
            &turn.certificate,
        ];
        let scope = Scope::Tenant(turn.tenant);
        let rows = self.pool().run(scope, ROTATE_REFRESH, values).await?;
        let Some(row) = rows.first() else {
            return Ok(Rotation::Unknown);
        };
        match outcome(row, &turn)? {
            Some(rotation) => Ok(rotation),
            None => self.end_reused(&turn).await,
        }
    }

    pub(super) async fn load_live_family(
        &self,
        tenant: TenantId,
        family: FamilyId,
        client: String,
    ) -> Result<Option<Granted>, Fault> {
        if !row::is_storable(&client) {
            return Ok(None);
        }
        let values: Values<'_> = &[&tenant.as_uuid(), &family.as_uuid(), &client];
        let scope = Scope::Tenant(tenant);
        let rows = self.pool().run(scope, LOAD_LIVE_FAMILY, values).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        Ok(Some(Granted {
            family: row::family(row)?,
            session: row::session(row)?,
            user: row::user(row)?,
            advanced: false,
        }))
    }

    /// Ends the family's session with all its families, after judging again under their locks.
    async fn end_reused(&self, turn: &Turn) -> Result<Rotation, Fault> {
        let (tenant, id) = (turn.tenant.as_uuid(), turn.family.as_uuid());
        let mut link = self.pool().link().await?;
        let look = [
            Step {
                sql: ending::LOCK_FAMILIES_OF_FAMILY,
                values: &[&tenant, &id],
            },
            Step {
                sql: LOAD_FAMILY,
                values: &[&tenant, &id, &turn.client, &turn.jkt, &turn.certificate],
            },
        ];
        let answers = link.begin(Scope::Tenant(turn.tenant), &look).await?;
        let Some(row) = answers.last().and_then(|rows| rows.first()) else {
            link.leave().await?;
            return Ok(Rotation::Unknown);
        };
        let family = row::family(row)?;
        if let Some(end) = ended_as(row, &family)? {
            link.leave().await?;
            return Ok(end);
        }
        if family.judge(turn.generation, turn.now, turn.window) != Presentation::Reuse {
            return Err(Fault::Broken("a reuse ceased to be one".to_owned()));
        }
        let line = Line::of(&reuse_entry(&turn.origin, &family));
        let end = End::new(EndReason::Reuse, turn.now, turn.remember_until);
        let session = family.session.as_uuid();
        let sql = END_REUSED;
        let values: Values<'_> = &[
            &tenant,
            &line.at,
            &line.fields,
            &end.remember_until,
            &end.reason,
            &end.now,
            &session,
        ];
        link.commit(&[Step { sql, values }]).await?;
        Ok(Rotation::Reused(family.session))
    }
}
