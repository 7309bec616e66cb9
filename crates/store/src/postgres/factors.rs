//! What is bound to accounts, on PostgreSQL: the verbs, and how it is read. Each kind of factor has
//! its own file.
//!
//! # Locks
//! What concerns several rows of an account (how many passkeys there are, whether a factor is the
//! last) is judged while the user is locked; who takes a time step or a passkey's counter needs no
//! more than the lock on that one row.

use domain::event::Entry;
use domain::factor::{Factors as Bound, Passkey, Totp};
use domain::id::{PasskeyId, TenantId, UserId};
use domain::mail::MailJob;
use domain::rejection::Fault;
use domain::time::UnixMillis;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::pool::{Step, Values};
use super::row::{self, Line, get};
use super::{Postgres, Scope};
use crate::port::Pending;
use crate::port::factors::{
    AddPasskey, ConfirmTotp, Factors, NewBackupCodes, PasskeyBinding, RecoverFactors,
    RemoveAllFactors, RemoveFactor, UseBackupCode, UsePasskey,
};
use crate::port::sessions::EndedSessions;

mod backup_codes;
mod passkeys;
mod recovery;
mod removal;
mod totp;

/// The columns of a passkey `p`.
macro_rules! passkey_columns {
    () => {
        "p.id AS p_id, p.tenant_id AS p_tenant, p.user_id AS p_user, \
         p.credential_id AS p_credential_id, p.name AS p_name, p.credential AS p_credential, \
         p.sign_count AS p_sign_count, p.is_backup_eligible AS p_is_backup_eligible, \
         p.is_backed_up AS p_is_backed_up, p.created_at AS p_created_at, \
         p.last_used_at AS p_last_used_at"
    };
}
use passkey_columns;

/// Queues a letter, if there is one, and writes the entry, for the one row of a table or for none.
/// Gives two parts of a `WITH`. The parameters are those of [`Head`].
macro_rules! telling {
    ($done:literal) => {
        concat!(
            "mail AS (
                INSERT INTO outbox (tenant_id, id, sealed, attempts, created_at, due_at)
                SELECT $1, $5, $6, $7, $8, $8
                FROM ",
            $done,
            "
                WHERE $5::uuid IS NOT NULL
            ), entry AS (
                INSERT INTO audit (tenant_id, at, fields)
                SELECT $1, $2, $3
                FROM ",
            $done,
            ")"
        )
    };
}
pub(super) use telling;

/// The account `$4`, if it may sign in: a part of a `WITH`.
macro_rules! active_owner {
    () => {
        "owner AS (
            SELECT id
            FROM users
            WHERE tenant_id = $1 AND id = $4 AND status = 'active'
        )"
    };
}
use active_owner;

/// One statement, so that all of it is of one moment: a row for each passkey, or one without.
const LOAD_FACTORS: &str = concat!(
    "SELECT ",
    passkey_columns!(),
    ", t.tenant_id AS t_tenant, t.user_id AS t_user, t.sealed_secret AS t_sealed_secret,
        t.digits AS t_digits, t.period_s AS t_period, t.created_at AS t_created_at,
        t.confirmed_at AS t_confirmed_at, t.last_step AS t_last_step,
        (
            SELECT count(*)
            FROM backup_codes AS b
            WHERE b.tenant_id = $1 AND b.user_id = $2
        ) AS codes
    FROM users AS u
    LEFT JOIN totps AS t ON t.tenant_id = u.tenant_id AND t.user_id = u.id
    LEFT JOIN passkeys AS p ON p.tenant_id = u.tenant_id AND p.user_id = u.id
    WHERE u.tenant_id = $1 AND u.id = $2
    ORDER BY p.created_at, p.id"
);

const LOCK_OWNER: &str = "
    SELECT id
    FROM users
    WHERE tenant_id = $1 AND id = $2
    FOR NO KEY UPDATE";

/// The parameters that a verb with an entry and a letter begins with: `$1` to `$3` the entry, `$4` the
/// user, `$5` to `$8` the letter.
pub(super) struct Head {
    line: Line,
    user: Uuid,
    mail: Option<Uuid>,
    sealed: Option<Vec<u8>>,
    attempts: Option<i64>,
    written_at: Option<i64>,
}

// === impl Head ===

impl Head {
    pub(super) fn of(user: UserId, notice: Option<&MailJob>, entry: &Entry) -> Self {
        Self {
            line: Line::of(entry),
            user: user.as_uuid(),
            mail: notice.map(|mail| mail.id.as_uuid()),
            sealed: notice.map(|mail| mail.sealed.clone()),
            attempts: notice.map(|mail| i64::from(mail.attempts)),
            written_at: notice.map(|mail| mail.created_at.as_millis()),
        }
    }

    /// Gives the values, and those that follow.
    pub(super) fn with<'a>(
        &'a self,
        rest: &[&'a (dyn ToSql + Sync)],
    ) -> Vec<&'a (dyn ToSql + Sync)> {
        let mut all: Vec<&'a (dyn ToSql + Sync)> = vec![
            &self.line.tenant,
            &self.line.at,
            &self.line.fields,
            &self.user,
            &self.mail,
            &self.sealed,
            &self.attempts,
            &self.written_at,
        ];
        all.extend_from_slice(rest);
        all
    }
}

// === impl Postgres ===

impl Factors for Postgres {
    fn load_factors(&self, tenant: TenantId, user: UserId) -> Pending<'_, Bound> {
        Box::pin(async move {
            let values: Values<'_> = &[&tenant.as_uuid(), &user.as_uuid()];
            let scope = Scope::Tenant(tenant);
            let rows = self.pool().run(scope, LOAD_FACTORS, values).await?;
            bound(&rows)
        })
    }

    fn find_passkey(
        &self,
        tenant: TenantId,
        credential_id: Vec<u8>,
    ) -> Pending<'_, Option<Passkey>> {
        Box::pin(self.passkey_named(tenant, credential_id))
    }

    fn begin_totp(&self, totp: Totp, entry: Entry) -> Pending<'_, bool> {
        Box::pin(self.store_totp(totp, entry))
    }

    fn confirm_totp(&self, confirmation: ConfirmTotp) -> Pending<'_, bool> {
        Box::pin(self.settle_totp(confirmation))
    }

    fn use_totp(
        &self,
        tenant: TenantId,
        user: UserId,
        created_at: UnixMillis,
        step: u64,
    ) -> Pending<'_, bool> {
        Box::pin(self.take_step(tenant, user, created_at, step))
    }

    fn replace_backup_codes(&self, codes: NewBackupCodes) -> Pending<'_, bool> {
        Box::pin(self.renew_backup_codes(codes))
    }

    fn use_backup_code(&self, code: UseBackupCode) -> Pending<'_, Option<u32>> {
        Box::pin(self.spend_backup_code(code))
    }

    fn add_passkey(&self, binding: AddPasskey) -> Pending<'_, PasskeyBinding> {
        Box::pin(self.bind_passkey(binding))
    }

    fn rename_passkey(
        &self,
        user: UserId,
        passkey: PasskeyId,
        name: String,
        entry: Entry,
    ) -> Pending<'_, bool> {
        Box::pin(self.name_passkey(user, passkey, name, entry))
    }

    fn use_passkey(&self, used: UsePasskey) -> Pending<'_, bool> {
        Box::pin(self.record_use(used))
    }

    fn remove_factor(&self, removal: RemoveFactor) -> Pending<'_, bool> {
        Box::pin(self.take_factor(removal))
    }

    fn remove_all_factors(&self, removal: RemoveAllFactors) -> Pending<'_, Option<EndedSessions>> {
        Box::pin(self.take_all_factors(removal))
    }

    fn recover_factors(&self, recovery: RecoverFactors) -> Pending<'_, Option<EndedSessions>> {
        Box::pin(self.take_lost_factors(recovery))
    }
}

impl Postgres {
    /// Runs a statement while the user is locked: it sees what whoever had the lock before committed.
    pub(super) async fn with_owner_locked(
        &self,
        (tenant, user): (TenantId, UserId),
        sql: &'static str,
        values: Values<'_>,
    ) -> Result<Vec<Row>, Fault> {
        let owner: Values<'_> = &[&tenant.as_uuid(), &user.as_uuid()];
        let steps = [(LOCK_OWNER, owner), (sql, values)];
        let steps = steps.map(|(sql, values)| Step { sql, values });
        let mut answers = self.pool().run_all(Scope::Tenant(tenant), &steps).await?;
        Ok(answers.pop().unwrap_or_default())
    }
}

// === free functions ===

/// Writes signatures as the array that `ANY` takes.
fn signatures(all: &[[u8; 32]]) -> Vec<&[u8]> {
    all.iter().map(<[u8; 32]>::as_slice).collect()
}

/// Reads the rows of [`LOAD_FACTORS`].
fn bound(rows: &[Row]) -> Result<Bound, Fault> {
    let Some(first) = rows.first() else {
        return Ok(Bound::default());
    };
    let mut passkeys = Vec::new();
    for row in rows {
        if get::<Option<Uuid>>(row, "p_id")?.is_some() {
            passkeys.push(passkey(row)?);
        }
    }
    Ok(Bound {
        totp: maybe_totp(first)?,
        passkeys,
        backup_codes: row::number(first, "codes")?,
    })
}

/// Reads [`passkey_columns`].
fn passkey(row: &Row) -> Result<Passkey, Fault> {
    Ok(Passkey {
        id: PasskeyId::from_uuid(get(row, "p_id")?),
        tenant: row::tenant(row, "p_tenant")?,
        user: UserId::from_uuid(get(row, "p_user")?),
        credential_id: get(row, "p_credential_id")?,
        name: get(row, "p_name")?,
        credential: get(row, "p_credential")?,
        sign_count: row::number(row, "p_sign_count")?,
        is_backup_eligible: get(row, "p_is_backup_eligible")?,
        is_backed_up: get(row, "p_is_backed_up")?,
        created_at: row::instant(row, "p_created_at")?,
        last_used_at: row::maybe_instant(row, "p_last_used_at")?,
    })
}

/// Reads the columns of an app that an outer join may have found.
fn maybe_totp(row: &Row) -> Result<Option<Totp>, Fault> {
    let Some(user) = get::<Option<Uuid>>(row, "t_user")? else {
        return Ok(None);
    };
    let last_step: Option<i64> = get(row, "t_last_step")?;
    Ok(Some(Totp {
        tenant: row::tenant(row, "t_tenant")?,
        user: UserId::from_uuid(user),
        sealed_secret: get(row, "t_sealed_secret")?,
        digits: row::number(row, "t_digits")?,
        period: row::number(row, "t_period")?,
        created_at: row::instant(row, "t_created_at")?,
        confirmed_at: row::maybe_instant(row, "t_confirmed_at")?,
        last_step: last_step.map(i64::unsigned_abs),
    }))
}
