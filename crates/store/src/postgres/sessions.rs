//! Sessions and refresh families on PostgreSQL; beginning is in [`begin`], rotation in [`rotate`],
//! redeeming a code in [`redeem`], taking back in [`withdraw`].

use domain::event::Entry;
use domain::id::{FamilyId, SessionId, TenantId, UserId};
use domain::rejection::Fault;
use domain::session::Session;
use domain::time::UnixMillis;
use uuid::Uuid;

use super::ending::{self, End, ending};
use super::pool::{Step, Values, within};
use super::row::{self, Line, last_active, session_columns};
use super::{Postgres, Scope};
use crate::port::Pending;
use crate::port::sessions::{
    EndTarget, EndedFamilies, EndedSessions, Ending, Granted, MAX_SESSIONS, NewSession, Redeemed,
    Redemption, Rotation, Sessions, StepUp, Turn, Withdrawal,
};

mod begin;
mod redeem;
mod rotate;
mod turns;
mod withdraw;

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
        SELECT $1::uuid, 'access_revoked', $4::text, $5::bigint
        WHERE NOT EXISTS (
            SELECT
            FROM changes
            WHERE tenant_id = $1
              AND about = $4
              AND kind = 'access_revoked'
              AND expires_at >= $5
        )
    )
    INSERT INTO audit (tenant_id, at, fields)
    VALUES ($1, $2, $3)";

const LIST_SESSIONS: &str = concat!(
    "SELECT ",
    session_columns!(last_active!()),
    " FROM sessions AS s
    WHERE s.tenant_id = $1
      AND s.user_id = $2
      AND s.ended_at IS NULL
      AND s.expires_at > $3
      AND EXISTS (
          SELECT
          FROM refresh_families AS f
          WHERE f.tenant_id = s.tenant_id
            AND f.session_id = s.id
            AND f.ended_at IS NULL
            AND least(f.idle_expires_at, f.expires_at) > $3
      )
    ORDER BY s_last_active_at DESC, s.id DESC
    LIMIT $4"
);

const LOAD_FAMILY_CLIENT: &str = "
    SELECT client_id
    FROM refresh_families
    WHERE tenant_id = $1 AND id = $2";

impl Postgres {
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
    fn begin_session(&self, new: NewSession) -> Pending<'_, Option<EndedSessions>> {
        // Making room takes a second transaction, within the same deadline.
        Box::pin(within(self.begin(new)))
    }

    fn step_up_session(&self, up: StepUp) -> Pending<'_, bool> {
        Box::pin(self.step_up(up))
    }

    fn rotate_refresh(&self, turn: Turn) -> Pending<'_, Rotation> {
        // A reuse takes a second transaction, within the same deadline.
        Box::pin(within(self.rotate(turn)))
    }

    fn redeem_code(&self, redemption: Redemption) -> Pending<'_, Redeemed> {
        // Up to four transactions, within the same deadline.
        Box::pin(within(self.redeem(redemption)))
    }

    fn end_sessions(&self, ending: Ending) -> Pending<'_, EndedSessions> {
        Box::pin(self.end(ending))
    }

    fn withdraw_consent(&self, withdrawal: Withdrawal) -> Pending<'_, Option<EndedFamilies>> {
        Box::pin(self.withdraw(withdrawal))
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

    fn load_family_client(
        &self,
        tenant: TenantId,
        family: FamilyId,
    ) -> Pending<'_, Option<String>> {
        Box::pin(async move {
            let values: Values<'_> = &[&tenant.as_uuid(), &family.as_uuid()];
            let scope = Scope::Tenant(tenant);
            let rows = self.pool().run(scope, LOAD_FAMILY_CLIENT, values).await?;
            rows.first()
                .map(|row| row::get(row, "client_id"))
                .transpose()
        })
    }

    fn load_family(
        &self,
        tenant: TenantId,
        family: FamilyId,
        client: String,
    ) -> Pending<'_, Option<Granted>> {
        Box::pin(self.load_live_family(tenant, family, client))
    }

    fn list_sessions(
        &self,
        tenant: TenantId,
        user: UserId,
        now: UnixMillis,
    ) -> Pending<'_, Vec<Session>> {
        Box::pin(async move {
            let (key, id, now) = (tenant.as_uuid(), user.as_uuid(), now.as_millis());
            let values: Values<'_> = &[&key, &id, &now, &i64::from(MAX_SESSIONS)];
            let scope = Scope::Tenant(tenant);
            let rows = self.pool().run(scope, LIST_SESSIONS, values).await?;
            rows.iter().map(row::session).collect()
        })
    }
}
