//! API keys on PostgreSQL.

use domain::api_key::ApiKey;
use domain::event::Entry;
use domain::id::{ApiKeyId, TenantId};
use domain::rejection::Fault;
use domain::scope::ScopeSet;
use domain::time::UnixMillis;
use tokio_postgres::Row;

use super::pool::{Step, Values};
use super::row::{self, Line, get};
use super::tenants::forget_change_at;
use super::{Postgres, Scope};
use crate::port::Pending;
use crate::port::api_keys::ApiKeys;

/// Stores the key; only the tenant's very first one where `$13` says so.
const CREATE_API_KEY: &str = "
    WITH fresh AS (
        INSERT INTO api_keys (
            tenant_id, id, name, visible_prefix, signature, scopes, created_at, expires_at,
            revoked_at
        )
        SELECT $4::uuid, $5, $6, $7, $8, $9, $10, $11, $12
        WHERE NOT $13::boolean OR NOT EXISTS (SELECT FROM api_keys WHERE tenant_id = $4)
        RETURNING id
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3
        FROM fresh
    )
    SELECT id FROM fresh";

/// Makes nodes that start at once ask one after the other; released at the commit.
const LOCK_TENANT: &str = "SELECT FROM tenants WHERE id = $1 FOR NO KEY UPDATE";

const LOAD_API_KEY: &str = "
    SELECT tenant_id, id, name, visible_prefix, signature, scopes, created_at, expires_at, revoked_at
    FROM api_keys
    WHERE tenant_id = $1 AND signature = $2";

const LIST_API_KEYS: &str = "
    SELECT tenant_id, id, name, visible_prefix, signature, scopes, created_at, expires_at, revoked_at
    FROM api_keys
    WHERE tenant_id = $1
    ORDER BY created_at, id";

const REVOKE_API_KEY: &str = "
    WITH gone AS (
        UPDATE api_keys
        SET revoked_at = $5
        WHERE tenant_id = $1
          AND id = $4
          AND revoked_at IS NULL
          AND (expires_at IS NULL OR expires_at > $5)
        RETURNING id
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3
        FROM gone
    ), told AS (
        INSERT INTO changes (tenant_id, kind, about, expires_at)
        SELECT $1, 'api_key_changed', id::text, $6
        FROM gone
    )
    SELECT id FROM gone";

fn api_key(row: &Row) -> Result<ApiKey, Fault> {
    Ok(ApiKey {
        id: ApiKeyId::from_uuid(get(row, "id")?),
        tenant: row::tenant(row, "tenant_id")?,
        name: get(row, "name")?,
        visible_prefix: get(row, "visible_prefix")?,
        signature: row::bytes32(row, "signature")?,
        scopes: ScopeSet::from_stored(get(row, "scopes")?),
        created_at: row::instant(row, "created_at")?,
        expires_at: row::maybe_instant(row, "expires_at")?,
        revoked_at: row::maybe_instant(row, "revoked_at")?,
    })
}

impl Postgres {
    async fn insert_api_key(
        &self,
        key: ApiKey,
        only_first: bool,
        entry: Entry,
    ) -> Result<bool, Fault> {
        let line = Line::of(&entry);
        let (tenant, id) = (key.tenant.as_uuid(), key.id.as_uuid());
        let signature = key.signature.as_slice();
        let scopes = row::scopes(&key.scopes);
        let steps = [
            Step {
                sql: LOCK_TENANT,
                values: &[&tenant],
            },
            Step {
                sql: CREATE_API_KEY,
                values: &[
                    &line.tenant,
                    &line.at,
                    &line.fields,
                    &tenant,
                    &id,
                    &key.name,
                    &key.visible_prefix,
                    &signature,
                    &scopes,
                    &key.created_at.as_millis(),
                    &key.expires_at.map(UnixMillis::as_millis),
                    &key.revoked_at.map(UnixMillis::as_millis),
                    &only_first,
                ],
            },
        ];
        let steps = steps.get(usize::from(!only_first)..).unwrap_or_default();
        let answers = self
            .pool()
            .run_all(Scope::Tenant(key.tenant), steps)
            .await?;
        Ok(answers.last().is_some_and(|rows| !rows.is_empty()))
    }
}

impl ApiKeys for Postgres {
    fn create_api_key(&self, key: ApiKey, entry: Entry) -> Pending<'_, ()> {
        Box::pin(async move { self.insert_api_key(key, false, entry).await.map(drop) })
    }

    fn ensure_api_key(&self, key: ApiKey, entry: Entry) -> Pending<'_, bool> {
        Box::pin(self.insert_api_key(key, true, entry))
    }

    fn load_api_key(&self, tenant: TenantId, signature: [u8; 32]) -> Pending<'_, Option<ApiKey>> {
        Box::pin(async move {
            let (id, signature) = (tenant.as_uuid(), signature.as_slice());
            let rows = self
                .pool()
                .run(Scope::Tenant(tenant), LOAD_API_KEY, &[&id, &signature])
                .await?;
            rows.first().map(api_key).transpose()
        })
    }

    fn list_api_keys(&self, tenant: TenantId) -> Pending<'_, Vec<ApiKey>> {
        Box::pin(async move {
            let id = tenant.as_uuid();
            let rows = self
                .pool()
                .run(Scope::Tenant(tenant), LIST_API_KEYS, &[&id])
                .await?;
            rows.iter().map(api_key).collect()
        })
    }

    fn revoke_api_key(
        &self,
        tenant: TenantId,
        key: ApiKeyId,
        now: UnixMillis,
        entry: Entry,
    ) -> Pending<'_, bool> {
        Box::pin(async move {
            let line = Line::of(&entry);
            let (id, at, forget) = (key.as_uuid(), now.as_millis(), forget_change_at(now));
            let values: Values<'_> = &[&line.tenant, &line.at, &line.fields, &id, &at, &forget];
            let gone = self
                .pool()
                .run(Scope::Tenant(tenant), REVOKE_API_KEY, values)
                .await?;
            Ok(!gone.is_empty())
        })
    }
}
