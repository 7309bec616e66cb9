//! Claims about what the migration to a ring for each tenant makes of what is there.

use futures_util::future::BoxFuture;

use super::border::{Claim, fill};
use super::server::Database;

pub(crate) fn claims() -> Vec<Claim> {
    vec![(
        "tenants_have_shared_a_ring_until_a_day_after_the_migration",
        |database| -> BoxFuture<'static, ()> {
            Box::pin(tenants_have_shared_a_ring_until_a_day_after_the_migration(
                database,
            ))
        },
    )]
}

/// Nodes of a release that knows one ring for all may serve for a day whoever is there, and whoever comes.
async fn tenants_have_shared_a_ring_until_a_day_after_the_migration(database: Database) {
    fill(&database.store).await;
    let client = database.server.admin(Some(&database.name)).await;
    let again = "DROP INDEX signing_keys_due; ALTER TABLE tenants DROP COLUMN keys_shared_until";
    let migrate = include_str!("../../../../../migrations/postgres/0018_rings.sql");
    client.batch_execute(again).await.unwrap();
    let migrate = format!("BEGIN; {migrate} COMMIT");
    client.batch_execute(&migrate).await.unwrap();
    let make = "INSERT INTO tenants (id, slug, name, status, config, version, created_at)
        VALUES (gen_random_uuid(), 'later', 'later', 'active', '{}', 1, 0)";
    client.batch_execute(make).await.unwrap();
    let sql = "SELECT count(DISTINCT keys_shared_until),
            min(keys_shared_until) - (extract(epoch FROM now()) * 1000)::bigint
        FROM tenants";
    let row = client.query_one(sql, &[]).await.unwrap();
    let (kinds, left): (i64, i64) = (row.get(0), row.get(1));
    assert_eq!(kinds, 1);
    assert!((80_000_000..=86_400_000).contains(&left), "{left}");

    let fresh = format!("DELETE FROM signing_keys; {again}; {migrate}");
    client.batch_execute(&fresh).await.unwrap();
    let sql = "SELECT max(keys_shared_until) FROM tenants";
    let row = client.query_one(sql, &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 0, "nothing was ever signed");
}
