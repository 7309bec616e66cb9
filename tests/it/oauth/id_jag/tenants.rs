//! An ID-JAG that one tenant gives at POST /oauth/token and another takes there, and never its own.

use domain::tenant::{AssertedSubject, AssertionIssuer, TenantConfig};
use serde_json::json;

use super::{ACME, Enterprise, ISSUER};
use crate::cases;
use crate::house::House;
use crate::oauth::chosen::{add_key_for, choose, choose_for};
use crate::oauth::jwt_bearer::{self, Elsewhere};
use crate::oauth::world::{Registered, claims};

cases![
    mcp_what_one_tenant_issues_as_id_jag_another_accepts_once,
    id_jag_9_3_nobody_takes_their_own_word,
];

/// Another tenant, which takes the first one's word, with an account of the same person and a client.
async fn acme(enterprise: &Enterprise) -> Registered {
    let world = &enterprise.world;
    let house = &world.house;
    house.add_tenant("acme").await;
    let key = add_key_for(house, "acme", "admin:*").await;
    let admin = house.stranger().with("x-api-key", key);
    let admin = admin.with("x-tenant-id", "acme");
    let body = json!({
        "name": "The same application", "client_type": "service", "scopes": ["read"],
        "grant_types": [jwt_bearer::GRANT],
    });
    let made = admin.post("/admin/clients", body).await.expect(201);
    let body = json!({ "email": world.person.email, "name": "Ada", "roles": ["user"] });
    let user = admin.post("/admin/users", body).await.expect(201);
    for (admin, user) in [
        (&admin, user.field("id")),
        (&house.admin(), house.user_id(&world.person).await),
    ] {
        let path = format!("/admin/users/{user}");
        let verified = json!({ "email_verified": true });
        admin.patch(&path, verified).await.expect(200);
    }
    let client = Registered {
        id: made.field("client_id"),
        secret: Some(made.field("client_secret")),
    };
    let public = house.public();
    let jwks = public.get("/.well-known/jwks.json").await.expect(200);
    let trusted = AssertionIssuer {
        issuer: ISSUER.to_owned(),
        subject: AssertedSubject::VerifiedEmail,
        clients: vec![client.id.clone()],
        jwks: Some(jwks.json()),
        ..AssertionIssuer::default()
    };
    let config = TenantConfig {
        assertion_issuers: vec![trusted],
        ..TenantConfig::default()
    };
    choose_for(house, "acme", config).await;
    enterprise.choose(&client.id).await;
    client
}

async fn mcp_what_one_tenant_issues_as_id_jag_another_accepts_once(house: House) {
    let enterprise = Enterprise::new(house).await;
    let client = acme(&enterprise).await;
    let world = &enterprise.world;
    let show = async |assertion: &str| {
        let fields = [("grant_type", jwt_bearer::GRANT), ("assertion", assertion)];
        world.form("/t/acme/oauth/token", &client, &fields).await
    };
    let asked = [("audience", ACME), ("scope", "read")];
    let id_jag = enterprise.ask(&asked).await.expect(200);
    let id_jag = id_jag.field("access_token");
    let given = show(&id_jag).await.expect(200);
    assert_eq!(given.field("scope"), "read");
    let said = claims(&given.field("access_token"));
    assert_eq!(said["iss"], ACME);
    assert_ne!(
        said["sub"],
        claims(&enterprise.id_token)["sub"],
        "its own account"
    );
    show(&id_jag).await.expect_oauth(400, "invalid_grant");
    // One for another server is none for this one, nor is what was given to show who signed in.
    let elsewhere = enterprise.ask(&[]).await.expect(200);
    for odd in [&elsewhere.field("access_token"), &enterprise.id_token] {
        show(odd).await.expect_oauth(400, "invalid_grant");
    }
}

async fn id_jag_9_3_nobody_takes_their_own_word(house: House) {
    let there = Elsewhere::new(house, AssertionIssuer::default()).await;
    let itself = AssertionIssuer {
        issuer: ISSUER.to_owned(),
        clients: vec![there.client.id.clone()],
        jwks: Some(there.jwks()),
        ..AssertionIssuer::default()
    };
    let config = TenantConfig {
        assertion_issuers: vec![itself],
        ..TenantConfig::default()
    };
    choose(&there.world.house, config).await;
    let own = there.id_jag("a", &json!({ "iss": ISSUER }));
    there.show(&own).await.expect_oauth(400, "invalid_grant");
}
