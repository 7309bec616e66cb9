//! Ids that count once, in SQLite.

use domain::id::TenantId;
use domain::time::UnixMillis;
use rusqlite::params;

use super::Sqlite;
use super::row::Id;
use crate::port::Pending;
use crate::port::spent::Spent;

const CLAIM: &str = "INSERT INTO spent_ids (tenant_id, key, expires_at)
VALUES (?1, ?2, ?3)
ON CONFLICT DO NOTHING";

impl Spent for Sqlite {
    fn claim_id(
        &self,
        tenant: TenantId,
        key: [u8; 32],
        expires_at: UnixMillis,
    ) -> Pending<'_, bool> {
        self.write(move |step| {
            let bounds = params![tenant.blob(), key, expires_at.as_millis()];
            Ok(step.prepare_cached(CLAIM)?.execute(bounds)? > 0)
        })
    }
}
