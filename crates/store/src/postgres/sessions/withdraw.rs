//! Taking back what a person allowed a client.
//!
//! # Locks
//! The person first, and alone: completions and redemptions hold the person shared, so whatever of
//! them was first is seen by the statement that ends, and whatever comes later finds neither consent
//! nor code. Then the client's families in the order of their ids, as everybody who ends them.

use domain::id::FamilyId;
use domain::rejection::Fault;
use domain::session::EndReason;
use uuid::Uuid;

use super::super::ending::LOCK_USER;
use super::super::pool::{Step, Values};
use super::super::row::{self, Line, get};
use super::super::{Postgres, Scope};
use crate::port::sessions::{EndedFamilies, Withdrawal};

const LOCK_FAMILIES_OF_CLIENT: &str = "
    SELECT id
    FROM refresh_families
    WHERE tenant_id = $1 AND user_id = $2 AND client_id = $3 AND ended_at IS NULL
    ORDER BY id
    FOR NO KEY UPDATE";

/// `$4` until when it must be remembered, `$5` the reason, `$6` the present instant, `$7` the person,
/// `$8` the client. No row if nothing was taken back.
const WITHDRAW_CONSENT: &str = "
    WITH forgotten AS (
        DELETE FROM consents
        WHERE tenant_id = $1 AND user_id = $7 AND client_id = $8
        RETURNING 1
    ), worthless AS (
        DELETE FROM codes
        WHERE tenant_id = $1
          AND session_id IN (SELECT id FROM sessions WHERE tenant_id = $1 AND user_id = $7)
          AND client_id = $8
          AND redeemed_at IS NULL
        RETURNING 1
    ), ended AS (
        UPDATE refresh_families
        SET ended_at = $6,
            ended_reason = $5
        WHERE tenant_id = $1
          AND user_id = $7
          AND client_id = $8
          AND ended_at IS NULL
        RETURNING id
    ), told AS (
        INSERT INTO changes (tenant_id, kind, about, expires_at)
        SELECT $1, 'grant_ended', ended.id::text, $4
        FROM ended
    ), taken AS (
        SELECT array(SELECT id FROM ended) AS families
        WHERE EXISTS (SELECT FROM forgotten)
           OR EXISTS (SELECT FROM worthless)
           OR EXISTS (SELECT FROM ended)
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3
        FROM taken
    )
    SELECT families
    FROM taken";

impl Postgres {
    pub(super) async fn withdraw(&self, order: Withdrawal) -> Result<Option<EndedFamilies>, Fault> {
        if !row::is_storable(&order.client) {
            return Ok(None);
        }
        let line = Line::of(&order.entry);
        let (tenant, user) = (order.tenant.as_uuid(), order.user.as_uuid());
        let whose: Values<'_> = &[&tenant, &user, &order.client];
        let all: Values<'_> = &[
            &tenant,
            &line.at,
            &line.fields,
            &order.remember_until.as_millis(),
            &EndReason::ConsentRevoked.as_str(),
            &order.now.as_millis(),
            &user,
            &order.client,
        ];
        let person: Values<'_> = &[&tenant, &user];
        let steps = [
            (LOCK_USER, person),
            (LOCK_FAMILIES_OF_CLIENT, whose),
            (WITHDRAW_CONSENT, all),
        ];
        let steps = steps.map(|(sql, values)| Step { sql, values });
        let scope = Scope::Tenant(order.tenant);
        let answers = self.pool().run_all(scope, &steps).await?;
        let Some(row) = answers.last().and_then(|rows| rows.first()) else {
            return Ok(None);
        };
        let families: Vec<Uuid> = get(row, "families")?;
        let families = families.into_iter().map(FamilyId::from_uuid);
        Ok(Some(families.collect()))
    }
}
