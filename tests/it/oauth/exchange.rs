//! Exchanging tokens at POST /oauth/token (RFC 8693): who acts for whom, with how much, for how long.

use std::time::Duration;

use serde_json::{Value, json};

use super::dpop::{Key, bound_tokens};
use super::world::{Registered, World, ask, claims, parameter, register};
use crate::cases;
use crate::client::{Answer, Person};
use crate::house::House;

pub mod actors;
pub mod endings;

cases![
    rfc_8693_2_2_1_an_agent_acts_for_a_person_and_is_named,
    rfc_8693_4_1_five_act_for_one_another_and_no_sixth,
    rfc_8693_2_1_scope_audience_and_lifetime_only_shrink,
    rfc_8693_2_1_who_is_not_registered_for_it_exchanges_nothing,
    rfc_8693_2_1_a_token_for_another_is_not_exchanged,
    rfc_8693_2_2_2_what_is_no_live_access_token_of_ours_is_refused,
    rfc_9449_5_a_bound_token_is_exchanged_by_who_proves_its_key,
    who_acts_for_a_person_is_not_that_person,
    an_exchange_is_told_in_the_audit_trail,
];

pub const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
pub const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";
const ISSUER: &str = "http://localhost:4000";
const FILES: &str = "https://files.example";
const MAILS: &str = "https://mail.example";

/// A client that may exchange, with fields of its own.
pub async fn agent(world: &World, own: Value) -> Registered {
    let mut fields = json!({ "redirect_uris": [], "grant_types": [GRANT, "client_credentials"] });
    let own = own.as_object().expect("an object").clone();
    fields.as_object_mut().expect("an object").extend(own);
    register(&world.house, "agent", fields).await
}

/// Exchanges a token as a client.
pub async fn exchange(
    world: &World,
    client: &Registered,
    subject: &str,
    more: &[(&str, &str)],
) -> Answer {
    let usual = [
        ("grant_type", GRANT),
        ("subject_token", subject),
        ("subject_token_type", ACCESS),
    ];
    let is_said = |name: &str| more.iter().any(|(other, _)| *other == name);
    let kept = usual.iter().filter(|(name, _)| !is_said(name));
    let all: Vec<(&str, &str)> = kept.chain(more).copied().collect();
    world.token(client, &all).await
}

/// A person's token for the first of a new application's resources.
async fn token_for(world: &World, resource: &str) -> String {
    let own = json!({ "audiences": [resource] });
    let client = register(&world.house, "web", own).await;
    let asked = ask(&client, &[("resource", resource)]);
    let sent = world.browser().authorize(&asked, &world.person).await;
    let code = parameter(&sent, "code").expect("a code");
    let tokens = world.redeem(&client, &code).await.expect(200);
    tokens.field("access_token")
}

/// Asks what a token is worth, as the client that it was issued to.
async fn introspect(world: &World, client: &Registered, token: &str) -> Value {
    let fields = [("token", token)];
    let told = world.form("/oauth/introspect", client, &fields).await;
    told.expect(200).json()
}

async fn rfc_8693_2_2_1_an_agent_acts_for_a_person_and_is_named(house: House) {
    let world = World::new(house).await;
    let agent = agent(&world, json!({ "scopes": ["openid", "email"] })).await;
    let subject = world.person.login().await.access;
    let answer = exchange(&world, &agent, &subject, &[]).await.expect(200);
    let body = answer.json();
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(body["issued_token_type"], ACCESS);
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["scope"], "openid email");
    assert_eq!(body["expires_in"], 300, "an agent's lifetime");
    assert!(body.get("refresh_token").is_none() && body.get("id_token").is_none());
    let token = answer.field("access_token");
    let (given, shown) = (claims(&token), claims(&subject));
    for kept in [
        "sub",
        "sid",
        "tid",
        "client_type",
        "auth_time",
        "acr",
        "amr",
    ] {
        assert_eq!(given[kept], shown[kept], "{kept}");
    }
    assert_eq!(given["act"], json!({ "sub": agent.id }));
    assert_eq!(given["client_id"], agent.id);
    assert_ne!(given["jti"], shown["jti"]);
    let told = introspect(&world, &agent, &token).await;
    assert_eq!(told["active"], true);
    assert_eq!(told["act"], json!({ "sub": agent.id }));
    assert!(told.get("parents").is_none());
    let userinfo = world.house.public().bearer(&token).get("/userinfo").await;
    assert_eq!(userinfo.expect(200).field("email"), world.person.email);
}

async fn rfc_8693_4_1_five_act_for_one_another_and_no_sixth(house: House) {
    let world = World::new(house).await;
    let mut token = world.person.login().await.access;
    let mut expected = Value::Null;
    for _ in 0..5 {
        let next = agent(&world, json!({})).await;
        token = exchange(&world, &next, &token, &[])
            .await
            .expect(200)
            .field("access_token");
        expected = if expected.is_null() {
            json!({ "sub": next.id })
        } else {
            json!({ "sub": next.id, "act": expected })
        };
        assert_eq!(claims(&token)["act"], expected);
    }
    let sixth = agent(&world, json!({})).await;
    let refused = exchange(&world, &sixth, &token, &[]).await;
    refused.expect_oauth(400, "invalid_request");
}

async fn rfc_8693_2_1_scope_audience_and_lifetime_only_shrink(house: House) {
    let world = World::new(house).await;
    let own = json!({ "scopes": ["email", "openid", "files"], "audiences": [FILES, MAILS] });
    let agent = agent(&world, own).await;
    let subject = world.person.login().await.access;
    let with = async |more: &[(&str, &str)]| exchange(&world, &agent, &subject, more).await;
    let usual = with(&[]).await.expect(200);
    assert_eq!(usual.field("scope"), "openid email", "what both have");
    assert_eq!(claims(&usual.field("access_token"))["aud"], FILES);
    let less = with(&[("scope", "email"), ("audience", MAILS)]).await;
    let less = less.expect(200);
    let narrow = less.field("access_token");
    assert_eq!(
        (less.field("scope").as_str(), &claims(&narrow)["aud"]),
        ("email", &json!(MAILS))
    );
    for scope in ["files", "email profile", "email files"] {
        with(&[("scope", scope)])
            .await
            .expect_oauth(400, "invalid_scope");
    }
    for name in ["resource", "audience"] {
        for target in [ISSUER, "https://evil.example", "client_x"] {
            with(&[(name, target)])
                .await
                .expect_oauth(400, "invalid_target");
        }
    }
    // Its holder may have it for less only, whatever else it is registered for.
    let narrower = async |more: &[(&str, &str)]| exchange(&world, &agent, &narrow, more).await;
    narrower(&[]).await.expect(200);
    narrower(&[("resource", FILES)])
        .await
        .expect_oauth(400, "invalid_target");
    narrower(&[("scope", "openid")])
        .await
        .expect_oauth(400, "invalid_scope");
    world.house.clock.advance(Duration::from_mins(14));
    let late = with(&[]).await.expect(200);
    assert_eq!(
        late.json()["expires_in"],
        60,
        "no later than the token shown"
    );
    let exp = claims(&late.field("access_token"))["exp"].clone();
    assert_eq!(exp, claims(&subject)["exp"]);
}

async fn rfc_8693_2_1_who_is_not_registered_for_it_exchanges_nothing(house: House) {
    let world = World::new(house).await;
    let subject = world.person.login().await.access;
    let unregistered = exchange(&world, &world.web, &subject, &[]).await;
    unregistered.expect_oauth(400, "unauthorized_client");
    let public = exchange(&world, &world.native, &subject, &[]).await;
    public.expect_oauth(401, "invalid_client");
    let agent = agent(&world, json!({})).await;
    let guessing = Registered {
        secret: Some("qf_cs_wrong".to_owned()),
        ..agent.clone()
    };
    let guessed = exchange(&world, &guessing, &subject, &[]).await;
    guessed.expect_oauth(401, "invalid_client");
    let fields = [
        ("grant_type", GRANT),
        ("subject_token", subject.as_str()),
        ("subject_token_type", ACCESS),
    ];
    let nobody = world.house.public().form("/oauth/token", &fields).await;
    nobody.expect_oauth(401, "invalid_client");
    let body = json!({
        "name": "App", "client_type": "native", "grant_types": [GRANT], "redirect_uris": [],
    });
    let admin = world.house.admin();
    admin.post("/admin/clients", body).await.expect(422);
}

async fn rfc_8693_2_1_a_token_for_another_is_not_exchanged(house: House) {
    let world = World::new(house).await;
    let subject = token_for(&world, FILES).await;
    // It would be for what the thief may call, and the thief is not whom it was sent to.
    let thief = agent(&world, json!({ "audiences": [FILES, MAILS] })).await;
    for more in [&[][..], &[("audience", FILES)], &[("audience", MAILS)]] {
        let stolen = exchange(&world, &thief, &subject, more).await;
        stolen.expect_oauth(400, "invalid_request");
    }
    let own = json!({ "own_resources": ["https://FILES.example/"], "audiences": [MAILS] });
    let files = agent(&world, own).await;
    let on = exchange(&world, &files, &subject, &[]).await.expect(200);
    let on = claims(&on.field("access_token"));
    assert_eq!(
        (&on["aud"], &on["act"]["sub"]),
        (&json!(MAILS), &json!(files.id))
    );
    // What was not for us does not become so.
    let ours = agent(&world, json!({ "own_resources": [FILES] })).await;
    for more in [&[][..], &[("resource", ISSUER)]] {
        let grown = exchange(&world, &ours, &subject, more).await;
        grown.expect_oauth(400, "invalid_target");
    }
}

async fn rfc_8693_2_2_2_what_is_no_live_access_token_of_ours_is_refused(house: House) {
    let world = World::new(house).await;
    let agent = agent(&world, json!({})).await;
    let tokens = world.person.login().await;
    let code = world.code(&world.web).await;
    let given = world.redeem(&world.web, &code).await.expect(200);
    world.house.add_tenant("acme").await;
    let acme = world.house.public().with("x-tenant-id", "acme");
    let foreign = Person::register(&acme, "eve").await.login().await.access;
    let bare = tokens.access.strip_prefix("qf_at_").expect("our prefix");
    for odd in [
        tokens.refresh.as_str(),
        &given.field("id_token"),
        &foreign,
        "x",
        "qf_at_",
        &bare[1..],
    ] {
        let refused = exchange(&world, &agent, odd, &[]).await;
        refused.expect_oauth(400, "invalid_request");
    }
    for (name, value) in [
        (
            "subject_token_type",
            "urn:ietf:params:oauth:token-type:refresh_token",
        ),
        (
            "requested_token_type",
            "urn:ietf:params:oauth:token-type:refresh_token",
        ),
        ("actor_token_type", ACCESS),
        ("actor_token", "x"),
        ("subject_token", ""),
        ("subject_token_type", ""),
    ] {
        let refused = exchange(&world, &agent, &tokens.access, &[(name, value)]).await;
        refused.expect_oauth(400, "invalid_request");
    }
    let jwt = [("subject_token_type", "urn:ietf:params:oauth:token-type:jwt")];
    exchange(&world, &agent, bare, &jwt).await.expect(200);
    world.house.clock.advance(Duration::from_mins(15));
    let expired = exchange(&world, &agent, &tokens.access, &[]).await;
    expired.expect_oauth(400, "invalid_request");
}

async fn rfc_9449_5_a_bound_token_is_exchanged_by_who_proves_its_key(house: House) {
    let world = World::new(house).await;
    let (key, other) = (Key::new(), Key::new());
    let subject = bound_tokens(&world, &key).await.field("access_token");
    let agent = agent(&world, json!({})).await;
    let refused = exchange(&world, &agent, &subject, &[]).await;
    refused.expect_oauth(400, "invalid_request");
    let proving = async |key: &Key| {
        let proof = key.prove(&world, "POST", "/oauth/token", json!({}));
        let pair = format!(
            "{}:{}",
            agent.id,
            agent.secret.as_deref().expect("a secret")
        );
        let basic = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, pair);
        let public = world.house.public().with("dpop", proof);
        let public = public.with("authorization", format!("Basic {basic}"));
        let fields = [
            ("grant_type", GRANT),
            ("subject_token", subject.as_str()),
            ("subject_token_type", ACCESS),
        ];
        public.form("/oauth/token", &fields).await
    };
    proving(&other).await.expect_oauth(400, "invalid_request");
    let bound = proving(&key).await.expect(200);
    assert_eq!(bound.json()["token_type"], "DPoP");
    let bound = bound.field("access_token");
    assert_eq!(claims(&bound)["cnf"]["jkt"], key.thumbprint());
    let shown = world.house.public().bearer(&bound).get("/userinfo").await;
    shown.expect(401);
    // The resource that it is for has seen the proof.
    let resource = self::agent(&world, json!({ "own_resources": [ISSUER] })).await;
    exchange(&world, &resource, &subject, &[]).await.expect(200);
}

async fn who_acts_for_a_person_is_not_that_person(house: House) {
    let world = World::new(house).await;
    let path = format!("/admin/users/{}", world.house.user_id(&world.person).await);
    let promoted = json!({ "roles": ["user", "admin"] });
    world.house.admin().patch(&path, promoted).await.expect(200);
    let subject = world.person.login().await.access;
    let agent = agent(&world, json!({})).await;
    let given = exchange(&world, &agent, &subject, &[]).await.expect(200);
    let token = given.field("access_token");
    let operator = world.house.stranger().bearer(&subject);
    operator.get("/admin/users").await.expect(200);
    let acting = world.house.stranger().bearer(&token);
    acting.get("/admin/users").await.expect(403);
    let acting = world.house.public().bearer(&token);
    acting.get("/userinfo").await.expect(200);
    acting.get("/auth/me").await.expect(403);
    acting.get("/auth/sessions").await.expect(403);
    acting.delete("/auth/sessions").await.expect(403);
    acting.post("/auth/logout/all", json!({})).await.expect(403);
    world.person.me(&subject).await.expect(200);
}

async fn an_exchange_is_told_in_the_audit_trail(house: House) {
    let world = World::new(house).await;
    let agent = agent(&world, json!({})).await;
    let subject = world.person.login().await.access;
    let given = exchange(&world, &agent, &subject, &[]).await.expect(200);
    let (given, shown) = (claims(&given.field("access_token")), claims(&subject));
    let rows = world.house.audit_rows("token.issued").await;
    let row = rows
        .iter()
        .find(|row| row.fields["detail"]["grant"] == "token_exchange");
    let row = &row.expect("an entry").fields;
    assert_eq!(row["subject"], shown["sub"]);
    assert_eq!(
        (&row["client_id"], &row["actor_id"]),
        (&json!(agent.id), &json!(agent.id))
    );
    assert_eq!(row["session_id"], shown["sid"]);
    let detail = &row["detail"];
    assert_eq!(
        (&detail["jti"], &detail["subject_jti"]),
        (&given["jti"], &shown["jti"])
    );
    assert_eq!(detail["act"], json!({ "sub": agent.id }));
}
