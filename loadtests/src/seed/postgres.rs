//! The crowd into PostgreSQL: its names by `COPY` into a table of this session, the rows from there.
//!
//! It needs a superuser: foreign keys are not checked meanwhile, which takes longer than all the rest.

use std::fmt::Write as _;

use bytes::Bytes;
use futures_util::SinkExt;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use super::{Crowd, Template, email, progress, slug, tenant_id};

/// Rows that are copied: of a table, the one that a condition finds, with some columns replaced.
struct Copying<'a> {
    table: &'a str,
    from: &'a str,
    which: (&'a str, Uuid),
    changes: &'a [(&'a str, &'a str)],
}

/// Row-level security lets a system act into every tenant.
const PREPARE: &str = "
    SET app.scope = 'system';
    SET session_replication_role = replica;
    SET synchronous_commit = off;
    CREATE TEMPORARY TABLE crowd (
        tenant_id uuid, user_id uuid, session_id uuid, family_id uuid, email text, name text
    );
    CREATE TEMPORARY TABLE places (tenant_id uuid, slug text)";

/// How much of the crowd goes into one message.
const MESSAGE: usize = 64 * 1024;

/// Loads it.
pub(super) async fn load(address: &str, crowd: Crowd, template: &Template) -> Result<i64, String> {
    let failed = |error: tokio_postgres::Error| format!("PostgreSQL: {error}");
    let (client, connection) = tokio_postgres::connect(address, NoTls)
        .await
        .map_err(failed)?;
    #[expect(
        clippy::disallowed_methods,
        reason = "a load generator has no supervision tree"
    )]
    drop(tokio::spawn(connection));
    fill(&client, crowd, template).await.map_err(failed)?;
    let sql = "SELECT auth_time FROM sessions WHERE id = $1";
    let session = template.session.as_uuid();
    let row = client.query_one(sql, &[&session]).await.map_err(failed)?;
    row.try_get(0).map_err(failed)
}

async fn fill(
    client: &Client,
    crowd: Crowd,
    template: &Template,
) -> Result<(), tokio_postgres::Error> {
    client.batch_execute(PREPARE).await?;
    let places = (0..crowd.tenants).map(|n| format!("{}\t{}\n", tenant_id(n), slug(n)));
    copy_in(client, "places", places).await?;
    let people = crowd.each(template).map(|copied| {
        progress("people", copied.number, crowd.people);
        let mut line = String::new();
        for id in [copied.tenant, copied.user, copied.session, copied.family] {
            let _ = write!(line, "{id}\t");
        }
        let number = copied.number;
        let _ = writeln!(line, "{}\tsomebody {number}", email(number));
        line
    });
    copy_in(client, "crowd", people).await?;
    for copying in copyings(template) {
        copying.run(client).await?;
    }
    client.batch_execute("VACUUM (ANALYZE)").await
}

fn copyings(template: &Template) -> [Copying<'static>; 5] {
    let default = template.tenant.as_uuid();
    let of = |table, from, which, changes| Copying {
        table,
        from,
        which,
        changes,
    };
    [
        of(
            "tenants",
            "places",
            ("id", default),
            &[("id", "tenant_id"), ("slug", "slug"), ("name", "slug")],
        ),
        of(
            "clients",
            "places",
            ("tenant_id", default),
            &[("tenant_id", "tenant_id")],
        ),
        of(
            "users",
            "crowd",
            ("id", template.user.as_uuid()),
            &[
                ("tenant_id", "tenant_id"),
                ("id", "user_id"),
                ("email", "email"),
                ("email_key", "email"),
                ("name", "name"),
                ("name_key", "name"),
            ],
        ),
        of(
            "sessions",
            "crowd",
            ("id", template.session.as_uuid()),
            &[
                ("tenant_id", "tenant_id"),
                ("id", "session_id"),
                ("user_id", "user_id"),
            ],
        ),
        of(
            "refresh_families",
            "crowd",
            ("id", template.family.as_uuid()),
            &[
                ("tenant_id", "tenant_id"),
                ("id", "family_id"),
                ("session_id", "session_id"),
                ("user_id", "user_id"),
            ],
        ),
    ]
}

async fn copy_in(
    client: &Client,
    table: &str,
    lines: impl Iterator<Item = String>,
) -> Result<(), tokio_postgres::Error> {
    let sink = client.copy_in(&format!("COPY {table} FROM STDIN")).await?;
    let mut sink = std::pin::pin!(sink);
    let mut message = String::new();
    for line in lines {
        message.push_str(&line);
        if message.len() >= MESSAGE {
            sink.send(Bytes::from(std::mem::take(&mut message))).await?;
        }
    }
    sink.send(Bytes::from(message)).await?;
    sink.as_mut().finish().await.map(drop)
}

// === impl Copying ===

impl Copying<'_> {
    async fn run(&self, client: &Client) -> Result<(), tokio_postgres::Error> {
        let columns = columns_of(client, self.table).await?;
        let change = |name: &str| self.changes.iter().find(|(known, _)| *known == name);
        let values: Vec<String> = columns
            .iter()
            .map(|name| match change(name) {
                Some((_, column)) => format!("c.{column}"),
                None => format!("t.{name}"),
            })
            .collect();
        let (key, id) = self.which;
        let sql = format!(
            "INSERT INTO {} ({}) SELECT {} FROM {} AS c CROSS JOIN {} AS t WHERE t.{key} = '{id}'",
            self.table,
            columns.join(", "),
            values.join(", "),
            self.from,
            self.table
        );
        client.batch_execute(&sql).await
    }
}

/// Names the columns that can be written: not those that follow from others or count by themselves.
async fn columns_of(client: &Client, table: &str) -> Result<Vec<String>, tokio_postgres::Error> {
    let sql = "
        SELECT column_name::text
        FROM information_schema.columns
        WHERE table_schema = 'public'
          AND table_name = $1
          AND is_generated = 'NEVER'
          AND is_identity = 'NO'
        ORDER BY ordinal_position";
    let rows = client.query(sql, &[&table]).await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}
