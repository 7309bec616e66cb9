//! API keys on PostgreSQL.

use std::num::NonZeroU32;

use domain::api_key::{ApiKey, ApiKeyFilter, ApiKeyUse, Superseded};
use domain::event::Entry;
use domain::id::{ApiKeyId, TenantId};
use domain::page::{Page, PageRequest};
use domain::rejection::Fault;
use domain::scope::ScopeSet;
use domain::time::UnixMillis;
use tokio_postgres::Row;

use super::pool::{Step, Values};
use super::row::{self, Line, Window, get};
use super::tenants::forget_change_at;
use super::{Postgres, Scope};
use crate::port::Pending;
use crate::port::api_keys::ApiKeys;

macro_rules! key_columns {
    () => {
        "tenant_id, id, client_id, name, visible_prefix, signature, former_signature, former_until, \
         scopes, rate_limit, created_at, expires_at, revoked_at, last_used_at, version"
    };
}

/// Stores the key; only the tenant's very first one where `$19` says so.
const CREATE_API_KEY: &str = concat!(
    "
    WITH fresh AS (
        INSERT INTO api_keys (",
    key_columns!(),
    ")
        SELECT $4::uuid, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18
        WHERE NOT $19::boolean OR NOT EXISTS (SELECT FROM api_keys WHERE tenant_id = $4)
        RETURNING id
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3
        FROM fresh
    )
    SELECT id FROM fresh"
);

/// Makes nodes that start at once ask one after the other; released at the commit.
const LOCK_TENANT: &str = "SELECT FROM tenants WHERE id = $1 FOR NO KEY UPDATE";

const LOAD_API_KEY: &str = concat!(
    "SELECT ",
    key_columns!(),
    " FROM api_keys WHERE tenant_id = $1 AND (signature = $2 OR former_signature = $2)"
);

const FIND_API_KEY: &str = concat!(
    "SELECT ",
    key_columns!(),
    " FROM api_keys WHERE tenant_id = $1 AND id = $2"
);

/// Tenant, client, whether it is live at `$4`: what a list is narrowed by. What is NULL narrows nothing.
macro_rules! narrowed {
    () => {
        "tenant_id = $1
         AND ($2::text IS NULL OR client_id = $2)
         AND ($3::boolean IS NULL
              OR $3 = (revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $4::bigint)))"
    };
}

const COUNT_API_KEYS: &str = concat!("SELECT count(*) AS total FROM api_keys WHERE ", narrowed!());

const LIST_API_KEYS: &str = concat!(
    "SELECT ",
    key_columns!(),
    " FROM api_keys
    WHERE ",
    narrowed!(),
    " AND ($5::uuid IS NULL OR id < $5)
    ORDER BY id DESC
    OFFSET $6
    LIMIT $7"
);

const UPDATE_API_KEY: &str = "
    WITH changed AS (
        UPDATE api_keys
        SET name = $7,
            visible_prefix = $8,
            signature = $9,
            former_signature = $10,
            former_until = $11,
            scopes = $12,
            rate_limit = $13,
            expires_at = $14,
            version = version + 1
        WHERE tenant_id = $1
          AND id = $5
          AND version = $6
          AND revoked_at IS NULL
          AND (expires_at IS NULL OR expires_at > $2)
        RETURNING id
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3
        FROM changed
    ), told AS (
        INSERT INTO changes (tenant_id, kind, about, expires_at)
        SELECT $1, 'api_key_changed', id::text, $4
        FROM changed
    )
    SELECT id FROM changed";

/// Every tenant's at once; no key is among them twice.
const NOTE_USED: &str = "
    UPDATE api_keys AS k
    SET last_used_at = used.at
    FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS used (tenant_id, id, at)
    WHERE k.tenant_id = used.tenant_id
      AND k.id = used.id
      AND (k.last_used_at IS NULL OR k.last_used_at < used.at)";

const REVOKE_API_KEY: &str = "
    WITH gone AS (
        UPDATE api_keys
        SET revoked_at = $5,
            version = version + 1
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
    let rate_limit: Option<i64> = get(row, "rate_limit")?;
    let rate_limit = rate_limit.and_then(|limit| u32::try_from(limit).ok());
    Ok(ApiKey {
        id: ApiKeyId::from_uuid(get(row, "id")?),
        tenant: row::tenant(row, "tenant_id")?,
        client: get(row, "client_id")?,
        name: get(row, "name")?,
        visible_prefix: get(row, "visible_prefix")?,
        signature: row::bytes32(row, "signature")?,
        superseded: superseded(row)?,
        scopes: ScopeSet::from_stored(get(row, "scopes")?),
        rate_limit: rate_limit.and_then(NonZeroU32::new),
        created_at: row::instant(row, "created_at")?,
        expires_at: row::maybe_instant(row, "expires_at")?,
        revoked_at: row::maybe_instant(row, "revoked_at")?,
        last_used_at: row::maybe_instant(row, "last_used_at")?,
        version: get(row, "version")?,
    })
}

fn superseded(row: &Row) -> Result<Option<Superseded>, Fault> {
    let Some(works_until) = row::maybe_instant(row, "former_until")? else {
        return Ok(None);
    };
    let signature = row::bytes32(row, "former_signature")?;
    Ok(Some(Superseded {
        signature,
        works_until,
    }))
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
        let former = key.superseded.as_ref();
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
                    &key.client,
                    &key.name,
                    &key.visible_prefix,
                    &key.signature.as_slice(),
                    &former.map(|former| former.signature.as_slice()),
                    &former.map(|former| former.works_until.as_millis()),
                    &row::scopes(&key.scopes),
                    &key.rate_limit.map(|limit| i64::from(limit.get())),
                    &key.created_at.as_millis(),
                    &key.expires_at.map(UnixMillis::as_millis),
                    &key.revoked_at.map(UnixMillis::as_millis),
                    &key.last_used_at.map(UnixMillis::as_millis),
                    &key.version,
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

    async fn change_api_key(&self, key: ApiKey, entry: Entry) -> Result<bool, Fault> {
        let (line, forget) = (Line::of(&entry), forget_change_at(entry.origin.at));
        let former = key.superseded.as_ref();
        let values: Values<'_> = &[
            &line.tenant,
            &line.at,
            &line.fields,
            &forget,
            &key.id.as_uuid(),
            &key.version,
            &key.name,
            &key.visible_prefix,
            &key.signature.as_slice(),
            &former.map(|former| former.signature.as_slice()),
            &former.map(|former| former.works_until.as_millis()),
            &row::scopes(&key.scopes),
            &key.rate_limit.map(|limit| i64::from(limit.get())),
            &key.expires_at.map(UnixMillis::as_millis),
        ];
        let scope = Scope::Tenant(key.tenant);
        let changed = self.pool().run(scope, UPDATE_API_KEY, values).await?;
        Ok(!changed.is_empty())
    }

    async fn page_of_api_keys(
        &self,
        tenant: TenantId,
        filter: ApiKeyFilter,
        page: PageRequest,
    ) -> Result<Page<ApiKey>, Fault> {
        let (id, window) = (tenant.as_uuid(), Window::of(page));
        if !filter.client.as_deref().is_none_or(row::is_storable) {
            return Ok(window.page(Vec::new(), 0, |_| None));
        }
        let live = filter.live.map(|(live, _)| live);
        let at = filter.live.map(|(_, at)| at.as_millis());
        let narrowed: Values<'_> = &[&id, &filter.client, &live, &at];
        let paged: Values<'_> = &[&window.after, &window.skip, &window.take];
        let steps = [
            Step {
                sql: COUNT_API_KEYS,
                values: narrowed,
            },
            Step {
                sql: LIST_API_KEYS,
                values: &[narrowed, paged].concat(),
            },
        ];
        let answers = self.pool().run_all(Scope::Tenant(tenant), &steps).await?;
        let [count, rows] = answers.as_slice() else {
            return Err(Fault::Broken("an answer is missing".to_owned()));
        };
        let total = count
            .first()
            .map_or(Ok(0), |row| row::number(row, "total"))?;
        let keys = rows.iter().map(api_key).collect::<Result<Vec<_>, _>>()?;
        Ok(window.page(keys, total, |key| Some(key.id.as_uuid())))
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

    fn find_api_key(&self, tenant: TenantId, key: ApiKeyId) -> Pending<'_, Option<ApiKey>> {
        Box::pin(async move {
            let (id, key) = (tenant.as_uuid(), key.as_uuid());
            let rows = self
                .pool()
                .run(Scope::Tenant(tenant), FIND_API_KEY, &[&id, &key])
                .await?;
            rows.first().map(api_key).transpose()
        })
    }

    fn list_api_keys(
        &self,
        tenant: TenantId,
        filter: ApiKeyFilter,
        page: PageRequest,
    ) -> Pending<'_, Page<ApiKey>> {
        Box::pin(self.page_of_api_keys(tenant, filter, page))
    }

    fn update_api_key(&self, key: ApiKey, entry: Entry) -> Pending<'_, bool> {
        Box::pin(self.change_api_key(key, entry))
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

    fn note_api_keys_used(&self, uses: Vec<ApiKeyUse>) -> Pending<'_, ()> {
        Box::pin(async move {
            let tenants: Vec<_> = uses.iter().map(|one| one.tenant.as_uuid()).collect();
            let keys: Vec<_> = uses.iter().map(|one| one.key.as_uuid()).collect();
            let times: Vec<_> = uses.iter().map(|one| one.at.as_millis()).collect();
            self.pool()
                .run(Scope::System, NOTE_USED, &[&tenants, &keys, &times])
                .await
                .map(drop)
        })
    }
}
