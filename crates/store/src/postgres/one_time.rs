//! One-time tokens on PostgreSQL.

use domain::event::Entry;
use domain::id::{TenantId, UserId};
use domain::mail::MailJob;
use domain::one_time::{OneTime, Purpose};
use domain::rejection::Fault;
use domain::session::EndReason;
use domain::time::UnixMillis;

use super::attempts::words;
use super::ending::{End, ending};
use super::pool::{Step, Values};
use super::row::{self, Line, get};
use super::{Postgres, Scope};
use crate::port::Pending;
use crate::port::one_time::{OneTimes, ResetRedemption};
use crate::port::sessions::EndedSessions;

/// Nothing is written for a user who is gone by now.
const ISSUE_ONE_TIME: &str = "
    WITH owner AS (
        SELECT id
        FROM users
        WHERE tenant_id = $1 AND id = $4
        FOR KEY SHARE
    ), token AS (
        INSERT INTO one_time (tenant_id, user_id, purpose, signature, created_at, expires_at)
        SELECT $1, owner.id, $5, $6, $7, $8
        FROM owner
        ON CONFLICT (tenant_id, user_id, purpose) DO UPDATE
        SET signature = excluded.signature,
            created_at = excluded.created_at,
            expires_at = excluded.expires_at
    ), mail AS (
        INSERT INTO outbox (tenant_id, id, sealed, attempts, created_at, due_at)
        SELECT $1, $9, $10, $11, $12, $12
        FROM owner
    )
    INSERT INTO audit (tenant_id, at, fields)
    SELECT $1, $2, $3
    FROM owner";

const LOAD_ONE_TIME: &str = "
    SELECT user_id
    FROM one_time
    WHERE tenant_id = $1 AND signature = $2 AND purpose = $3 AND expires_at > $4";

/// Locks the user whose token this is: whoever else presents it waits here, and then finds it spent.
const LOCK_OWNER: &str = "
    SELECT u.id
    FROM users AS u
    JOIN one_time AS o ON o.tenant_id = u.tenant_id AND o.user_id = u.id
    WHERE o.tenant_id = $1 AND o.signature = $2 AND o.purpose = $3
    FOR NO KEY UPDATE OF u";

const LOCK_FAMILIES_OF_OWNER: &str = "
    SELECT f.id
    FROM refresh_families AS f
    JOIN one_time AS o ON o.tenant_id = f.tenant_id AND o.user_id = f.user_id
    WHERE o.tenant_id = $1 AND o.signature = $2 AND o.purpose = $3 AND f.ended_at IS NULL
    ORDER BY f.id
    FOR NO KEY UPDATE OF f";

/// The first row of the answer is the user; the others are the sessions. `$6` is the present
/// instant.
const REDEEM_RESET: &str = concat!(
    "WITH spent AS (
        DELETE FROM one_time
        WHERE tenant_id = $1
          AND signature = $7
          AND purpose = 'reset_password'
          AND expires_at > $6
        RETURNING user_id
    ), owner AS (
        UPDATE users
        SET password_phc = $8,
            password_pepper = $9,
            password_set_at = $10,
            password_by_mail = true,
            password_compromised = false,
            version = version + password_compromised::int
        FROM spent
        WHERE tenant_id = $1 AND id = spent.user_id
        RETURNING id
    ), ",
    ending!("s.user_id = (SELECT id FROM owner)"),
    ", cleared AS (
        DELETE FROM attempts
        WHERE tenant_id = $1 AND key = ANY($11::bytea[]) AND EXISTS (SELECT FROM owner)
    ), mail AS (
        INSERT INTO outbox (tenant_id, id, sealed, attempts, created_at, due_at)
        SELECT $1, $12, $13, $14, $15, $15
        FROM owner
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3::jsonb || jsonb_build_object('subject', owner.id::text)
        FROM owner
    )
    SELECT id FROM owner
    UNION ALL
    SELECT id FROM ended"
);

const REDEEM_VERIFICATION: &str = "
    WITH spent AS (
        DELETE FROM one_time
        WHERE tenant_id = $1
          AND signature = $4
          AND purpose = 'verify_email'
          AND expires_at > $5
        RETURNING user_id
    ), owner AS (
        UPDATE users
        SET email_verified = true,
            updated_at = $5,
            version = version + 1
        FROM spent
        WHERE tenant_id = $1 AND id = spent.user_id
        RETURNING id
    ), noticed AS (
        INSERT INTO changes (tenant_id, kind, about, expires_at)
        SELECT $1, 'user_changed', owner.id::text, $6
        FROM owner
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3::jsonb || jsonb_build_object('subject', owner.id::text)
        FROM owner
    )
    SELECT id FROM owner";

const SEND_MAIL: &str = "
    WITH mail AS (
        INSERT INTO outbox (tenant_id, id, sealed, attempts, created_at, due_at)
        VALUES ($1, $4, $5, $6, $7, $7)
    )
    INSERT INTO audit (tenant_id, at, fields)
    VALUES ($1, $2, $3)";

impl Postgres {
    async fn issue(&self, token: OneTime, mail: MailJob, entry: Entry) -> Result<(), Fault> {
        let line = Line::of(&entry);
        let (user, mail_id) = (token.user.as_uuid(), mail.id.as_uuid());
        let signature = token.signature.as_slice();
        let values: Values<'_> = &[
            &line.tenant,
            &line.at,
            &line.fields,
            &user,
            &token.purpose.as_str(),
            &signature,
            &token.created_at.as_millis(),
            &token.expires_at.as_millis(),
            &mail_id,
            &mail.sealed,
            &i64::from(mail.attempts),
            &mail.created_at.as_millis(),
        ];
        let scope = Scope::Tenant(token.tenant);
        self.pool()
            .run(scope, ISSUE_ONE_TIME, values)
            .await
            .map(drop)
    }

    async fn reset(
        &self,
        order: ResetRedemption,
    ) -> Result<Option<(UserId, EndedSessions)>, Fault> {
        let line = Line::of(&order.entry);
        let tenant = order.tenant.as_uuid();
        let signature = order.signature.as_slice();
        let end = End::new(EndReason::PasswordChanged, order.now, order.remember_until);
        let notice = &order.notice;
        let token: Values<'_> = &[&tenant, &signature, &Purpose::ResetPassword.as_str()];
        let values: Values<'_> = &[
            &tenant,
            &line.at,
            &line.fields,
            &end.remember_until,
            &end.reason,
            &end.now,
            &signature,
            &order.password.phc.expose(),
            &order.password.pepper,
            &order.password.set_at.as_millis(),
            &words(&order.clear_attempts),
            &notice.id.as_uuid(),
            &notice.sealed,
            &i64::from(notice.attempts),
            &notice.created_at.as_millis(),
        ];
        let steps = [
            (LOCK_OWNER, token),
            (LOCK_FAMILIES_OF_OWNER, token),
            (REDEEM_RESET, values),
        ];
        let steps = steps.map(|(sql, values)| Step { sql, values });
        let scope = Scope::Tenant(order.tenant);
        let answers = self.pool().run_all(scope, &steps).await?;
        let rows = answers.last().map_or(&[][..], Vec::as_slice);
        let Some((owner, ended)) = rows.split_first() else {
            return Ok(None);
        };
        let user = UserId::from_uuid(get(owner, "id")?);
        Ok(Some((user, row::session_ids(ended)?)))
    }

    async fn verify(
        &self,
        tenant: TenantId,
        signature: [u8; 32],
        now: UnixMillis,
        entry: Entry,
    ) -> Result<Option<UserId>, Fault> {
        let (line, id) = (Line::of(&entry), tenant.as_uuid());
        let (signature, at) = (signature.as_slice(), now.as_millis());
        let forget = super::tenants::forget_change_at(now);
        let steps = [
            Step {
                sql: LOCK_OWNER,
                values: &[&id, &signature, &Purpose::VerifyEmail.as_str()],
            },
            Step {
                sql: REDEEM_VERIFICATION,
                values: &[&id, &line.at, &line.fields, &signature, &at, &forget],
            },
        ];
        let answers = self.pool().run_all(Scope::Tenant(tenant), &steps).await?;
        let owner = answers.last().and_then(|rows| rows.first());
        owner
            .map(|row| get(row, "id").map(UserId::from_uuid))
            .transpose()
    }
}

impl OneTimes for Postgres {
    fn issue_one_time(&self, token: OneTime, mail: MailJob, entry: Entry) -> Pending<'_, ()> {
        Box::pin(self.issue(token, mail, entry))
    }

    fn load_one_time(
        &self,
        tenant: TenantId,
        purpose: Purpose,
        signature: [u8; 32],
        now: UnixMillis,
    ) -> Pending<'_, Option<UserId>> {
        Box::pin(async move {
            let (id, now) = (tenant.as_uuid(), now.as_millis());
            let signature = signature.as_slice();
            let values: Values<'_> = &[&id, &signature, &purpose.as_str(), &now];
            let scope = Scope::Tenant(tenant);
            let rows = self.pool().run(scope, LOAD_ONE_TIME, values).await?;
            let owner = rows.first();
            owner
                .map(|row| get(row, "user_id").map(UserId::from_uuid))
                .transpose()
        })
    }

    fn redeem_reset(
        &self,
        redemption: ResetRedemption,
    ) -> Pending<'_, Option<(UserId, EndedSessions)>> {
        Box::pin(self.reset(redemption))
    }

    fn redeem_verification(
        &self,
        tenant: TenantId,
        signature: [u8; 32],
        now: UnixMillis,
        entry: Entry,
    ) -> Pending<'_, Option<UserId>> {
        Box::pin(self.verify(tenant, signature, now, entry))
    }

    fn send_mail(&self, mail: MailJob, entry: Entry) -> Pending<'_, ()> {
        Box::pin(async move {
            let (line, id) = (Line::of(&entry), mail.id.as_uuid());
            let values: Values<'_> = &[
                &line.tenant,
                &line.at,
                &line.fields,
                &id,
                &mail.sealed,
                &i64::from(mail.attempts),
                &mail.created_at.as_millis(),
            ];
            let scope = Scope::Tenant(mail.tenant);
            self.pool().run(scope, SEND_MAIL, values).await.map(drop)
        })
    }
}
