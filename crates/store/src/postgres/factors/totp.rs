//! Authenticator apps.

use domain::event::Entry;
use domain::factor::Totp;
use domain::id::{TenantId, UserId};
use domain::rejection::Fault;
use domain::time::UnixMillis;

use super::super::pool::Values;
use super::super::row::Line;
use super::super::{Postgres, Scope};
use super::backup_codes::replacing_if_given;
use super::{Head, active_owner, signatures, telling};
use crate::port::factors::ConfirmTotp;

const BEGIN_TOTP: &str = concat!(
    "WITH ",
    active_owner!(),
    ", begun AS (
        INSERT INTO totps (tenant_id, user_id, sealed_secret, digits, period_s, created_at)
        SELECT $1, owner.id, $5, $6, $7, $8
        FROM owner
        ON CONFLICT (tenant_id, user_id) DO UPDATE
        SET sealed_secret = excluded.sealed_secret,
            digits = excluded.digits,
            period_s = excluded.period_s,
            created_at = excluded.created_at
        WHERE totps.confirmed_at IS NULL
        RETURNING user_id
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3
        FROM begun
    )
    SELECT user_id FROM begun"
);

const CONFIRM_TOTP: &str = concat!(
    "WITH ",
    active_owner!(),
    ", done AS (
        UPDATE totps
        SET confirmed_at = $11,
            last_step = $12
        FROM owner
        WHERE tenant_id = $1
          AND user_id = owner.id
          AND created_at = $10
          AND confirmed_at IS NULL
        RETURNING user_id
    ), ",
    replacing_if_given!(),
    ", ",
    telling!("done"),
    "
    SELECT user_id FROM done"
);

/// Whoever takes a step at the same moment waits here for the first to commit, and is judged by what
/// that left.
const USE_TOTP: &str = "
    UPDATE totps
    SET last_step = $4
    WHERE tenant_id = $1
      AND user_id = $2
      AND created_at = $3
      AND confirmed_at IS NOT NULL
      AND (last_step IS NULL OR last_step < $4)
    RETURNING user_id";

impl Postgres {
    pub(super) async fn store_totp(&self, totp: Totp, entry: Entry) -> Result<bool, Fault> {
        let line = Line::of(&entry);
        let values: Values<'_> = &[
            &line.tenant,
            &line.at,
            &line.fields,
            &totp.user.as_uuid(),
            &totp.sealed_secret,
            &i64::from(totp.digits),
            &i64::from(totp.period),
            &totp.created_at.as_millis(),
        ];
        let owner = (totp.tenant, totp.user);
        let begun = self.with_owner_locked(owner, BEGIN_TOTP, values).await?;
        Ok(!begun.is_empty())
    }

    pub(super) async fn settle_totp(&self, order: ConfirmTotp) -> Result<bool, Fault> {
        let head = Head::of(order.user, order.notice.as_ref(), &order.entry);
        let codes = signatures(&order.backup_codes);
        let (created_at, at) = (order.created_at.as_millis(), order.at.as_millis());
        let step = stored_step(order.step);
        let values = head.with(&[&codes, &created_at, &at, &step]);
        let owner = (order.tenant, order.user);
        let done = self.with_owner_locked(owner, CONFIRM_TOTP, &values).await?;
        Ok(!done.is_empty())
    }

    pub(super) async fn take_step(
        &self,
        tenant: TenantId,
        user: UserId,
        created_at: UnixMillis,
        step: u64,
    ) -> Result<bool, Fault> {
        let values: Values<'_> = &[
            &tenant.as_uuid(),
            &user.as_uuid(),
            &created_at.as_millis(),
            &stored_step(step),
        ];
        let scope = Scope::Tenant(tenant);
        let taken = self.pool().run(scope, USE_TOTP, values).await?;
        Ok(!taken.is_empty())
    }
}

fn stored_step(step: u64) -> i64 {
    i64::try_from(step).unwrap_or(i64::MAX)
}
