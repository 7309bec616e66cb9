//! What is bound to accounts, in SQLite: the verbs, and how it is read. Each kind of factor has its
//! own file.

use domain::event::Entry;
use domain::factor::{Factors as Bound, Passkey, Totp};
use domain::id::{PasskeyId, TenantId, UserId};
use domain::mail::MailJob;
use domain::time::UnixMillis;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::row::{Columns, Id};
use super::{Sqlite, Step, audit, outbox};
use crate::port::Pending;
use crate::port::factors::{
    AddPasskey, ConfirmTotp, Factors, NewBackupCodes, PasskeyBinding, RecoverFactors,
    RemoveAllFactors, RemoveFactor, UseBackupCode, UsePasskey,
};
use crate::port::sessions::EndedSessions;

mod backup_codes;
mod passkeys;
mod removal;
mod totp;

#[cfg(test)]
pub(super) use backup_codes::USE as USE_BACKUP_CODE;
#[cfg(test)]
pub(super) use passkeys::{FIND as FIND_PASSKEY, USE as USE_PASSKEY};
#[cfg(test)]
pub(super) use totp::USE as USE_TOTP;

/// The columns of a passkey, for a table called `p`; see [`passkey`].
macro_rules! passkey_columns {
    () => {
        "p.id, p.tenant_id, p.user_id, p.credential_id, p.name, p.credential, p.sign_count, \
         p.is_backup_eligible, p.is_backed_up, p.created_at, p.last_used_at"
    };
}
use passkey_columns;

/// One statement, so that all of it is of one moment: a row for each passkey, or one without.
pub(super) const LOAD: &str = concat!(
    "SELECT ",
    passkey_columns!(),
    ",
    (SELECT COUNT(*) FROM backup_codes AS b WHERE b.tenant_id = u.tenant_id AND b.user_id = u.id),
    t.tenant_id, t.user_id, t.sealed_secret, t.digits, t.period_s, t.created_at, t.confirmed_at,
    t.last_step
FROM users AS u
LEFT JOIN totps AS t ON t.tenant_id = u.tenant_id AND t.user_id = u.id
LEFT JOIN passkeys AS p ON p.tenant_id = u.tenant_id AND p.user_id = u.id
WHERE u.tenant_id = ?1 AND u.id = ?2
ORDER BY p.created_at, p.id"
);

/// How many columns a passkey has.
const PASSKEY_WIDTH: usize = 11;

const ACTIVE: &str = "SELECT 1
FROM users
WHERE tenant_id = ?1 AND id = ?2 AND status = 'active'";

impl Factors for Sqlite {
    fn load_factors(&self, tenant: TenantId, user: UserId) -> Pending<'_, Bound> {
        self.read(move |connection| load(connection, tenant, user))
    }

    fn find_passkey(
        &self,
        tenant: TenantId,
        credential_id: Vec<u8>,
    ) -> Pending<'_, Option<Passkey>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(passkeys::FIND)?;
            let bounds = params![tenant.blob(), credential_id];
            let found = statement.query_row(bounds, |row| passkey(&mut Columns::of(row)));
            found.optional()
        })
    }

    fn begin_totp(&self, totp: Totp, entry: Entry) -> Pending<'_, bool> {
        self.write(move |step| totp::begin(step, &totp, &entry))
    }

    fn confirm_totp(&self, confirmation: ConfirmTotp) -> Pending<'_, bool> {
        self.write(move |step| totp::confirm(step, &confirmation))
    }

    fn use_totp(
        &self,
        tenant: TenantId,
        user: UserId,
        created_at: UnixMillis,
        step: u64,
    ) -> Pending<'_, bool> {
        self.write(move |writer| totp::take(writer, (tenant, user), created_at, step))
    }

    fn replace_backup_codes(&self, codes: NewBackupCodes) -> Pending<'_, bool> {
        self.write(move |step| backup_codes::renew(step, &codes))
    }

    fn use_backup_code(&self, code: UseBackupCode) -> Pending<'_, Option<u32>> {
        self.write(move |step| backup_codes::spend(step, &code))
    }

    fn add_passkey(&self, binding: AddPasskey) -> Pending<'_, PasskeyBinding> {
        self.write(move |step| passkeys::add(step, &binding))
    }

    fn rename_passkey(
        &self,
        user: UserId,
        passkey: PasskeyId,
        name: String,
        entry: Entry,
    ) -> Pending<'_, bool> {
        self.write(move |step| passkeys::rename(step, (user, passkey), &name, &entry))
    }

    fn use_passkey(&self, used: UsePasskey) -> Pending<'_, bool> {
        self.write(move |step| passkeys::record_use(step, &used))
    }

    fn remove_factor(&self, removal: RemoveFactor) -> Pending<'_, bool> {
        self.write(move |step| removal::remove(step, &removal))
    }

    fn remove_all_factors(&self, removal: RemoveAllFactors) -> Pending<'_, Option<EndedSessions>> {
        self.write(move |step| removal::remove_all(step, &removal))
    }

    fn recover_factors(&self, recovery: RecoverFactors) -> Pending<'_, Option<EndedSessions>> {
        self.write(move |step| removal::recover(step, &recovery))
    }
}

/// Loads what an account has bound.
fn load(connection: &Connection, tenant: TenantId, user: UserId) -> rusqlite::Result<Bound> {
    let mut statement = connection.prepare_cached(LOAD)?;
    let mut rows = statement.query(params![tenant.blob(), user.blob()])?;
    let mut bound = Bound::default();
    while let Some(row) = rows.next()? {
        let rest = &mut Columns::from(row, PASSKEY_WIDTH);
        bound.backup_codes = rest.take()?;
        bound.totp = maybe_totp(rest)?;
        if has_passkey(row)? {
            bound.passkeys.push(passkey(&mut Columns::of(row))?);
        }
    }
    Ok(bound)
}

/// Says whether the account exists and may sign in.
fn is_active(step: &Step<'_>, tenant: TenantId, user: UserId) -> rusqlite::Result<bool> {
    let mut statement = step.prepare_cached(ACTIVE)?;
    statement.exists(params![tenant.blob(), user.blob()])
}

/// Queues the letter and writes the entry of what was done.
pub(super) fn tell(
    step: &Step<'_>,
    notice: Option<&MailJob>,
    entry: &Entry,
) -> rusqlite::Result<()> {
    if let Some(mail) = notice {
        outbox::queue(step, mail)?;
    }
    audit::write(step, entry)
}

/// Says whether an outer join found a passkey.
fn has_passkey(row: &Row<'_>) -> rusqlite::Result<bool> {
    Ok(row.get_ref(0)? != rusqlite::types::ValueRef::Null)
}

/// Reads [`passkey_columns`].
fn passkey(columns: &mut Columns<'_>) -> rusqlite::Result<Passkey> {
    Ok(Passkey {
        id: columns.id()?,
        tenant: columns.id()?,
        user: columns.id()?,
        credential_id: columns.take()?,
        name: columns.take()?,
        credential: columns.json()?,
        sign_count: columns.take()?,
        is_backup_eligible: columns.take()?,
        is_backed_up: columns.take()?,
        created_at: columns.time()?,
        last_used_at: columns.maybe_time()?,
    })
}

/// Reads the columns of an app that an outer join may have found.
fn maybe_totp(columns: &mut Columns<'_>) -> rusqlite::Result<Option<Totp>> {
    let Some(tenant) = columns.take::<Option<[u8; 16]>>()? else {
        return Ok(None);
    };
    Ok(Some(Totp {
        tenant: TenantId::from_blob(tenant),
        user: columns.id()?,
        sealed_secret: columns.take()?,
        digits: columns.take()?,
        period: columns.take()?,
        created_at: columns.time()?,
        confirmed_at: columns.maybe_time()?,
        last_step: columns.take::<Option<i64>>()?.map(i64::unsigned_abs),
    }))
}
