//! Accounts and their passwords in SQLite. Lists are in [`list`], changes in [`patch`].

use domain::change::ChangeKind;
use domain::email::EmailAddress;
use domain::event::Entry;
use domain::id::{TenantId, UserId};
use domain::one_time::Purpose;
use domain::page::{Page, PageRequest};
use domain::session::EndReason;
use domain::time::UnixMillis;
use domain::user::{Credentials, PasswordRecord, User, UserFilter, UserPatch};
use rusqlite::{OptionalExtension, Row, params};

use super::row::{self, Columns, Id, user_columns};
use super::sessions::{Doomed, end};
use super::{Sqlite, Step, audit, changes, one_time, outbox};
use crate::port::Pending;
use crate::port::sessions::{EndTarget, EndedSessions};
use crate::port::users::{NewUser, PasswordChange, Registration, UserWrite, Users};

mod list;
pub(super) mod many;
mod patch;

#[cfg(test)]
#[cfg(test)]
pub(super) use list::{FOUND, Narrowed};
pub(super) use patch::delete;

const INSERT: &str = "INSERT INTO users
    (tenant_id, id, email, email_key, email_verified, name, name_key, status, locked_reason, roles,
     password_phc, password_pepper, password_set_at, created_at, updated_at, version)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
ON CONFLICT (tenant_id, email_key) DO NOTHING";

const SELECT: &str = concat!(
    "SELECT ",
    user_columns!(),
    ", u.password_phc, u.password_pepper, u.password_set_at
FROM users AS u
WHERE u.tenant_id = ?1 AND u.id = ?2"
);

pub(super) const SELECT_BY_EMAIL: &str = concat!(
    "SELECT ",
    user_columns!(),
    ", u.password_phc, u.password_pepper, u.password_set_at
FROM users AS u
WHERE u.tenant_id = ?1 AND u.email_key = ?2"
);

const CHANGE_PASSWORD: &str = "UPDATE users
SET password_phc = ?3, password_pepper = ?4, password_set_at = ?5,
    password_by_mail = password_by_mail AND NOT ?7
WHERE tenant_id = ?1 AND id = ?2 AND (?6 IS NULL OR password_set_at = ?6)
    AND NOT password_compromised";

const RESET_PASSWORD: &str = "UPDATE users
SET password_phc = ?3, password_pepper = ?4, password_set_at = ?5, password_by_mail = 1,
    password_compromised = 0, version = version + password_compromised
WHERE tenant_id = ?1 AND id = ?2";

const REHASH: &str = "UPDATE users
SET password_phc = ?4, password_pepper = ?5, password_set_at = ?6
WHERE tenant_id = ?1 AND id = ?2 AND password_phc = ?3";

const VERIFY: &str = "UPDATE users
SET email_verified = 1, updated_at = ?3, version = version + 1
WHERE tenant_id = ?1 AND id = ?2";

impl Users for Sqlite {
    fn register_user(&self, new: NewUser) -> Pending<'_, Registration> {
        self.write(move |step| register(step, &new))
    }

    fn load_user(&self, tenant: TenantId, user: UserId) -> Pending<'_, Option<User>> {
        Box::pin(async move {
            let found = self.load_password(tenant, user).await?;
            Ok(found.map(|credentials| credentials.user))
        })
    }

    fn load_credentials(
        &self,
        tenant: TenantId,
        email: EmailAddress,
    ) -> Pending<'_, Option<Credentials>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(SELECT_BY_EMAIL)?;
            let found = statement.query_row(params![tenant.blob(), email.key()], read);
            found.optional()
        })
    }

    fn load_password(&self, tenant: TenantId, user: UserId) -> Pending<'_, Option<Credentials>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(SELECT)?;
            let found = statement.query_row(params![tenant.blob(), user.blob()], read);
            found.optional()
        })
    }

    fn list_users(
        &self,
        tenant: TenantId,
        filter: UserFilter,
        page: PageRequest,
    ) -> Pending<'_, Page<User>> {
        self.read(move |connection| list::list(connection, tenant, &filter, page))
    }

    fn update_user(
        &self,
        user: UserId,
        patch: UserPatch,
        remember_until: UnixMillis,
        entry: Entry,
    ) -> Pending<'_, UserWrite> {
        self.write(move |step| patch::update(step, user, &patch, (remember_until, &entry)))
    }

    fn delete_user(
        &self,
        user: UserId,
        expected: Option<i64>,
        remember_until: UnixMillis,
        entry: Entry,
    ) -> Pending<'_, Option<EndedSessions>> {
        self.write(move |step| {
            if patch::is_stale(step, user, expected, &entry)? {
                return Ok(None);
            }
            patch::delete(step, user, remember_until, &entry)
        })
    }

    fn change_password(&self, change: PasswordChange) -> Pending<'_, Option<EndedSessions>> {
        self.write(move |step| change_password(step, &change))
    }

    fn rehash_password(
        &self,
        user: UserId,
        old_phc: String,
        password: PasswordRecord,
        entry: Entry,
    ) -> Pending<'_, bool> {
        self.write(move |step| {
            let replaced = step.prepare_cached(REHASH)?.execute(params![
                entry.origin.tenant.blob(),
                user.blob(),
                old_phc,
                password.phc.expose(),
                password.pepper,
                password.set_at.as_millis(),
            ])?;
            if replaced > 0 {
                audit::write(step, &entry)?;
            }
            Ok(replaced > 0)
        })
    }
}

fn register(step: &Step<'_>, new: &NewUser) -> rusqlite::Result<Registration> {
    if !insert(step, &new.user, new.password.as_ref())? {
        return Ok(Registration::EmailTaken);
    }
    if let Some((token, mail)) = &new.verification {
        one_time::replace(step, token)?;
        outbox::queue(step, mail)?;
    }
    audit::write(step, &new.entry)?;
    Ok(Registration::Created)
}

fn insert(
    step: &Step<'_>,
    user: &User,
    password: Option<&PasswordRecord>,
) -> rusqlite::Result<bool> {
    let stored = step.prepare_cached(INSERT)?.execute(params![
        user.tenant.blob(),
        user.id.blob(),
        user.email.as_str(),
        user.email.key(),
        user.email_verified,
        user.name,
        row::fold(&user.name),
        user.status.as_str(),
        user.locked_reason,
        row::json(&user.roles)?,
        password.map(|password| password.phc.expose()),
        password.map(|password| password.pepper.as_str()),
        password.map(|password| password.set_at.as_millis()),
        user.created_at.as_millis(),
        user.updated_at.as_millis(),
        user.version,
    ])?;
    Ok(stored > 0)
}

/// Sets a password that came by mail.
pub(super) fn reset_password(
    step: &Step<'_>,
    (tenant, user): (TenantId, UserId),
    password: &PasswordRecord,
) -> rusqlite::Result<()> {
    step.prepare_cached(RESET_PASSWORD)?.execute(params![
        tenant.blob(),
        user.blob(),
        password.phc.expose(),
        password.pepper,
        password.set_at.as_millis(),
    ])?;
    Ok(())
}

/// Marks the address as verified, and announces it.
pub(super) fn verify_email(
    step: &Step<'_>,
    (tenant, user): (TenantId, UserId),
    now: UnixMillis,
    entry: &Entry,
) -> rusqlite::Result<()> {
    let mut statement = step.prepare_cached(VERIFY)?;
    statement.execute(params![tenant.blob(), user.blob(), now.as_millis()])?;
    changes::announce_hint(step, entry, &ChangeKind::UserChanged(user))
}

fn change_password(
    step: &Step<'_>,
    change: &PasswordChange,
) -> rusqlite::Result<Option<EndedSessions>> {
    let (tenant, user, password) = (change.tenant, change.user, &change.password);
    let stored = step.prepare_cached(CHANGE_PASSWORD)?.execute(params![
        tenant.blob(),
        user.blob(),
        password.phc.expose(),
        password.pepper,
        password.set_at.as_millis(),
        change.old_set_at.map(UnixMillis::as_millis),
        change.is_owners,
    ])?;
    if stored == 0 {
        return Ok(None);
    }
    one_time::forget(step, tenant, user, Purpose::ResetPassword)?;
    let doomed = Doomed {
        tenant,
        which: EndTarget::User(user, change.keep),
        reason: EndReason::PasswordChanged,
        now: change.entry.origin.at,
        remember_until: change.remember_until,
    };
    let ended = end(step, &doomed)?;
    if let Some(mail) = &change.notice {
        outbox::queue(step, mail)?;
    }
    audit::write(step, &change.entry)?;
    Ok(Some(ended))
}

fn read(row: &Row<'_>) -> rusqlite::Result<Credentials> {
    let columns = &mut Columns::of(row);
    Ok(Credentials {
        user: row::user(columns)?,
        password: row::password(columns)?,
    })
}
