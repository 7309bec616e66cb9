//! A login interface of the tenant's own: /admin/oauth/auth/requests/{login,consent}.

use serde_json::json;

use super::world::{ask, claims, parameter, register};
use crate::browser::Browser;
use crate::cases;
use crate::house::House;

pub mod attacks;
mod story;

use story::{CONSENT, LOGIN, Story, back, challenge_of};

cases![
    an_interface_signs_people_in_and_asks_them,
    a_sign_in_with_another_device_by_an_interface_is_told_of,
    an_interface_is_shown_who_asks_for_what,
    who_is_remembered_need_not_be_asked_again,
    who_is_not_remembered_is_asked_each_time,
    openid_connect_core_3_1_2_1_a_fresh_sign_in_is_asked_for_anew,
    openid_connect_core_3_1_2_1_nobody_is_sent_elsewhere_silently,
    an_interface_rejects_in_the_standards_words,
    an_interface_grants_what_was_asked_for_or_less,
    one_interface_may_do_without_the_other,
    pages_of_ours_decide_nothing_in_its_place,
];

async fn an_interface_signs_people_in_and_asks_them(house: House) {
    let story = Story::new(house).await;
    let mut browser = story.world.browser();
    let proof = json!({ "acr": "urn:nist:sp:800-63b-4:aal2", "amr": ["pwd", "otp"] });
    let sent = story.authorize(&mut browser, proof).await;
    let code = parameter(&sent, "code").expect("a code");
    let answer = story
        .world
        .redeem(&story.world.web, &code)
        .await
        .expect(200);
    let (access, id) = (answer.field("access_token"), answer.field("id_token"));
    for token in [&access, &id] {
        let said = claims(token);
        assert_eq!(said["sub"], story.user);
        assert_eq!(said["acr"], "urn:nist:sp:800-63b-4:aal2");
        assert_eq!(said["amr"], json!(["pwd", "otp"]));
    }
    story.world.person.me(&access).await.expect(200);
    let rows = story.world.house.audit_rows("login.succeeded").await;
    assert_eq!(rows[0].fields["subject"], json!(story.user));
    let by = rows[0].fields["detail"]["accepted_by"].as_str();
    assert!(by.is_some_and(|by| by.starts_with("api_key/")), "{by:?}");
    let own = story.world.person.login().await.access;
    let consents = story.world.house.public().bearer(&own);
    let consents = consents.get("/auth/me/consents").await.expect(200).json();
    assert_eq!(
        consents["consents"][0]["client_id"],
        json!(story.world.web.id)
    );
}

async fn a_sign_in_with_another_device_by_an_interface_is_told_of(house: House) {
    let story = Story::new(house).await;
    let house = &story.world.house;
    for (program, told) in [
        ("Fox/1 (Desk)", false),
        ("Fox/2 (Desk)", false),
        ("Fox/2 (Phone)", true),
        ("Fox/3 (Phone)", false),
    ] {
        let mut browser = Browser::new(&house.public().with("user-agent", program));
        let address = ask(&story.world.web, &[("ui_locales", "de")]);
        story.sign_in(&mut browser, &address, json!({})).await;
        let person = &story.world.person;
        if told {
            let text = house.printed_mail(person, "new_sign_in").await;
            assert!(text.starts_with("Guten Tag"), "{text}");
        }
    }
    let more = house.letter(&story.world.person, "new_sign_in").await;
    assert_eq!(more, None);
}

async fn an_interface_is_shown_who_asks_for_what(house: House) {
    let story = Story::new(house).await;
    let mut browser = story.world.browser();
    let own = [
        ("login_hint", "ada@example.org"),
        ("acr_values", "one two"),
        ("ui_locales", "de en"),
        ("prompt", "login"),
        ("max_age", "60"),
    ];
    let address = ask(&story.world.web, &own);
    let page = browser.open(&address).await;
    assert!(page.location().contains("theme=dark"), "what it has stays");
    let challenge = challenge_of(page.location(), LOGIN);
    let shown = story.shown_login(&challenge).await.expect(200).json();
    assert_eq!(shown["client"]["client_id"], json!(story.world.web.id));
    assert_eq!(shown["client"]["client_name"], "An application");
    assert_eq!(
        (&shown["skip"], &shown["subject"]),
        (&json!(false), &json!(null))
    );
    assert_eq!(shown["prompt"], json!(["login"]));
    assert_eq!(shown["max_age"], 60);
    assert_eq!(shown["requested_access_token_audience"], json!([]));
    let context = json!({
        "login_hint": "ada@example.org", "acr_values": ["one", "two"], "ui_locales": ["de", "en"],
    });
    assert_eq!(shown["oidc_context"], context);
    let scopes = shown["requested_scope"].as_array().expect("scopes");
    assert!(scopes.contains(&json!("email")));
    let url = shown["request_url"].as_str().expect("an address");
    let (_, query) = url.split_once("/oauth/authorize").expect("ours");
    let again = browser.open(&format!("/oauth/authorize{query}")).await;
    challenge_of(again.location(), LOGIN);
    let place = story
        .sign_in(&mut browser, &address, json!({ "amr": ["face"] }))
        .await;
    let challenge = challenge_of(&place, CONSENT);
    let shown = story.shown_consent(&challenge).await.expect(200).json();
    assert_eq!(
        (&shown["skip"], &shown["subject"]),
        (&json!(false), &json!(story.user))
    );
    assert_eq!(shown["amr"], json!(["face"]));
    assert!(shown["acr"].is_string() && shown["session_id"].is_string());
}

async fn who_is_remembered_need_not_be_asked_again(house: House) {
    let story = Story::new(house).await;
    let mut browser = story.world.browser();
    story.authorize(&mut browser, json!({})).await;
    let challenge = story.begin(&mut browser, &story.world.ask_web()).await;
    let shown = story.shown_login(&challenge).await.expect(200).json();
    assert_eq!(
        (&shown["skip"], &shown["subject"]),
        (&json!(true), &json!(story.user))
    );
    let sessions = story.world.house.audit_count("login.succeeded").await;
    let accepted = story.accept_login(&challenge, json!({})).await.expect(200);
    let page = browser.open(&back(&accepted)).await;
    let again = story.world.house.audit_count("login.succeeded").await;
    assert_eq!(again, sessions, "the sign-in goes on");
    let challenge = challenge_of(page.location(), CONSENT);
    let shown = story.shown_consent(&challenge).await.expect(200).json();
    assert_eq!(shown["skip"], true);
    let body = json!({ "grant_scope": ["openid"] });
    let accepted = story.accept_consent(&challenge, body).await.expect(200);
    let page = browser.open(&back(&accepted)).await;
    assert!(parameter(page.location(), "code").is_some());
}

async fn who_is_not_remembered_is_asked_each_time(house: House) {
    let story = Story::new(house).await;
    let mut browser = story.world.browser();
    let sent = story
        .authorize(&mut browser, json!({ "remember": false }))
        .await;
    let tokens = story.world.redeem_sent(&sent).await;
    story.world.person.me(&tokens.access).await.expect(200);
    // Nor does whoever comes to this browser next find the account open.
    for page in ["/account", "/account/applications"] {
        let page = browser.open(page).await;
        assert!(
            page.location().starts_with("/sign-in"),
            "{}",
            page.location()
        );
    }
    story
        .world
        .house
        .clock
        .advance(std::time::Duration::from_secs(1));
    let challenge = story.begin(&mut browser, &story.world.ask_web()).await;
    let shown = story.shown_login(&challenge).await.expect(200).json();
    assert_eq!(shown["skip"], false);
    let silent = browser
        .open(&ask(&story.world.web, &[("prompt", "none")]))
        .await;
    let error = parameter(silent.location(), "error");
    assert_eq!(error.as_deref(), Some("login_required"));
}

async fn openid_connect_core_3_1_2_1_a_fresh_sign_in_is_asked_for_anew(house: House) {
    let story = Story::new(house).await;
    let mut browser = story.world.browser();
    story.authorize(&mut browser, json!({})).await;
    story
        .world
        .house
        .clock
        .advance(std::time::Duration::from_secs(61));
    for own in [
        ("prompt", "login"),
        ("max_age", "60"),
        ("prompt", "select_account"),
    ] {
        let challenge = story
            .begin(&mut browser, &ask(&story.world.web, &[own]))
            .await;
        let shown = story.shown_login(&challenge).await.expect(200).json();
        assert_eq!(shown["skip"], false, "{own:?}");
    }
    let challenge = story
        .begin(&mut browser, &ask(&story.world.web, &[("max_age", "62")]))
        .await;
    let shown = story.shown_login(&challenge).await.expect(200).json();
    assert_eq!(shown["skip"], true);
    let asks = ask(&story.world.web, &[("prompt", "consent")]);
    let place = story.sign_in(&mut browser, &asks, json!({})).await;
    let shown = story.shown_consent(&challenge_of(&place, CONSENT)).await;
    assert_eq!(shown.expect(200).json()["skip"], false);
}

async fn openid_connect_core_3_1_2_1_nobody_is_sent_elsewhere_silently(house: House) {
    let story = Story::new(house).await;
    let mut browser = story.world.browser();
    let silent = ask(&story.world.web, &[("prompt", "none")]);
    let page = browser.open(&silent).await;
    let error = parameter(page.location(), "error");
    assert_eq!(error.as_deref(), Some("login_required"));
    story.authorize(&mut browser, json!({})).await;
    let page = browser.open(&silent).await;
    assert!(parameter(page.location(), "code").is_some());
    let other = register(&story.world.house, "web", json!({})).await;
    let page = browser.open(&ask(&other, &[("prompt", "none")])).await;
    let error = parameter(page.location(), "error");
    assert_eq!(error.as_deref(), Some("consent_required"));
}

async fn an_interface_rejects_in_the_standards_words(house: House) {
    let story = Story::new(house).await;
    let mut browser = story.world.browser();
    let address = ask(&story.world.web, &[("state", "s t")]);
    let challenge = story.begin(&mut browser, &address).await;
    let path = format!("/admin/oauth/auth/requests/login/reject?login_challenge={challenge}");
    for wrong in [
        json!({ "error": "no" }),
        json!({ "error_description": "a\"b" }),
    ] {
        let refused = story.admin().put(&path, wrong).await;
        refused.expect_code(422, "VALIDATION_ERROR");
    }
    let body = json!({ "error": "login_required", "error_description": "the account is closed" });
    let rejected = story.admin().put(&path, body).await.expect(200);
    let page = browser.open(&back(&rejected)).await;
    let told = |name| parameter(page.location(), name);
    assert_eq!(told("error").as_deref(), Some("login_required"));
    assert_eq!(
        told("error_description").as_deref(),
        Some("the account is closed")
    );
    assert_eq!(told("state").as_deref(), Some("s t"));
    assert!(told("iss").is_some());
    let place = story.sign_in(&mut browser, &address, json!({})).await;
    let challenge = challenge_of(&place, CONSENT);
    let path = format!("/admin/oauth/auth/requests/consent/reject?consent_challenge={challenge}");
    let rejected = story.admin().put(&path, json!({})).await.expect(200);
    let page = browser.open(&back(&rejected)).await;
    let error = parameter(page.location(), "error");
    assert_eq!(error.as_deref(), Some("access_denied"));
    assert_eq!(
        story.world.house.audit_count("authorization.denied").await,
        2
    );
}

async fn an_interface_grants_what_was_asked_for_or_less(house: House) {
    let story = Story::new(house).await;
    let api = "https://api.example.org";
    let own = json!({ "audiences": [api, "https://other.example.org"] });
    let client = register(&story.world.house, "web", own).await;
    let address = ask(&client, &[("resource", api)]);
    let mut browser = story.world.browser();
    let place = story.sign_in(&mut browser, &address, json!({})).await;
    let challenge = challenge_of(&place, CONSENT);
    for wrong in [
        json!({}),
        json!({ "grant_scope": ["openid", "admin"] }),
        json!({ "grant_scope": [], "grant_access_token_audience": [] }),
        json!({ "grant_scope": [], "grant_access_token_audience": ["https://other.example.org"] }),
        json!({ "grant_scope": [], "grantscope": [] }),
    ] {
        let refused = story.accept_consent(&challenge, wrong).await;
        refused.expect_code(422, "VALIDATION_ERROR");
    }
    let body = json!({ "grant_scope": ["email"], "grant_access_token_audience": [api] });
    let accepted = story.accept_consent(&challenge, body).await.expect(200);
    let page = browser.open(&back(&accepted)).await;
    let code = parameter(page.location(), "code").expect("a code");
    let answer = story.world.redeem(&client, &code).await.expect(200);
    assert_eq!(answer.json()["scope"], "email");
    assert!(answer.json().get("id_token").is_none());
    let said = claims(&answer.field("access_token"));
    assert_eq!(
        (&said["scope"], &said["aud"]),
        (&json!("email"), &json!(api))
    );
    let challenge = story.begin(&mut browser, &address).await;
    let accepted = story.accept_login(&challenge, json!({})).await.expect(200);
    let page = browser.open(&back(&accepted)).await;
    let shown = story
        .shown_consent(&challenge_of(page.location(), CONSENT))
        .await;
    assert_eq!(
        shown.expect(200).json()["skip"],
        false,
        "it was not remembered"
    );
}

async fn one_interface_may_do_without_the_other(house: House) {
    let config = json!({ "login_ui_url": "http://localhost:3000/login" });
    let story = Story::with(house, config).await;
    let mut browser = story.world.browser();
    let page = browser.open(&story.world.ask_web()).await;
    let challenge = challenge_of(page.location(), "http://localhost:3000/login");
    let body = json!({ "remember": false });
    let accepted = story.accept_login(&challenge, body).await.expect(200);
    let page = browser.open(&back(&accepted)).await;
    let page = browser.follow(page).await;
    let page = browser.submit(&page, &[("decision", "allow")]).await;
    assert!(
        parameter(page.location(), "code").is_some(),
        "on a page of ours"
    );
    let config = json!({ "login_ui_url": null, "consent_ui_url": CONSENT });
    let patch = json!({ "config": config });
    let patched = story.admin().patch("/admin/tenants/default", patch).await;
    patched.expect(200);
    let mut browser = story.world.browser();
    let page = browser
        .sign_in(&story.world.ask_web(), &story.world.person)
        .await;
    let shown = story
        .shown_consent(&challenge_of(page.location(), CONSENT))
        .await;
    let shown = shown.expect(200).json();
    assert_eq!(shown["subject"], json!(story.user));
    assert_eq!(shown["skip"], true, "it was allowed on our page");
}

async fn pages_of_ours_decide_nothing_in_its_place(house: House) {
    let story = Story::new(house).await;
    let person = &story.world.person;
    let mut browser = story.world.browser();
    // A sign-in on our own page, for no application.
    let page = browser.open("/sign-in").await;
    let filled = [
        ("email", person.email.as_str()),
        ("password", person.password.as_str()),
    ];
    browser.submit(&page, &filled).await.expect(303);
    let challenge = story.begin(&mut browser, &story.world.ask_web()).await;
    let shown = story.shown_login(&challenge).await.expect(200).json();
    assert_eq!(shown["skip"], false, "it is no sign-in of the interface's");
    let silent = browser
        .open(&ask(&story.world.web, &[("prompt", "none")]))
        .await;
    let error = parameter(silent.location(), "error");
    assert_eq!(error.as_deref(), Some("login_required"));
}
