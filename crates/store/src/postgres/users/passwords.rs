//! Changes of passwords.

use domain::event::Entry;
use domain::id::{SessionId, UserId};
use domain::rejection::Fault;
use domain::session::EndReason;
use domain::time::UnixMillis;
use domain::user::PasswordRecord;

use super::super::ending::{self, End, ending};
use super::super::pool::{Step, Values};
use super::super::row::{self, Line};
use super::super::{Postgres, Scope};
use crate::port::sessions::EndedSessions;
use crate::port::users::PasswordChange;

/// The first row of the answer says whether there was such a user with such a password; the others are the sessions.
const CHANGE_PASSWORD: &str = concat!(
    "WITH owner AS (
        UPDATE users
        SET password_phc = $9,
            password_pepper = $10,
            password_set_at = $11,
            password_by_mail = password_by_mail AND NOT $17::boolean
        WHERE tenant_id = $1
          AND id = $7
          AND ($16::bigint IS NULL OR password_set_at = $16)
          AND NOT password_compromised
        RETURNING id
    ), ",
    ending!("s.user_id = $7 AND s.id IS DISTINCT FROM $8::uuid AND EXISTS (SELECT FROM owner)"),
    ", forgotten AS (
        DELETE FROM one_time
        USING owner
        WHERE tenant_id = $1 AND user_id = owner.id AND purpose = 'reset_password'
    ), mail AS (
        INSERT INTO outbox (tenant_id, id, sealed, attempts, created_at, due_at)
        SELECT $1, $12, $13, $14, $15, $15
        FROM owner
        WHERE $12::uuid IS NOT NULL
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3
        FROM owner
    )
    SELECT NULL::uuid AS id FROM owner
    UNION ALL
    SELECT id FROM ended"
);

const REHASH_PASSWORD: &str = "
    WITH fresh AS (
        UPDATE users
        SET password_phc = $6,
            password_pepper = $7,
            password_set_at = $8
        WHERE tenant_id = $1 AND id = $4 AND password_phc = $5
        RETURNING id
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3
        FROM fresh
    )
    SELECT id FROM fresh";

impl Postgres {
    pub(super) async fn set_password(
        &self,
        change: PasswordChange,
    ) -> Result<Option<EndedSessions>, Fault> {
        let line = Line::of(&change.entry);
        let (tenant, user) = (change.tenant.as_uuid(), change.user.as_uuid());
        let now = change.entry.origin.at;
        let end = End::new(EndReason::PasswordChanged, now, change.remember_until);
        let mail = change.notice.as_ref();
        let owner: Values<'_> = &[&tenant, &user];
        let values: Values<'_> = &[
            &tenant,
            &line.at,
            &line.fields,
            &end.remember_until,
            &end.reason,
            &end.now,
            &user,
            &change.keep.map(SessionId::as_uuid),
            &change.password.phc.expose(),
            &change.password.pepper,
            &change.password.set_at.as_millis(),
            &mail.map(|m| m.id.as_uuid()),
            &mail.map(|m| m.sealed.as_slice()),
            &mail.map(|m| i64::from(m.attempts)),
            &mail.map(|m| m.created_at.as_millis()),
            &change.old_set_at.map(UnixMillis::as_millis),
            &change.is_owners,
        ];
        let steps = [
            (ending::LOCK_USER, owner),
            (ending::LOCK_FAMILIES_OF_USER, owner),
            (CHANGE_PASSWORD, values),
        ];
        let steps = steps.map(|(sql, values)| Step { sql, values });
        let scope = Scope::Tenant(change.tenant);
        let answers = self.pool().run_all(scope, &steps).await?;
        let rows = answers.last().map_or(&[][..], Vec::as_slice);
        rows.split_first()
            .map(|(_, ended)| row::session_ids(ended))
            .transpose()
    }

    pub(super) async fn rehash(
        &self,
        user: UserId,
        old_phc: String,
        password: PasswordRecord,
        entry: Entry,
    ) -> Result<bool, Fault> {
        let (line, id) = (Line::of(&entry), user.as_uuid());
        let values: Values<'_> = &[
            &line.tenant,
            &line.at,
            &line.fields,
            &id,
            &old_phc,
            &password.phc.expose(),
            &password.pepper,
            &password.set_at.as_millis(),
        ];
        let scope = Scope::Tenant(entry.origin.tenant);
        let fresh = self.pool().run(scope, REHASH_PASSWORD, values).await?;
        Ok(!fresh.is_empty())
    }
}
