//! How POST /oauth/token and GET /oauth/authorize read what they are asked, and what their answers say
//! of themselves.

use serde_json::json;

use super::world::{VERIFIER, World, ask, claims, code_fields, parameter, register};
use crate::cases;
use crate::house::House;

cases![
    rfc_6749_3_1_unknown_parameters_are_ignored_and_empty_ones_are_absent,
    rfc_6749_3_2_no_parameter_of_a_token_request_is_given_twice,
    rfc_6749_5_1_no_answer_with_tokens_is_kept,
    rfc_9700_4_12_after_a_form_with_a_password_the_browser_is_sent_on_by_303,
    rfc_9700_4_8_2_a_verifier_that_nobody_asked_for_is_refused,
    oauth_2_1_5_1_a_token_in_a_query_is_none,
    rfc_8707_2_2_a_token_is_for_the_resource_that_was_named_and_for_no_other,
    oauth_2_1_2_2_a_client_never_looks_like_a_person,
];

async fn rfc_6749_3_1_unknown_parameters_are_ignored_and_empty_ones_are_absent(house: House) {
    let world = World::new(house).await;
    let odd = format!("{}&odd=1&resource=&prompt=", ask(&world.web, &[]));
    let sent = world.browser().authorize(&odd, &world.person).await;
    let code = parameter(&sent, "code").expect("a code");
    let mut fields = code_fields(&code).to_vec();
    fields.extend([("odd", "1"), ("resource", ""), ("scope", "")]);
    world.token(&world.web, &fields).await.expect(200);
}

async fn rfc_6749_3_2_no_parameter_of_a_token_request_is_given_twice(house: House) {
    let world = World::new(house).await;
    let code = world.code(&world.web).await;
    let good = code_fields(&code);
    for again in good.iter().chain([&("odd", "1")]) {
        let mut fields = good.to_vec();
        fields.extend([*again, *again]);
        let refused = world.token(&world.web, &fields).await;
        refused.expect_oauth(400, "invalid_request");
    }
    world.redeem(&world.web, &code).await.expect(200);
}

async fn rfc_6749_5_1_no_answer_with_tokens_is_kept(house: House) {
    let world = World::new(house).await;
    let code = world.code(&world.web).await;
    let given = world.redeem(&world.web, &code).await.expect(200);
    let refresh = given.field("refresh_token");
    let fields = [("grant_type", "refresh_token"), ("refresh_token", &refresh)];
    let fresh = world.token(&world.web, &fields).await.expect(200);
    let (id, secret) = world.house.add_client(&["read"]).await;
    let own = world.house.client_token(&id, &secret).await.expect(200);
    let wrong = world.house.client_token(&id, "x").await.expect(401);
    let spent = world.redeem(&world.web, &code).await.expect(400);
    let token = given.field("access_token");
    let told = [("token", token.as_str())];
    let told = world.form("/oauth/introspect", &world.web, &told).await;
    for answer in [given, fresh, own, wrong, spent, told] {
        assert_eq!(
            answer.header("cache-control"),
            "no-store",
            "{}",
            answer.text
        );
    }
}

async fn rfc_9700_4_12_after_a_form_with_a_password_the_browser_is_sent_on_by_303(house: House) {
    let world = World::new(house).await;
    let mut browser = world.browser();
    let page = browser.open(&ask(&world.web, &[])).await;
    let page = browser.follow(page).await;
    let filled = [
        ("email", world.person.email.as_str()),
        ("password", world.person.password.as_str()),
    ];
    let page = browser.submit(&page, &filled).await;
    page.expect(303);
    let page = browser.follow(page).await;
    let sent = browser.submit(&page, &[("decision", "allow")]).await;
    sent.expect(303);
    assert!(parameter(sent.location(), "code").is_some());
}

async fn rfc_9700_4_8_2_a_verifier_that_nobody_asked_for_is_refused(house: House) {
    let world = World::new(house).await;
    let own = json!({ "require_pkce": false });
    let client = register(&world.house, "web", own).await;
    let bare = [("code_challenge", ""), ("code_challenge_method", "")];
    let mut browser = world.browser();
    let sent = browser.authorize(&ask(&client, &bare), &world.person).await;
    let code = parameter(&sent, "code").expect("a code");
    let fields = code_fields(&code);
    assert_eq!(fields[3], ("code_verifier", VERIFIER));
    let refused = world.token(&client, &fields).await;
    refused.expect_oauth(400, "invalid_grant");
    world.token(&client, &fields[..3]).await.expect(200);
}

async fn oauth_2_1_5_1_a_token_in_a_query_is_none(house: House) {
    let world = World::new(house).await;
    let access = world.person.login().await.access;
    for path in ["/auth/me", "/userinfo"] {
        let asked = format!("{path}?access_token={access}");
        world.house.public().get(&asked).await.expect(401);
    }
    let body = [("access_token", access.as_str())];
    let posted = world.house.public().form("/userinfo", &body).await;
    posted.expect(401);
}

async fn rfc_8707_2_2_a_token_is_for_the_resource_that_was_named_and_for_no_other(house: House) {
    let world = World::new(house).await;
    let (files, mails) = ("https://files.example", "https://mail.example");
    let own = json!({ "audiences": [files, mails] });
    let client = register(&world.house, "web", own).await;
    let mut browser = world.browser();
    let asked = format!("{}&resource={mails}", ask(&client, &[("resource", files)]));
    let sent = browser.authorize(&asked, &world.person).await;
    let code = parameter(&sent, "code").expect("a code");
    let mut fields = code_fields(&code).to_vec();
    fields.push(("resource", "https://FILES.example/"));
    let tokens = world.token(&client, &fields).await.expect(200);
    let access = tokens.field("access_token");
    assert_eq!(claims(&access)["aud"], files);
    world.person.me(&access).await.expect(401);
    let refresh = tokens.field("refresh_token");
    let mut fields = vec![("grant_type", "refresh_token"), ("refresh_token", &refresh)];
    let both = world.token(&client, &fields).await.expect(200);
    assert_eq!(
        claims(&both.field("access_token"))["aud"],
        json!([files, mails])
    );
    fields[1].1 = "";
    let refresh = both.field("refresh_token");
    fields[1].1 = &refresh;
    fields.push(("resource", "http://localhost:4000"));
    let grown = world.token(&client, &fields).await;
    grown.expect_oauth(400, "invalid_target");
}

async fn oauth_2_1_2_2_a_client_never_looks_like_a_person(house: House) {
    let world = World::new(house).await;
    let person = world.house.user_id(&world.person).await;
    assert!(!person.starts_with("client_"));
    let (robot, secret) = world.house.add_client(&["read"]).await;
    for id in [&world.web.id, &world.native.id, &robot] {
        assert!(id.starts_with("client_"), "{id}");
    }
    let token = world.house.client_token(&robot, &secret).await.expect(200);
    assert_eq!(claims(&token.field("access_token"))["sub"], robot);
    let body = json!({
        "name": "A person", "client_type": "web", "client_id": person,
        "redirect_uris": ["https://app.example/callback"],
    });
    let refused = world.house.admin().post("/admin/clients", body).await;
    assert!(refused.status.is_client_error(), "no name can be chosen");
}
