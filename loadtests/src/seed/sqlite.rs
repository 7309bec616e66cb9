//! The crowd into SQLite: one transaction, which need not survive a power cut.
//!
//! The store is not analysed afterwards: the service never does, and statistics of an audit trail that is
//! still empty would have SQLite read it whole to find what is unsealed.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, Transaction, params_from_iter};
use uuid::Uuid;

use super::{Copied, Crowd, Template, email, progress, slug, tenant_id};

/// A row whose copies differ from it in some columns.
struct Original {
    insert: String,
    columns: Vec<String>,
    values: Vec<Value>,
}

type Changes<'a> = [(&'a str, Value)];

/// Loads it.
pub(super) fn load(path: &Path, crowd: Crowd, template: &Template) -> rusqlite::Result<i64> {
    let mut connection = Connection::open(path)?;
    connection.execute_batch(
        "PRAGMA synchronous = OFF;
         PRAGMA foreign_keys = OFF;
         PRAGMA cache_size = -1000000;
         PRAGMA temp_store = MEMORY;",
    )?;
    let step = connection.transaction()?;
    tenants(&step, crowd, template)?;
    let auth_time = people(&step, crowd, template)?;
    step.commit()?;
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(auth_time)
}

fn tenants(step: &Transaction<'_>, crowd: Crowd, template: &Template) -> rusqlite::Result<()> {
    let default = blob(template.tenant.as_uuid());
    let tenant = Original::read(step, "tenants", "tenant_id", &default)?;
    let clients = Original::read_all(step, "clients", "tenant_id", &default)?;
    for number in 0..crowd.tenants {
        let own = ("tenant_id", blob(tenant_id(number)));
        let slug = Value::from(slug(number));
        let changes = [own.clone(), ("slug", slug.clone()), ("name", slug)];
        tenant.copy(step, &changes)?;
        for client in &clients {
            client.copy(step, &[own.clone(), ("seq", Value::Null)])?;
        }
    }
    Ok(())
}

fn people(step: &Transaction<'_>, crowd: Crowd, template: &Template) -> rusqlite::Result<i64> {
    let of = |table, id: Uuid| Original::read(step, table, "id", &blob(id));
    let user = of("users", template.user.as_uuid())?;
    let session = of("sessions", template.session.as_uuid())?;
    let family = of("refresh_families", template.family.as_uuid())?;
    for copied in crowd.each(template) {
        progress("people", copied.number, crowd.people);
        for (original, changes) in [
            (&user, user_of(&copied)),
            (&session, session_of(&copied)),
            (&family, family_of(&copied)),
        ] {
            original.copy(step, &changes)?;
        }
    }
    match session.value("auth_time") {
        Some(Value::Integer(millis)) => Ok(*millis),
        _ => Err(rusqlite::Error::InvalidQuery),
    }
}

fn user_of(copied: &Copied) -> Vec<(&'static str, Value)> {
    let (email, name) = (email(copied.number), format!("somebody {}", copied.number));
    vec![
        ("tenant_id", blob(copied.tenant)),
        ("id", blob(copied.user)),
        ("email", email.clone().into()),
        ("email_key", email.into()),
        ("name", name.clone().into()),
        ("name_key", name.into()),
    ]
}

fn session_of(copied: &Copied) -> Vec<(&'static str, Value)> {
    vec![
        ("tenant_id", blob(copied.tenant)),
        ("id", blob(copied.session)),
        ("user_id", blob(copied.user)),
    ]
}

fn family_of(copied: &Copied) -> Vec<(&'static str, Value)> {
    vec![
        ("tenant_id", blob(copied.tenant)),
        ("id", blob(copied.family)),
        ("session_id", blob(copied.session)),
        ("user_id", blob(copied.user)),
    ]
}

fn blob(id: Uuid) -> Value {
    Value::Blob(id.as_bytes().to_vec())
}

// === impl Original ===

impl Original {
    fn read(step: &Connection, table: &str, key: &str, id: &Value) -> rusqlite::Result<Self> {
        let found = Self::read_all(step, table, key, id)?;
        let first = found.into_iter().next();
        first.ok_or(rusqlite::Error::QueryReturnedNoRows)
    }

    fn read_all(
        step: &Connection,
        table: &str,
        key: &str,
        id: &Value,
    ) -> rusqlite::Result<Vec<Self>> {
        let columns = columns_of(step, table)?;
        let list = columns.join(", ");
        let marks = vec!["?"; columns.len()].join(", ");
        let insert = format!("INSERT INTO {table} ({list}) VALUES ({marks})");
        let select = format!("SELECT {list} FROM {table} WHERE {key} = ?");
        let mut statement = step.prepare(&select)?;
        let rows = statement.query_map([id], |row| {
            let values = (0..columns.len()).map(|place| row.get(place));
            let values: rusqlite::Result<Vec<Value>> = values.collect();
            Ok(Self {
                insert: insert.clone(),
                columns: columns.clone(),
                values: values?,
            })
        })?;
        rows.collect()
    }

    fn value(&self, column: &str) -> Option<&Value> {
        let place = self.columns.iter().position(|known| known == column)?;
        self.values.get(place)
    }

    fn copy(&self, step: &Connection, changes: &Changes<'_>) -> rusqlite::Result<()> {
        let changes: BTreeMap<&str, &Value> =
            changes.iter().map(|(name, value)| (*name, value)).collect();
        let both = self.columns.iter().zip(&self.values);
        let values = both.map(|(name, value)| changes.get(name.as_str()).copied().unwrap_or(value));
        let mut statement = step.prepare_cached(&self.insert)?;
        statement.execute(params_from_iter(values)).map(drop)
    }
}

/// Names the columns that can be written: not those that follow from others.
fn columns_of(step: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let list = format!("SELECT name FROM pragma_table_xinfo('{table}') WHERE hidden = 0");
    let mut statement = step.prepare(&list)?;
    let names = statement.query_map([], |row| row.get(0))?;
    names.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_copied_with_whatever_columns_it_has() {
        let step = Connection::open_in_memory().expect("a store");
        step.execute_batch(
            "CREATE TABLE things (id INTEGER, name TEXT, twice TEXT AS (name || name));
             INSERT INTO things (id, name) VALUES (1, 'a');",
        )
        .expect("made");
        let original = Original::read(&step, "things", "id", &Value::from(1)).expect("found");
        let changes = [("id", Value::from(2))];
        original.copy(&step, &changes).expect("copied");
        let found: (String, String) = step
            .query_row("SELECT name, twice FROM things WHERE id = 2", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .expect("there");
        assert_eq!(found, ("a".to_owned(), "aa".to_owned()));
    }
}
