//! Rotating a refresh token: the hottest verb.
//!
//! One statement locks the family, reads it with its session and user, and advances or reissues it
//! where the rule says so; those of several callers share it ([`turns`](super::turns)). The rule stands in
//! SQL because the row must change in the same round trip; [`Family::judge`] then judges the same row as
//! it was read, and if the two ever disagreed the verb would fail instead of granting anything.
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
use domain::user::UserStatus;
use serde_json::json;
use tokio_postgres::Row;

use super::super::ending::{self, End, ending};
use super::super::pool::{Step, Values};
use super::super::row::{self, Line, family_columns, get, session_columns, user_columns};
use super::super::{Postgres, Scope};
use crate::port::sessions::{Granted, Rotation, Turn};

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
    session_columns!("greatest(s.last_active_at, f.rotated_at)"),
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
pub(super) fn outcome(row: &Row, turn: &Turn) -> Result<Option<Rotation>, Fault> {
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
        match self.0.turns.order(turn.clone()).await?? {
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
