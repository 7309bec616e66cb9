//! How PostgreSQL finds the accounts of a list, under row-level security and as the role of the pool.

use domain::page::{PageRequest, PageStart};
use domain::user::UserFilter;
use futures_util::future::BoxFuture;
use store::contract::fixture::World;
use store::postgres::{LISTS_OF_USERS, SEARCHES_OF_USERS};

use super::border::Claim;
use super::server::Database;

pub(crate) fn claims() -> Vec<Claim> {
    fn boxed(database: Database) -> BoxFuture<'static, ()> {
        Box::pin(each_list_of_accounts_is_found_by_its_index(database))
    }
    fn many(database: Database) -> BoxFuture<'static, ()> {
        Box::pin(a_text_of_many_accounts_finds_the_newest(database))
    }
    vec![
        ("each_list_of_accounts_is_found_by_its_index", boxed),
        ("a_text_of_many_accounts_finds_the_newest", many),
    ]
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

/// The statements of a search for a text, what each is given beside the tenant, and the indexes that answer.
const SEARCHED: [(&str, &[&str]); 3] = [
    ("'u777', 'u777~'", &["users_email", "users_name"]),
    ("'u', 'u~', null, 0, 21", &["users_pkey"]),
    (
        "'u777', 'u777~', null, 0, 21",
        &["users_email", "users_name"],
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
    for (number, (values, indexes)) in SEARCHED.iter().enumerate() {
        let sql = SEARCHES_OF_USERS[number];
        let prepare = format!("PREPARE search_{number} AS {sql}");
        admin.batch_execute(&prepare).await.unwrap();
        let explain = format!("EXPLAIN EXECUTE search_{number} ('{tenant}', {values})");
        let rows = admin.query(&explain, &[]).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let plan = plan.join("\n");
        for index in *indexes {
            assert!(plan.contains(index), "{values}: {index}\n{plan}");
        }
        assert!(!plan.contains("Seq Scan"), "{values}\n{plan}");
    }
}

/// Half of the accounts begin with `u1`, the newest among them; of the 1,112 that begin with `u2` the newest
/// five thousand hold one.
async fn a_text_of_many_accounts_finds_the_newest(database: Database) {
    let ports = database.store.ports();
    let world = World::new(database.store.ports()).await;
    let admin = database.server.admin(Some(&database.name)).await;
    admin
        .execute(PEOPLE, &[&world.tenant.as_uuid()])
        .await
        .unwrap();
    let page = async |search: &str, start| {
        let filter = UserFilter {
            search: Some(search.to_owned()),
            ..UserFilter::default()
        };
        let per_page = 3;
        let page = PageRequest { start, per_page };
        let found = ports.users.list_users(world.tenant, filter, page);
        let found = found.await.unwrap();
        let names: Vec<String> = found.items.iter().map(|user| user.name.clone()).collect();
        (names, found.total, found.next)
    };
    for (search, first, second) in [
        ("U1", [19_999, 19_998, 19_997], [19_996, 19_995, 19_994]),
        ("u2", [20_000, 2_999, 2_998], [2_997, 2_996, 2_995]),
        ("name 2", [20_000, 2_999, 2_998], [2_997, 2_996, 2_995]),
    ] {
        let [first, second] =
            [first, second].map(|page| page.map(|n| format!("Name {n}")).to_vec());
        let (names, total, next) = page(search, PageStart::Number(1)).await;
        assert_eq!((names, total), (first, 1_001), "{search}");
        let (names, ..) = page(search, PageStart::After(next.unwrap())).await;
        assert_eq!(names, second, "{search}");
        let (names, ..) = page(search, PageStart::Number(2)).await;
        assert_eq!(names, second, "{search}");
    }
    let (names, total, next) = page("u777@", PageStart::Number(1)).await;
    assert_eq!((names, total, next), (vec!["Name 777".to_owned()], 1, None));
}
