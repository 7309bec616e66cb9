//! What an application may do with what a person allowed it, and what it may not: it is neither the person
//! nor an operator, and gets no more than they were shown.

use serde_json::json;

use super::dpop::Key;
use super::mutants::signed_request;
use super::par::short;
use super::world::{World, ask, claims, code_fields, parameter, register};
use crate::cases;
use crate::house::House;

cases![
    rfc_9700_2_3_an_application_is_neither_the_person_nor_an_operator,
    openid_connect_core_5_5_a_single_claim_is_asked_for_like_its_scope,
    openid_connect_core_5_5_1_a_request_about_another_person_is_not_answered,
    rfc_9396_5_an_unregistered_type_is_refused,
    rfc_9449_10_1_a_proof_binds_a_signed_request_too,
    what_a_client_lost_it_gets_no_more_by_refreshing,
];

async fn rfc_9700_2_3_an_application_is_neither_the_person_nor_an_operator(house: House) {
    let world = World::new(house).await;
    let user = format!("/admin/users/{}", world.house.user_id(&world.person).await);
    let roles = json!({ "roles": ["user", "admin"] });
    world.house.admin().patch(&user, roles).await.expect(200);
    let ours = register(&world.house, "web", json!({ "is_first_party": true })).await;
    for client in [&world.web, &world.native, &ours] {
        let mut browser = world.browser();
        let sent = browser.obtain(&ask(client, &[]), &world.person).await;
        let code = parameter(&sent, "code").expect("a code");
        let tokens = world.redeem(client, &code).await.expect(200);
        let access = tokens.field("access_token");
        let public = world.house.public().bearer(&access);
        for path in [
            "/auth/me",
            "/auth/sessions",
            "/auth/me/activity",
            "/auth/me/consents",
        ] {
            public.get(path).await.expect_code(403, "FORBIDDEN");
        }
        let name = json!({ "name": "Mallory" });
        public
            .patch("/auth/me", name)
            .await
            .expect_code(403, "FORBIDDEN");
        let all = public.post("/auth/logout/all", json!({})).await;
        all.expect_code(403, "FORBIDDEN");
        public.get("/userinfo").await.expect(200);
        let operator = world.house.stranger().bearer(&access);
        operator.get(&user).await.expect(403);
        let key = json!({ "name": "k", "scopes": ["admin:*"] });
        operator.post("/admin/apikeys", key).await.expect(403);
    }
    // Signed in here they are both.
    let access = world.person.login().await.access;
    world.person.me(&access).await.expect(200);
    let operator = world.house.stranger().bearer(&access);
    operator.get(&user).await.expect(200);
}

async fn openid_connect_core_5_5_a_single_claim_is_asked_for_like_its_scope(house: House) {
    let world = World::new(house).await;
    let wanted = r#"{"id_token":{"email":null},"userinfo":{"email":null}}"#;
    let asked = [("scope", "openid"), ("claims", wanted)];
    // A client that is not registered for the scope gets none of its claims.
    let own = json!({ "scopes": ["openid"], "is_first_party": true });
    let narrow = register(&world.house, "web", own).await;
    let mut browser = world.browser();
    let sent = browser.obtain(&ask(&narrow, &asked), &world.person).await;
    let code = parameter(&sent, "code").expect("a code");
    let tokens = world.redeem(&narrow, &code).await.expect(200);
    assert!(claims(&tokens.field("id_token")).get("email").is_none());
    let public = world.house.public().bearer(&tokens.field("access_token"));
    let told = public.get("/userinfo").await.expect(200);
    assert!(told.json().get("email").is_none(), "{}", told.text);
    // One that is, and was allowed less, has to ask the person, who is told.
    let plain = ask(&world.web, &[("scope", "openid")]);
    browser.obtain(&plain, &world.person).await;
    let silent = [("scope", "openid"), ("claims", wanted), ("prompt", "none")];
    let refused = browser.open(&ask(&world.web, &silent)).await;
    let word = parameter(refused.location(), "error");
    assert_eq!(word.as_deref(), Some("consent_required"));
    let page = browser.open(&ask(&world.web, &asked)).await;
    let page = browser.follow(page).await;
    assert!(page.answer.text.contains("See your e-mail address"));
    let page = browser.submit(&page, &[("decision", "allow")]).await;
    let code = parameter(page.location(), "code").expect("a code");
    let tokens = world.redeem(&world.web, &code).await.expect(200);
    assert_eq!(tokens.json()["scope"], "openid");
    let identity = claims(&tokens.field("id_token"));
    assert_eq!(identity["email"], world.person.email);
    let again = browser.open(&ask(&world.web, &silent)).await;
    assert!(
        parameter(again.location(), "code").is_some(),
        "it is allowed now"
    );
}

async fn openid_connect_core_5_5_1_a_request_about_another_person_is_not_answered(house: House) {
    let world = World::new(house).await;
    let user = world.house.user_id(&world.person).await;
    let mut browser = world.browser();
    browser.authorize(&world.ask_web(), &world.person).await;
    for (subject, word) in [
        (user.as_str(), None),
        ("somebody else", Some("login_required")),
    ] {
        let wanted = json!({ "id_token": { "sub": { "value": subject } } }).to_string();
        let asked = ask(&world.web, &[("claims", &wanted), ("prompt", "none")]);
        let page = browser.open(&asked).await;
        assert_eq!(parameter(page.location(), "error").as_deref(), word);
    }
}

async fn rfc_9396_5_an_unregistered_type_is_refused(house: House) {
    let world = World::new(house).await;
    let own = json!({ "authorization_details_types": ["account"] });
    let registered = register(&world.house, "web", own).await;
    let payment = [("authorization_details", r#"[{"type":"payment"}]"#)];
    for client in [&world.web, &registered] {
        let page = world.browser().open(&ask(client, &payment)).await;
        let word = parameter(page.location(), "error");
        assert_eq!(word.as_deref(), Some("invalid_authorization_details"));
    }
    let odd = json!({ "authorization_details_types": ["a b"] });
    let path = format!("/admin/clients/{}", registered.id);
    world.house.admin().patch(&path, odd).await.expect(422);
}

async fn rfc_9449_10_1_a_proof_binds_a_signed_request_too(house: House) {
    let world = World::new(house).await;
    let (client, object) = signed_request(&world).await;
    let key = Key::new();
    let pair = format!(
        "{}:{}",
        client.id,
        client.secret.as_deref().expect("a secret")
    );
    let basic = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, pair);
    let public = world.house.public();
    let authenticated = public.with("authorization", format!("Basic {basic}"));
    let proof = key.prove(&world, "POST", "/oauth/par", json!({}));
    let proved = authenticated.with("dpop", proof);
    let fields = [("request", object.as_str())];
    let pushed = proved.form("/oauth/par", &fields).await.expect(201);
    let address = short(&client, &pushed);
    let sent = world.browser().authorize(&address, &world.person).await;
    let code = parameter(&sent, "code").expect("a code");
    let bare = world.redeem(&client, &code).await;
    bare.expect_oauth(400, "invalid_grant");
    let proof = key.prove(&world, "POST", "/oauth/token", json!({}));
    let proved = authenticated.with("dpop", proof);
    let given = proved.form("/oauth/token", &code_fields(&code)).await;
    assert_eq!(given.expect(200).json()["token_type"], "DPoP");
}

async fn what_a_client_lost_it_gets_no_more_by_refreshing(house: House) {
    let world = World::new(house).await;
    let own = json!({ "audiences": ["https://a.example", "https://b.example"] });
    let client = register(&world.house, "web", own).await;
    let both = [
        ("resource", "https://a.example"),
        ("resource", "https://b.example"),
    ];
    let mut browser = world.browser();
    let sent = browser.authorize(&ask(&client, &both), &world.person).await;
    let code = parameter(&sent, "code").expect("a code");
    let first = world.redeem(&client, &code).await.expect(200);
    assert!(first.field("scope").contains("email"));
    let path = format!("/admin/clients/{}", client.id);
    let less = json!({ "scopes": ["openid"], "audiences": ["https://b.example"] });
    world.house.admin().patch(&path, less).await.expect(200);
    let refresh = first.field("refresh_token");
    let again = [("grant_type", "refresh_token"), ("refresh_token", &refresh)];
    let second = world.token(&client, &again).await.expect(200);
    assert_eq!(second.json()["scope"], "openid offline_access");
    let access = claims(&second.field("access_token"));
    assert_eq!(access["aud"], "https://b.example");
    let none = json!({ "audiences": [] });
    world.house.admin().patch(&path, none).await.expect(200);
    let refresh = second.field("refresh_token");
    let again = [("grant_type", "refresh_token"), ("refresh_token", &refresh)];
    let third = world.token(&client, &again).await;
    third.expect_oauth(400, "invalid_target");
}
