//! Backup codes.

use domain::rejection::Fault;

use super::super::Postgres;
use super::super::row;
use super::{Head, active_owner, signatures, telling};
use crate::port::factors::{NewBackupCodes, UseBackupCode};

/// Puts the codes `$9` in the place of older ones, for the one row of `done` or for none, under a
/// condition. Gives two parts of a `WITH`: they see the codes as they were before, so one that is
/// given again is left alone.
macro_rules! replacing {
    ($condition:literal) => {
        concat!(
            "dropped AS (
                DELETE FROM backup_codes
                WHERE tenant_id = $1
                  AND user_id = $4
                  AND signature <> ALL ($9::bytea[])
                  AND EXISTS (SELECT FROM done)
                  AND ",
            $condition,
            "
            ), kept AS (
                INSERT INTO backup_codes (tenant_id, user_id, signature)
                SELECT $1, $4, given.signature
                FROM done, unnest($9::bytea[]) AS given (signature)
                ON CONFLICT DO NOTHING
            )"
        )
    };
}

/// As [`replacing`]; without any codes, the older ones stand.
macro_rules! replacing_if_given {
    () => {
        $crate::postgres::factors::backup_codes::replacing!("cardinality($9::bytea[]) > 0")
    };
}
pub(super) use {replacing, replacing_if_given};

const REPLACE_BACKUP_CODES: &str = concat!(
    "WITH ",
    active_owner!(),
    ", done AS (
        SELECT owner.id
        FROM owner
        WHERE EXISTS (
            SELECT
            FROM totps
            WHERE tenant_id = $1 AND user_id = $4 AND confirmed_at IS NOT NULL
        ) OR EXISTS (
            SELECT
            FROM passkeys
            WHERE tenant_id = $1 AND user_id = $4
        )
    ), ",
    replacing!("true"),
    ", ",
    telling!("done"),
    "
    SELECT id FROM done"
);

/// What is left is counted as it was before, without what is spent.
const USE_BACKUP_CODE: &str = concat!(
    "WITH spent AS (
        DELETE FROM backup_codes
        WHERE tenant_id = $1 AND user_id = $4 AND signature = ANY ($9::bytea[])
        RETURNING signature
    ), done AS (
        SELECT true AS is_spent
        WHERE EXISTS (SELECT FROM spent)
    ), ",
    telling!("done"),
    "
    SELECT (
        SELECT count(*)
        FROM backup_codes
        WHERE tenant_id = $1 AND user_id = $4 AND signature <> ALL ($9::bytea[])
    ) AS remaining
    FROM done"
);

impl Postgres {
    pub(super) async fn renew_backup_codes(&self, order: NewBackupCodes) -> Result<bool, Fault> {
        let head = Head::of(order.user, order.notice.as_ref(), &order.entry);
        let codes = signatures(&order.signatures);
        let values = head.with(&[&codes]);
        let owner = (order.tenant, order.user);
        let done = self.with_owner_locked(owner, REPLACE_BACKUP_CODES, &values);
        Ok(!done.await?.is_empty())
    }

    pub(super) async fn spend_backup_code(
        &self,
        order: UseBackupCode,
    ) -> Result<Option<u32>, Fault> {
        let head = Head::of(order.user, order.notice.as_ref(), &order.entry);
        let codes = signatures(&order.signatures);
        let values = head.with(&[&codes]);
        let owner = (order.tenant, order.user);
        let done = self.with_owner_locked(owner, USE_BACKUP_CODE, &values);
        let rows = done.await?;
        let left = rows.first().map(|row| row::number(row, "remaining"));
        left.transpose()
    }
}
