//! How much a tenant has, in SQLite.

use domain::id::TenantId;
use domain::time::UnixMillis;
use rusqlite::ToSql;

use super::Sqlite;
use super::row::{self, Id};
use crate::port::Pending;
use crate::port::tallies::{Tallies, Tally};

const USERS: &str = "SELECT COUNT(*)
FROM (SELECT 1 FROM users WHERE tenant_id = ?1 LIMIT ?2)";

const SESSIONS: &str = "SELECT COUNT(*)
FROM (
    SELECT 1
    FROM sessions
    WHERE tenant_id = ?1 AND ended_at IS NULL AND expires_at > ?3
    LIMIT ?2
)";

const CLIENTS: &str = "SELECT COUNT(*)
FROM (SELECT 1 FROM clients WHERE tenant_id = ?1 LIMIT ?2)";

const API_KEYS: &str = "SELECT COUNT(*)
FROM (
    SELECT 1
    FROM api_keys
    WHERE tenant_id = ?1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?3)
    LIMIT ?2
)";

impl Tallies for Sqlite {
    fn load_tally(&self, tenant: TenantId, most: u32, now: UnixMillis) -> Pending<'_, Tally> {
        self.read(move |connection| {
            let snapshot = connection.unchecked_transaction()?;
            let (tenant, now) = (tenant.blob(), now.as_millis());
            let count = |sql: &str, values: &[&dyn ToSql]| {
                let mut statement = snapshot.prepare_cached(sql)?;
                statement.query_row(values, row::count)
            };
            Ok(Tally {
                users: count(USERS, &[&tenant, &most])?,
                sessions: count(SESSIONS, &[&tenant, &most, &now])?,
                clients: count(CLIENTS, &[&tenant, &most])?,
                api_keys: count(API_KEYS, &[&tenant, &most, &now])?,
            })
        })
    }
}
