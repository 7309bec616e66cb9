//! Roles and policies on PostgreSQL.

use domain::event::Entry;
use domain::id::{PolicyId, TenantId};
use domain::rejection::Fault;
use domain::role::{Pattern, Policy, Role};
use domain::time::UnixMillis;
use tokio_postgres::Row;

use super::pool::{Step, Values};
use super::row::{self, Line, get};
use super::tenants::forget_change_at;
use super::{Postgres, Scope};
use crate::port::Pending;
use crate::port::roles::{RoleWrite, Roles};

macro_rules! select_roles {
    ($condition:literal) => {
        concat!(
            "SELECT tenant_id, name, description, inherits, version, created_at, updated_at
            FROM roles ",
            $condition
        )
    };
}

macro_rules! select_policies {
    ($condition:literal) => {
        concat!(
            "SELECT id, tenant_id, subject, object, action, created_at
            FROM policies ",
            $condition,
            " ORDER BY id"
        )
    };
}

const LOAD_ALL: [&str; 2] = [select_roles!(""), select_policies!("")];

const LOAD_OF: [&str; 2] = [
    select_roles!("WHERE tenant_id = $1"),
    select_policies!("WHERE tenant_id = $1"),
];

/// Ends a statement whose `fresh` rows are what it changed: the entry, and that the rules are to be
/// read again until `$4`.
macro_rules! told {
    ($body:literal) => {
        concat!(
            "WITH fresh AS (",
            $body,
            "), entry AS (
                INSERT INTO audit (tenant_id, at, fields)
                SELECT $1, $2, $3
                FROM fresh
            ), noticed AS (
                INSERT INTO changes (tenant_id, kind, about, expires_at)
                SELECT $1, 'roles_changed', '', $4
                FROM fresh
            )
            SELECT * FROM fresh"
        )
    };
}

const CREATE_ROLE: &str = told!(
    "INSERT INTO roles (tenant_id, name, description, inherits, version, created_at, updated_at)
    VALUES ($1, $5, $6, $7, $8, $9, $10)
    ON CONFLICT DO NOTHING
    RETURNING tenant_id, name, description, inherits, version, created_at, updated_at"
);

const UPDATE_ROLE: &str = told!(
    "UPDATE roles
    SET description = $7,
        inherits = $8,
        updated_at = $2,
        version = version + 1
    WHERE tenant_id = $1 AND name = $5 AND version = $6 AND created_at = $9
    RETURNING tenant_id, name, description, inherits, version, created_at, updated_at"
);

const DELETE_ROLE: &str = told!(
    "DELETE FROM roles
    WHERE tenant_id = $1
      AND name = $5
      AND ($6::bigint IS NULL OR (version = $6 AND created_at = $7::bigint))
    RETURNING name"
);

/// Of a role that is gone.
const DELETE_POLICIES_OF: &str = "
    DELETE FROM policies AS p
    WHERE p.tenant_id = $1
      AND p.subject = $2
      AND NOT EXISTS (SELECT FROM roles AS r WHERE r.tenant_id = $1 AND r.name = $2)";

const CREATE_POLICY: &str = told!(
    "INSERT INTO policies (tenant_id, id, subject, object, action, created_at)
    VALUES ($1, $5, $6, $7, $8, $9)
    ON CONFLICT DO NOTHING
    RETURNING id"
);

const DELETE_POLICY: &str = told!(
    "DELETE FROM policies
    WHERE tenant_id = $1 AND id = $5
    RETURNING id"
);

fn role(row: &Row) -> Result<Role, Fault> {
    Ok(Role {
        tenant: row::tenant(row, "tenant_id")?,
        name: get(row, "name")?,
        description: get(row, "description")?,
        inherits: get(row, "inherits")?,
        version: get(row, "version")?,
        created_at: row::instant(row, "created_at")?,
        updated_at: row::instant(row, "updated_at")?,
    })
}

fn policy(row: &Row) -> Result<Policy, Fault> {
    Ok(Policy {
        id: PolicyId::from_uuid(get(row, "id")?),
        tenant: row::tenant(row, "tenant_id")?,
        subject: get(row, "subject")?,
        object: Pattern::from_stored(get(row, "object")?),
        action: Pattern::from_stored(get(row, "action")?),
        created_at: row::instant(row, "created_at")?,
    })
}

impl Postgres {
    /// Runs a statement that begins with the entry's parameters and `$4`.
    async fn tell(
        &self,
        entry: &Entry,
        sql: &'static str,
        own: Values<'_>,
    ) -> Result<Vec<Row>, Fault> {
        let (line, forget) = (Line::of(entry), forget_change_at(entry.origin.at));
        let told: Values<'_> = &[&line.tenant, &line.at, &line.fields, &forget];
        let values = [told, own].concat();
        let scope = Scope::Tenant(entry.origin.tenant);
        self.pool().run(scope, sql, &values).await
    }
}

impl Roles for Postgres {
    fn load_rules(&self, of: Option<TenantId>) -> Pending<'_, (Vec<Role>, Vec<Policy>)> {
        Box::pin(async move {
            let id = of.map(TenantId::as_uuid);
            let named: Values<'_> = &[&id];
            let unnamed: Values<'_> = &[];
            let (texts, values, scope) = match of {
                Some(tenant) => (LOAD_OF, named, Scope::Tenant(tenant)),
                None => (LOAD_ALL, unnamed, Scope::System),
            };
            let steps = texts.map(|sql| Step { sql, values });
            let answers = self.pool().run_all(scope, &steps).await?;
            let [roles, policies] = answers.as_slice() else {
                return Err(Fault::Broken("an answer is missing".to_owned()));
            };
            let roles = roles.iter().map(role).collect::<Result<_, _>>()?;
            let policies = policies.iter().map(policy).collect::<Result<_, _>>()?;
            Ok((roles, policies))
        })
    }

    fn create_role(&self, new: Role, entry: Entry) -> Pending<'_, RoleWrite> {
        Box::pin(async move {
            let (created, updated) = (new.created_at.as_millis(), new.updated_at.as_millis());
            let values: Values<'_> = &[
                &new.name,
                &new.description,
                &new.inherits,
                &new.version,
                &created,
                &updated,
            ];
            let rows = self.tell(&entry, CREATE_ROLE, values).await?;
            let Some(row) = rows.first() else {
                return Ok(RoleWrite::Taken);
            };
            Ok(RoleWrite::Stored(Box::new(role(row)?)))
        })
    }

    fn update_role(&self, new: Role, entry: Entry) -> Pending<'_, RoleWrite> {
        Box::pin(async move {
            let made = new.created_at.as_millis();
            let values: Values<'_> = &[
                &new.name,
                &new.version,
                &new.description,
                &new.inherits,
                &made,
            ];
            let rows = self.tell(&entry, UPDATE_ROLE, values).await?;
            let Some(row) = rows.first() else {
                return Ok(RoleWrite::Stale);
            };
            Ok(RoleWrite::Stored(Box::new(role(row)?)))
        })
    }

    fn delete_role(
        &self,
        name: String,
        expected: Option<(i64, UnixMillis)>,
        entry: Entry,
    ) -> Pending<'_, bool> {
        Box::pin(async move {
            let (line, forget) = (Line::of(&entry), forget_change_at(entry.origin.at));
            let (version, made) = expected.unzip();
            let made = made.map(UnixMillis::as_millis);
            let told: Values<'_> = &[&line.tenant, &line.at, &line.fields, &forget];
            let own: Values<'_> = &[&name, &version, &made];
            let steps = [
                Step {
                    sql: DELETE_ROLE,
                    values: &[told, own].concat(),
                },
                Step {
                    sql: DELETE_POLICIES_OF,
                    values: &[&line.tenant, &name],
                },
            ];
            let scope = Scope::Tenant(entry.origin.tenant);
            let answers = self.pool().run_all(scope, &steps).await?;
            Ok(answers.first().is_some_and(|rows| !rows.is_empty()))
        })
    }

    fn create_policy(&self, new: Policy, entry: Entry) -> Pending<'_, bool> {
        Box::pin(async move {
            let (id, created) = (new.id.as_uuid(), new.created_at.as_millis());
            let (object, action) = (new.object.as_str(), new.action.as_str());
            let values: Values<'_> = &[&id, &new.subject, &object, &action, &created];
            let rows = self.tell(&entry, CREATE_POLICY, values).await?;
            Ok(!rows.is_empty())
        })
    }

    fn delete_policy(&self, policy: PolicyId, entry: Entry) -> Pending<'_, bool> {
        Box::pin(async move {
            let id = policy.as_uuid();
            let rows = self.tell(&entry, DELETE_POLICY, &[&id]).await?;
            Ok(!rows.is_empty())
        })
    }
}
