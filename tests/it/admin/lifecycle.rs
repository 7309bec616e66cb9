//! The life of tenants at the admin door: made, listed, suspended, opened, deleted, had back; and who may.

use std::time::Duration;

use serde_json::{Value, json};

use super::areas::{holder, holder_in};
use super::rbac::{allow, delegate};
use crate::cases;
use crate::client::{Client, Person, Tokens};
use crate::house::House;

cases![
    operators_of_the_default_tenant_make_and_list_tenants,
    a_tenant_is_not_made_of_what_is_not_acceptable,
    a_suspended_tenant_refuses_everything_running_tokens_included,
    a_deleted_tenant_is_none_until_it_is_had_back,
    the_default_tenant_stays_open,
    operators_of_another_tenant_look_after_their_own_alone,
    whoever_looks_after_tenants_acts_within_each_as_far_as_at_home,
    a_tenant_shortens_lifetimes_and_lengthens_passwords,
];

const PATH: &str = "/admin/tenants";

async fn make(house: &House, slug: &str) -> Value {
    let body = json!({ "name": slug, "slug": slug });
    house.admin().post(PATH, body).await.expect(201).json()
}

/// The public door of a tenant.
fn public(house: &House, slug: &str) -> Client {
    house.public().with("x-tenant-id", slug)
}

async fn suspend(house: &House, slug: &str) {
    let path = format!("/admin/tenants/{slug}/suspend");
    let body = json!({ "reason": "unpaid" });
    let shown = house.admin().post(&path, body).await.expect(200).json();
    assert_eq!(shown["status"], "suspended");
}

async fn operators_of_the_default_tenant_make_and_list_tenants(house: House) {
    let admin = house.admin();
    let config = json!({ "mfa": "offer", "branding": { "language": "de" } });
    let body = json!({ "name": "Acme", "slug": "acme", "config": config });
    let made = admin
        .post("/admin/tenants", body.clone())
        .await
        .expect(201)
        .json();
    assert_eq!(
        (&made["slug"], &made["status"]),
        (&json!("acme"), &json!("active"))
    );
    assert_eq!(made["config"]["branding"]["language"], "de");
    assert_eq!(made["erase_at"], Value::Null);
    admin
        .post("/admin/tenants", body)
        .await
        .expect_code(409, "CONFLICT");
    // It is there at once, with an issuer of its own.
    let person = Person::register(&public(&house, "acme"), "ada").await;
    let tokens = person.login().await;
    person.me(&tokens.access).await.expect(200);
    house
        .public()
        .bearer(&tokens.access)
        .get("/auth/me")
        .await
        .expect(401);
    for slug in ["globex", "initech", "acorn"] {
        make(&house, slug).await;
    }
    let names = |page: &Value| -> Vec<String> {
        let tenants = page["tenants"].as_array().expect("a list");
        let slugs = tenants
            .iter()
            .map(|one| one["slug"].as_str().expect("a slug"));
        slugs.map(str::to_owned).collect()
    };
    let page = admin
        .get("/admin/tenants?per_page=2")
        .await
        .expect(200)
        .json();
    assert_eq!(page["total"], 5);
    let mut all = names(&page);
    let cursor = page["next_cursor"].as_str().expect("a cursor");
    let path = format!("/admin/tenants?per_page=100&cursor={cursor}");
    all.extend(names(&admin.get(&path).await.expect(200).json()));
    all.sort();
    assert_eq!(all, ["acme", "acorn", "default", "globex", "initech"]);
    suspend(&house, "acorn").await;
    let narrowed = "/admin/tenants?slug=ac&status=active";
    assert_eq!(
        names(&admin.get(narrowed).await.expect(200).json()),
        ["acme"]
    );
    let forged = format!("/admin/tenants?cursor=AAAA{}", &cursor[4..]);
    admin.get(&forged).await.expect_code(400, "BAD_REQUEST");
    admin.get("/admin/tenants?status=open").await.expect(422);
    admin.get("/admin/tenants?status=").await.expect(422);
    assert_eq!(house.audit_count("tenant.created").await, 5);
}

async fn a_tenant_is_not_made_of_what_is_not_acceptable(house: House) {
    let admin = house.admin();
    let id = house.tenant_id("default");
    for (body, field) in [
        (json!({ "name": "x", "slug": "Acme" }), "slug"),
        (json!({ "name": "x", "slug": id }), "slug"),
        (json!({ "name": "", "slug": "acme" }), "name"),
        (json!({ "slug": "acme" }), "name"),
        (
            json!({ "name": "x", "slug": "acme", "status": "active" }),
            "status",
        ),
        (
            json!({ "name": "x", "slug": "acme", "config": { "allowed_oauth_providers": [""] } }),
            "allowed_oauth_providers",
        ),
        (
            json!({ "name": "x", "slug": "acme", "config": { "password_policy": { "min_length": 7 } } }),
            "password_policy",
        ),
        (
            json!({ "name": "x", "slug": "acme", "config": { "token_ttls": { "access_token_seconds": 86_400 } } }),
            "token_ttls",
        ),
    ] {
        let refused = admin.post(PATH, body).await;
        let refused = refused.expect_code(422, "VALIDATION_ERROR").json();
        assert_eq!(refused["details"][0]["field"], field, "{refused}");
    }
    admin.get("/admin/tenants/acme").await.expect(404);
    assert_eq!(house.audit_count("tenant.created").await, 1);
}

async fn a_suspended_tenant_refuses_everything_running_tokens_included(house: House) {
    make(&house, "acme").await;
    let door = public(&house, "acme");
    let person = Person::register(&door, "ada").await;
    let tokens = person.login().await;
    let operator = holder_in(&house, "acme", "admin:*").await;
    suspend(&house, "acme").await;
    person
        .me(&tokens.access)
        .await
        .expect_code(403, "FORBIDDEN");
    person.refresh(&tokens.refresh).await.expect(403);
    person.try_login(&person.password).await.expect(403);
    door.get("/.well-known/openid-configuration")
        .await
        .expect(403);
    house.public().get("/t/acme/sign-in").await.expect(403);
    operator.get("/admin/users").await.expect(403);
    // Not even who looks after tenants acts within it; at home they see it.
    let inside = house.admin().with("x-tenant-id", "acme");
    inside.get("/admin/users").await.expect(403);
    let again = json!({ "reason": "unpaid" });
    let admin = house.admin();
    admin
        .post("/admin/tenants/acme/suspend", again)
        .await
        .expect(200);
    let shown = admin.get("/admin/tenants/acme").await.expect(200).json();
    assert_eq!(shown["version"], 2, "once is enough");
    let odd = json!({ "reason": "" });
    admin
        .post("/admin/tenants/acme/suspend", odd)
        .await
        .expect(422);
    let opened = admin.post("/admin/tenants/acme/activate", json!({})).await;
    assert_eq!(opened.expect(200).json()["status"], "active");
    person.me(&tokens.access).await.expect(200);
    let rows = house.audit_rows("tenant.suspended").await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].fields["detail"]["reason"], "unpaid");
    assert_eq!(rows[0].fields["subject"], house.tenant_id("acme"));
}

async fn a_deleted_tenant_is_none_until_it_is_had_back(house: House) {
    make(&house, "acme").await;
    let person = Person::register(&public(&house, "acme"), "ada").await;
    let admin = house.admin();
    admin.delete("/admin/tenants/acme").await.expect(204);
    admin.delete("/admin/tenants/acme").await.expect(204);
    person.try_login(&person.password).await.expect(404);
    let shown = admin.get("/admin/tenants/acme").await.expect(200).json();
    assert_eq!(shown["status"], "deleted");
    assert_eq!(shown["erase_at"], "2027-02-14T08:00:00Z");
    let body = json!({ "name": "acme", "slug": "acme" });
    admin.post(PATH, body).await.expect(409);
    for path in ["suspend", "activate"] {
        let path = format!("/admin/tenants/acme/{path}");
        let body = json!({ "reason": "x" });
        let body = if path.ends_with("suspend") {
            body
        } else {
            json!({})
        };
        admin.post(&path, body).await.expect(409);
    }
    let renamed = json!({ "name": "Another" });
    admin
        .patch("/admin/tenants/acme", renamed)
        .await
        .expect(409);
    let back = admin.post("/admin/tenants/acme/restore", json!({})).await;
    let back = back.expect(200).json();
    assert_eq!(
        (&back["status"], &back["erase_at"]),
        (&json!("suspended"), &json!(null))
    );
    admin
        .post("/admin/tenants/acme/restore", json!({}))
        .await
        .expect(409);
    admin
        .post("/admin/tenants/acme/activate", json!({}))
        .await
        .expect(200);
    person.login().await;
    admin.delete("/admin/tenants/acme").await.expect(204);
    house.clock.advance(Duration::from_hours(30 * 24));
    let late = admin.post("/admin/tenants/acme/restore", json!({})).await;
    late.expect_code(409, "CONFLICT");
    assert_eq!(house.audit_count("tenant.deleted").await, 2);
    assert_eq!(house.audit_count("tenant.restored").await, 1);
}

async fn the_default_tenant_stays_open(house: House) {
    let admin = house.admin();
    let own = house.tenant_id("default");
    for name in ["default", own.as_str()] {
        let path = format!("/admin/tenants/{name}");
        let reason = json!({ "reason": "x" });
        admin
            .post(&format!("{path}/suspend"), reason)
            .await
            .expect(409);
        admin.delete(&path).await.expect_code(409, "CONFLICT");
    }
    admin.get("/admin/users").await.expect(200);
}

async fn operators_of_another_tenant_look_after_their_own_alone(house: House) {
    make(&house, "acme").await;
    make(&house, "globex").await;
    let acme = holder_in(&house, "acme", "admin:*").await;
    acme.get("/admin/tenants/acme").await.expect(200);
    let body = json!({ "name": "Acme & Sons" });
    acme.patch("/admin/tenants/acme", body).await.expect(200);
    for name in ["default", "globex", house.tenant_id("globex").as_str()] {
        let path = format!("/admin/tenants/{name}");
        acme.get(&path).await.expect(404);
        acme.patch(&path, json!({ "name": "Mine" }))
            .await
            .expect(404);
    }
    acme.get(PATH).await.expect_code(403, "FORBIDDEN");
    let body = json!({ "name": "x", "slug": "another" });
    acme.post(PATH, body).await.expect_code(403, "FORBIDDEN");
    for name in ["acme", "globex", "default"] {
        let path = format!("/admin/tenants/{name}");
        acme.delete(&path).await.expect(403);
        let reason = json!({ "reason": "x" });
        acme.post(&format!("{path}/suspend"), reason)
            .await
            .expect(403);
        for verb in ["activate", "restore"] {
            let path = format!("{path}/{verb}");
            acme.post(&path, json!({})).await.expect(403);
        }
    }
    // Their credential is worth nothing anywhere else.
    for other in ["default", "globex"] {
        let elsewhere = acme.with("x-tenant-id", other);
        elsewhere.get("/admin/users").await.expect(401);
        elsewhere.get("/admin/tenants/acme").await.expect(401);
    }
}

async fn whoever_looks_after_tenants_acts_within_each_as_far_as_at_home(house: House) {
    make(&house, "acme").await;
    let person = Person::register(&public(&house, "acme"), "ada").await;
    let within = |door: &Client| door.with("x-tenant-id", "acme");
    let all = within(&house.admin());
    let page = all.get("/admin/users").await.expect(200).json();
    assert_eq!(page["users"][0]["email"], person.email);
    let user = page["users"][0]["id"].as_str().expect("an id");
    let path = format!("/admin/users/{user}");
    all.patch(&path, json!({ "roles": ["admin"] }))
        .await
        .expect(200);
    all.get("/admin/tenants/default").await.expect(404);
    all.get(PATH).await.expect(403);

    let neither = within(&holder(&house, "admin:users").await);
    neither.get("/admin/users").await.expect(403);
    let reader = within(&holder(&house, "admin:users:read").await);
    reader.get("/admin/users").await.expect(403);
    let tenants = within(&holder(&house, "admin:tenants").await);
    tenants.get("/admin/tenants/acme").await.expect(200);
    tenants.get("/admin/users").await.expect(403);

    allow(&house, "landlord", "admin:tenants", "read").await;
    allow(&house, "landlord", "admin:users", "*").await;
    let (_, door) = delegate(&house, "bob", "landlord").await;
    let door = within(&door);
    door.get(&path).await.expect(200);
    let renamed = json!({ "name": "Countess" });
    door.patch(&path, renamed)
        .await
        .expect_code(403, "FORBIDDEN");
    house
        .stranger()
        .with("x-tenant-id", "acme")
        .get("/admin/users")
        .await
        .expect(401);
}

async fn a_tenant_shortens_lifetimes_and_lengthens_passwords(house: House) {
    make(&house, "acme").await;
    let admin = house.admin();
    let ttls = json!({ "access_token_seconds": 120, "refresh_token_seconds": 600 });
    let body = json!({ "config": { "token_ttls": ttls } });
    admin.patch("/admin/tenants/acme", body).await.expect(200);
    let door = public(&house, "acme");
    let person = Person::register(&door, "ada").await;
    let signed_in = person.try_login(&person.password).await.expect(200);
    assert_eq!(signed_in.json()["expires_in"], 120);
    let tokens = Tokens::of(&signed_in);
    house.clock.advance(Duration::from_secs(121));
    person.me(&tokens.access).await.expect(401);
    let next = Tokens::of(&person.refresh(&tokens.refresh).await.expect(200));
    house.clock.advance(Duration::from_secs(601));
    person.refresh(&next.refresh).await.expect(401);

    let within = admin.with("x-tenant-id", "acme");
    let path = "/admin/password-policies";
    let before = within
        .get("/admin/password-policies")
        .await
        .expect(200)
        .json();
    assert_eq!(
        before["in_effect"],
        json!({ "min_length": 15, "max_length": 128 })
    );
    let rules = json!({ "min_length": 24, "max_length": 64, "forbidden_words": ["Tulip"] });
    let shown = within
        .put("/admin/password-policies", rules)
        .await
        .expect(200)
        .json();
    assert_eq!(
        shown["in_effect"],
        json!({ "min_length": 24, "max_length": 64 })
    );
    let register = async |door: &Client, password: &str| {
        let body = json!({ "email": "bob@example.org", "password": password, "name": "Bob" });
        door.post("/auth/register", body).await.status.as_u16()
    };
    assert_eq!(register(&door, "harbour lantern 33").await, 422);
    assert_eq!(register(&door, "seven tulips by the harbour 33").await, 422);
    assert_eq!(register(&door, &"harbour lantern 33 ".repeat(4)).await, 422);
    assert_eq!(
        register(&door, "seven lanterns by the harbour 33").await,
        201
    );
    assert_eq!(register(&house.public(), "harbour lantern 33").await, 201);
    let floor = json!({ "min_length": 14 });
    within
        .put(path, floor)
        .await
        .expect_code(422, "VALIDATION_ERROR");
    for unknown in ["history", "max_age_days", "require_digit"] {
        let body = json!({ unknown: 1 });
        within
            .put(path, body)
            .await
            .expect_code(422, "VALIDATION_ERROR");
    }
    let stale = json!({ "min_length": 30, "version": 1 });
    within.put(path, stale).await.expect(412);
    let users = holder(&house, "admin:users").await;
    users.get(path).await.expect(403);
}
