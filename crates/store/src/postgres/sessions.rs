//! Sessions and refresh families on PostgreSQL; rotation is in [`rotate`].

use domain::event::Entry;
use domain::id::{SessionId, TenantId, UserId};
use domain::rejection::Fault;
use domain::session::Session;
use domain::time::UnixMillis;
use uuid::Uuid;

use super::attempts::words;
use super::ending::{self, End, ending};
use super::pool::{Step, Values, within};
use super::row::{self, Line, session_columns};
use super::{Postgres, Scope};
use crate::port::Pending;
use crate::port::sessions::{
    EndTarget, EndedSessions, Ending, NewSession, Rotation, Sessions, Turn,
};

mod rotate;

/// The shared lock on the user and the look at its status and password are one: a lock by an operator
/// or a reset either comes first, and then nothing is stored, or waits, and then ends what was stored.
const BEGIN_SESSION: &str = "
    WITH owner AS (
        SELECT id
        FROM users
        WHERE tenant_id = $1
          AND id = $4
          AND status = 'active'
          AND ($23::bigint IS NULL OR password_set_at = $23)
        FOR SHARE
    ), session AS (
        INSERT INTO sessions (
            tenant_id, id, user_id, auth_time, amr, acr, address, user_agent, created_at,
            last_active_at, expires_at
        )
        SELECT $1, $5, owner.id, $6, $7, $8, $9, $10, $11, $12, $13
        FROM owner
    ), family AS (
        INSERT INTO refresh_families (
            tenant_id, id, session_id, user_id, client_id, scope, generation, rotated_at, reissued,
            idle_expires_at, expires_at
        )
        SELECT $1, $14, $5, owner.id, $15, $16, $17, $18, $19, $20, $21
        FROM owner
    ), cleared AS (
        DELETE FROM attempts
        WHERE tenant_id = $1 AND key = ANY($22::bytea[]) AND EXISTS (SELECT FROM owner)
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3
        FROM owner
    )
    SELECT id FROM owner";

/// Ends sessions and writes the entry if there were any.
macro_rules! end_sessions {
    ($condition:literal) => {
        concat!(
            "WITH ",
            ending!($condition),
            ", entry AS (
                INSERT INTO audit (tenant_id, at, fields)
                SELECT $1, $2, $3
                WHERE EXISTS (SELECT FROM ended)
            )
            SELECT id FROM ended"
        )
    };
}

const END_FAMILY: &str = end_sessions!(
    "s.id = (SELECT session_id FROM refresh_families WHERE tenant_id = $1 AND id = $7)"
);

const END_SESSION: &str = end_sessions!("s.user_id = $7 AND s.id = $8");

const END_USER: &str = end_sessions!("s.user_id = $7 AND s.id IS DISTINCT FROM $8::uuid");

const REVOKE_ACCESS: &str = "
    WITH told AS (
        INSERT INTO changes (tenant_id, kind, about, expires_at)
        VALUES ($1, 'access_revoked', $4, $5)
    )
    INSERT INTO audit (tenant_id, at, fields)
    VALUES ($1, $2, $3)";

const LIST_SESSIONS: &str = concat!(
    "SELECT ",
    session_columns!(),
    " FROM sessions AS s
    WHERE s.tenant_id = $1
      AND s.user_id = $2
      AND s.ended_at IS NULL
      AND s.expires_at > $3
    ORDER BY s.last_active_at DESC, s.id DESC"
);

impl Postgres {
    async fn insert_session(&self, new: NewSession) -> Result<bool, Fault> {
        let line = Line::of(&new.entry);
        let (session, family) = (&new.session, &new.family);
        let (user, session_id, family_id) = (
            session.user.as_uuid(),
            session.id.as_uuid(),
            family.id.as_uuid(),
        );
        let address = row::address(session.address);
        let scope = row::scopes(&family.scope);
        let clear = new.clear_attempts.as_ref().map(words);
        let values: Values<'_> = &[
            &line.tenant,
            &line.at,
            &line.fields,
            &user,
            &session_id,
            &session.auth_time.as_millis(),
            &session.amr,
            &session.acr,
            &address,
            &session.user_agent,
            &session.created_at.as_millis(),
            &session.last_active_at.as_millis(),
            &session.expires_at.as_millis(),
            &family_id,
            &family.client,
            &scope,
            &i64::from(family.generation),
            &family.rotated_at.as_millis(),
            &family.reissued,
            &family.idle_expires_at.as_millis(),
            &family.expires_at.as_millis(),
            &clear,
            &new.password_set_at.map(UnixMillis::as_millis),
        ];
        let scope = Scope::Tenant(session.tenant);
        let begun = self.pool().run(scope, BEGIN_SESSION, values).await?;
        Ok(!begun.is_empty())
    }

    async fn end(&self, ending: Ending) -> Result<EndedSessions, Fault> {
        let (key, other): (Uuid, Option<Uuid>) = match ending.target {
            EndTarget::Family(family) => (family.as_uuid(), None),
            EndTarget::Session(user, session) => (user.as_uuid(), Some(session.as_uuid())),
            EndTarget::User(user, keep) => (user.as_uuid(), keep.map(SessionId::as_uuid)),
        };
        let (lock, sql) = match ending.target {
            EndTarget::Family(_) => (ending::LOCK_FAMILIES_OF_FAMILY, END_FAMILY),
            EndTarget::Session(..) => (ending::LOCK_FAMILIES_OF_USER, END_SESSION),
            EndTarget::User(..) => (ending::LOCK_FAMILIES_OF_USER, END_USER),
        };
        let line = Line::of(&ending.entry);
        let tenant = ending.tenant.as_uuid();
        let end = End::new(ending.reason, ending.now, ending.remember_until);
        let all: Values<'_> = &[
            &tenant,
            &line.at,
            &line.fields,
            &end.remember_until,
            &end.reason,
            &end.now,
            &key,
            &other,
        ];
        let takes = if sql == END_FAMILY { 7 } else { 8 };
        let steps = [
            Step {
                sql: lock,
                values: &[&tenant, &key],
            },
            Step {
                sql,
                values: all.get(..takes).unwrap_or(all),
            },
        ];
        let scope = Scope::Tenant(ending.tenant);
        let answers = self.pool().run_all(scope, &steps).await?;
        row::session_ids(answers.last().map_or(&[], Vec::as_slice))
    }
}

impl Sessions for Postgres {
    fn begin_session(&self, new: NewSession) -> Pending<'_, bool> {
        Box::pin(self.insert_session(new))
    }

    fn rotate_refresh(&self, turn: Turn) -> Pending<'_, Rotation> {
        // A reuse takes a second transaction, within the same deadline.
        Box::pin(within(self.rotate(turn)))
    }

    fn end_sessions(&self, ending: Ending) -> Pending<'_, EndedSessions> {
        Box::pin(self.end(ending))
    }

    fn revoke_access(
        &self,
        tenant: TenantId,
        jti: String,
        expires_at: UnixMillis,
        entry: Entry,
    ) -> Pending<'_, ()> {
        Box::pin(async move {
            let line = Line::of(&entry);
            let expires_at = expires_at.as_millis();
            let values: Values<'_> = &[&line.tenant, &line.at, &line.fields, &jti, &expires_at];
            let scope = Scope::Tenant(tenant);
            self.pool()
                .run(scope, REVOKE_ACCESS, values)
                .await
                .map(drop)
        })
    }

    fn list_sessions(
        &self,
        tenant: TenantId,
        user: UserId,
        now: UnixMillis,
    ) -> Pending<'_, Vec<Session>> {
        Box::pin(async move {
            let (key, id, now) = (tenant.as_uuid(), user.as_uuid(), now.as_millis());
            let rows = self
                .pool()
                .run(Scope::Tenant(tenant), LIST_SESSIONS, &[&key, &id, &now])
                .await?;
            rows.iter().map(row::session).collect()
        })
    }
}
