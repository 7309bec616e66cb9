//! GET, POST /oauth/authorize and what it leads to: GET /oauth/resume, GET, POST /consent.

use std::time::Duration;

use serde_json::json;

use super::world::{CALLBACK, CHALLENGE, World, ask, claims, parameter, parameters, register};
use crate::browser::Browser;
use crate::cases;
use crate::house::House;

cases![
    rfc_6749_3_1_2_4_nobody_is_sent_to_an_address_that_is_not_the_clients,
    rfc_9207_2_every_answer_names_the_issuer_and_gives_the_state_back,
    rfc_9700_2_1_1_a_request_without_a_challenge_is_refused,
    rfc_6749_3_1_a_repeated_parameter_is_refused_on_a_page,
    openid_connect_core_3_1_2_1_prompt_none_shows_nothing,
    openid_connect_core_3_1_2_1_prompt_login_and_max_age_ask_again,
    openid_connect_core_3_1_2_1_a_hint_is_held_to,
    a_person_allows_once_and_is_asked_again_for_more,
    mcp_a_step_up_keeps_what_was_allowed_before,
    whoever_says_no_or_cancels_sends_access_denied_back,
    oauth_2_1_4_1_1_a_client_may_post_its_request,
    form_post_response_mode_2_the_answer_is_a_form,
    jarm_2_3_1_the_answer_is_one_signed_jwt,
    a_request_of_another_tenant_or_that_was_changed_is_refused,
];

async fn rfc_6749_3_1_2_4_nobody_is_sent_to_an_address_that_is_not_the_clients(house: House) {
    let world = World::new(house).await;
    let mut browser = world.browser();
    for uri in [
        "https://evil.example/callback",
        "https://app.example/callback/",
        "https://app.example/callback?x=1",
        "https://app.example/callback#x",
        "https://app.example/a/../callback",
        "https://app.example@evil.example/callback",
        "https://APP.example/callback",
        "http://app.example/callback",
        "//app.example/callback",
    ] {
        let page = browser
            .open(&ask(&world.web, &[("redirect_uri", uri)]))
            .await;
        page.expect_error(400, "invalid_request");
    }
    for client in ["client_unknown", ""] {
        let page = browser
            .open(&ask(&world.web, &[("client_id", client)]))
            .await;
        page.expect_error(400, "invalid_request");
    }
}

async fn rfc_9207_2_every_answer_names_the_issuer_and_gives_the_state_back(house: House) {
    let world = World::new(house).await;
    let mut browser = world.browser();
    let wrong = ask(&world.web, &[("response_type", "token")]);
    let refused = browser.open(&wrong).await.location().to_owned();
    let allowed = browser
        .authorize(&ask(&world.web, &[]), &world.person)
        .await;
    assert!(parameter(&allowed, "code").is_some());
    let word = parameter(&refused, "error");
    assert_eq!(word.as_deref(), Some("unsupported_response_type"));
    for sent in [refused, allowed] {
        assert_eq!(parameter(&sent, "state").as_deref(), Some("a state"));
        let issuer = parameter(&sent, "iss");
        assert_eq!(issuer.as_deref(), Some("http://localhost:4000"));
    }
}

async fn rfc_9700_2_1_1_a_request_without_a_challenge_is_refused(house: House) {
    let world = World::new(house).await;
    let mut browser = world.browser();
    for client in [&world.web, &world.native] {
        for own in [
            [("code_challenge", ""), ("code_challenge_method", "")],
            [
                ("code_challenge", CHALLENGE),
                ("code_challenge_method", "plain"),
            ],
            [
                ("code_challenge", "short"),
                ("code_challenge_method", "S256"),
            ],
        ] {
            let page = browser.open(&ask(client, &own)).await;
            page.expect(303);
            let word = parameter(page.location(), "error");
            assert_eq!(word.as_deref(), Some("invalid_request"), "{own:?}");
        }
    }
}

async fn rfc_6749_3_1_a_repeated_parameter_is_refused_on_a_page(house: House) {
    let world = World::new(house).await;
    let twice = format!("{}&state=x", ask(&world.web, &[]));
    let page = world.browser().open(&twice).await;
    page.expect_error(400, "invalid_request");
}

async fn openid_connect_core_3_1_2_1_prompt_none_shows_nothing(house: House) {
    let world = World::new(house).await;
    let mut browser = world.browser();
    let silent = ask(&world.web, &[("prompt", "none")]);
    let page = browser.open(&silent).await;
    let word = parameter(page.location(), "error");
    assert_eq!(word.as_deref(), Some("login_required"));
    browser.sign_in(&ask(&world.web, &[]), &world.person).await;
    let page = browser.open(&silent).await;
    let word = parameter(page.location(), "error");
    assert_eq!(word.as_deref(), Some("consent_required"));
    let page = browser.open(&ask(&world.web, &[])).await;
    let page = browser.follow(page).await;
    browser
        .submit(&page, &[("decision", "allow")])
        .await
        .expect(303);
    let page = browser.open(&silent).await;
    assert!(parameter(page.location(), "code").is_some());
}

async fn openid_connect_core_3_1_2_1_prompt_login_and_max_age_ask_again(house: House) {
    let world = World::new(house).await;
    let mut browser = world.browser();
    browser
        .authorize(&ask(&world.web, &[]), &world.person)
        .await;
    world.house.clock.advance(Duration::from_mins(2));
    for own in [("prompt", "login"), ("max_age", "60")] {
        let page = browser.open(&ask(&world.web, &[own])).await;
        assert!(page.location().starts_with("/sign-in?"), "{own:?}");
        let sent = browser
            .sign_in(&ask(&world.web, &[own]), &world.person)
            .await;
        let code = parameter(sent.location(), "code").expect("a code");
        let tokens = world.redeem(&world.web, &code).await.expect(200);
        let identity = claims(&tokens.field("id_token"));
        assert_eq!(identity["auth_time"], identity["iat"], "{own:?}");
        world.house.clock.advance(Duration::from_mins(2));
    }
    let page = browser.open(&ask(&world.web, &[("max_age", "600")])).await;
    assert!(parameter(page.location(), "code").is_some());
}

async fn openid_connect_core_3_1_2_1_a_hint_is_held_to(house: House) {
    let world = World::new(house).await;
    let code = world.code(&world.web).await;
    let tokens = world.redeem(&world.web, &code).await.expect(200);
    let hint = tokens.field("id_token");
    let other = crate::client::Person::register(&world.house.public(), "grace").await;
    let mut browser = world.browser();
    browser.authorize(&ask(&world.web, &[]), &other).await;
    let silent = ask(&world.web, &[("prompt", "none"), ("id_token_hint", &hint)]);
    let page = browser.open(&silent).await;
    let word = parameter(page.location(), "error");
    assert_eq!(
        word.as_deref(),
        Some("login_required"),
        "it is somebody else"
    );
    for forged in ["x", &hint[..hint.len() - 2], &tokens.field("access_token")] {
        let page = browser
            .open(&ask(&world.web, &[("id_token_hint", forged)]))
            .await;
        let word = parameter(page.location(), "error");
        assert_eq!(word.as_deref(), Some("invalid_request"));
    }
}

async fn a_person_allows_once_and_is_asked_again_for_more(house: House) {
    let world = World::new(house).await;
    let mut browser = world.browser();
    let narrow = ask(&world.web, &[("scope", "openid")]);
    browser.authorize(&narrow, &world.person).await;
    let again = browser.open(&narrow).await;
    assert!(parameter(again.location(), "code").is_some());
    let wider = browser.open(&ask(&world.web, &[])).await;
    assert!(wider.location().starts_with("/consent?"));
    let asked = browser
        .open(&ask(
            &world.web,
            &[("scope", "openid"), ("prompt", "consent")],
        ))
        .await;
    assert!(asked.location().starts_with("/consent?"));
    // What runs on a person's device could be anybody's program (OWASP ASVS 5.0).
    let native = ask(&world.native, &[("scope", "openid")]);
    let page = browser.open(&native).await;
    let page = browser.follow(page).await;
    browser
        .submit(&page, &[("decision", "allow")])
        .await
        .expect(303);
    let page = browser.open(&native).await;
    assert!(page.location().starts_with("/consent?"));
    let ours = register(&world.house, "web", json!({ "is_first_party": true })).await;
    let page = browser.open(&ask(&ours, &[])).await;
    assert!(parameter(page.location(), "code").is_some());
}

async fn mcp_a_step_up_keeps_what_was_allowed_before(house: House) {
    let world = World::new(house).await;
    let mut browser = world.browser();
    let narrow = ask(&world.web, &[("scope", "openid email offline_access")]);
    let sent = browser.authorize(&narrow, &world.person).await;
    let before = world.redeem_sent(&sent).await;
    // More is asked for, and the person is told all of it.
    let page = browser.open(&ask(&world.web, &[])).await;
    let page = browser.follow(page).await;
    let page = browser.submit(&page, &[("decision", "allow")]).await;
    let code = parameter(page.location(), "code").expect("a code");
    let after = world.redeem(&world.web, &code).await.expect(200);
    assert_eq!(after.json()["scope"], "openid profile email offline_access");
    // What the client had goes on, with what it had.
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", before.refresh.as_str()),
    ];
    let kept = world.token(&world.web, &fields).await.expect(200);
    assert_eq!(kept.json()["scope"], "openid email offline_access");
    // And neither the less nor the more is asked for again.
    for scope in ["openid email", "openid profile email offline_access"] {
        let page = browser.open(&ask(&world.web, &[("scope", scope)])).await;
        assert!(parameter(page.location(), "code").is_some(), "{scope}");
    }
    // A scope that was never allowed is not carried in with the others.
    let denied = register(&world.house, "web", json!({})).await;
    let page = browser.open(&ask(&denied, &[])).await;
    assert!(page.location().starts_with("/consent?"), "nor to a client");
}

async fn whoever_says_no_or_cancels_sends_access_denied_back(house: House) {
    let world = World::new(house).await;
    let mut browser = world.browser();
    let page = browser.open(&ask(&world.web, &[])).await;
    let page = browser.follow(page).await;
    let cancelled = browser.submit(&page, &[("decision", "cancel")]).await;
    let page = browser.sign_in(&ask(&world.web, &[]), &world.person).await;
    page.expect(200);
    assert!(
        page.answer.text.contains("app.example"),
        "the host is shown"
    );
    page.posts_to("/consent");
    let denied = browser.submit(&page, &[("decision", "deny")]).await;
    for page in [cancelled, denied] {
        page.expect(303);
        let word = parameter(page.location(), "error");
        assert_eq!(word.as_deref(), Some("access_denied"));
    }
    let page = browser.open(&ask(&world.web, &[])).await;
    assert!(
        page.location().starts_with("/consent?"),
        "nothing was remembered"
    );
    assert_eq!(world.house.audit_count("authorization.denied").await, 2);
}

async fn oauth_2_1_4_1_1_a_client_may_post_its_request(house: House) {
    let world = World::new(house).await;
    let all = parameters(&world.web, &[]);
    let fields: Vec<(&str, &str)> = all
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let mut elsewhere = world.browser().elsewhere();
    let page = elsewhere.post("/oauth/authorize", &fields).await;
    page.expect(303);
    assert!(page.location().starts_with("/sign-in?"));
    // Whoever is signed in and allowed it before is asked for nothing more.
    let mut browser = world.browser();
    let page = browser.sign_in(&ask(&world.web, &[]), &world.person).await;
    browser
        .submit(&page, &[("decision", "allow")])
        .await
        .expect(303);
    let page = browser.post("/oauth/authorize", &fields).await;
    page.expect(303);
    assert!(parameter(page.location(), "code").is_some());
}

async fn form_post_response_mode_2_the_answer_is_a_form(house: House) {
    let world = World::new(house).await;
    let mut browser = world.browser();
    let posted = ask(&world.web, &[("response_mode", "form_post")]);
    let page = browser.sign_in(&posted, &world.person).await;
    let page = browser.submit(&page, &[("decision", "allow")]).await;
    page.expect(200);
    let (action, fields) = page.form();
    assert_eq!(action, CALLBACK);
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["code", "state", "iss"]);
    let policy = page.answer.header("content-security-policy");
    assert!(
        policy.contains("form-action 'self' https://app.example"),
        "{policy}"
    );
}

async fn jarm_2_3_1_the_answer_is_one_signed_jwt(house: House) {
    let world = World::new(house).await;
    let mut browser = world.browser();
    let signed = ask(&world.web, &[("response_mode", "jwt")]);
    let sent = browser.authorize(&signed, &world.person).await;
    assert!(parameter(&sent, "code").is_none());
    let answer = claims(&parameter(&sent, "response").expect("a JWT"));
    assert_eq!(answer["aud"], world.web.id);
    assert_eq!(answer["iss"], "http://localhost:4000");
    let code = answer["code"].as_str().expect("a code").to_owned();
    world.redeem(&world.web, &code).await.expect(200);
}

async fn a_request_of_another_tenant_or_that_was_changed_is_refused(house: House) {
    let world = World::new(house).await;
    world.house.add_tenant("acme").await;
    let page = world.browser().open(&ask(&world.web, &[])).await;
    let sealed = page
        .location()
        .split_once("request=")
        .expect("a request")
        .1
        .to_owned();
    let acme = format!("/t/acme/sign-in?request={sealed}");
    Browser::new(&world.house.public())
        .open(&acme)
        .await
        .expect(400);
    let client = format!("/t/acme{}", ask(&world.web, &[]));
    let page = world.browser().open(&client).await;
    page.expect_error(400, "invalid_request");
    for changed in [&sealed[1..], &sealed[..sealed.len() - 1], "x"] {
        let page = world
            .browser()
            .open(&format!("/oauth/resume?request={changed}"))
            .await;
        page.expect(400);
    }
    world.house.clock.advance(Duration::from_hours(1));
    world
        .browser()
        .open(&format!("/consent?request={sealed}"))
        .await
        .expect(400);
}
