//! Asserting people to other authorization servers at POST /oauth/token: ID-JAG
//! (draft-ietf-oauth-identity-assertion-authz-grant, MCP enterprise-managed authorization).

use std::collections::BTreeMap;
use std::time::Duration;

use domain::tenant::{AssertionAudience, AssertionIssuer, TenantConfig};
use serde_json::json;

use super::chosen::choose;
use super::exchange::{ACCESS, GRANT};
use super::jwt_bearer::{self, API, Elsewhere};
use super::signing::header;
use super::world::{Registered, World, ask, claims, parameter, register};
use crate::browser::Browser;
use crate::cases;
use crate::client::Answer;
use crate::house::House;

pub mod tenants;

cases![
    id_jag_4_3_a_client_is_given_an_assertion_for_another_server,
    id_jag_4_3_only_for_servers_clients_and_things_that_the_tenant_named,
    id_jag_4_3_only_for_a_live_id_token_of_the_clients_own,
    id_jag_7_the_metadata_says_what_is_issued_and_accepted,
    rfc_8725_3_11_an_id_jag_is_nothing_else_here,
    id_jag_4_4_an_assertion_is_for_one_client_and_bounds_the_token,
];

const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";
const ISSUER: &str = "http://localhost:4000";
const THERE: &str = "https://auth.there.example";
const ACME: &str = "http://localhost:4000/t/acme";
const MCP: &str = "https://mcp.there.example";

/// A client to which a person signed in, and two servers that it is given assertions for: one elsewhere,
/// and another tenant's.
struct Enterprise {
    world: World,
    client: Registered,
    browser: Browser,
    id_token: String,
}

impl Enterprise {
    async fn new(house: House) -> Self {
        let world = World::new(house).await;
        let own = json!({
            "grant_types": ["authorization_code", "refresh_token", GRANT, jwt_bearer::GRANT],
            "scopes": ["openid", "profile", "email", "offline_access", "read"],
        });
        let client = register(&world.house, "web", own).await;
        let mut browser = world.browser();
        let sent = browser.authorize(&ask(&client, &[]), &world.person).await;
        let code = parameter(&sent, "code").expect("a code");
        let tokens = world.redeem(&client, &code).await.expect(200);
        let enterprise = Self {
            world,
            client,
            browser,
            id_token: tokens.field("id_token"),
        };
        enterprise.choose("client-at-acme").await;
        enterprise
    }

    /// Names servers that people are asserted to, and what the client is called at ours.
    async fn choose(&self, acme: &str) {
        let audience = |issuer: &str, name: &str| AssertionAudience {
            issuer: issuer.to_owned(),
            clients: BTreeMap::from([(self.client.id.clone(), name.to_owned())]),
            scopes: vec!["read".to_owned(), "write".to_owned()],
            ..AssertionAudience::default()
        };
        let there = AssertionAudience {
            resources: vec![MCP.to_owned()],
            tells_email: true,
            ..audience(THERE, "client-there")
        };
        let acme = AssertionAudience {
            tells_email: true,
            ..audience(ACME, acme)
        };
        let config = TenantConfig {
            // Of which the last is never meant.
            assertion_audiences: vec![there, acme, audience(ISSUER, &self.client.id)],
            ..TenantConfig::default()
        };
        choose(&self.world.house, config).await;
    }

    /// Asks for an ID-JAG, with parameters of its own.
    async fn ask(&self, own: &[(&str, &str)]) -> Answer {
        self.ask_as(&self.client, own).await
    }

    async fn ask_as(&self, client: &Registered, own: &[(&str, &str)]) -> Answer {
        let usual = [
            ("grant_type", GRANT),
            ("requested_token_type", ID_JAG),
            ("subject_token", self.id_token.as_str()),
            ("subject_token_type", ID_TOKEN),
            ("audience", THERE),
        ];
        let is_own = |name: &str| own.iter().any(|(other, _)| *other == name);
        let kept = usual.iter().filter(|(name, _)| !is_own(name));
        let all: Vec<(&str, &str)> = kept.chain(own).copied().collect();
        self.world.token(client, &all).await
    }
}

async fn id_jag_4_3_a_client_is_given_an_assertion_for_another_server(house: House) {
    let enterprise = Enterprise::new(house).await;
    let world = &enterprise.world;
    let answer = enterprise.ask(&[("scope", "read")]).await.expect(200);
    let body = answer.json();
    assert_eq!(body["issued_token_type"], ID_JAG);
    assert_eq!(
        (&body["token_type"], &body["expires_in"]),
        (&json!("N_A"), &json!(300))
    );
    assert!(body.get("refresh_token").is_none());
    let id_jag = answer.field("access_token");
    assert_eq!(header(&id_jag)["typ"], "oauth-id-jag+jwt");
    let (said, shown) = (claims(&id_jag), claims(&enterprise.id_token));
    for same in ["iss", "sub", "auth_time", "acr", "amr"] {
        assert_eq!(said[same], shown[same], "{same}");
    }
    for (name, value) in [
        ("aud", json!(THERE)),
        ("client_id", json!("client-there")),
        ("scope", json!("read")),
        ("resource", json!(MCP)),
    ] {
        assert_eq!(said[name], value, "{name}");
    }
    assert!(said.get("email").is_none(), "it is not verified");
    let path = format!("/admin/users/{}", world.house.user_id(&world.person).await);
    let verified = json!({ "email_verified": true });
    world.house.admin().patch(&path, verified).await.expect(200);
    let again = enterprise.ask(&[]).await.expect(200);
    let again = claims(&again.field("access_token"));
    assert_eq!(
        (&again["email"], &again["scope"]),
        (&json!(world.person.email), &json!("read write"))
    );
    assert_ne!(again["jti"], said["jti"]);
    let rows = world.house.audit_rows("token.issued").await;
    let row = rows
        .iter()
        .find(|row| row.fields["detail"]["issued"] == "id-jag");
    let row = &row.expect("an entry").fields;
    assert_eq!(
        (&row["detail"]["jti"], &row["session_id"]),
        (&again["jti"], &shown["sid"])
    );
    // It lives no longer than what it was given for.
    world.house.clock.advance(Duration::from_mins(58));
    let late = enterprise.ask(&[]).await.expect(200);
    assert_eq!(late.json()["expires_in"], 120);
}

async fn id_jag_4_3_only_for_servers_clients_and_things_that_the_tenant_named(house: House) {
    let enterprise = Enterprise::new(house).await;
    for (field, word) in [
        (("audience", "https://evil.example"), "invalid_target"),
        (("audience", ISSUER), "invalid_target"),
        (
            ("audience", "https://auth.there.example/"),
            "invalid_target",
        ),
        (("audience", ""), "invalid_request"),
        (("resource", "https://evil.example"), "invalid_target"),
        (("resource", ISSUER), "invalid_target"),
        (("scope", "admin"), "invalid_scope"),
        (("actor_token", "x"), "invalid_request"),
    ] {
        enterprise.ask(&[field]).await.expect_oauth(400, word);
    }
    let both = [("audience", THERE), ("audience", ISSUER)];
    enterprise
        .ask(&both)
        .await
        .expect_oauth(400, "invalid_request");
    let own = json!({ "grant_types": ["authorization_code", GRANT] });
    let other = register(&enterprise.world.house, "web", own).await;
    let refused = enterprise.ask_as(&other, &[]).await;
    refused.expect_oauth(400, "invalid_target");
    let unregistered = enterprise.ask_as(&enterprise.world.web, &[]).await;
    unregistered.expect_oauth(400, "unauthorized_client");
    choose(&enterprise.world.house, TenantConfig::default()).await;
    let ended = enterprise.ask(&[]).await;
    ended.expect_oauth(400, "invalid_target");
}

async fn id_jag_4_3_only_for_a_live_id_token_of_the_clients_own(house: House) {
    let mut enterprise = Enterprise::new(house).await;
    let world = &enterprise.world;
    let code = world.code(&world.web).await;
    let others = world.redeem(&world.web, &code).await.expect(200);
    let access = world.person.login().await.access;
    for odd in [
        &others.field("id_token"),
        &access,
        &others.field("access_token"),
        "x",
    ] {
        let refused = enterprise.ask(&[("subject_token", odd)]).await;
        refused.expect_oauth(400, "invalid_request");
    }
    for kind in [ACCESS, ID_JAG] {
        let refused = enterprise.ask(&[("subject_token_type", kind)]).await;
        refused.expect_oauth(400, "invalid_request");
    }
    // Nor is an ID token exchanged for anything else.
    let plain = enterprise.ask(&[("requested_token_type", ACCESS)]).await;
    plain.expect_oauth(400, "invalid_request");
    enterprise.ask(&[]).await.expect(200);
    let page = enterprise.browser.open("/oauth/logout").await;
    let logout = [("decision", "logout")];
    enterprise.browser.submit(&page, &logout).await.expect(200);
    enterprise
        .ask(&[])
        .await
        .expect_oauth(400, "invalid_request");
    // Also when nobody remembers that the sign-in ended.
    enterprise
        .world
        .house
        .clock
        .advance(Duration::from_mins(30));
    enterprise
        .ask(&[])
        .await
        .expect_oauth(400, "invalid_request");
}

async fn id_jag_7_the_metadata_says_what_is_issued_and_accepted(house: House) {
    let path = "/.well-known/oauth-authorization-server";
    let members = [
        ("identity_chaining_requested_token_types_supported", ID_JAG),
        (
            "authorization_grant_profiles_supported",
            "urn:ietf:params:oauth:grant-profile:id-jag",
        ),
    ];
    let told = async |house: &House| house.public().get(path).await.expect(200).json();
    for (member, _) in members {
        assert!(told(&house).await.get(member).is_none(), "{member}");
    }
    let config = TenantConfig {
        assertion_audiences: vec![AssertionAudience::default()],
        assertion_issuers: vec![AssertionIssuer::default()],
        ..TenantConfig::default()
    };
    choose(&house, config).await;
    for (member, value) in members {
        assert_eq!(told(&house).await[member], json!([value]), "{member}");
    }
}

async fn rfc_8725_3_11_an_id_jag_is_nothing_else_here(house: House) {
    let enterprise = Enterprise::new(house).await;
    let world = &enterprise.world;
    let id_jag = enterprise.ask(&[("audience", ACME)]).await.expect(200);
    let id_jag = id_jag.field("access_token");
    for path in ["/auth/me", "/userinfo"] {
        let public = world.house.public().bearer(&id_jag);
        public.get(path).await.expect(401);
    }
    let more: [(&str, &str); 1] = [("subject_token", id_jag.as_str())];
    enterprise
        .ask(&more)
        .await
        .expect_oauth(400, "invalid_request");
    let told = [("token", id_jag.as_str())];
    let told = world
        .form("/oauth/introspect", &enterprise.client, &told)
        .await;
    assert_eq!(told.expect(200).json(), json!({ "active": false }));
}

async fn id_jag_4_4_an_assertion_is_for_one_client_and_bounds_the_token(house: House) {
    let there = Elsewhere::new(house, AssertionIssuer::default()).await;
    let own = json!({ "scope": "read other", "resource": API });
    let given = there.show(&there.id_jag("a", &own)).await.expect(200);
    assert_eq!(given.field("scope"), "read");
    let said = claims(&given.field("access_token"));
    assert_eq!(
        (&said["aud"], &said["sub"]),
        (&json!(API), &json!(there.user))
    );
    for odd in [
        there.id_jag("b", &json!({ "client_id": "client_other" })),
        there.id_jag("b", &json!({ "client_id": null })),
        there.id_jag("b", &json!({ "iat": null })),
        there.sign("b", &json!({})),
    ] {
        there.show(&odd).await.expect_oauth(400, "invalid_grant");
    }
    let unknown = there.id_jag("b", &json!({ "resource": "https://evil.example" }));
    there
        .show(&unknown)
        .await
        .expect_oauth(400, "invalid_target");
    for (field, word) in [
        (("scope", "read email"), "invalid_scope"),
        (("resource", ISSUER), "invalid_target"),
    ] {
        let asked = there.show_with(&there.id_jag("b", &own), &[field]).await;
        asked.expect_oauth(400, word);
    }
    there.show(&there.id_jag("b", &own)).await.expect(200);
    let again = there.show(&there.id_jag("b", &own)).await;
    again.expect_oauth(400, "invalid_grant");
}
