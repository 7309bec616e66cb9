//! Claims about plans: what is searched among many rows goes through an index.

use futures_util::future::BoxFuture;
use store::contract::fixture::World;
use store::postgres::AUDIT_SEARCH;
use tokio_postgres::Client;

use super::border::Claim;
use super::server::Database;

pub(crate) fn claims() -> Vec<Claim> {
    vec![(
        "an_audit_search_goes_through_the_index_of_its_filter",
        |database| -> BoxFuture<'static, ()> { Box::pin(searches_go_through_indexes(database)) },
    )]
}

/// Enough that a scan would be dearer, and few of everything that is searched for.
const FILL: &str = "
    INSERT INTO audit (tenant_id, at, fields)
    SELECT current_setting('app.tenant')::uuid, n, jsonb_build_object(
        'event', CASE WHEN n % 1000 = 0 THEN 'rare' ELSE 'usual' END,
        'subject', 's' || n % 5000,
        'client_id', 'c' || n % 5000,
        'actor_id', 'a' || n % 5000,
        'success', n % 1000 <> 7,
        'detail', '{}'::jsonb
    )
    FROM generate_series(1, 50000) AS n";

async fn searches_go_through_indexes(database: Database) {
    let world = World::new(database.store.ports()).await;
    let client = database.server.admin(Some(&database.name)).await;
    let enter = format!("SET app.tenant = '{}'", world.tenant);
    client.batch_execute(&enter).await.unwrap();
    client.batch_execute(FILL).await.unwrap();
    client.batch_execute("ANALYZE audit").await.unwrap();
    let find = format!("PREPARE find AS {AUDIT_SEARCH}");
    // As the pool does: another role, behind the border, each search planned for itself.
    let role = "SET ROLE auth_service_app; SET plan_cache_mode = force_custom_plan";
    client.batch_execute(role).await.unwrap();
    client.batch_execute(&find).await.unwrap();
    for (index, asked) in [
        ("audit_time", "NULL, NULL, NULL, NULL, NULL, NULL, NULL"),
        ("audit_time", "NULL, NULL, NULL, NULL, false, NULL, NULL"),
        ("audit_time", "NULL, NULL, NULL, NULL, NULL, 100, 2000"),
        ("audit_subject", "'s7', NULL, NULL, NULL, NULL, NULL, NULL"),
        ("audit_client", "NULL, 'c7', NULL, NULL, NULL, NULL, NULL"),
        ("audit_actor", "NULL, NULL, 'a7', NULL, NULL, NULL, NULL"),
        ("audit_event", "NULL, NULL, NULL, 'rare', NULL, NULL, NULL"),
        ("audit_failures", "NULL, NULL, NULL, NULL, true, NULL, NULL"),
        ("audit_subject", "'s7', NULL, NULL, NULL, NULL, 100, 2000"),
    ] {
        for after in ["NULL, NULL", "40000, 1"] {
            let plan = explain(&client, &world, asked, after).await;
            let wanted = format!("using {index} ");
            assert!(plan.contains(&wanted), "{asked}: {plan}");
            assert!(
                !plan.contains("Seq Scan") && !plan.contains("Sort"),
                "{asked}: {plan}"
            );
        }
    }
}

async fn explain(client: &Client, world: &World, asked: &str, after: &str) -> String {
    let tenant = world.tenant;
    let sql = format!("EXPLAIN EXECUTE find('{tenant}', {asked}, {after}, 0, 21)");
    let rows = client.query(&sql, &[]).await.unwrap();
    let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    lines.join("\n")
}
