//! Taking factors from accounts.

use domain::rejection::Fault;
use domain::session::EndReason;

use super::super::ending::{self, End, ending};
use super::super::pool::{Step, Values};
use super::super::row::{self, Line};
use super::super::{Postgres, Scope};
use super::{Head, telling};
use crate::port::factors::{BoundFactor, RemoveAllFactors, RemoveFactor};
use crate::port::sessions::EndedSessions;

/// `$9` is the passkey; absent, it is the app that goes. Every part sees what was bound before, so
/// what goes is no other factor that the codes could stand in for.
const REMOVE_FACTOR: &str = concat!(
    "WITH app AS (
        DELETE FROM totps
        WHERE tenant_id = $1 AND user_id = $4 AND confirmed_at IS NOT NULL AND $9::uuid IS NULL
        RETURNING user_id
    ), passkey AS (
        DELETE FROM passkeys
        WHERE tenant_id = $1 AND user_id = $4 AND id = $9
        RETURNING user_id
    ), done AS (
        SELECT user_id FROM app
        UNION ALL
        SELECT user_id FROM passkey
    ), dropped AS (
        DELETE FROM backup_codes
        WHERE tenant_id = $1
          AND user_id = $4
          AND EXISTS (SELECT FROM done)
          AND NOT EXISTS (
              SELECT
              FROM totps
              WHERE tenant_id = $1
                AND user_id = $4
                AND confirmed_at IS NOT NULL
                AND $9 IS NOT NULL
          )
          AND NOT EXISTS (
              SELECT
              FROM passkeys
              WHERE tenant_id = $1 AND user_id = $4 AND id IS DISTINCT FROM $9
          )
    ), ",
    telling!("done"),
    "
    SELECT user_id FROM done"
);

/// The first row of the answer says whether there was such a user; the others are the sessions.
const REMOVE_ALL_FACTORS: &str = concat!(
    "WITH owner AS (
        SELECT id
        FROM users
        WHERE tenant_id = $1 AND id = $7
    ), app AS (
        DELETE FROM totps
        WHERE tenant_id = $1 AND user_id = $7
    ), keys AS (
        DELETE FROM passkeys
        WHERE tenant_id = $1 AND user_id = $7
    ), codes AS (
        DELETE FROM backup_codes
        WHERE tenant_id = $1 AND user_id = $7
    ), ",
    ending!("s.user_id = $7"),
    ", mail AS (
        INSERT INTO outbox (tenant_id, id, sealed, attempts, created_at, due_at)
        SELECT $1, $8, $9, $10, $11, $11
        FROM owner
        WHERE $8::uuid IS NOT NULL
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3
        FROM owner
    )
    SELECT NULL::uuid AS id FROM owner
    UNION ALL
    SELECT id FROM ended"
);

impl Postgres {
    pub(super) async fn take_factor(&self, removal: RemoveFactor) -> Result<bool, Fault> {
        let head = Head::of(removal.user, removal.notice.as_ref(), &removal.entry);
        let passkey = match removal.which {
            BoundFactor::Totp => None,
            BoundFactor::Passkey(id) => Some(id.as_uuid()),
        };
        let values = head.with(&[&passkey]);
        let owner = (removal.tenant, removal.user);
        let done = self.with_owner_locked(owner, REMOVE_FACTOR, &values);
        Ok(!done.await?.is_empty())
    }

    pub(super) async fn take_all_factors(
        &self,
        removal: RemoveAllFactors,
    ) -> Result<Option<EndedSessions>, Fault> {
        let line = Line::of(&removal.entry);
        let user = removal.user.as_uuid();
        let now = removal.entry.origin.at;
        let end = End::new(EndReason::Administrator, now, removal.remember_until);
        let mail = removal.notice.as_ref();
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
        ];
        let steps = [
            (ending::LOCK_USER, owner),
            (ending::LOCK_FAMILIES_OF_USER, owner),
            (REMOVE_ALL_FACTORS, values),
        ];
        let steps = steps.map(|(sql, values)| Step { sql, values });
        let scope = Scope::Tenant(removal.tenant);
        let answers = self.pool().run_all(scope, &steps).await?;
        let rows = answers.last().map_or(&[][..], Vec::as_slice);
        rows.split_first()
            .map(|(_, ended)| row::session_ids(ended))
            .transpose()
    }
}
