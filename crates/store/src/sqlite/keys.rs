//! Signing keys in SQLite. That at most one key is active is an index as well as a rule.

use domain::change::ChangeKind;
use domain::event::Entry;
use domain::id::TenantId;
use domain::key::{Algorithm, KeyState, SigningKey};
use domain::time::UnixMillis;
use rusqlite::{OptionalExtension, Row, params};

use super::row::{self, Columns, Id};
use super::{Sqlite, Step, audit, changes};
use crate::port::Pending;
use crate::port::keys::{DueRing, KeyRevocation, KeyRotation, Keys, StoredRing};

macro_rules! select {
    ($clauses:literal) => {
        concat!(
            "SELECT kid, tenant_id, algorithm, state, sealed_private, public_jwk, created_at, \
             activated_at, retired_at\nFROM signing_keys\n",
            $clauses
        )
    };
}

pub(super) const LOAD: &str = select!("WHERE tenant_id = ?1 AND state <> 'revoked'");

const SHARED_UNTIL: &str = "SELECT keys_shared_until
FROM tenants
WHERE tenant_id = ?1";

pub(super) const DUE: &str = "SELECT k.tenant_id, k.activated_at
FROM signing_keys AS k
WHERE k.state = 'active'
  AND k.activated_at <= ?1
  AND (k.activated_at, k.tenant_id) > (?2, ?3)
  AND EXISTS (SELECT 1 FROM tenants AS t WHERE t.tenant_id = k.tenant_id AND t.status <> 'deleted')
ORDER BY k.activated_at, k.tenant_id
LIMIT ?4";

const IS_KEPT: &str = "SELECT 1
FROM tenants
WHERE tenant_id = ?1 AND erase_at IS NOT 0";

const RING: &str = select!("WHERE tenant_id = ?1 AND algorithm = ?2 AND state <> 'revoked'");

const INSERT: &str = "INSERT INTO signing_keys
    (tenant_id, kid, algorithm, state, sealed_private, public_jwk, created_at, activated_at,
     retired_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
ON CONFLICT (tenant_id, kid) DO NOTHING";

const STATE: &str = "SELECT state
FROM signing_keys
WHERE tenant_id = ?1 AND kid = ?2";

const RETIRE: &str = "UPDATE signing_keys
SET state = 'retired', retired_at = ?4
WHERE tenant_id = ?1
  AND ((state = 'active' AND algorithm IN (?2, ?3))
    OR (state = 'next' AND algorithm = ?3 AND algorithm <> ?2))";

const ACTIVATE: &str = "UPDATE signing_keys
SET state = 'active', activated_at = ?3
WHERE tenant_id = ?1 AND kid = ?2";

const REVOKE: &str = "UPDATE signing_keys
SET state = 'revoked', retired_at = ?3, sealed_private = x''
WHERE tenant_id = ?1 AND kid = ?2";

const RESEAL: &str = "UPDATE signing_keys
SET sealed_private = ?3
WHERE tenant_id = ?1 AND kid = ?2";

const PURGE: &str = "UPDATE signing_keys
SET state = 'revoked', sealed_private = x''
WHERE state = 'retired' AND retired_at < ?1";

impl Keys for Sqlite {
    fn load_ring(&self, tenant: TenantId) -> Pending<'_, StoredRing> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(LOAD)?;
            let rows = statement.query_map([tenant.blob()], read)?;
            let keys = rows.collect::<rusqlite::Result<_>>()?;
            let mut statement = connection.prepare_cached(SHARED_UNTIL)?;
            let until = statement.query_row([tenant.blob()], |row| row.get(0));
            Ok(StoredRing {
                keys,
                shared_until: UnixMillis::from_millis(until.optional()?.unwrap_or_default()),
            })
        })
    }

    fn list_due_rings(
        &self,
        until: UnixMillis,
        after: Option<DueRing>,
        limit: u32,
    ) -> Pending<'_, Vec<DueRing>> {
        self.read(move |connection| {
            let since = after.map_or(i64::MIN, |ring| ring.since.as_millis());
            let tenant = after.map_or([0; 16], |ring| ring.tenant.blob());
            let mut statement = connection.prepare_cached(DUE)?;
            let bounds = params![until.as_millis(), since, tenant, limit];
            let rows = statement.query_map(bounds, |row| {
                let mut columns = Columns::of(row);
                Ok(DueRing {
                    tenant: columns.id()?,
                    since: columns.time()?,
                })
            })?;
            rows.collect()
        })
    }

    fn ensure_keys(
        &self,
        ring: Vec<SigningKey>,
        instead_of: Algorithm,
        entry: Entry,
    ) -> Pending<'_, Vec<SigningKey>> {
        self.write(move |step| ensure(step, &ring, instead_of, &entry))
    }

    fn rotate_keys(&self, rotation: KeyRotation) -> Pending<'_, bool> {
        self.write(move |step| rotate(step, &rotation))
    }

    fn revoke_key(&self, revocation: KeyRevocation) -> Pending<'_, bool> {
        self.write(move |step| revoke(step, &revocation))
    }

    fn import_key(
        &self,
        key: SigningKey,
        instead_of: Algorithm,
        now: UnixMillis,
        entry: Entry,
    ) -> Pending<'_, bool> {
        self.write(move |step| import(step, &key, (instead_of, now), &entry))
    }

    fn reseal_key(&self, tenant: TenantId, kid: String, sealed: Vec<u8>) -> Pending<'_, ()> {
        self.write(move |step| {
            let mut statement = step.prepare_cached(RESEAL)?;
            statement.execute(params![tenant.blob(), kid, sealed])?;
            Ok(())
        })
    }

    fn purge_keys(&self, horizon: UnixMillis) -> Pending<'_, u64> {
        self.write(move |step| {
            let purged = step.prepare_cached(PURGE)?.execute([horizon.as_millis()])?;
            Ok(u64::try_from(purged).unwrap_or(u64::MAX))
        })
    }
}

fn ensure(
    step: &Step<'_>,
    ring: &[SigningKey],
    instead_of: Algorithm,
    entry: &Entry,
) -> rusqlite::Result<Vec<SigningKey>> {
    let Some(first) = ring.first() else {
        return Ok(Vec::new());
    };
    let stored = load_ring(step, first)?;
    let is_kept = step
        .prepare_cached(IS_KEPT)?
        .exists([first.tenant.blob()])?;
    if !is_kept || first.is_forestalled(&stored) {
        return Ok(stored);
    }
    for key in ring {
        if state(step, key.tenant, &key.kid)?.is_some() {
            return Ok(stored);
        }
    }
    if first.state == KeyState::Active {
        retire(step, first, (instead_of, first.created_at))?;
    }
    for key in ring {
        insert(step, key)?;
    }
    tell(step, entry)?;
    load_ring(step, first)
}

fn rotate(step: &Step<'_>, rotation: &KeyRotation) -> rusqlite::Result<bool> {
    let active = state(step, rotation.tenant, &rotation.expected_active)?;
    let next = state(step, rotation.tenant, &rotation.promote)?;
    if active != Some(KeyState::Active) || next != Some(KeyState::Next) {
        return Ok(false);
    }
    retire(step, &rotation.next, (rotation.instead_of, rotation.now))?;
    mark(
        step,
        ACTIVATE,
        rotation.tenant,
        (&rotation.promote, rotation.now),
    )?;
    insert(step, &rotation.next)?;
    tell(step, &rotation.entry)?;
    Ok(true)
}

fn revoke(step: &Step<'_>, revocation: &KeyRevocation) -> rusqlite::Result<bool> {
    let (tenant, now) = (revocation.tenant, revocation.now);
    if state(step, tenant, &revocation.kid)? != Some(revocation.state) {
        return Ok(false);
    }
    if let Some(promote) = &revocation.promote
        && state(step, tenant, promote)? != Some(KeyState::Next)
    {
        return Ok(false);
    }
    mark(step, REVOKE, tenant, (&revocation.kid, now))?;
    if let Some(promote) = &revocation.promote {
        mark(step, ACTIVATE, tenant, (promote, now))?;
    }
    for key in &revocation.fresh {
        insert(step, key)?;
    }
    tell(step, &revocation.entry)?;
    Ok(true)
}

/// Moves one key on at an instant.
fn mark(
    step: &Step<'_>,
    sql: &str,
    tenant: TenantId,
    (kid, now): (&str, UnixMillis),
) -> rusqlite::Result<()> {
    let bounds = params![tenant.blob(), kid, now.as_millis()];
    step.prepare_cached(sql)?.execute(bounds)?;
    Ok(())
}

fn import(
    step: &Step<'_>,
    key: &SigningKey,
    (instead_of, now): (Algorithm, UnixMillis),
    entry: &Entry,
) -> rusqlite::Result<bool> {
    if state(step, key.tenant, &key.kid)?.is_some() {
        return Ok(false);
    }
    retire(step, key, (instead_of, now))?;
    let active = SigningKey {
        state: KeyState::Active,
        activated_at: key.activated_at.or(Some(now)),
        ..key.clone()
    };
    insert(step, &active)?;
    tell(step, entry)?;
    Ok(true)
}

/// Retires what `key` takes over from: keys of its own algorithm and of `instead_of`.
fn retire(
    step: &Step<'_>,
    key: &SigningKey,
    (instead_of, now): (Algorithm, UnixMillis),
) -> rusqlite::Result<()> {
    step.prepare_cached(RETIRE)?.execute(params![
        key.tenant.blob(),
        key.algorithm.as_str(),
        instead_of.as_str(),
        now.as_millis()
    ])?;
    Ok(())
}

fn insert(step: &Step<'_>, key: &SigningKey) -> rusqlite::Result<()> {
    step.prepare_cached(INSERT)?.execute(params![
        key.tenant.blob(),
        key.kid,
        key.algorithm.as_str(),
        key.state.as_str(),
        key.sealed_private,
        row::json(&key.public_jwk)?,
        key.created_at.as_millis(),
        key.activated_at.map(UnixMillis::as_millis),
        key.retired_at.map(UnixMillis::as_millis),
    ])?;
    Ok(())
}

fn tell(step: &Step<'_>, entry: &Entry) -> rusqlite::Result<()> {
    changes::announce_hint(step, entry, &ChangeKind::KeysChanged)?;
    audit::write(step, entry)
}

/// Gives the state of a key, purged or not; none if it was never stored.
fn state(step: &Step<'_>, tenant: TenantId, kid: &str) -> rusqlite::Result<Option<KeyState>> {
    let mut statement = step.prepare_cached(STATE)?;
    let bounds = params![tenant.blob(), kid];
    let word: Option<String> = statement.query_row(bounds, |row| row.get(0)).optional()?;
    Ok(word.map(|word| KeyState::from_stored(&word)))
}

/// Loads the keys of the tenant and algorithm of `like`.
fn load_ring(step: &Step<'_>, like: &SigningKey) -> rusqlite::Result<Vec<SigningKey>> {
    let mut statement = step.prepare_cached(RING)?;
    let bounds = params![like.tenant.blob(), like.algorithm.as_str()];
    let rows = statement.query_map(bounds, read)?;
    rows.collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<SigningKey> {
    let mut columns = Columns::of(row);
    Ok(SigningKey {
        kid: columns.take()?,
        tenant: columns.id()?,
        algorithm: columns.word(Algorithm::from_stored)?,
        state: KeyState::from_stored(&columns.take::<String>()?),
        sealed_private: columns.take()?,
        public_jwk: columns.json()?,
        created_at: columns.time()?,
        activated_at: columns.maybe_time()?,
        retired_at: columns.maybe_time()?,
    })
}
