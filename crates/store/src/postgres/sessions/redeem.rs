//! Redeeming an authorization code.
//!
//! What a code is worth never changes, so it is read and judged first, in a transaction of its own;
//! the statement that spends the code repeats nothing but whose it is, that it is unspent and
//! unexpired, and that its session is live. Of N concurrent redemptions one spends it; the others
//! wait for that one to commit, find it spent, look again, and take back what it gave.
//!
//! # Locks
//! Families, then their session, then the code: the order of rotations, of endings and of a deletion
//! that takes a session's codes along. A redemption holds the person shared before all of them, so that
//! it is never under way while what the person allowed is taken back. A redemption begins a family that an ending under way cannot
//! see; rotations look at the session too, so such a family is dead from its first day.

use domain::authorization::CodeGrant;
use domain::id::{FamilyId, SessionId};
use domain::rejection::Fault;
use domain::session::EndReason;
use domain::time::UnixMillis;
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::ending::{self, End, ending};
use super::super::pool::{Step, Values};
use super::super::row::{self, Line, get, session_columns, user_columns};
use super::super::{Postgres, Scope};
use crate::port::sessions::{Redeemable, Redeemed, RedeemedGrant, Redemption, Replay};

const LOAD_CODE: &str = "
    SELECT content, family_id, access_jti, access_expires_at
    FROM codes
    WHERE tenant_id = $1 AND signature = $2 AND client_id = $3";

const LOCK_SESSION: &str = "
    SELECT id
    FROM sessions
    WHERE tenant_id = $1 AND id = $2
    FOR NO KEY UPDATE";

/// Holds the person, whom whoever takes a consent back locks first; then locks the session.
const LOCK_HOLDER: &str = "
    SELECT s.id
    FROM users AS u
    JOIN sessions AS s ON s.tenant_id = u.tenant_id AND s.user_id = u.id
    WHERE s.tenant_id = $1 AND s.id = $2
    FOR KEY SHARE OF u
    FOR NO KEY UPDATE OF s";

/// `$4` the code, `$5` the client, `$6` the present instant, `$7` the family, `$8` to `$13` its
/// scope, details, number and ends, `$14` and `$15` the access token.
const REDEEM_CODE: &str = concat!(
    "WITH holder AS (
        SELECT ",
    session_columns!(),
    ", ",
    user_columns!(),
    "
        FROM codes AS c
        JOIN sessions AS s
          ON s.tenant_id = c.tenant_id AND s.id = c.session_id AND s.user_id = c.user_id
        JOIN users AS u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
        WHERE c.tenant_id = $1
          AND c.signature = $4
          AND s.ended_at IS NULL
          AND s.expires_at > $6
          AND u.status = 'active'
    ), spent AS (
        UPDATE codes AS c
        SET redeemed_at = $6,
            family_id = $7,
            access_jti = $14,
            access_expires_at = $15
        FROM holder
        WHERE c.tenant_id = $1
          AND c.signature = $4
          AND c.client_id = $5
          AND c.redeemed_at IS NULL
          AND c.expires_at > $6
        RETURNING c.session_id, c.user_id
    ), family AS (
        INSERT INTO refresh_families (
            tenant_id, id, session_id, user_id, client_id, scope, details, generation, rotated_at,
            reissued, idle_expires_at, expires_at
        )
        SELECT $1, $7, session_id, user_id, $5, $8, $9, $10, $11, false, $12, $13
        FROM spent
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3
        FROM spent
    )
    SELECT holder.*
    FROM holder
    WHERE EXISTS (SELECT FROM spent)"
);

/// `$7` the code, `$8` and `$9` the access token. Only the first replay finds the access token
/// there.
const TAKE_BACK: &str = concat!(
    "WITH replayed AS (
        UPDATE codes
        SET access_jti = NULL
        WHERE tenant_id = $1 AND signature = $7 AND access_jti IS NOT NULL
        RETURNING session_id
    ), ",
    ending!("s.id = (SELECT session_id FROM replayed)"),
    ", refused AS (
        INSERT INTO changes (tenant_id, kind, about, expires_at)
        SELECT $1, 'access_revoked', $8, $9
        FROM replayed
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3
        FROM replayed
    )
    SELECT (SELECT id FROM ended) AS id
    FROM replayed"
);

/// A code as it was found.
struct Found {
    grant: CodeGrant,
    /// The family it gave; absent until it is redeemed.
    family: Option<FamilyId>,
    /// What a replay has to take back.
    access: Option<(String, UnixMillis)>,
}

fn read(row: &Row) -> Result<Found, Fault> {
    let jti: Option<String> = get(row, "access_jti")?;
    Ok(Found {
        grant: row::json(row, "content")?,
        family: get::<Option<_>>(row, "family_id")?.map(FamilyId::from_uuid),
        access: jti.zip(row::maybe_instant(row, "access_expires_at")?),
    })
}

impl Postgres {
    pub(super) async fn redeem(&self, order: Redemption) -> Result<Redeemed, Fault> {
        if !row::is_storable(&order.client) {
            return Ok(Redeemed::Refused);
        }
        let Some(found) = self.find_code(&order).await? else {
            return Ok(Redeemed::Refused);
        };
        if !(order.judge)(&found.grant) {
            return Ok(Redeemed::Refused);
        }
        if found.family.is_some() {
            return self.answer_spent(&order, found).await;
        }
        if let Some(granted) = self.spend_code(&order, found.grant).await? {
            return Ok(Redeemed::Granted(Box::new(granted)));
        }
        // Another was first, or nobody may redeem it.
        let spent = self.find_code(&order).await?;
        match spent.filter(|found| found.family.is_some()) {
            Some(found) => self.answer_spent(&order, found).await,
            None => Ok(Redeemed::Refused),
        }
    }

    /// Answers whoever presents what is spent.
    async fn answer_spent(&self, order: &Redemption, found: Found) -> Result<Redeemed, Fault> {
        match order.kind {
            Redeemable::DeviceCode => Ok(Redeemed::Refused),
            Redeemable::AuthorizationCode => {
                self.take_back(order, found).await.map(Redeemed::Replayed)
            }
        }
    }

    async fn find_code(&self, order: &Redemption) -> Result<Option<Found>, Fault> {
        let (tenant, signature) = (order.tenant.as_uuid(), order.signature.as_slice());
        let values: Values<'_> = &[&tenant, &signature, &order.client];
        let scope = Scope::Tenant(order.tenant);
        let rows = self.pool().run(scope, LOAD_CODE, values).await?;
        rows.first().map(read).transpose()
    }

    async fn spend_code(
        &self,
        order: &Redemption,
        grant: CodeGrant,
    ) -> Result<Option<RedeemedGrant>, Fault> {
        let line = Line::of(&order.issued_entry(&grant));
        let family = order.family_of(&grant);
        let (tenant, session) = (order.tenant.as_uuid(), grant.session.as_uuid());
        let values: Values<'_> = &[
            &tenant,
            &line.at,
            &line.fields,
            &order.signature.as_slice(),
            &order.client,
            &order.now.as_millis(),
            &family.id.as_uuid(),
            &row::scopes(&family.scope),
            &row::to_json(&family.details)?,
            &i64::from(family.generation),
            &family.rotated_at.as_millis(),
            &family.idle_expires_at.as_millis(),
            &family.expires_at.as_millis(),
            &order.access_jti,
            &order.access_expires_at.as_millis(),
        ];
        let lock: Values<'_> = &[&tenant, &session];
        let steps = [(LOCK_HOLDER, lock), (REDEEM_CODE, values)];
        let steps = steps.map(|(sql, values)| Step { sql, values });
        let scope = Scope::Tenant(order.tenant);
        let answers = self.pool().run_all(scope, &steps).await?;
        let Some(row) = answers.last().and_then(|rows| rows.first()) else {
            return Ok(None);
        };
        let mut session = row::session(row)?;
        // The family that has just begun tells it; see `last_active`.
        session.last_active_at = order.now;
        Ok(Some(RedeemedGrant {
            session,
            user: row::user(row)?,
            grant,
            family,
        }))
    }

    /// Takes back what the code gave (RFC 6749 §4.1.2), once.
    async fn take_back(&self, order: &Redemption, found: Found) -> Result<Replay, Fault> {
        let (Some(family), Some((jti, expires_at))) = (found.family, found.access) else {
            return Ok(Replay::default());
        };
        let line = Line::of(&order.replayed_entry(&found.grant));
        let end = End::new(EndReason::Reuse, order.now, order.remember_until);
        let (tenant, session) = (order.tenant.as_uuid(), found.grant.session.as_uuid());
        let values: Values<'_> = &[
            &tenant,
            &line.at,
            &line.fields,
            &end.remember_until,
            &end.reason,
            &end.now,
            &order.signature.as_slice(),
            &jti,
            &expires_at.as_millis(),
        ];
        let families: Values<'_> = &[&tenant, &family.as_uuid()];
        let lock: Values<'_> = &[&tenant, &session];
        let steps = [
            (ending::LOCK_FAMILIES_OF_FAMILY, families),
            (LOCK_SESSION, lock),
            (TAKE_BACK, values),
        ];
        let steps = steps.map(|(sql, values)| Step { sql, values });
        let scope = Scope::Tenant(order.tenant);
        let answers = self.pool().run_all(scope, &steps).await?;
        let Some(row) = answers.last().and_then(|rows| rows.first()) else {
            return Ok(Replay::default());
        };
        let ended: Option<Uuid> = get(row, "id")?;
        Ok(Replay {
            ended: ended.map(SessionId::from_uuid).into_iter().collect(),
            access: Some((jti, expires_at)),
        })
    }
}
