//! Data keys on PostgreSQL. That a tenant has one active key is an index.

use domain::id::{DataKeyId, TenantId};
use domain::rejection::Fault;
use tokio_postgres::Row;
use uuid::Uuid;

use super::pool::Values;
use super::row::{self, get};
use super::{Postgres, Scope};
use crate::port::Pending;
use crate::port::data_keys::{DataKey, DataKeys, Rewrap};

const LOAD_DATA_KEYS: &str = "
    SELECT tenant_id, id, wrapped, is_active, created_at
    FROM data_keys
    WHERE tenant_id = $1
    ORDER BY id";

/// The update changes nothing; it waits for whoever stores one at this moment, and has the row that
/// stands returned.
const MAKE_DATA_KEY: &str = "
    INSERT INTO data_keys AS k (tenant_id, id, wrapped, is_active, created_at)
    VALUES ($1, $2, $3, TRUE, $4)
    ON CONFLICT (tenant_id) WHERE is_active DO UPDATE SET wrapped = k.wrapped
    RETURNING tenant_id, id, wrapped, is_active, created_at";

const REWRAP_DATA_KEY: &str = "
    UPDATE data_keys
    SET wrapped = $4
    WHERE tenant_id = $1 AND id = $2 AND wrapped = $3
    RETURNING id";

const LIST_DATA_KEYS: &str = "
    SELECT tenant_id, id, wrapped, is_active, created_at
    FROM data_keys
    WHERE (tenant_id, id) > ($1, $2)
    ORDER BY tenant_id, id
    LIMIT $3";

fn data_key(row: &Row) -> Result<DataKey, Fault> {
    Ok(DataKey {
        tenant: row::tenant(row, "tenant_id")?,
        id: DataKeyId::from_uuid(get(row, "id")?),
        wrapped: get(row, "wrapped")?,
        is_active: get(row, "is_active")?,
        created_at: row::instant(row, "created_at")?,
    })
}

impl DataKeys for Postgres {
    fn load_data_keys(&self, tenant: TenantId) -> Pending<'_, Vec<DataKey>> {
        Box::pin(async move {
            let id = tenant.as_uuid();
            let scope = Scope::Tenant(tenant);
            let rows = self.pool().run(scope, LOAD_DATA_KEYS, &[&id]).await?;
            rows.iter().map(data_key).collect()
        })
    }

    fn make_data_key(&self, new: DataKey) -> Pending<'_, DataKey> {
        Box::pin(async move {
            let (tenant, id) = (new.tenant.as_uuid(), new.id.as_uuid());
            let created_at = new.created_at.as_millis();
            let values: Values<'_> = &[&tenant, &id, &new.wrapped, &created_at];
            let scope = Scope::Tenant(new.tenant);
            let rows = self.pool().run(scope, MAKE_DATA_KEY, values).await?;
            let missing = || Fault::Broken("a data key was not kept".to_owned());
            data_key(rows.first().ok_or_else(missing)?)
        })
    }

    fn rewrap_data_key(&self, rewrap: Rewrap) -> Pending<'_, bool> {
        Box::pin(async move {
            let (tenant, id) = (rewrap.tenant.as_uuid(), rewrap.id.as_uuid());
            let values: Values<'_> = &[&tenant, &id, &rewrap.was, &rewrap.wrapped];
            let scope = Scope::Tenant(rewrap.tenant);
            let rows = self.pool().run(scope, REWRAP_DATA_KEY, values).await?;
            Ok(!rows.is_empty())
        })
    }

    fn list_data_keys(
        &self,
        after: Option<(TenantId, DataKeyId)>,
        limit: u32,
    ) -> Pending<'_, Vec<DataKey>> {
        Box::pin(async move {
            let (tenant, id) = after.map_or((Uuid::nil(), Uuid::nil()), |(tenant, id)| {
                (tenant.as_uuid(), id.as_uuid())
            });
            let limit = i64::from(limit);
            let values: Values<'_> = &[&tenant, &id, &limit];
            let rows = self
                .pool()
                .run(Scope::System, LIST_DATA_KEYS, values)
                .await?;
            rows.iter().map(data_key).collect()
        })
    }
}
