//! What pairwise subjects are made with, in SQLite.

use domain::id::TenantId;
use rusqlite::params;

use super::Sqlite;
use super::row::Id;
use crate::port::Pending;
use crate::port::salts::Salts;

/// The update changes nothing; it has the row that stands returned.
const KEEP: &str = "INSERT INTO pairwise_salts (tenant_id, salt)
VALUES (?1, ?2)
ON CONFLICT (tenant_id) DO UPDATE SET salt = salt
RETURNING salt";

impl Salts for Sqlite {
    fn keep_salt(&self, tenant: TenantId, drawn: [u8; 32]) -> Pending<'_, [u8; 32]> {
        self.write(move |step| {
            let mut statement = step.prepare_cached(KEEP)?;
            statement.query_row(params![tenant.blob(), drawn], |row| row.get(0))
        })
    }
}
