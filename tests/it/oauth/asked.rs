//! What a client may ask of GET /oauth/authorize and POST /oauth/par beyond the least, and what the
//! person is told of it at GET /consent.

use std::time::Duration;

use serde_json::json;

use super::dpop::{Key, form};
use super::par::{push, short};
use super::world::{CALLBACK, World, ask, claims, code_fields, parameter, parameters, register};
use crate::cases;
use crate::house::House;

cases![
    openid_connect_core_3_1_2_1_select_account_asks_who_it_is,
    openid_connect_core_5_5_single_claims_are_in_the_id_token,
    jarm_2_3_3_a_signed_answer_is_posted,
    rfc_9396_7_details_are_in_the_token_and_told_with_it_and_never_taken_from_another_consent,
    rfc_6749_10_2_consent_tells_who_asks_for_what_and_for_how_long,
    rfc_9449_10_1_a_proof_at_par_binds_the_code,
    rfc_9449_4_3_9_the_address_proved_is_the_issuers_whatever_a_proxy_says,
];

async fn openid_connect_core_3_1_2_1_select_account_asks_who_it_is(house: House) {
    let world = World::new(house).await;
    let mut browser = world.browser();
    browser
        .authorize(&ask(&world.web, &[]), &world.person)
        .await;
    world.house.clock.advance(Duration::from_secs(1));
    let asked = ask(&world.web, &[("prompt", "select_account")]);
    let page = browser.open(&asked).await;
    assert!(page.location().starts_with("/sign-in?"));
}

async fn openid_connect_core_5_5_single_claims_are_in_the_id_token(house: House) {
    let world = World::new(house).await;
    let wanted = r#"{"id_token":{"email":{"essential":true}}}"#;
    for (own, email) in [("", json!(null)), (wanted, json!(world.person.email))] {
        let asked = ask(&world.web, &[("claims", own), ("prompt", "consent")]);
        let sent = world.browser().authorize(&asked, &world.person).await;
        let code = parameter(&sent, "code").expect("a code");
        let tokens = world.redeem(&world.web, &code).await.expect(200);
        let identity = claims(&tokens.field("id_token"));
        assert_eq!(identity["email"], email, "{own}");
    }
    let odd = ask(&world.web, &[("claims", "[]")]);
    let page = world.browser().open(&odd).await;
    let word = parameter(page.location(), "error");
    assert_eq!(word.as_deref(), Some("invalid_request"));
}

async fn jarm_2_3_3_a_signed_answer_is_posted(house: House) {
    let world = World::new(house).await;
    let mut browser = world.browser();
    let asked = ask(&world.web, &[("response_mode", "form_post.jwt")]);
    let page = browser.sign_in(&asked, &world.person).await;
    let page = browser.submit(&page, &[("decision", "allow")]).await;
    page.expect(200);
    let (action, fields) = page.form();
    assert_eq!(action, CALLBACK);
    let [(name, answer)] = &fields[..] else {
        panic!("one field: {fields:?}")
    };
    assert_eq!(name, "response");
    let answer = claims(answer);
    assert_eq!(answer["state"], "a state");
    let code = answer["code"].as_str().expect("a code");
    world.redeem(&world.web, code).await.expect(200);
}

async fn rfc_9396_7_details_are_in_the_token_and_told_with_it_and_never_taken_from_another_consent(
    house: House,
) {
    let world = World::new(house).await;
    let own = json!({ "may_introspect": true, "authorization_details_types": ["payment"] });
    let client = register(&world.house, "web", own).await;
    let details = json!([{ "type": "payment", "actions": ["initiate"], "amount": "12.50" }]);
    let text = details.to_string();
    let mut browser = world.browser();
    let plain = browser.authorize(&ask(&client, &[]), &world.person).await;
    // What was allowed without them does not allow them: the person is asked again, and each time.
    let wanted = ask(&client, &[("authorization_details", &text)]);
    let mut sent = String::new();
    for _ in 0..2 {
        let page = browser.open(&wanted).await;
        assert!(page.location().starts_with("/consent?"));
        let page = browser.follow(page).await;
        // And is told all that is asked.
        let told = &page.answer.text;
        assert!(
            told.contains("initiate") && told.contains("12.50"),
            "{told}"
        );
        let page = browser.submit(&page, &[("decision", "allow")]).await;
        page.location().clone_into(&mut sent);
    }
    let code = parameter(&sent, "code").expect("a code");
    let first = world.redeem(&client, &code).await.expect(200);
    let refresh = first.field("refresh_token");
    let again = [("grant_type", "refresh_token"), ("refresh_token", &refresh)];
    let second = world.token(&client, &again).await.expect(200);
    for answer in [first, second] {
        let access = answer.field("access_token");
        assert_eq!(answer.json()["authorization_details"], details);
        assert_eq!(claims(&access)["authorization_details"], details);
        let fields = [("token", access.as_str())];
        let told = world.form("/oauth/introspect", &client, &fields).await;
        assert_eq!(told.expect(200).json()["authorization_details"], details);
    }
    let code = parameter(&plain, "code").expect("a code");
    let without = world.redeem(&client, &code).await.expect(200);
    assert!(without.json().get("authorization_details").is_none());
    assert!(
        claims(&without.field("access_token"))
            .get("authorization_details")
            .is_none()
    );
}

async fn rfc_6749_10_2_consent_tells_who_asks_for_what_and_for_how_long(house: House) {
    let world = World::new(house).await;
    let own = json!({
        "name": "<b>Garden</b>", "audiences": ["https://files.example"],
        "client_uri": "https://garden.example/",
    });
    let client = register(&world.house, "web", own).await;
    let asked = ask(&client, &[("resource", "https://files.example")]);
    let page = world.browser().sign_in(&asked, &world.person).await;
    page.expect(200);
    for told in [
        "&#60;b&#62;Garden&#60;/b&#62; asks for access",
        "https://garden.example/",
        "app.example",
        "https://files.example",
        "See your e-mail address",
        "Stay connected while you are away",
        "days, until you sign out",
        world.person.email.as_str(),
    ] {
        assert!(page.answer.text.contains(told), "{told}");
    }
}

async fn rfc_9449_10_1_a_proof_at_par_binds_the_code(house: House) {
    let world = World::new(house).await;
    let (key, client) = (Key::new(), &world.native);
    let all = parameters(client, &[]);
    let mut fields: Vec<(&str, &str)> = all
        .iter()
        .filter(|(name, _)| name != "client_id")
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let proof = key.prove(&world, "POST", "/oauth/par", json!({}));
    let by_header = form(&world, "/oauth/par", client, (&fields, &proof)).await;
    let named = [("dpop_jkt", key.thumbprint())];
    let by_parameter = push(&world, client, &named).await;
    // RFC 9449 §8.2: who sends a proof is given the nonce of the next.
    assert!(!by_header.header("dpop-nonce").is_empty());
    for pushed in [by_header, by_parameter] {
        let address = short(client, &pushed.expect(201));
        let sent = world.browser().authorize(&address, &world.person).await;
        let code = parameter(&sent, "code").expect("a code");
        let bare = world.redeem(client, &code).await;
        bare.expect_oauth(400, "invalid_grant");
        let proof = key.prove(&world, "POST", "/oauth/token", json!({}));
        let sent = (&code_fields(&code)[..], proof.as_str());
        let proved = form(&world, "/oauth/token", client, sent).await;
        proved.expect(200);
    }
    let other = Key::new();
    fields.push(("dpop_jkt", other.thumbprint()));
    let proof = key.prove(&world, "POST", "/oauth/par", json!({}));
    let two = form(&world, "/oauth/par", client, (&fields, &proof)).await;
    two.expect_oauth(400, "invalid_request");
}

async fn rfc_9449_4_3_9_the_address_proved_is_the_issuers_whatever_a_proxy_says(house: House) {
    let world = World::new(house).await;
    let key = Key::new();
    let code = world.code(&world.native).await;
    let fields = code_fields(&code);
    let told = world
        .house
        .public()
        .with("x-forwarded-host", "evil.example");
    let told = told.with("x-forwarded-proto", "https");
    let told = told.with("forwarded", "host=evil.example;proto=https");
    let mut sent = fields.to_vec();
    sent.push(("client_id", &world.native.id));
    let stolen = json!({ "htu": "https://evil.example/oauth/token" });
    let elsewhere = key.prove(&world, "POST", "/oauth/token", stolen);
    let refused = told
        .with("dpop", elsewhere)
        .form("/oauth/token", &sent)
        .await;
    refused.expect_oauth(400, "invalid_dpop_proof");
    let proof = key.prove(&world, "POST", "/oauth/token", json!({}));
    let given = told.with("dpop", proof).form("/oauth/token", &sent).await;
    given.expect(200);
}
