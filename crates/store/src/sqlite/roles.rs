//! Roles and policies in SQLite.

use domain::change::ChangeKind;
use domain::event::Entry;
use domain::id::{PolicyId, TenantId};
use domain::role::{Pattern, Policy, Role};
use domain::time::UnixMillis;
use rusqlite::{Row, params, params_from_iter};

use super::row::{self, Columns, Id};
use super::{Sqlite, Step, audit, changes};
use crate::port::Pending;
use crate::port::roles::{RoleWrite, Roles};

macro_rules! select_roles {
    ($condition:literal) => {
        concat!(
            "SELECT tenant_id, name, description, inherits, version, created_at, updated_at
FROM roles",
            $condition
        )
    };
}

macro_rules! select_policies {
    ($condition:literal) => {
        concat!(
            "SELECT id, tenant_id, subject, object, action, created_at
FROM policies",
            $condition,
            "
ORDER BY id"
        )
    };
}

const LOAD_ALL: [&str; 2] = [select_roles!(""), select_policies!("")];

const LOAD_OF: [&str; 2] = [
    select_roles!(
        "
WHERE tenant_id = ?1"
    ),
    select_policies!(
        "
WHERE tenant_id = ?1"
    ),
];

const CREATE_ROLE: &str = "INSERT INTO roles
    (tenant_id, name, description, inherits, version, created_at, updated_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT DO NOTHING";

const UPDATE_ROLE: &str = "UPDATE roles
SET description = ?4, inherits = ?5, updated_at = ?6, version = version + 1
WHERE tenant_id = ?1 AND name = ?2 AND version = ?3 AND created_at = ?7
RETURNING tenant_id, name, description, inherits, version, created_at, updated_at";

const DELETE_ROLE: &str = "DELETE FROM roles
WHERE tenant_id = ?1 AND name = ?2 AND (?3 IS NULL OR (version = ?3 AND created_at = ?4))";

const DELETE_POLICIES_OF: &str = "DELETE FROM policies
WHERE tenant_id = ?1 AND subject = ?2";

const CREATE_POLICY: &str = "INSERT INTO policies
    (tenant_id, id, subject, object, action, created_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT DO NOTHING";

const DELETE_POLICY: &str = "DELETE FROM policies
WHERE tenant_id = ?1 AND id = ?2";

impl Roles for Sqlite {
    fn load_rules(&self, of: Option<TenantId>) -> Pending<'_, (Vec<Role>, Vec<Policy>)> {
        self.read(move |connection| {
            let [roles, policies] = if of.is_some() { LOAD_OF } else { LOAD_ALL };
            let bounds = || params_from_iter(of.map(Id::blob));
            let mut roles = connection.prepare_cached(roles)?;
            let roles = roles.query_map(bounds(), role)?;
            let mut policies = connection.prepare_cached(policies)?;
            let policies = policies.query_map(bounds(), policy)?;
            Ok((
                roles.collect::<Result<_, _>>()?,
                policies.collect::<Result<_, _>>()?,
            ))
        })
    }

    fn create_role(&self, role: Role, entry: Entry) -> Pending<'_, RoleWrite> {
        self.write(move |step| {
            let stored = step.prepare_cached(CREATE_ROLE)?.execute(params![
                role.tenant.blob(),
                role.name,
                role.description,
                row::json(&role.inherits)?,
                role.version,
                role.created_at.as_millis(),
                role.updated_at.as_millis(),
            ])?;
            if stored == 0 {
                return Ok(RoleWrite::Taken);
            }
            tell(step, &entry)?;
            Ok(RoleWrite::Stored(Box::new(role.clone())))
        })
    }

    fn update_role(&self, role: Role, entry: Entry) -> Pending<'_, RoleWrite> {
        self.write(move |step| {
            let bounds = params![
                role.tenant.blob(),
                role.name,
                role.version,
                role.description,
                row::json(&role.inherits)?,
                entry.origin.at.as_millis(),
                role.created_at.as_millis(),
            ];
            let mut statement = step.prepare_cached(UPDATE_ROLE)?;
            let mut stored = statement.query_map(bounds, self::role)?;
            let Some(stored) = stored.next().transpose()? else {
                return Ok(RoleWrite::Stale);
            };
            tell(step, &entry)?;
            Ok(RoleWrite::Stored(Box::new(stored)))
        })
    }

    fn delete_role(
        &self,
        name: String,
        expected: Option<(i64, UnixMillis)>,
        entry: Entry,
    ) -> Pending<'_, bool> {
        self.write(move |step| {
            let (version, made) = expected.unzip();
            let bounds = params![entry.origin.tenant.blob(), name];
            let role = params![
                entry.origin.tenant.blob(),
                name,
                version,
                made.map(UnixMillis::as_millis),
            ];
            if step.prepare_cached(DELETE_ROLE)?.execute(role)? == 0 {
                return Ok(false);
            }
            step.prepare_cached(DELETE_POLICIES_OF)?.execute(bounds)?;
            tell(step, &entry)?;
            Ok(true)
        })
    }

    fn create_policy(&self, policy: Policy, entry: Entry) -> Pending<'_, bool> {
        self.write(move |step| {
            let stored = step.prepare_cached(CREATE_POLICY)?.execute(params![
                policy.tenant.blob(),
                policy.id.blob(),
                policy.subject,
                policy.object.as_str(),
                policy.action.as_str(),
                policy.created_at.as_millis(),
            ])?;
            if stored == 0 {
                return Ok(false);
            }
            tell(step, &entry)?;
            Ok(true)
        })
    }

    fn delete_policy(&self, policy: PolicyId, entry: Entry) -> Pending<'_, bool> {
        self.write(move |step| {
            let bounds = params![entry.origin.tenant.blob(), policy.blob()];
            if step.prepare_cached(DELETE_POLICY)?.execute(bounds)? == 0 {
                return Ok(false);
            }
            tell(step, &entry)?;
            Ok(true)
        })
    }
}

/// Writes the entry, and that the tenant's rules are to be read again.
fn tell(step: &Step<'_>, entry: &Entry) -> rusqlite::Result<()> {
    changes::announce_hint(step, entry, &ChangeKind::RolesChanged)?;
    audit::write(step, entry)
}

fn role(row: &Row<'_>) -> rusqlite::Result<Role> {
    let mut columns = Columns::of(row);
    Ok(Role {
        tenant: columns.id()?,
        name: columns.take()?,
        description: columns.take()?,
        inherits: columns.json()?,
        version: columns.take()?,
        created_at: columns.time()?,
        updated_at: columns.time()?,
    })
}

fn policy(row: &Row<'_>) -> rusqlite::Result<Policy> {
    let mut columns = Columns::of(row);
    Ok(Policy {
        id: columns.id()?,
        tenant: columns.id()?,
        subject: columns.take()?,
        object: Pattern::from_stored(columns.take()?),
        action: Pattern::from_stored(columns.take()?),
        created_at: columns.time()?,
    })
}
