//! GET and PATCH /admin/tenants/{id}: the switches of a tenant.

use serde_json::json;

use super::areas::{holder, holder_in};
use crate::cases;
use crate::house::House;

cases![
    an_operator_sees_and_turns_the_switches_of_their_tenant,
    a_typo_or_a_wrong_value_changes_nothing,
    a_change_that_was_based_on_an_older_version_is_refused,
    who_looks_after_tenants_turns_the_switches_of_each,
    where_people_sign_in_is_said_by_who_has_all_of_the_door,
    an_operator_says_whose_word_is_taken_and_who_is_given_ours,
    a_tenant_takes_so_many_registrations_and_no_more,
];

const PATH: &str = "/admin/tenants/default";

async fn an_operator_sees_and_turns_the_switches_of_their_tenant(house: House) {
    let admin = house.admin();
    let shown = admin.get("/admin/tenants/default").await.expect(200).json();
    assert_eq!(
        (&shown["slug"], &shown["status"]),
        (&json!("default"), &json!("active"))
    );
    assert_eq!(shown["config"]["registration"], "closed");
    let path = format!("/admin/tenants/{}", house.tenant_id("default"));
    let body = json!({
        "name": "Gardens",
        "config": { "registration": "open", "resources": ["https://api.example.org"] },
    });
    let changed = admin.patch(&path, body).await.expect(200).json();
    assert_eq!(
        (&changed["name"], &changed["config"]["registration"]),
        (&json!("Gardens"), &json!("open"))
    );
    assert_eq!(
        changed["version"].as_i64(),
        shown["version"].as_i64().map(|known| known + 1)
    );
    assert_eq!(admin.get(PATH).await.expect(200).json(), changed);
    // It is in effect at once, and what was not named stays.
    let branding = json!({ "logo_uri": "https://cdn.example/logo.svg", "colour": "#0a7d33", "language": "de" });
    let body = json!({ "config": { "branding": branding } });
    admin.patch(PATH, body).await.expect(200);
    let body = json!({ "config": { "branding": { "logo_uri": null } } });
    let turned = admin.patch(PATH, body).await.expect(200).json();
    let expected = json!({ "logo_uri": null, "colour": "#0a7d33", "language": "de" });
    assert_eq!(turned["config"]["branding"], expected);
    let page = house.public().get("/forgotten-password").await.expect(200);
    assert!(page.text.contains("#0a7d33"), "{}", page.text);
    assert!(page.text.contains("<html lang=\"de\">"), "{}", page.text);
    let description = json!({ "redirect_uris": ["https://app.example/back"] });
    let public = house.public();
    public
        .post("/oauth/register", description.clone())
        .await
        .expect(201);
    let body = json!({ "config": { "silent_registration": true } });
    let again = admin.patch(PATH, body).await.expect(200).json();
    assert_eq!(again["config"]["registration"], "open");
    assert_eq!(again["config"]["silent_registration"], true);
    let body = json!({ "config": { "registration": "closed" } });
    admin.patch(PATH, body).await.expect(200);
    public
        .post("/oauth/register", description)
        .await
        .expect(403);
    let rows = house.audit_rows("tenant.updated").await;
    assert_eq!(
        (rows.len(), &rows[0].fields["actor_type"]),
        (5, &json!("api_key"))
    );
}

async fn a_typo_or_a_wrong_value_changes_nothing(house: House) {
    let admin = house.admin();
    let before = admin.get(PATH).await.expect(200).json();
    for body in [
        json!({ "config": { "login_url": "https://login.example/" } }),
        json!({ "config": { "login_ui_url": "http://login.example/" } }),
        json!({ "config": { "consent_ui_url": "javascript:alert(1)" } }),
        json!({ "config": { "registration": "ajar" } }),
        json!({ "config": { "branding": { "colour": "red" } } }),
        json!({ "config": { "branding": { "language": "tlh" } } }),
        json!({ "config": { "branding": { "logo_uri": "http://localhost/x.png" } } }),
        json!({ "config": { "resources": ["not a URI"] } }),
        json!({ "config": { "cors_allowed_origins": ["*"] } }),
        json!({ "config": { "cors_allowed_origins": ["null"] } }),
        json!({ "config": { "cors_allowed_origins": ["https://a.example/"] } }),
        json!({ "config": { "cors_allowed_origins": ["https://*.example"] } }),
        json!({ "config": { "cors_allowed_origins": vec!["https://a.example"; 51] } }),
        json!({ "name": "" }),
        json!({ "slug": "other" }),
        json!({ "status": "suspended" }),
    ] {
        let refused = admin.patch(PATH, body).await;
        refused.expect_code(422, "VALIDATION_ERROR");
    }
    admin.patch(PATH, json!({ "config": [] })).await.expect(400);
    assert_eq!(admin.get(PATH).await.expect(200).json(), before);
    assert_eq!(house.audit_count("tenant.updated").await, 0);
}

async fn an_operator_says_whose_word_is_taken_and_who_is_given_ours(house: House) {
    let admin = house.admin();
    let body = json!({ "name": "Robot", "client_type": "service" });
    let made = admin.post("/admin/clients", body).await.expect(201);
    let client = made.field("client_id");
    let issuer = json!({
        "issuer": "https://idp.example", "clients": [client],
        "jwks_uri": "https://idp.example/keys", "subject": "verified_email",
    });
    let audience = json!({
        "issuer": "https://as.example", "clients": { client.as_str(): "there" },
        "scopes": ["read"], "tells_email": true,
    });
    let body = json!({ "config": {
        "assertion_issuers": [issuer], "assertion_audiences": [audience],
    }});
    let changed = admin.patch(PATH, body.clone()).await.expect(200).json();
    let taken = &changed["config"]["assertion_issuers"][0];
    assert_eq!(
        (&taken["subject"], &taken["profile"]),
        (&json!("verified_email"), &json!("id_jag"))
    );
    let given = &changed["config"]["assertion_audiences"][0];
    assert_eq!(given["clients"][client.as_str()], "there");
    let path = "/.well-known/oauth-authorization-server";
    let metadata = house.public().get(path).await.expect(200).json();
    let grants = metadata["grant_types_supported"].to_string();
    assert!(grants.contains("jwt-bearer"), "{grants}");
    for (member, odd) in [
        ("issuer", json!("http://idp.example")),
        ("issuer", json!("http://localhost:4000")),
        ("clients", json!(["client_nobody"])),
        ("clients", json!([])),
        ("jwks", json!({ "keys": [] })),
        ("jwks_uri", json!(null)),
        ("profile", json!("saml")),
        ("jwks_url", json!("https://idp.example/keys")),
    ] {
        let mut wrong = issuer.clone();
        wrong[member] = odd;
        let body = json!({ "config": { "assertion_issuers": [wrong] } });
        let refused = admin.patch(PATH, body).await;
        refused.expect_code(422, "VALIDATION_ERROR");
    }
    for odd in [json!("google"), json!([""]), json!(["a b"]), json!([1])] {
        let body = json!({ "config": { "allowed_oauth_providers": odd } });
        let refused = admin.patch(PATH, body).await;
        assert!(matches!(refused.status.as_u16(), 400 | 422), "{odd}");
    }
    // Whoever says whose word is taken could become anybody.
    let tenants = holder(&house, "admin:tenants").await;
    tenants.patch(PATH, body).await.expect(403);
    let allowed = json!({ "config": { "allowed_oauth_providers": null } });
    tenants.patch(PATH, allowed).await.expect(403);
    assert_eq!(admin.get(PATH).await.expect(200).json(), changed);
    let body = json!({ "config": { "assertion_issuers": [], "assertion_audiences": [] } });
    admin.patch(PATH, body).await.expect(200);
}

async fn a_change_that_was_based_on_an_older_version_is_refused(house: House) {
    let admin = house.admin();
    let version = admin.get(PATH).await.expect(200).json()["version"].clone();
    let body = json!({ "name": "One", "version": version });
    admin.patch(PATH, body).await.expect(200);
    let body = json!({ "name": "Two", "version": version });
    admin.patch(PATH, body).await.expect(412);
    assert_eq!(admin.get(PATH).await.expect(200).json()["name"], "One");
}

async fn who_looks_after_tenants_turns_the_switches_of_each(house: House) {
    house.add_tenant("acme").await;
    let admin = house.admin();
    let by_id = format!("/admin/tenants/{}", house.tenant_id("acme"));
    for path in [by_id.as_str(), "/admin/tenants/acme"] {
        admin.get(path).await.expect(200);
        let body = json!({ "config": { "silent_registration": true } });
        admin.patch(path, body).await.expect(200);
    }
    admin
        .get("/admin/tenants/nobody")
        .await
        .expect_code(404, "NOT_FOUND");
    // It stands in the trail of the tenant that it is of.
    assert_eq!(house.audit_count("tenant.updated").await, 0);
    let own = json!({ "config": { "assertion_audiences": [{
        "issuer": "http://localhost:4000/t/acme", "clients": { "client_x": "there" },
    }] } });
    let refused = admin.patch("/admin/tenants/acme", own).await;
    refused.expect_code(422, "VALIDATION_ERROR");
    let tenants = holder(&house, "admin:tenants").await;
    tenants
        .patch("/admin/tenants/acme", json!({ "name": "A" }))
        .await
        .expect(200);
    let body = json!({ "config": { "login_ui_url": "https://login.example/" } });
    tenants.patch("/admin/tenants/acme", body).await.expect(403);
    let reader = holder(&house, "admin:tenants:read").await;
    reader.get("/admin/tenants/acme").await.expect(200);
    reader
        .patch("/admin/tenants/acme", json!({ "name": "B" }))
        .await
        .expect(403);
}

async fn where_people_sign_in_is_said_by_who_has_all_of_the_door(house: House) {
    house.add_tenant("acme").await;
    let acme = holder_in(&house, "acme", "admin:tenants").await;
    acme.get("/admin/tenants/acme").await.expect(200);
    acme.get(PATH).await.expect(404);
    // Who says where people sign in could learn their passwords.
    let body = json!({ "config": { "login_ui_url": "https://login.example/" } });
    acme.patch("/admin/tenants/acme", body).await.expect(403);
    let body = json!({ "config": { "silent_registration": true } });
    acme.patch("/admin/tenants/acme", body).await.expect(200);
    let users = holder(&house, "admin:users").await;
    users
        .patch(PATH, json!({ "name": "Mine" }))
        .await
        .expect(403);
    house.stranger().get(PATH).await.expect(401);
}

async fn a_tenant_takes_so_many_registrations_and_no_more(house: House) {
    let (admin, public) = (house.admin(), house.public());
    let config = json!({ "registration": "open", "max_self_registered_clients": 2 });
    let body = json!({ "config": config });
    admin.patch(PATH, body).await.expect(200);
    let description = json!({ "redirect_uris": ["https://app.example/back"] });
    let register = || public.post("/oauth/register", description.clone());
    let first = register().await.expect(201);
    register().await.expect(201);
    let refused = register().await.expect(429);
    assert_eq!(refused.header("retry-after"), "3600");
    assert_eq!(house.audit_count("client.created").await, 2);
    // An operator is not held to it, and who goes makes room.
    let body = json!({ "name": "Ours", "client_type": "service" });
    admin.post("/admin/clients", body).await.expect(201);
    let own = public.bearer(&first.field("registration_access_token"));
    let path = format!("/oauth/register/{}", first.field("client_id"));
    own.delete(&path).await.expect(204);
    register().await.expect(201);
}
