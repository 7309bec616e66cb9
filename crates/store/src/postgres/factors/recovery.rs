//! Taking factors from whoever lost them and shows a mailed code.

use domain::rejection::Fault;
use domain::session::EndReason;

use super::super::ending::{self, End, ending};
use super::super::pool::{Step, Values};
use super::super::row::{self, Line};
use super::super::{Postgres, Scope};
use super::signatures;
use crate::port::factors::RecoverFactors;
use crate::port::sessions::EndedSessions;

/// The first row of the answer says whether the code counted; the others are the sessions. `$6` is the
/// present instant. The user is locked before, so whoever else shows the code finds it spent.
const RECOVER_FACTORS: &str = concat!(
    "WITH owner AS (
        SELECT id
        FROM users
        WHERE tenant_id = $1
          AND id = $7
          AND status = 'active'
          AND email_verified
          AND password_set_at = $12
          AND NOT password_compromised
          AND NOT password_by_mail
    ), spent AS (
        DELETE FROM one_time
        USING owner
        WHERE tenant_id = $1
          AND user_id = owner.id
          AND purpose = 'recover_factors'
          AND signature = ANY ($13::bytea[])
          AND expires_at > $6
        RETURNING owner.id
    ), app AS (
        DELETE FROM totps
        USING spent
        WHERE tenant_id = $1 AND user_id = spent.id
    ), keys AS (
        DELETE FROM passkeys AS p
        USING spent
        WHERE p.tenant_id = $1 AND p.user_id = spent.id
    ), codes AS (
        DELETE FROM backup_codes
        USING spent
        WHERE tenant_id = $1 AND user_id = spent.id
    ), ",
    ending!("s.user_id = (SELECT id FROM spent)"),
    ", mail AS (
        INSERT INTO outbox (tenant_id, id, sealed, attempts, created_at, due_at)
        SELECT $1, $8, $9, $10, $11, $11
        FROM spent
        WHERE $8::uuid IS NOT NULL
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3
        FROM spent
    )
    SELECT NULL::uuid AS id FROM spent
    UNION ALL
    SELECT id FROM ended"
);

impl Postgres {
    pub(super) async fn take_lost_factors(
        &self,
        recovery: RecoverFactors,
    ) -> Result<Option<EndedSessions>, Fault> {
        let line = Line::of(&recovery.entry);
        let user = recovery.user.as_uuid();
        let now = recovery.entry.origin.at;
        let end = End::new(EndReason::FactorsRecovered, now, recovery.remember_until);
        let mail = recovery.notice.as_ref();
        let codes = signatures(&recovery.signatures);
        let owner: Values<'_> = &[&line.tenant, &user];
        let values: Values<'_> = &[
            &line.tenant,
            &line.at,
            &line.fields,
            &end.remember_until,
            &end.reason,
            &end.now,
            &user,
            &mail.map(|mail| mail.id.as_uuid()),
            &mail.map(|mail| mail.sealed.as_slice()),
            &mail.map(|mail| i64::from(mail.attempts)),
            &mail.map(|mail| mail.created_at.as_millis()),
            &recovery.password_set_at.as_millis(),
            &codes,
        ];
        let steps = [
            (ending::LOCK_USER, owner),
            (ending::LOCK_FAMILIES_OF_USER, owner),
            (RECOVER_FACTORS, values),
        ];
        let steps = steps.map(|(sql, values)| Step { sql, values });
        let scope = Scope::Tenant(recovery.tenant);
        let answers = self.pool().run_all(scope, &steps).await?;
        let rows = answers.last().map_or(&[][..], Vec::as_slice);
        rows.split_first()
            .map(|(_, ended)| row::session_ids(ended))
            .transpose()
    }
}
