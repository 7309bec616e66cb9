//! Claims about row-level security alone: every verb that is asked about one tenant, while the database
//! lets it see another; and statements in which nobody named a tenant.
//!
//! A verb names its tenant twice, in its statement and to the transaction. Here the second is taken away:
//! the policies are pinned to one tenant whatever a transaction says, so a verb that names the other finds
//! it in no row, as if its own check had let it through by mistake.

use domain::event::EventKind;
use store::port::tenants::TenantWrite;
use tokio::task::JoinSet;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use self::verbs::{furnish, intrude, look, meddle};
use super::border::{Claim, bound, tables};
use super::server::Database;

mod verbs;

pub(crate) fn claims() -> Vec<Claim> {
    vec![
        (
            "row_level_security_alone_hides_one_tenant_from_every_verb",
            |d| Box::pin(row_level_security_alone_hides_one_tenant_from_every_verb(d)),
        ),
        ("a_statement_that_names_no_tenant_stays_in_its_own", |d| {
            Box::pin(a_statement_that_names_no_tenant_stays_in_its_own(d))
        }),
    ]
}

/// Has every policy let one tenant through, whatever a transaction says.
async fn pin(client: &Client, tenant: &str) {
    for table in tables(client).await {
        let column = if table == "tenants" {
            "id"
        } else {
            "tenant_id"
        };
        let sql = format!(
            "ALTER POLICY of_tenant ON {table} USING ({column} = '{tenant}'::uuid);
             DROP POLICY of_system ON {table}"
        );
        client.batch_execute(&sql).await.unwrap();
    }
}

async fn row_level_security_alone_hides_one_tenant_from_every_verb(database: Database) {
    let mut tasks = JoinSet::new();
    tasks.spawn(database.store.serve_gathered());
    let things = furnish(&database).await;
    let other = things.world.beside().await;
    for (verb, has_found) in look(&things).await {
        assert!(has_found, "{verb} finds what is there");
    }
    let itself = things.world.ports.tenants.load_tenant(things.world.tenant);
    let itself = itself.await.unwrap().unwrap();
    let admin = database.server.admin(Some(&database.name)).await;
    let counted = count_all(&admin).await;
    pin(&admin, &other.tenant.to_string()).await;
    for (verb, has_found) in look(&things).await {
        assert!(!has_found, "{verb} sees past row-level security");
    }
    meddle(&things).await;
    intrude(&things).await;
    let entry = things.world.entry(EventKind::TenantUpdated);
    let written = things
        .world
        .ports
        .tenants
        .update_tenant(itself, entry)
        .await;
    assert_eq!(written.unwrap(), TenantWrite::Stale);
    assert_eq!(
        count_all(&admin).await,
        counted,
        "nothing came, nothing went"
    );
}

/// Counts the rows of every table, as who sees all of them.
async fn count_all(admin: &Client) -> Vec<(String, i64)> {
    let mut counted = Vec::new();
    for table in tables(admin).await {
        let sql = format!("SELECT count(*) FROM {table}");
        counted.push((table, admin.query_one(&sql, &[]).await.unwrap().get(0)));
    }
    counted
}

/// Names the columns of a table that may be written.
async fn columns(admin: &Client, table: &str) -> String {
    let sql = "SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
        WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped
          AND attgenerated = ''";
    admin.query_one(sql, &[&table]).await.unwrap().get(0)
}

async fn a_statement_that_names_no_tenant_stays_in_its_own(database: Database) {
    let things = furnish(&database).await;
    let other = things.world.beside().await;
    let admin = database.server.admin(Some(&database.name)).await;
    let client = bound(&database).await;
    let enter = format!("SET app.tenant = '{}'", other.tenant);
    client.batch_execute(&enter).await.unwrap();
    for table in tables(&admin).await {
        let column = if table == "tenants" {
            "id"
        } else {
            "tenant_id"
        };
        let names = columns(&admin, &table).await;
        // Rows of theirs, at a place where nobody guards them.
        let copy = format!(
            "CREATE TABLE copy_of_{table} AS SELECT {names} FROM {table} WHERE {column} = '{}';
             GRANT SELECT ON copy_of_{table} TO auth_service_app",
            things.world.tenant
        );
        admin.batch_execute(&copy).await.unwrap();
        let insert = format!(
            "INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE
             SELECT {names} FROM copy_of_{table}"
        );
        let error = client.execute(&insert, &[]).await.unwrap_err();
        assert_eq!(
            error.code(),
            Some(&SqlState::INSUFFICIENT_PRIVILEGE),
            "{table}: {error}"
        );
        admin
            .batch_execute(&format!("DROP TABLE copy_of_{table}"))
            .await
            .unwrap();
        // The trail is the service's to add to alone.
        if table == "audit" {
            continue;
        }
        let own = format!(
            "SELECT count(*) FROM {table} WHERE {column} = '{}'",
            other.tenant
        );
        let own: i64 = admin.query_one(&own, &[]).await.unwrap().get(0);
        let own = u64::try_from(own).unwrap();
        for sql in [
            format!("UPDATE {table} SET {column} = {column}"),
            format!("DELETE FROM {table}"),
        ] {
            client.batch_execute("BEGIN").await.unwrap();
            assert_eq!(client.execute(&sql, &[]).await.unwrap(), own, "{sql}");
            client.batch_execute("ROLLBACK").await.unwrap();
        }
    }
}
