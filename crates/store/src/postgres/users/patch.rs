//! Changes to accounts, and their deletion.
//!
//! A patch is applied by plain Rust to the account as it stands under its lock, and the whole row is
//! written: two round trips, for a verb that is rare.

use domain::event::Entry;
use domain::id::UserId;
use domain::mail::MailJob;
use domain::rejection::Fault;
use domain::session::EndReason;
use domain::time::UnixMillis;
use domain::user::{User, UserPatch, UserStatus};

use super::super::ending::{self, End, ending};
use super::super::notices::leaving;
use super::super::pool::failure::Failure;
use super::super::pool::{Link, Step, Values};
use super::super::row::{self, Line, user_columns};
use super::super::{Postgres, Scope};
use super::folded;
use crate::port::sessions::EndedSessions;
use crate::port::users::UserWrite;

const HOLD_USER: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM users AS u WHERE u.tenant_id = $1 AND u.id = $2 FOR UPDATE"
);

/// `$8` says whether the patch ends the sessions, `$9` whether the address changed: tokens that
/// were mailed to the old one must not serve the new.
const UPDATE_USER: &str = concat!(
    "WITH owner AS (
        UPDATE users
        SET email = $10,
            email_key = $11,
            email_verified = $12,
            name = $13,
            name_key = $14,
            status = $15,
            locked_reason = $16,
            roles = $17,
            updated_at = $18,
            version = $19,
            password_compromised = $20,
            erase_at = $25
        WHERE tenant_id = $1 AND id = $7
        RETURNING id
    ), ",
    ending!("s.user_id = $7 AND $8::boolean"),
    ", forgotten AS (
        DELETE FROM one_time
        WHERE tenant_id = $1 AND user_id = $7 AND $9::boolean
    ), noticed AS (
        INSERT INTO changes (tenant_id, kind, about, expires_at)
        SELECT $1, 'user_changed', owner.id::text, $4
        FROM owner
    ), mail AS (
        INSERT INTO outbox (tenant_id, id, sealed, attempts, created_at, due_at)
        SELECT $1, $21, $22, $23, $24, $24
        FROM owner
        WHERE $21::uuid IS NOT NULL
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3
        FROM owner
    )
    SELECT id FROM ended"
);

/// The rows of sessions, families and tokens go by their foreign keys, after their clients were noted. The first row of the answer
/// says whether there was such a user; the others are the sessions that lived.
const DELETE_USER: &str = concat!(
    "WITH gone AS (
        DELETE FROM users
        WHERE tenant_id = $1 AND id = $5 AND ($6::bigint IS NULL OR version = $6)
        RETURNING id
    ), ended AS (
        SELECT s.id
        FROM sessions AS s
        JOIN gone ON gone.id = s.user_id
        WHERE s.tenant_id = $1 AND s.ended_at IS NULL
    ), told AS (
        INSERT INTO changes (tenant_id, kind, about, expires_at)
        SELECT $1::uuid, 'session_ended', ended.id::text, $4::bigint
        FROM ended
        UNION ALL
        SELECT $1::uuid, 'user_changed', gone.id::text, $4::bigint
        FROM gone
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3
        FROM gone
    ), ",
    leaving!("$2"),
    "
    SELECT NULL::uuid AS id FROM gone
    UNION ALL
    SELECT id FROM ended"
);

/// Makes of the account as it stands what the patch wants.
fn patched(mut user: User, patch: UserPatch, now: UnixMillis) -> User {
    if let Some(email) = patch.email {
        user.email_verified = user.email_verified && user.email.key() == email.key();
        user.email = email;
    }
    user.email_verified = patch.email_verified.unwrap_or(user.email_verified);
    user.name = patch.name.unwrap_or(user.name);
    user.roles = patch.roles.unwrap_or(user.roles);
    user.password_compromised |= patch.password_compromised;
    if let Some(status) = patch.status {
        user.status = status;
        user.erase_at = patch.erase_at;
    }
    user.locked_reason = match patch.status {
        Some(UserStatus::Active) => None,
        _ => patch.locked_reason.or(user.locked_reason),
    };
    user.updated_at = now;
    user.version += 1;
    user
}

/// An account as a patch leaves it, and what else follows from the patch.
struct Patched {
    user: User,
    /// Whether it ends the account's sessions.
    closed: bool,
    /// Whether mail goes to another address now.
    moved: bool,
    notice: Option<MailJob>,
}

impl Patched {
    fn new(before: User, mut patch: UserPatch, now: UnixMillis) -> Self {
        let (key, notice) = (before.email.key(), patch.notice.take());
        let locked = patch
            .status
            .is_some_and(|status| status != UserStatus::Active);
        let closed = locked || patch.password_compromised;
        let user = patched(before, patch, now);
        Self {
            closed,
            moved: user.email.key() != key,
            user,
            notice,
        }
    }

    /// Writes the account and what follows, and commits.
    async fn write(
        self,
        link: &mut Link,
        remember_until: UnixMillis,
        entry: &Entry,
    ) -> Result<UserWrite, Fault> {
        let (user, line) = (&self.user, Line::of(entry));
        let mail = self.notice.as_ref();
        let roles = row::to_json(&user.roles)?;
        let end = End::new(EndReason::Administrator, entry.origin.at, remember_until);
        let values: Values<'_> = &[
            &line.tenant,
            &line.at,
            &line.fields,
            &end.remember_until,
            &end.reason,
            &end.now,
            &user.id.as_uuid(),
            &self.closed,
            &self.moved,
            &user.email.as_str(),
            &user.email.key(),
            &user.email_verified,
            &user.name,
            &folded(&user.name),
            &user.status.as_str(),
            &user.locked_reason,
            &roles,
            &user.updated_at.as_millis(),
            &user.version,
            &user.password_compromised,
            &mail.map(|mail| mail.id.as_uuid()),
            &mail.map(|mail| mail.sealed.as_slice()),
            &mail.map(|mail| i64::from(mail.attempts)),
            &mail.map(|mail| mail.created_at.as_millis()),
            &user.erase_at.map(UnixMillis::as_millis),
        ];
        let sql = UPDATE_USER;
        match link.commit(&[Step { sql, values }]).await {
            Ok(answers) => {
                let ended = row::session_ids(answers.first().map_or(&[], Vec::as_slice))?;
                Ok(UserWrite::Stored(Box::new(self.user), ended))
            }
            Err(Failure::Duplicate(_)) => Ok(UserWrite::EmailTaken),
            Err(failure) => Err(failure.into()),
        }
    }
}

impl Postgres {
    pub(super) async fn patch_user(
        &self,
        user: UserId,
        patch: UserPatch,
        remember_until: UnixMillis,
        entry: Entry,
    ) -> Result<UserWrite, Fault> {
        let (tenant, id) = (entry.origin.tenant.as_uuid(), user.as_uuid());
        let owner: Values<'_> = &[&tenant, &id];
        let look = [HOLD_USER, ending::LOCK_FAMILIES_OF_USER];
        let look = look.map(|sql| Step { sql, values: owner });
        let mut link = self.pool().link().await?;
        let scope = Scope::Tenant(entry.origin.tenant);
        let answers = link.begin(scope, &look).await?;
        let Some(row) = answers.first().and_then(|rows| rows.first()) else {
            link.leave().await?;
            return Ok(UserWrite::Missing);
        };
        let before = row::user(row)?;
        let expected = patch.expected_version.unwrap_or(before.version);
        if expected != before.version {
            link.leave().await?;
            return Ok(UserWrite::Stale);
        }
        let patched = Patched::new(before, patch, entry.origin.at);
        patched.write(&mut link, remember_until, &entry).await
    }

    pub(super) async fn remove_user(
        &self,
        user: UserId,
        expected: Option<i64>,
        remember_until: UnixMillis,
        entry: Entry,
    ) -> Result<Option<EndedSessions>, Fault> {
        let (line, id) = (Line::of(&entry), user.as_uuid());
        let remember_until = remember_until.as_millis();
        let owner: Values<'_> = &[&line.tenant, &id];
        let told: Values<'_> = &[&line.tenant, &line.at, &line.fields];
        let values = [told, &[&remember_until, &id, &expected]].concat();
        let steps = [
            (ending::LOCK_USER, owner),
            (ending::LOCK_FAMILIES_OF_USER, owner),
            (DELETE_USER, values.as_slice()),
        ];
        let steps = steps.map(|(sql, values)| Step { sql, values });
        let scope = Scope::Tenant(entry.origin.tenant);
        let answers = self.pool().run_all(scope, &steps).await?;
        let rows = answers.last().map_or(&[][..], Vec::as_slice);
        rows.split_first()
            .map(|(_, ended)| row::session_ids(ended))
            .transpose()
    }
}
