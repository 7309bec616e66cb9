//! A sign-in, and the room it takes.
//!
//! One statement looks at the user, counts the sessions that did not end, and stores the sign-in if
//! there is room: one round trip. Who has [`MAX_SESSIONS`] already gets a transaction of its own,
//! which ends the oldest first, under the locks that everybody takes in one order (see
//! [`ending`](super::super::ending)).

use domain::attempt::AttemptKeys;
use domain::id::SessionId;
use domain::rejection::Fault;
use domain::session::EndReason;
use domain::time::UnixMillis;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::super::ending::{End, ending};
use super::super::pool::{Step, Values};
use super::super::row::{self, Line, get, last_active};
use super::super::{Postgres, Scope};
use crate::port::sessions::{EndedSessions, MAX_SESSIONS, NewSession, StepUp};

/// The shared lock on the user and the look at its status and password are one: a lock by an operator
/// or a reset either comes first, and then nothing is stored, or waits, and then ends what was stored.
/// Counting goes no further than to the `$30` sessions that leave no room.
const BEGIN_SESSION: &str = "
    WITH owner AS (
        SELECT id
        FROM users
        WHERE tenant_id = $1
          AND id = $4
          AND status = 'active'
          AND ($23::bigint IS NULL OR password_set_at = $23 AND NOT password_compromised)
        FOR SHARE
    ), crowd AS (
        SELECT count(*) AS size
        FROM (
            SELECT
            FROM sessions
            WHERE tenant_id = $1 AND user_id = $4 AND ended_at IS NULL
            LIMIT $30::bigint
        ) AS unended
    ), guest AS (
        SELECT owner.id
        FROM owner
        JOIN crowd ON crowd.size < $30
    ), session AS (
        INSERT INTO sessions (
            tenant_id, id, user_id, auth_time, amr, acr, address, user_agent, created_at,
            last_active_at, expires_at, proofs, device
        )
        SELECT $1, $5, guest.id, $6, $7, $8, $9, $10, $11, $12, $13, $25, $26
        FROM guest
    ), letter AS (
        INSERT INTO outbox (tenant_id, id, sealed, attempts, created_at, due_at)
        SELECT $1, $27::uuid, $28::bytea, 0, $29::bigint, $29::bigint
        FROM guest
        WHERE $27::uuid IS NOT NULL
          AND EXISTS (SELECT FROM sessions WHERE tenant_id = $1 AND user_id = $4)
          AND NOT EXISTS (
              SELECT
              FROM sessions
              WHERE tenant_id = $1 AND user_id = $4 AND device = $26
          )
    ), family AS (
        INSERT INTO refresh_families (
            tenant_id, id, session_id, user_id, client_id, scope, generation, rotated_at, reissued,
            idle_expires_at, expires_at, details
        )
        SELECT $1, $14, $5, guest.id, $15, $16, $17, $18, $19, $20, $21, $24
        FROM guest
    ), cleared AS (
        DELETE FROM attempts
        WHERE tenant_id = $1 AND key = ANY($22::bytea[]) AND EXISTS (SELECT FROM guest)
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3
        FROM guest
    )
    SELECT EXISTS (SELECT FROM guest) AS has_begun
    FROM owner";

/// The shared lock on the user lets a lock by an operator come first or wait, as above.
const STEP_UP: &str = "
    WITH owner AS (
        SELECT id
        FROM users
        WHERE tenant_id = $1 AND id = $4 AND status = 'active'
        FOR SHARE
    ), grown AS (
        UPDATE sessions AS s
        SET auth_time = $6, amr = $7, acr = $8, proofs = $9
        FROM owner
        WHERE s.tenant_id = $1 AND s.id = $5 AND s.user_id = owner.id AND s.ended_at IS NULL
        RETURNING s.id
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3
        FROM grown
    )
    SELECT id FROM grown";

const LOCK_OWNER: &str = "
    SELECT id
    FROM users
    WHERE tenant_id = $1
      AND id = $2
      AND status = 'active'
      AND ($3::bigint IS NULL OR password_set_at = $3 AND NOT password_compromised)
    FOR SHARE";

/// Locks the families of what was not used for longest: of all sessions but the last used.
const LOCK_OLDEST: &str = concat!(
    "SELECT f.session_id AS id
    FROM refresh_families AS f
    WHERE f.tenant_id = $1
      AND f.session_id IN (
          SELECT s.id
          FROM sessions AS s
          WHERE s.tenant_id = $1 AND s.user_id = $2 AND s.ended_at IS NULL
          ORDER BY ",
    last_active!(),
    " DESC, s.id DESC
          LIMIT $3::bigint
          OFFSET $4::bigint
      )
      AND f.ended_at IS NULL
    ORDER BY f.id
    FOR NO KEY UPDATE"
);

const END_OLDEST: &str = concat!(
    "WITH ",
    ending!("s.id = ANY ($7::uuid[])"),
    ", entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3
        WHERE EXISTS (SELECT FROM ended)
    )
    SELECT id FROM ended"
);

/// Gives the keys of counters as the array that `ANY` takes.
fn owned_words(keys: &AttemptKeys) -> Vec<Vec<u8>> {
    keys.iter().map(|key| key.0.to_vec()).collect()
}

/// How many sessions one sign-in ends at most.
const ENDED_AT_ONCE: i64 = 1_000;

/// What the user and the crowd make of a sign-in.
enum Welcome {
    Begun,
    Refused,
    Crowded,
}

/// The values of [`BEGIN_SESSION`], all but the last.
struct Parameters(Vec<Box<dyn ToSql + Send + Sync>>);

// === impl Welcome ===

impl Welcome {
    fn of(rows: &[Row]) -> Result<Self, Fault> {
        match rows.first() {
            None => Ok(Self::Refused),
            Some(row) if get(row, "has_begun")? => Ok(Self::Begun),
            Some(_) => Ok(Self::Crowded),
        }
    }
}

// === impl Parameters ===

impl Parameters {
    fn of(new: &NewSession) -> Result<Self, Fault> {
        let line = Line::of(&new.entry);
        let (session, family) = (&new.session, &new.family);
        let letter = new.new_device_notice.as_ref();
        let scope: Vec<String> = family.scope.iter().map(ToString::to_string).collect();
        Ok(Self(vec![
            Box::new(line.tenant),
            Box::new(line.at),
            Box::new(line.fields),
            Box::new(session.user.as_uuid()),
            Box::new(session.id.as_uuid()),
            Box::new(session.auth_time.as_millis()),
            Box::new(session.amr.clone()),
            Box::new(session.acr.clone()),
            Box::new(row::address(session.address)),
            Box::new(session.user_agent.clone()),
            Box::new(session.created_at.as_millis()),
            Box::new(session.last_active_at.as_millis()),
            Box::new(session.expires_at.as_millis()),
            Box::new(family.id.as_uuid()),
            Box::new(family.client.clone()),
            Box::new(scope),
            Box::new(i64::from(family.generation)),
            Box::new(family.rotated_at.as_millis()),
            Box::new(family.reissued),
            Box::new(family.idle_expires_at.as_millis()),
            Box::new(family.expires_at.as_millis()),
            Box::new(new.clear_attempts.as_ref().map(owned_words)),
            Box::new(new.password_set_at.map(UnixMillis::as_millis)),
            Box::new(row::to_json(&family.details)?),
            Box::new(row::to_json(&session.proofs)?),
            Box::new(session.device()),
            Box::new(letter.map(|letter| letter.id.as_uuid())),
            Box::new(letter.map(|letter| letter.sealed.clone())),
            Box::new(letter.map(|letter| letter.created_at.as_millis())),
        ]))
    }

    /// Gives the values, with how many sessions leave no room as the last.
    fn with<'a>(&'a self, crowd: &'a i64) -> Vec<&'a (dyn ToSql + Sync)> {
        let own = self
            .0
            .iter()
            .map(|value| -> &(dyn ToSql + Sync) { value.as_ref() });
        own.chain(std::iter::once::<&(dyn ToSql + Sync)>(crowd))
            .collect()
    }
}

// === impl Postgres ===

impl Postgres {
    /// Stores a sign-in, and makes room for it first if there is none.
    pub(super) async fn begin(&self, new: NewSession) -> Result<Option<EndedSessions>, Fault> {
        let scope = Scope::Tenant(new.session.tenant);
        let parameters = Parameters::of(&new)?;
        let most = i64::from(MAX_SESSIONS);
        let values = parameters.with(&most);
        let rows = self.pool().run(scope, BEGIN_SESSION, &values).await?;
        match Welcome::of(&rows)? {
            Welcome::Begun => Ok(Some(EndedSessions::new())),
            Welcome::Refused => Ok(None),
            Welcome::Crowded => self.displace(&new, &parameters).await,
        }
    }

    /// Makes a sign-in what it is with one more factor.
    pub(super) async fn step_up(&self, up: StepUp) -> Result<bool, Fault> {
        let line = Line::of(&up.entry);
        let proofs = row::to_json(&up.proofs)?;
        let values: Values<'_> = &[
            &line.tenant,
            &line.at,
            &line.fields,
            &up.user.as_uuid(),
            &up.session.as_uuid(),
            &up.auth_time.as_millis(),
            &up.amr,
            &up.acr,
            &proofs,
        ];
        let scope = Scope::Tenant(up.tenant);
        let rows = self.pool().run(scope, STEP_UP, values).await?;
        Ok(!rows.is_empty())
    }

    /// Ends what was not used for longest, and stores the sign-in.
    async fn displace(
        &self,
        new: &NewSession,
        parameters: &Parameters,
    ) -> Result<Option<EndedSessions>, Fault> {
        let (tenant, user) = (new.session.tenant.as_uuid(), new.session.user.as_uuid());
        let set_at = new.password_set_at.map(UnixMillis::as_millis);
        let kept = i64::from(MAX_SESSIONS) - 1;
        let look = [
            Step {
                sql: LOCK_OWNER,
                values: &[&tenant, &user, &set_at],
            },
            Step {
                sql: LOCK_OLDEST,
                values: &[&tenant, &user, &ENDED_AT_ONCE, &kept],
            },
        ];
        let mut link = self.pool().link().await?;
        let scope = Scope::Tenant(new.session.tenant);
        let answers = link.begin(scope, &look).await?;
        let [owner, oldest] = answers.as_slice() else {
            return Err(Fault::Broken("two questions, other answers".to_owned()));
        };
        if owner.is_empty() {
            link.leave().await?;
            return Ok(None);
        }
        let line = Line::of(&new.displacement());
        let ids = session_uuids(oldest)?;
        let end = End::new(
            EndReason::Displaced,
            new.session.created_at,
            new.remember_until,
        );
        let ending: Values<'_> = &[
            &tenant,
            &line.at,
            &line.fields,
            &end.remember_until,
            &end.reason,
            &end.now,
            &ids,
        ];
        let begin = parameters.with(&i64::MAX);
        let steps = [(END_OLDEST, ending), (BEGIN_SESSION, &begin)];
        let steps = steps.map(|(sql, values)| Step { sql, values });
        let answers = link.commit(&steps).await?;
        row::session_ids(answers.first().map_or(&[], Vec::as_slice)).map(Some)
    }
}

/// Reads ids to hand them back to the server.
fn session_uuids(rows: &[Row]) -> Result<Vec<Uuid>, Fault> {
    let ids = row::session_ids(rows)?;
    Ok(ids.into_iter().map(SessionId::as_uuid).collect())
}
