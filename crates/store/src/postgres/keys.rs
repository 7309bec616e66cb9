//! Signing keys on PostgreSQL.
//!
//! What must happen once locks the tenant's row first, so that nodes come one after the other.

use domain::event::Entry;
use domain::id::TenantId;
use domain::key::{Algorithm, KeyState, SigningKey};
use domain::rejection::Fault;
use domain::time::UnixMillis;
use tokio_postgres::Row;
use uuid::Uuid;

use super::pool::{Link, Step, Values, within};
use super::row::{self, Line, get};
use super::tenants::forget_change_at;
use super::{Postgres, Scope};
use crate::port::Pending;
use crate::port::keys::{DueRing, KeyRevocation, KeyRotation, Keys, StoredRing};

macro_rules! key_columns {
    () => {
        "tenant_id, kid, algorithm, state, sealed_private, public_jwk, created_at, activated_at, \
         retired_at"
    };
}

const SHARED_UNTIL: &str = "SELECT keys_shared_until FROM tenants WHERE id = $1";

const DUE_RINGS: &str = "
    SELECT k.tenant_id, k.activated_at
    FROM signing_keys AS k
    WHERE k.state = 'active'
      AND k.activated_at <= $1
      AND (k.activated_at, k.tenant_id) > ($2, $3)
      AND EXISTS (SELECT FROM tenants AS t WHERE t.id = k.tenant_id AND t.status <> 'deleted')
    ORDER BY k.activated_at, k.tenant_id
    LIMIT $4";

const LOCK_TENANT: &str = "
    SELECT erase_at IS DISTINCT FROM 0 AS is_kept
    FROM tenants
    WHERE id = $1
    FOR NO KEY UPDATE";

const LOAD_RINGS: &str = concat!(
    "SELECT ",
    key_columns!(),
    " FROM signing_keys WHERE tenant_id = $1 AND state <> 'revoked'"
);

const LOAD_KIDS: &str = "SELECT kid FROM signing_keys WHERE tenant_id = $1 AND kid = ANY($2)";

const INSERT_KEY: &str = "
    INSERT INTO signing_keys (
        tenant_id, kid, algorithm, state, sealed_private, public_jwk, created_at, activated_at,
        retired_at
    )
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

/// Retires what a key of the first algorithm takes over from: keys of it and of the second.
const RETIRE: &str = "
    UPDATE signing_keys
    SET state = 'retired',
        retired_at = $4
    WHERE tenant_id = $1
      AND ((state = 'active' AND algorithm IN ($2, $3))
        OR (state = 'next' AND algorithm = $3 AND algorithm <> $2))";

const ACTIVATE: &str = "
    UPDATE signing_keys
    SET state = 'active',
        activated_at = $3
    WHERE tenant_id = $1 AND kid = $2 AND state = 'next'";

const REVOKE: &str = "
    UPDATE signing_keys
    SET state = 'revoked',
        retired_at = $3,
        sealed_private = ''
    WHERE tenant_id = $1 AND kid = $2";

const TELL: &str = "
    WITH told AS (
        INSERT INTO changes (tenant_id, kind, about, expires_at)
        VALUES ($1, 'keys_changed', '', $4)
    )
    INSERT INTO audit (tenant_id, at, fields)
    VALUES ($1, $2, $3)";

const RESEAL_KEY: &str = "
    UPDATE signing_keys
    SET sealed_private = $3
    WHERE tenant_id = $1 AND kid = $2";

const PURGE_KEYS: &str = "
    WITH gone AS (
        UPDATE signing_keys
        SET state = 'revoked',
            sealed_private = ''
        WHERE state = 'retired' AND retired_at < $1
        RETURNING 1
    )
    SELECT count(*) AS gone FROM gone";

fn signing_key(row: &Row) -> Result<SigningKey, Fault> {
    let Some(algorithm) = Algorithm::from_stored(get(row, "algorithm")?) else {
        return Err(Fault::Broken("a key of an unknown algorithm".to_owned()));
    };
    Ok(SigningKey {
        kid: get(row, "kid")?,
        tenant: row::tenant(row, "tenant_id")?,
        algorithm,
        state: KeyState::from_stored(get(row, "state")?),
        sealed_private: get(row, "sealed_private")?,
        public_jwk: get(row, "public_jwk")?,
        created_at: row::instant(row, "created_at")?,
        activated_at: row::maybe_instant(row, "activated_at")?,
        retired_at: row::maybe_instant(row, "retired_at")?,
    })
}

/// Opens a transaction that holds the tenant's row, and reads its rings.
async fn hold_rings(link: &mut Link, tenant: TenantId) -> Result<Vec<SigningKey>, Fault> {
    hold(link, tenant).await.map(|(rings, _)| rings)
}

/// Opens a transaction that holds the tenant's row, reads its rings, and says whether the tenant is there
/// and is not being erased.
async fn hold(link: &mut Link, tenant: TenantId) -> Result<(Vec<SigningKey>, bool), Fault> {
    let id = tenant.as_uuid();
    let steps = [
        Step {
            sql: LOCK_TENANT,
            values: &[&id],
        },
        Step {
            sql: LOAD_RINGS,
            values: &[&id],
        },
    ];
    let mut answers = link.begin(Scope::Tenant(tenant), &steps).await?;
    let rings = answers.pop().unwrap_or_default();
    let rings: Result<Vec<SigningKey>, Fault> = rings.iter().map(signing_key).collect();
    let held = answers.pop().unwrap_or_default();
    let is_kept = held.first().map_or(Ok(false), |row| get(row, "is_kept"));
    Ok((rings?, is_kept?))
}

/// Says whether one of these keys was ever stored, inside an open transaction.
async fn knows_any(link: &mut Link, keys: &[SigningKey]) -> Result<bool, Fault> {
    let Some(tenant) = keys.first().map(|key| key.tenant.as_uuid()) else {
        return Ok(false);
    };
    let kids: Vec<&str> = keys.iter().map(|key| key.kid.as_str()).collect();
    let values: Values<'_> = &[&tenant, &kids];
    let sql = LOAD_KIDS;
    let known = link.go_on(&[Step { sql, values }]).await?;
    Ok(known.iter().any(|rows| !rows.is_empty()))
}

/// Retires, inside an open transaction, what `key` takes over from.
async fn retire(
    link: &mut Link,
    key: &SigningKey,
    (instead_of, now): (Algorithm, UnixMillis),
) -> Result<(), Fault> {
    let (id, word) = (key.tenant.as_uuid(), key.algorithm.as_str());
    let values: Values<'_> = &[&id, &word, &instead_of.as_str(), &now.as_millis()];
    link.go_on(&[Step {
        sql: RETIRE,
        values,
    }])
    .await?;
    Ok(())
}

/// Stores a key inside an open transaction.
async fn insert(link: &mut Link, key: &SigningKey) -> Result<(), Fault> {
    let tenant = key.tenant.as_uuid();
    let values: Values<'_> = &[
        &tenant,
        &key.kid,
        &key.algorithm.as_str(),
        &key.state.as_str(),
        &key.sealed_private,
        &key.public_jwk,
        &key.created_at.as_millis(),
        &key.activated_at.map(UnixMillis::as_millis),
        &key.retired_at.map(UnixMillis::as_millis),
    ];
    let sql = INSERT_KEY;
    link.go_on(&[Step { sql, values }]).await?;
    Ok(())
}

/// Writes the entry and the change, and commits.
async fn tell(link: &mut Link, tenant: TenantId, entry: &Entry) -> Result<(), Fault> {
    let (id, line) = (tenant.as_uuid(), Line::of(entry));
    let forget = forget_change_at(entry.origin.at);
    let values: Values<'_> = &[&id, &line.at, &line.fields, &forget];
    link.commit(&[Step { sql: TELL, values }]).await?;
    Ok(())
}

impl Postgres {
    async fn ensure(
        &self,
        ring: Vec<SigningKey>,
        instead_of: Algorithm,
        entry: Entry,
    ) -> Result<Vec<SigningKey>, Fault> {
        let Some(first) = ring.first() else {
            return Ok(ring);
        };
        let mut link = self.pool().link().await?;
        let (mut stored, is_kept) = hold(&mut link, first.tenant).await?;
        stored.retain(|key| key.algorithm == first.algorithm);
        if !is_kept || first.is_forestalled(&stored) || knows_any(&mut link, &ring).await? {
            link.leave().await?;
            return Ok(stored);
        }
        if first.state == KeyState::Active {
            retire(&mut link, first, (instead_of, first.created_at)).await?;
        }
        for key in &ring {
            insert(&mut link, key).await?;
        }
        tell(&mut link, first.tenant, &entry).await?;
        Ok(stored.into_iter().chain(ring).collect())
    }

    async fn rotate_ring(&self, rotation: KeyRotation) -> Result<bool, Fault> {
        let mut link = self.pool().link().await?;
        let rings = hold_rings(&mut link, rotation.tenant).await?;
        let holds = |kid: &str, state| rings.iter().any(|k| k.kid == kid && k.state == state);
        if !holds(&rotation.expected_active, KeyState::Active)
            || !holds(&rotation.promote, KeyState::Next)
        {
            link.leave().await?;
            return Ok(false);
        }
        let (id, now) = (rotation.tenant.as_uuid(), rotation.now.as_millis());
        let outgoing = (rotation.instead_of, rotation.now);
        retire(&mut link, &rotation.next, outgoing).await?;
        let activate = Step {
            sql: ACTIVATE,
            values: &[&id, &rotation.promote, &now],
        };
        link.go_on(&[activate]).await?;
        insert(&mut link, &rotation.next).await?;
        tell(&mut link, rotation.tenant, &rotation.entry).await?;
        Ok(true)
    }

    async fn revoke(&self, revocation: KeyRevocation) -> Result<bool, Fault> {
        let mut link = self.pool().link().await?;
        let rings = hold_rings(&mut link, revocation.tenant).await?;
        let holds = |kid: &str, state| rings.iter().any(|k| k.kid == kid && k.state == state);
        let promote = revocation.promote.as_deref();
        if !holds(&revocation.kid, revocation.state)
            || !promote.is_none_or(|promote| holds(promote, KeyState::Next))
        {
            link.leave().await?;
            return Ok(false);
        }
        let (id, now) = (revocation.tenant.as_uuid(), revocation.now.as_millis());
        let revoke = Step {
            sql: REVOKE,
            values: &[&id, &revocation.kid, &now],
        };
        link.go_on(&[revoke]).await?;
        if let Some(promote) = promote {
            let sql = ACTIVATE;
            let values: Values<'_> = &[&id, &promote, &now];
            link.go_on(&[Step { sql, values }]).await?;
        }
        for key in &revocation.fresh {
            insert(&mut link, key).await?;
        }
        tell(&mut link, revocation.tenant, &revocation.entry).await?;
        Ok(true)
    }

    async fn import(
        &self,
        key: SigningKey,
        outgoing: (Algorithm, UnixMillis),
        entry: Entry,
    ) -> Result<bool, Fault> {
        let mut link = self.pool().link().await?;
        hold_rings(&mut link, key.tenant).await?;
        if knows_any(&mut link, std::slice::from_ref(&key)).await? {
            link.leave().await?;
            return Ok(false);
        }
        retire(&mut link, &key, outgoing).await?;
        insert(&mut link, &key).await?;
        tell(&mut link, key.tenant, &entry).await?;
        Ok(true)
    }
}

impl Keys for Postgres {
    fn load_ring(&self, tenant: TenantId) -> Pending<'_, StoredRing> {
        Box::pin(async move {
            let id = tenant.as_uuid();
            let values: Values<'_> = &[&id];
            let steps = [LOAD_RINGS, SHARED_UNTIL].map(|sql| Step { sql, values });
            let mut answers = self.pool().run_all(Scope::Tenant(tenant), &steps).await?;
            let until = answers.pop().unwrap_or_default();
            let until = until
                .first()
                .map(|row| row::instant(row, "keys_shared_until"));
            let keys = answers.pop().unwrap_or_default();
            let keys: Result<_, Fault> = keys.iter().map(signing_key).collect();
            Ok(StoredRing {
                keys: keys?,
                shared_until: until.transpose()?.unwrap_or_default(),
            })
        })
    }

    fn list_due_rings(
        &self,
        until: UnixMillis,
        after: Option<DueRing>,
        limit: u32,
    ) -> Pending<'_, Vec<DueRing>> {
        Box::pin(async move {
            let since = after.map_or(i64::MIN, |ring| ring.since.as_millis());
            let tenant = after.map_or(Uuid::nil(), |ring| ring.tenant.as_uuid());
            let values: Values<'_> = &[&until.as_millis(), &since, &tenant, &i64::from(limit)];
            let rows = self.pool().run(Scope::System, DUE_RINGS, values).await?;
            let due = |row: &Row| {
                Ok(DueRing {
                    tenant: row::tenant(row, "tenant_id")?,
                    since: row::instant(row, "activated_at")?,
                })
            };
            rows.iter().map(due).collect()
        })
    }

    fn ensure_keys(
        &self,
        ring: Vec<SigningKey>,
        instead_of: Algorithm,
        entry: Entry,
    ) -> Pending<'_, Vec<SigningKey>> {
        Box::pin(within(self.ensure(ring, instead_of, entry)))
    }

    fn rotate_keys(&self, rotation: KeyRotation) -> Pending<'_, bool> {
        Box::pin(within(self.rotate_ring(rotation)))
    }

    fn revoke_key(&self, revocation: KeyRevocation) -> Pending<'_, bool> {
        Box::pin(within(self.revoke(revocation)))
    }

    fn import_key(
        &self,
        key: SigningKey,
        instead_of: Algorithm,
        now: UnixMillis,
        entry: Entry,
    ) -> Pending<'_, bool> {
        Box::pin(within(self.import(key, (instead_of, now), entry)))
    }

    fn reseal_key(&self, tenant: TenantId, kid: String, sealed: Vec<u8>) -> Pending<'_, ()> {
        Box::pin(async move {
            let id = tenant.as_uuid();
            self.pool()
                .run(Scope::Tenant(tenant), RESEAL_KEY, &[&id, &kid, &sealed])
                .await
                .map(drop)
        })
    }

    fn purge_keys(&self, horizon: UnixMillis) -> Pending<'_, u64> {
        Box::pin(async move {
            let horizon = horizon.as_millis();
            let rows = self
                .pool()
                .run(Scope::System, PURGE_KEYS, &[&horizon])
                .await?;
            rows.first().map_or(Ok(0), |row| row::number(row, "gone"))
        })
    }
}
