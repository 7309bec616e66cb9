//! Claims about row-level security and about migrations.

use domain::api_key::ApiKey;
use domain::attempt::AttemptKey;
use domain::client::{Client as OAuthClient, ClientMetadata, ClientType};
use domain::event::EventKind;
use domain::id::ApiKeyId;
use domain::key::{Algorithm, KeyState, SigningKey};
use domain::one_time::Purpose;
use domain::rejection::Fault;
use domain::scope::ScopeSet;
use domain::session::Session;
use futures_util::future::{BoxFuture, join_all};
use store::contract::fixture::identities::ELSEWHERE;
use store::contract::fixture::{Entropy, World, at, bytes};
use store::port::authorizations::CodeIssue;
use store::port::idempotency::Claimed;
use store::postgres::Postgres;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::server::{Database, Server};

/// A claim's name and what puts it to the test.
pub(crate) type Claim = (&'static str, fn(Database) -> BoxFuture<'static, ()>);

pub(crate) fn claims() -> Vec<Claim> {
    vec![
        ("without_a_tenant_no_row_of_any_table_is_seen", |d| {
            Box::pin(without_a_tenant_no_row_of_any_table_is_seen(d))
        }),
        ("another_tenant_sees_and_writes_nothing", |d| {
            Box::pin(another_tenant_sees_and_writes_nothing(d))
        }),
        ("nothing_of_an_erased_tenant_is_left_in_any_table", |d| {
            Box::pin(nothing_of_an_erased_tenant_is_left_in_any_table(d))
        }),
        ("the_role_of_the_pool_cannot_get_past_the_border", |d| {
            Box::pin(the_role_of_the_pool_cannot_get_past_the_border(d))
        }),
        ("the_pool_works_as_the_role_that_is_bound", |d| {
            Box::pin(the_pool_works_as_the_role_that_is_bound(d))
        }),
        ("a_role_that_passes_the_border_is_refused", |d| {
            Box::pin(a_role_that_passes_the_border_is_refused(d))
        }),
        (
            "nodes_that_migrate_at_once_apply_each_migration_once",
            |d| Box::pin(nodes_that_migrate_at_once_apply_each_migration_once(d)),
        ),
    ]
}

/// Stores at least one row in every table.
pub(super) async fn fill(store: &Postgres) -> World {
    let world = World::new(store.ports()).await;
    let user = world.register("ada@example.org").await;
    let (session, _) = world.sign_in(user.id).await;
    let ports = &world.ports;
    let token = world.one_time(user.id, Purpose::ResetPassword);
    let entry = world.entry(EventKind::PasswordResetRequested);
    let issued = ports
        .one_time
        .issue_one_time(token, world.mail(at(0)), entry);
    issued.await.unwrap();
    let claim = world.attempt(AttemptKey([1; 32]), at(0));
    ports.attempts.claim_attempt(claim).await.unwrap();
    let client = OAuthClient {
        tenant: world.tenant,
        id: "client_a".to_owned(),
        name: "A".to_owned(),
        client_type: ClientType::Service,
        disabled: false,
        metadata: ClientMetadata::default(),
        secrets: vec![],
        created_at: at(0),
        updated_at: at(0),
        version: 1,
    };
    let entry = world.entry(EventKind::ClientCreated);
    ports.clients.create_client(client, entry).await.unwrap();
    let entry = world.entry(EventKind::ApiKeyCreated);
    let made = ports.api_keys.create_api_key(api_key(&world), entry);
    made.await.unwrap();
    let ring = vec![SigningKey {
        kid: "kid".to_owned(),
        tenant: world.tenant,
        algorithm: Algorithm::Es256,
        state: KeyState::Active,
        sealed_private: vec![1],
        public_jwk: serde_json::json!({}),
        created_at: at(0),
        activated_at: Some(at(0)),
        retired_at: None,
    }];
    let entry = world.entry(EventKind::KeyCreated);
    let ensured = ports.keys.ensure_keys(ring, Algorithm::Es256, entry);
    ensured.await.unwrap();
    authorize(&world, &session).await;
    world.bind_everything(user.id).await;
    world.leave_notice(user.id).await;
    world.make_rules().await;
    world.give_role(user.id).await;
    world.link(&world.identity(user.id, (ELSEWHERE, "x"))).await;
    let claimed = ports.idempotency.claim_key(world.claim(bytes(), at(0)));
    assert_eq!(claimed.await, Ok(Claimed::Ours));
    world.seal_up(1, at(0)).await;
    world
}

fn api_key(world: &World) -> ApiKey {
    ApiKey {
        id: ApiKeyId::generate(at(0), &Entropy),
        tenant: world.tenant,
        client: None,
        name: "key".to_owned(),
        visible_prefix: "qf_ak_a".to_owned(),
        signature: bytes(),
        superseded: None,
        scopes: ScopeSet::parse("admin:users").unwrap(),
        rate_limit: None,
        created_at: at(0),
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
        version: 1,
    }
}

/// Completes an authorization, lets a device wait, claims an id, keeps a salt and a data key.
async fn authorize(world: &World, session: &Session) {
    let (ports, pushed) = (&world.ports, world.pushed(at(0)));
    let mut code = world.code(session, at(0));
    code.spend_pushed = Some(pushed.signature);
    ports.authorizations.push_request(pushed).await.unwrap();
    let issued = ports.authorizations.issue_code(code).await.unwrap();
    assert_eq!(issued, CodeIssue::Issued);
    let device = world.device(at(0));
    assert_eq!(ports.devices.begin_device(device).await, Ok(true));
    let claimed = ports.spent.claim_id(world.tenant, bytes(), at(60)).await;
    assert_eq!(claimed, Ok(true));
    let salt = ports.salts.keep_salt(world.tenant, bytes()).await;
    assert!(salt.is_ok());
    let made = ports.data_keys.make_data_key(world.data_key()).await;
    assert!(made.is_ok());
}

/// Connects as the role that the pool works as.
pub(super) async fn bound(database: &Database) -> Client {
    let client = database.server.admin(Some(&database.name)).await;
    client
        .batch_execute("SET ROLE auth_service_app")
        .await
        .unwrap();
    client
}

/// Names every table of ours.
pub(super) async fn tables(client: &Client) -> Vec<String> {
    let sql = "SELECT relname::text FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
          AND relname <> 'refinery_schema_history'";
    let rows = client.query(sql, &[]).await.unwrap();
    let names: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(names.len(), 29);
    names
}

async fn count(client: &Client, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    client.query_one(&sql, &[]).await.unwrap().get(0)
}

async fn without_a_tenant_no_row_of_any_table_is_seen(database: Database) {
    fill(&database.store).await;
    let client = bound(&database).await;
    for table in tables(&client).await {
        assert_eq!(count(&client, &table).await, 0, "{table} without a tenant");
        client
            .batch_execute("BEGIN; SET LOCAL app.scope = 'system'")
            .await
            .unwrap();
        assert_ne!(count(&client, &table).await, 0, "{table} as the system");
        client.batch_execute("COMMIT").await.unwrap();
        assert_eq!(count(&client, &table).await, 0, "{table} after a verb");
        let forced = "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class
            WHERE oid = $1::text::regclass";
        let forced = client.query_one(forced, &[&table]).await.unwrap();
        assert!(forced.get::<_, bool>(0), "{table} binds its owner too");
    }
}

async fn another_tenant_sees_and_writes_nothing(database: Database) {
    let world = fill(&database.store).await;
    let other = world.beside().await;
    let client = bound(&database).await;
    let enter = format!("SET app.tenant = '{}'", other.tenant);
    client.batch_execute(&enter).await.unwrap();
    for table in tables(&client).await {
        let own = i64::from(["tenants", "audit", "changes"].contains(&table.as_str()));
        assert_eq!(count(&client, &table).await, own, "{table}");
    }
    let id = world.tenant.as_uuid();
    let foreign = "INSERT INTO changes (tenant_id, kind, about, expires_at)
        VALUES ($1, 'tenant_changed', '', 0)";
    let error = client.execute(foreign, &[&id]).await.unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
    let error = client
        .execute("UPDATE tenants SET id = $1", &[&id])
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
    let touched = client.execute("DELETE FROM users", &[]).await.unwrap();
    assert_eq!(touched, 0);
    assert!(
        world
            .ports
            .users
            .load_credentials(
                world.tenant,
                store::contract::fixture::address("ada@example.org"),
            )
            .await
            .unwrap()
            .is_some()
    );
}

async fn nothing_of_an_erased_tenant_is_left_in_any_table(database: Database) {
    let world = fill(&database.store).await;
    let keeper = world.beside().await;
    let client = database.server.admin(Some(&database.name)).await;
    let of = format!("tenant_id = '{}'", world.tenant);
    let trail = format!("SELECT erase_audit('{}', 1000)", world.tenant);
    let kept: i64 = client.query_one(&trail, &[]).await.unwrap().get(0);
    assert_eq!(kept, 0, "the trail of a tenant that is there stays");
    let delete = format!(
        "UPDATE tenants SET status = 'deleted', erase_at = 1 WHERE id = '{}'",
        world.tenant
    );
    client.batch_execute(&delete).await.unwrap();
    let janitor = &world.ports.janitor;
    let mut steps = 0;
    loop {
        let step = janitor.erase_tenant(at(0), keeper.tenant, 7).await.unwrap();
        steps += 1;
        if step.tenant == Some(world.tenant) {
            break;
        }
        assert_eq!(step.rows, 7);
    }
    assert!(steps > 3, "{steps}");
    // What tells the nodes of it goes when they have heard.
    let told = "DELETE FROM changes WHERE kind = 'tenant_changed'";
    client.batch_execute(told).await.unwrap();
    for table in tables(&client).await.into_iter().filter(|t| t != "tenants") {
        let sql = format!("SELECT count(*) FROM {table} WHERE {of}");
        let left: i64 = client.query_one(&sql, &[]).await.unwrap().get(0);
        assert_eq!(left, 0, "{table}");
    }
}

async fn the_role_of_the_pool_cannot_get_past_the_border(database: Database) {
    fill(&database.store).await;
    let client = bound(&database).await;
    for table in tables(&client).await {
        client
            .batch_execute("SET row_security = off")
            .await
            .unwrap();
        let sql = format!("SELECT * FROM {table}");
        let error = client.query(&sql, &[]).await.unwrap_err();
        assert_eq!(
            error.code(),
            Some(&SqlState::INSUFFICIENT_PRIVILEGE),
            "{table}"
        );
        client.batch_execute("RESET row_security").await.unwrap();
        for sql in [
            format!("TRUNCATE {table} CASCADE"),
            format!("ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"),
            format!("DROP POLICY of_tenant ON {table}"),
            format!("DROP TABLE {table} CASCADE"),
        ] {
            let error = client.batch_execute(&sql).await.unwrap_err();
            assert_eq!(
                error.code(),
                Some(&SqlState::INSUFFICIENT_PRIVILEGE),
                "{sql}"
            );
        }
    }
    for sql in [
        "DELETE FROM audit",
        "UPDATE audit SET fields = '{}'",
        "CREATE TABLE mine (id int)",
        "SELECT * FROM refinery_schema_history",
    ] {
        let error = client.batch_execute(sql).await.unwrap_err();
        assert_eq!(
            error.code(),
            Some(&SqlState::INSUFFICIENT_PRIVILEGE),
            "{sql}"
        );
    }
}

/// The suite connects as a superuser; if the pool stayed one, taking rights from the bound role
/// would change nothing.
async fn the_pool_works_as_the_role_that_is_bound(database: Database) {
    let ports = database.store.ports();
    ports.health.check().await.unwrap();
    let admin = database.server.admin(Some(&database.name)).await;
    let take = "REVOKE SELECT ON tenants FROM auth_service_app";
    admin.batch_execute(take).await.unwrap();
    let refused = ports.health.check().await.unwrap_err();
    assert!(refused.to_string().contains("42501"), "{refused}");
}

async fn a_role_that_passes_the_border_is_refused(database: Database) {
    let admin = database.server.admin(None).await;
    let role = format!("{}_bypass", database.name);
    let make = format!("CREATE ROLE {role} LOGIN BYPASSRLS PASSWORD 'secret'");
    admin.batch_execute(&make).await.unwrap();
    let mut options = database.server.options(&database.name);
    options.user = role.clone();
    options.password = "secret".to_owned().into();
    let store = Postgres::connect(options).unwrap();
    let refused = store.ports().health.check().await;
    admin
        .batch_execute(&format!("DROP ROLE {role}"))
        .await
        .unwrap();
    let Err(Fault::Store(text)) = refused else {
        unreachable!("{refused:?}")
    };
    assert!(text.contains("row-level security"), "{text}");
}

async fn nodes_that_migrate_at_once_apply_each_migration_once(database: Database) {
    let name = Server::fresh_name();
    database.server.create_database(&name).await;
    let nodes: Vec<Postgres> = (0..6)
        .map(|_| Postgres::connect(database.server.options(&name)).unwrap())
        .collect();
    let before = nodes[0].pending_migrations().await.unwrap();
    let unready = nodes[0].ports().health.check().await;
    assert!(matches!(unready, Err(Fault::Store(_))), "{unready:?}");
    let applied = join_all(nodes.iter().map(Postgres::migrate)).await;
    let applied: Vec<String> = applied.into_iter().flat_map(Result::unwrap).collect();
    let after = nodes[0].pending_migrations().await.unwrap();
    nodes[0].ports().health.check().await.unwrap();
    database.server.drop_database(&name);
    let all = [
        "V1__foundation",
        "V2__unended_sessions",
        "V3__feed_pages",
        "V4__authorization",
        "V5__devices",
        "V6__subjects_and_notices",
        "V7__operators",
        "V8__data_keys",
        "V9__factors",
        "V10__proofs",
        "V11__passwords",
        "V12__activity_and_erasure",
        "V13__roles",
        "V14__api_keys",
        "V15__audit_checkpoints",
        "V16__tenants",
        "V17__operators_manners",
        "V18__rings",
        "V19__identities",
    ];
    assert_eq!(before, all);
    assert_eq!(applied, before, "each was applied by one node");
    assert!(after.is_empty());
}
