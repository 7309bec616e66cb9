//! Claims about what the migration to a ring for each tenant makes of what is there.

use super::*;

/// A tenant that was there before was served by a release that knows one ring for all; on this store
/// nobody of that release runs any more.
#[tokio::test]
async fn tenants_that_were_there_before_have_shared_a_ring_until_now() {
    let store = store();
    let write = |sql: &'static str| {
        store
            .sqlite
            .write(move |step| step.execute_batch(sql).map(|()| 0_i64))
    };
    let until = || {
        store.sqlite.read(|connection| {
            let sql = "SELECT keys_shared_until FROM tenants ORDER BY slug";
            let mut statement = connection.prepare(sql)?;
            let found = statement.query_map([], |row| row.get(0))?;
            found.collect::<rusqlite::Result<Vec<i64>>>()
        })
    };
    let back = "DROP INDEX signing_keys_due;
        ALTER TABLE tenants DROP COLUMN keys_shared_until;";
    let tenant = "INSERT INTO tenants (tenant_id, slug, name, status, config, version, created_at)
        VALUES (randomblob(16), 'a', 'a', 'active', '{}', 1, 0);";
    let again = include_str!("../../../../../migrations/sqlite/0018_rings.sql");
    write(back).await.unwrap();
    write(tenant).await.unwrap();
    write(again).await.unwrap();
    assert_eq!(until().await.unwrap(), [0], "nothing was ever signed");
    write(back).await.unwrap();
    write(
        "INSERT INTO signing_keys
            (tenant_id, kid, algorithm, state, sealed_private, public_jwk, created_at)
        SELECT tenant_id, 'k', 'ES256', 'next', x'00', '{}', 0 FROM tenants",
    )
    .await
    .unwrap();
    write(again).await.unwrap();
    write(
        "INSERT INTO tenants (tenant_id, slug, name, status, config, version, created_at)
        VALUES (randomblob(16), 'b', 'b', 'active', '{}', 1, 0);",
    )
    .await
    .unwrap();
    let found = until().await.unwrap();
    assert!(found[0] > 1_700_000_000_000, "{found:?}");
    assert_eq!(found[1], 0, "a new one never did");
}
