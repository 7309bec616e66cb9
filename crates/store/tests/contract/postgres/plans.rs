//! How PostgreSQL finds the accounts of a list, under row-level security and as the role of the pool.

use futures_util::future::BoxFuture;
use store::contract::fixture::World;
use store::postgres::LISTS_OF_USERS;

use super::border::Claim;
use super::server::Database;

pub(crate) fn claims() -> Vec<Claim> {
    fn boxed(database: Database) -> BoxFuture<'static, ()> {
        Box::pin(each_list_of_accounts_is_found_by_its_index(database))
    }
    vec![("each_list_of_accounts_is_found_by_its_index", boxed)]
}

/// Twenty thousand accounts of which a few have what is seldom.
const PEOPLE: &str = "
    INSERT INTO users (
        tenant_id, id, email, email_key, email_verified, name, name_key, status, roles,
        created_at, updated_at, version
    )
    SELECT
        $1,
        ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
        'u' || n || '@example.org',
        'u' || n || '@example.org',
        n % 4000 = 0,
        'Name ' || n,
        'name ' || n,
        CASE WHEN n % 5000 = 0 THEN 'locked' ELSE 'active' END,
        CASE WHEN n % 2 = 0 THEN '[\"user\", \"clerk\"]' ELSE '[\"user\"]' END::jsonb,
        0,
        0,
        1
    FROM generate_series(1, 20000) AS n";

/// What is asked, by the values of `$2` to `$10`, and the index that answers.
const ASKED: [(usize, &str, &str); 7] = [
    (
        0,
        "null, null, null, null, null, null, null, null, null",
        "users_pkey",
    ),
    (
        0,
        "null, null, 'locked', null, null, null, null, null, null",
        "users_closed",
    ),
    (
        0,
        "null, null, null, true, null, null, null, null, null",
        "users_verification",
    ),
    (
        0,
        "null, null, null, null, true, null, null, null, null",
        "users_mfa",
    ),
    (
        0,
        "'u777', 'u777~', null, null, null, null, null, null, null",
        "users_email",
    ),
    (
        1,
        "null, null, null, null, null, null, null, null, null",
        "users_email",
    ),
    (
        2,
        "null, null, null, null, null, null, null, 'clerk', null",
        "user_roles_",
    ),
];

async fn each_list_of_accounts_is_found_by_its_index(database: Database) {
    let world = World::new(database.store.ports()).await;
    let admin = database.server.admin(Some(&database.name)).await;
    let tenant = world.tenant.as_uuid();
    admin.execute(PEOPLE, &[&tenant]).await.unwrap();
    admin
        .batch_execute(
            "UPDATE users SET has_mfa = true WHERE email LIKE '%7777@%';
             ANALYZE;
             SET ROLE auth_service_app;
             SET plan_cache_mode = force_custom_plan;",
        )
        .await
        .unwrap();
    let enter = format!("SET app.tenant = '{tenant}'");
    admin.batch_execute(&enter).await.unwrap();
    for (number, sql) in LISTS_OF_USERS.iter().enumerate() {
        let prepare = format!("PREPARE list_{number} AS {sql}");
        admin.batch_execute(&prepare).await.unwrap();
    }
    for (number, values, index) in ASKED {
        let explain = format!("EXPLAIN EXECUTE list_{number} ('{tenant}', {values}, 0, 21)");
        let rows = admin.query(&explain, &[]).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let plan = plan.join("\n");
        assert!(plan.contains(index), "{values}: {index}\n{plan}");
        assert!(!plan.contains("Seq Scan"), "{values}\n{plan}");
    }
}
