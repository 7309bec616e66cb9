//! POST /oauth/token with a code, and what comes of the tokens: GET, POST /userinfo,
//! POST /oauth/introspect, POST /oauth/revoke.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use super::world::{Registered, World, ask, claims, code_fields, parameter, register};
use crate::cases;
use crate::client::Answer;
use crate::house::House;

cases![
    openid_connect_core_3_1_a_code_becomes_three_tokens,
    oauth_2_1_4_1_3_redirect_uri_is_optional_and_held_to_if_it_is_there,
    rfc_9700_4_5_a_second_redemption_takes_back_what_the_first_gave,
    rfc_9700_4_5_a_replay_with_anything_wrong_ends_nothing,
    one_of_fifty_redemptions_wins_and_then_all_is_taken_back,
    rfc_6749_4_1_2_a_code_lives_a_minute,
    rfc_6749_4_1_3_a_code_is_its_clients,
    a_refreshed_family_keeps_its_scope_and_names_the_person_anew,
    openid_connect_core_5_3_userinfo_says_what_the_scope_opens,
    userinfo_says_at_once_what_was_changed,
    rfc_7662_2_2_only_a_live_token_is_told_of_and_only_to_whom_it_concerns,
    rfc_7662_2_2_a_refresh_token_is_active_for_the_client_that_owns_it_alone,
    rfc_7009_a_client_ends_its_own_family_and_no_others,
    a_locked_account_has_no_codes_and_no_tokens,
];

async fn openid_connect_core_3_1_a_code_becomes_three_tokens(house: House) {
    let world = World::new(house).await;
    for client in [&world.web, &world.native] {
        let code = world.code(client).await;
        assert!(code.starts_with("qf_ac_"));
        let answer = world.redeem(client, &code).await.expect(200);
        assert_eq!(answer.header("cache-control"), "no-store");
        let body = answer.json();
        assert_eq!(body["token_type"], "Bearer");
        assert!(answer.field("refresh_token").starts_with("qf_rt_"));
        let (identity, access) = (
            claims(&answer.field("id_token")),
            claims(&answer.field("access_token")),
        );
        assert_eq!(identity["aud"], client.id);
        assert_eq!(identity["nonce"], "a nonce");
        assert_eq!(identity["sub"], access["sub"]);
        assert_eq!(identity["sid"], access["sid"]);
        assert_eq!(access["client_id"], client.id);
        assert_eq!(access["client_type"], "user");
        assert!(identity["at_hash"].is_string() && identity["auth_time"].is_i64());
    }
    assert_eq!(world.house.audit_count("authorization.granted").await, 2);
}

async fn oauth_2_1_4_1_3_redirect_uri_is_optional_and_held_to_if_it_is_there(house: House) {
    let world = World::new(house).await;
    let code = world.code(&world.web).await;
    let with = |uri: &'static str| {
        let code = code.clone();
        let world = &world;
        async move {
            let mut fields = code_fields(&code).to_vec();
            fields.retain(|(name, _)| *name != "redirect_uri");
            fields.push(("redirect_uri", uri));
            world.token(&world.web, &fields).await
        }
    };
    with("https://app.example/other")
        .await
        .expect_oauth(400, "invalid_grant");
    with("").await.expect(200);
}

async fn rfc_9700_4_5_a_second_redemption_takes_back_what_the_first_gave(house: House) {
    let world = World::new(house).await;
    let code = world.code(&world.web).await;
    let first = world.redeem(&world.web, &code).await.expect(200);
    let again = world.redeem(&world.web, &code).await;
    again.expect_oauth(400, "invalid_grant");
    let refresh = first.field("refresh_token");
    let fields = [("grant_type", "refresh_token"), ("refresh_token", &refresh)];
    let refused = world.token(&world.web, &fields).await;
    refused.expect_oauth(400, "invalid_grant");
    world
        .person
        .me(&first.field("access_token"))
        .await
        .expect(401);
    assert_eq!(world.house.audit_count("code.replay_detected").await, 1);
}

async fn rfc_9700_4_5_a_replay_with_anything_wrong_ends_nothing(house: House) {
    let world = World::new(house).await;
    let code = world.code(&world.web).await;
    let first = world.redeem(&world.web, &code).await.expect(200);
    let mut fields = code_fields(&code);
    fields[3] = (
        "code_verifier",
        "another-verifier-that-is-long-enough-to-be-one",
    );
    let wrong = world.token(&world.web, &fields).await;
    wrong.expect_oauth(400, "invalid_grant");
    let other = world.redeem(&world.native, &code).await;
    other.expect_oauth(400, "invalid_grant");
    world
        .person
        .me(&first.field("access_token"))
        .await
        .expect(200);
}

async fn one_of_fifty_redemptions_wins_and_then_all_is_taken_back(house: House) {
    let world = World::new(house).await;
    let code = world.code(&world.native).await;
    let answers = join_all((0..50).map(|_| world.redeem(&world.native, &code))).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers
        .into_iter()
        .partition(|answer| answer.status.as_u16() == 200);
    assert_eq!((won.len(), lost.len()), (1, 49));
    // A machine with much else to do tells some of them to come again.
    for answer in lost.iter().filter(|answer| answer.status.as_u16() != 503) {
        assert_eq!(answer.json()["error"], "invalid_grant");
    }
    world
        .person
        .me(&won[0].field("access_token"))
        .await
        .expect(401);
}

async fn rfc_6749_4_1_2_a_code_lives_a_minute(house: House) {
    let world = World::new(house).await;
    let code = world.code(&world.web).await;
    world.house.clock.advance(Duration::from_mins(1));
    let late = world.redeem(&world.web, &code).await;
    late.expect_oauth(400, "invalid_grant");
}

async fn rfc_6749_4_1_3_a_code_is_its_clients(house: House) {
    let world = World::new(house).await;
    let code = world.code(&world.web).await;
    let other = world.redeem(&world.native, &code).await;
    other.expect_oauth(400, "invalid_grant");
    for cut in [0, 6, code.len() - 1] {
        let refused = world.redeem(&world.web, &code[..cut]).await;
        assert_eq!(refused.status.as_u16(), 400, "{cut}");
    }
    world.redeem(&world.web, &code).await.expect(200);
}

async fn a_refreshed_family_keeps_its_scope_and_names_the_person_anew(house: House) {
    let world = World::new(house).await;
    let code = world.code(&world.native).await;
    let first = world.redeem(&world.native, &code).await.expect(200);
    let refresh = first.field("refresh_token");
    let mut fields = vec![
        ("grant_type", "refresh_token"),
        ("refresh_token", &*refresh),
    ];
    let fresh = world.token(&world.native, &fields).await.expect(200);
    let (before, after) = (
        claims(&first.field("id_token")),
        claims(&fresh.field("id_token")),
    );
    assert_eq!(before["sub"], after["sub"]);
    assert_eq!(before["auth_time"], after["auth_time"]);
    assert_eq!(fresh.json()["scope"], first.json()["scope"]);
    fields.push(("scope", "openid email admin"));
    let grown = world.token(&world.native, &fields).await;
    grown.expect_oauth(400, "invalid_scope");
    let stolen = world.token(&world.web, &fields[..2]).await;
    stolen.expect_oauth(400, "invalid_grant");
}

async fn openid_connect_core_5_3_userinfo_says_what_the_scope_opens(house: House) {
    let world = World::new(house).await;
    let mut browser = world.browser();
    let narrow = ask(&world.web, &[("scope", "openid email")]);
    let sent = browser.authorize(&narrow, &world.person).await;
    let code = parameter(&sent, "code").expect("a code");
    let tokens = world.redeem(&world.web, &code).await.expect(200);
    assert!(
        tokens.json().get("refresh_token").is_none(),
        "no offline_access"
    );
    let bearer = world.house.public().bearer(&tokens.field("access_token"));
    let told = bearer.get("/userinfo").await.expect(200).json();
    assert_eq!(told["email"], world.person.email);
    assert!(told.get("name").is_none());
    let posted = bearer.form("/userinfo", &[]).await.expect(200).json();
    assert_eq!(told, posted);
    let own = world.person.login().await;
    let first_party = world
        .house
        .public()
        .bearer(&own.access)
        .get("/userinfo")
        .await;
    first_party.expect(200);
    let (id, secret) = world.house.add_client(&["read"]).await;
    let robot = world.house.client_token(&id, &secret).await.expect(200);
    let robot = world.house.public().bearer(&robot.field("access_token"));
    robot.get("/userinfo").await.expect(403);
    world.house.public().get("/userinfo").await.expect(401);
}

async fn userinfo_says_at_once_what_was_changed(house: House) {
    let world = World::new(house).await;
    let code = world.code(&world.web).await;
    let tokens = world.redeem(&world.web, &code).await.expect(200);
    let bearer = world.house.public().bearer(&tokens.field("access_token"));
    let told = async || bearer.get("/userinfo").await.expect(200).json();
    assert_eq!(told().await["email_verified"], false);
    let letter = world.house.letter(&world.person, "verify_email").await;
    let proof = json!({ "token": letter.expect("a letter") });
    let public = world.house.public();
    public.post("/auth/verify-email", proof).await.expect(200);
    assert_eq!(told().await["email_verified"], true);
    let own = public.bearer(&world.person.login().await.access);
    for name in ["Countess", "Ada"] {
        let patch = json!({ "name": name });
        own.patch("/auth/me", patch).await.expect(200);
        assert_eq!(told().await["name"], name);
    }
    let path = format!("/admin/users/{}", world.house.user_id(&world.person).await);
    let moved = json!({ "email": "countess@example.org" });
    world.house.admin().patch(&path, moved).await.expect(200);
    assert_eq!(told().await["email"], "countess@example.org");
    world.house.admin().delete(&path).await.expect(204);
    bearer.get("/userinfo").await.expect(401);
}

async fn rfc_7662_2_2_only_a_live_token_is_told_of_and_only_to_whom_it_concerns(house: House) {
    let world = World::new(house).await;
    let resource = register(
        &world.house,
        "service",
        json!({ "redirect_uris": [], "may_introspect": true }),
    )
    .await;
    let code = world.code(&world.web).await;
    let tokens = world.redeem(&world.web, &code).await.expect(200);
    let token = tokens.field("access_token");
    for client in [&world.web, &resource] {
        let told = told_of(&world, client, &token).await.expect(200).json();
        assert_eq!(
            (&told["active"], &told["client_id"]),
            (&json!(true), &json!(world.web.id))
        );
    }
    let (id, secret) = world.house.add_client(&["read"]).await;
    let stranger = Registered {
        id,
        secret: Some(secret),
    };
    let told = told_of(&world, &stranger, &token).await.expect(200).json();
    assert_eq!(told, json!({ "active": false }));
    for unknown in ["x", "qf_at_x", ""] {
        let answer = told_of(&world, &world.web, unknown).await;
        assert!(
            answer.status.as_u16() < 500 && !answer.text.contains("true"),
            "{unknown}"
        );
    }
    told_of(&world, &world.native, &token)
        .await
        .expect_oauth(401, "invalid_client");
    let ended = [("token", token.as_str())];
    world
        .form("/oauth/revoke", &world.web, &ended)
        .await
        .expect(200);
    let told = told_of(&world, &resource, &token).await.expect(200).json();
    assert_eq!(told, json!({ "active": false }));
}

async fn rfc_7662_2_2_a_refresh_token_is_active_for_the_client_that_owns_it_alone(house: House) {
    let world = World::new(house).await;
    let may = json!({ "redirect_uris": [], "may_introspect": true });
    let resource = register(&world.house, "service", may).await;
    let code = world.code(&world.web).await;
    let tokens = world.redeem(&world.web, &code).await.expect(200);
    let first = tokens.field("refresh_token");
    let told = told_of(&world, &world.web, &first).await.expect(200).json();
    let access = claims(&tokens.field("access_token"));
    assert_eq!(
        (&told["active"], &told["sub"]),
        (&json!(true), &access["sub"])
    );
    assert_eq!(told["client_id"], world.web.id);
    assert_eq!(told["sid"], access["sid"]);
    assert!(told["exp"].as_i64() > access["exp"].as_i64());
    assert!(told.get("token_type").is_none() && told.get("aud").is_none());
    let nothing = json!({ "active": false });
    let stranger = told_of(&world, &resource, &first).await.expect(200);
    assert_eq!(stranger.json(), nothing, "it could not use it");
    // §2.2: asking changes nothing; a superseded token is not active, though it may be repeated.
    let refresh = |token: &str| {
        let (world, token) = (&world, token.to_owned());
        async move {
            let fields = [
                ("grant_type", "refresh_token"),
                ("refresh_token", token.as_str()),
            ];
            world.token(&world.web, &fields).await.expect(200)
        }
    };
    let second = refresh(&first).await.field("refresh_token");
    let told = told_of(&world, &world.web, &first).await.expect(200);
    assert_eq!(told.json(), nothing);
    let told = told_of(&world, &world.web, &second).await.expect(200);
    assert_eq!(told.json()["active"], true);
    let mut broken = second.clone();
    broken.push('x');
    for wrong in [broken.as_str(), "qf_rt_x"] {
        let told = told_of(&world, &world.web, wrong).await.expect(200);
        assert_eq!(told.json(), nothing, "{wrong}");
    }
    let ended = [("token", second.as_str())];
    let revoked = world.form("/oauth/revoke", &world.web, &ended).await;
    revoked.expect(200);
    let told = told_of(&world, &world.web, &second).await.expect(200);
    assert_eq!(told.json(), nothing);
}

/// What a client is told of a token.
async fn told_of(world: &World, client: &Registered, token: &str) -> Answer {
    let fields = [("token", token)];
    world.form("/oauth/introspect", client, &fields).await
}

async fn rfc_7009_a_client_ends_its_own_family_and_no_others(house: House) {
    let world = World::new(house).await;
    let code = world.code(&world.web).await;
    let tokens = world.redeem(&world.web, &code).await.expect(200);
    let refresh = tokens.field("refresh_token");
    let fields = [("token", refresh.as_str())];
    world
        .form("/oauth/revoke", &world.native, &fields)
        .await
        .expect(200);
    world
        .person
        .me(&tokens.field("access_token"))
        .await
        .expect(200);
    world
        .form("/oauth/revoke", &world.web, &fields)
        .await
        .expect(200);
    world
        .person
        .me(&tokens.field("access_token"))
        .await
        .expect(401);
    let again = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.as_str()),
    ];
    let refused = world.token(&world.web, &again).await;
    refused.expect_oauth(400, "invalid_grant");
}

async fn a_locked_account_has_no_codes_and_no_tokens(house: House) {
    let world = World::new(house).await;
    let code = world.code(&world.web).await;
    let id = world.house.user_id(&world.person).await;
    let lock = format!("/admin/users/{id}/lock");
    let locked = world
        .house
        .admin()
        .post(&lock, json!({ "reason": "lost" }))
        .await;
    locked.expect(200);
    let refused = world.redeem(&world.web, &code).await;
    refused.expect_oauth(400, "invalid_grant");
}
