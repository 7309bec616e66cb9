//! Passkeys.

use domain::event::Entry;
use domain::factor::Passkey;
use domain::id::{PasskeyId, TenantId, UserId};
use domain::rejection::Fault;
use domain::time::UnixMillis;

use super::super::pool::Values;
use super::super::row::{Line, get};
use super::super::{Postgres, Scope};
use super::backup_codes::replacing_if_given;
use super::{Head, active_owner, passkey, passkey_columns, signatures, telling};
use crate::port::factors::{AddPasskey, MAX_PASSKEYS, PasskeyBinding, UsePasskey};

const FIND_PASSKEY: &str = concat!(
    "SELECT ",
    passkey_columns!(),
    "
    FROM passkeys AS p
    WHERE p.tenant_id = $1 AND p.credential_id = $2"
);

/// Two accounts may bind one credential at the same moment: the unique key makes the second wait, and
/// then nothing of it is done.
const ADD_PASSKEY: &str = concat!(
    "WITH ",
    active_owner!(),
    ", crowd AS (
        SELECT count(*) AS size
        FROM passkeys
        WHERE tenant_id = $1 AND user_id = $4
    ), done AS (
        INSERT INTO passkeys (
            tenant_id, id, user_id, credential_id, name, credential, sign_count,
            is_backup_eligible, is_backed_up, created_at, last_used_at
        )
        SELECT $1, $11, owner.id, $12, $13, $14, $15, $16, $17, $18, $19
        FROM owner
        JOIN crowd ON crowd.size < $10
        ON CONFLICT (tenant_id, credential_id) DO NOTHING
        RETURNING user_id
    ), ",
    replacing_if_given!(),
    ", ",
    telling!("done"),
    "
    SELECT EXISTS (SELECT FROM done) AS is_bound,
           EXISTS (
               SELECT
               FROM passkeys
               WHERE tenant_id = $1 AND credential_id = $12
           ) OR crowd.size < $10 AS is_taken
    FROM owner, crowd"
);

const RENAME_PASSKEY: &str = "
    WITH renamed AS (
        UPDATE passkeys
        SET name = $6
        WHERE tenant_id = $1 AND user_id = $4 AND id = $5
        RETURNING id
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3
        FROM renamed
    )
    SELECT id FROM renamed";

/// Of two uses at the same moment the second waits here for the first to commit, and is judged by the
/// counter that that left.
const USE_PASSKEY: &str = "
    UPDATE passkeys
    SET credential = $4,
        sign_count = $5,
        is_backed_up = $6,
        last_used_at = $7
    WHERE tenant_id = $1
      AND user_id = $2
      AND id = $3
      AND (sign_count < $5 OR (sign_count = 0 AND $5 = 0))
    RETURNING id";

impl Postgres {
    pub(super) async fn passkey_named(
        &self,
        tenant: TenantId,
        credential_id: Vec<u8>,
    ) -> Result<Option<Passkey>, Fault> {
        let values: Values<'_> = &[&tenant.as_uuid(), &credential_id];
        let scope = Scope::Tenant(tenant);
        let rows = self.pool().run(scope, FIND_PASSKEY, values).await?;
        rows.first().map(passkey).transpose()
    }

    pub(super) async fn bind_passkey(&self, binding: AddPasskey) -> Result<PasskeyBinding, Fault> {
        let key = &binding.passkey;
        let head = Head::of(key.user, binding.notice.as_ref(), &binding.entry);
        let codes = signatures(&binding.backup_codes);
        let rest: Values<'_> = &[
            &codes,
            &i64::from(MAX_PASSKEYS),
            &key.id.as_uuid(),
            &key.credential_id,
            &key.name,
            &key.credential,
            &i64::from(key.sign_count),
            &key.is_backup_eligible,
            &key.is_backed_up,
            &key.created_at.as_millis(),
            &key.last_used_at.map(UnixMillis::as_millis),
        ];
        let (owner, values) = ((key.tenant, key.user), head.with(rest));
        let rows = self.with_owner_locked(owner, ADD_PASSKEY, &values).await?;
        let Some(row) = rows.first() else {
            return Ok(PasskeyBinding::Missing);
        };
        Ok(match (get(row, "is_bound")?, get(row, "is_taken")?) {
            (true, _) => PasskeyBinding::Bound,
            (false, true) => PasskeyBinding::Taken,
            (false, false) => PasskeyBinding::TooMany,
        })
    }

    pub(super) async fn name_passkey(
        &self,
        user: UserId,
        passkey: PasskeyId,
        name: String,
        entry: Entry,
    ) -> Result<bool, Fault> {
        let line = Line::of(&entry);
        let values: Values<'_> = &[
            &line.tenant,
            &line.at,
            &line.fields,
            &user.as_uuid(),
            &passkey.as_uuid(),
            &name,
        ];
        let scope = Scope::Tenant(entry.origin.tenant);
        let renamed = self.pool().run(scope, RENAME_PASSKEY, values).await?;
        Ok(!renamed.is_empty())
    }

    pub(super) async fn record_use(&self, used: UsePasskey) -> Result<bool, Fault> {
        let values: Values<'_> = &[
            &used.tenant.as_uuid(),
            &used.user.as_uuid(),
            &used.id.as_uuid(),
            &used.credential,
            &i64::from(used.sign_count),
            &used.is_backed_up,
            &used.at.as_millis(),
        ];
        let scope = Scope::Tenant(used.tenant);
        let recorded = self.pool().run(scope, USE_PASSKEY, values).await?;
        Ok(!recorded.is_empty())
    }
}
