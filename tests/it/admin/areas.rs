//! What a key that opens one area of the admin door cannot do with it: become a key for all
//! (OWASP ASVS 5.0 §8.2.1).

use std::time::Duration;

use actors::deadline::Deadline;
use auth_service::flow::Act;
use auth_service::flow::admin::api_keys::{self, CreateApiKey};
use domain::event::{Actor, Origin};
use domain::id::RequestId;
use domain::time::Clock;
use protocol::entropy::SystemRandom;
use serde_json::json;

use crate::cases;
use crate::client::{Client, Person};
use crate::house::House;

cases![
    a_key_opens_its_area_and_no_other,
    a_key_for_users_makes_no_operator_and_touches_none,
    a_key_for_clients_makes_no_operator_and_touches_none,
];

/// The admin door, as the holder of a key for one area sees it.
pub async fn holder(house: &House, scope: &str) -> Client {
    holder_in(house, "default", scope).await
}

/// The admin door, as the holder of a key of a tenant sees it.
pub async fn holder_in(house: &House, slug: &str, scope: &str) -> Client {
    let key = key_in(house, slug, scope).await;
    let door = house.stranger().with("x-tenant-id", slug);
    door.with("x-api-key", key.as_str())
}

/// An API key of a tenant with one scope.
pub async fn key_in(house: &House, slug: &str, scope: &str) -> String {
    let flows = house.running().flows();
    let directory = flows.tenants.directory();
    let tenant = directory.by_slug(slug).expect("the tenant");
    let now = house.clock.now();
    let act = Act {
        tenant: tenant.clone(),
        issuer: String::new(),
        origin: Origin {
            tenant: tenant.id,
            actor: Actor::System,
            address: None,
            user_agent: None,
            request: RequestId::generate(now, &SystemRandom),
            claimed_in: None,
            at: now,
        },
        may_appoint: true,
        network: None,
        certificate: None,
        language: None,
        deadline: Deadline::after(Duration::from_secs(5)),
        now,
    };
    let message = CreateApiKey {
        name: "one area".to_owned(),
        scopes: vec![scope.to_owned()],
        lifetime: None,
    };
    let made = api_keys::create(flows, &act, message).await;
    let (_, key) = made.expect("a key");
    key.expose().to_owned()
}

async fn a_key_opens_its_area_and_no_other(house: House) {
    let users = holder(&house, "admin:users").await;
    users.get("/admin/users").await.expect(200);
    for path in ["/admin/clients", "/admin/keys", "/admin/actors"] {
        users.get(path).await.expect_code(403, "FORBIDDEN");
    }
    let nothing = holder(&house, "users").await;
    nothing
        .get("/admin/users")
        .await
        .expect_code(403, "FORBIDDEN");
}

async fn a_key_for_users_makes_no_operator_and_touches_none(house: House) {
    let users = holder(&house, "admin:users").await;
    let person = Person::register(&house.public(), "ada").await;
    let own = format!("/admin/users/{}", house.user_id(&person).await);
    let promoted = json!({ "roles": ["user", "admin"] });
    users.patch(&own, promoted.clone()).await.expect(403);
    let body = json!({
        "email": "eve@example.org", "password": "a quiet garden in the rain", "name": "Eve",
        "roles": ["admin"],
    });
    users.post("/admin/users", body).await.expect(403);

    house.admin().patch(&own, promoted).await.expect(200);
    // A new address and a reset, and the operator's account would be the key holder's.
    let moved = json!({ "email": "eve@example.org" });
    users.patch(&own, moved).await.expect(403);
    let lock = format!("{own}/lock");
    users
        .post(&lock, json!({ "reason": "x" }))
        .await
        .expect(403);
    users
        .post(&format!("{own}/unlock"), json!({}))
        .await
        .expect(403);
    users.delete(&own).await.expect(403);
    let renamed = json!({ "name": "Ada" });
    house.admin().patch(&own, renamed).await.expect(200);
}

async fn a_key_for_clients_makes_no_operator_and_touches_none(house: House) {
    let clients = holder(&house, "admin:clients").await;
    let robot = json!({ "name": "Robot", "client_type": "service", "roles": ["admin"] });
    clients
        .post("/admin/clients", robot.clone())
        .await
        .expect(403);
    let (plain, _) = house.add_client(&["reports"]).await;
    let plain = format!("/admin/clients/{plain}");
    clients
        .patch(&plain, json!({ "roles": ["admin"] }))
        .await
        .expect(403);
    clients
        .patch(&plain, json!({ "name": "Robbie" }))
        .await
        .expect(200);

    let made = house
        .admin()
        .post("/admin/clients", robot)
        .await
        .expect(201);
    let operator = format!("/admin/clients/{}", made.field("client_id"));
    let rotate = format!("{operator}/rotate-secret");
    clients.post(&rotate, json!({})).await.expect(403);
    clients
        .patch(&operator, json!({ "disabled": true }))
        .await
        .expect(403);
    clients.delete(&operator).await.expect(403);
    house.admin().post(&rotate, json!({})).await.expect(200);
}
