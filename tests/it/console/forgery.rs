//! Strangers, other browsers, other tenants, replays.

use std::time::Duration;

use super::{ADMIN, Office, is_sent_to_sign_in, parameter};
use crate::browser::Browser;
use crate::cases;
use crate::house::House;

cases![
    rfc_9700_4_7_a_callback_of_another_browser_is_refused,
    a_state_that_is_not_ours_or_too_old_is_refused,
    rfc_9700_4_5_a_replayed_code_opens_nothing_and_ends_what_it_opened,
    rfc_9207_an_answer_of_another_issuer_is_refused,
    a_code_of_the_console_is_traded_nowhere_else,
    a_form_that_is_not_the_consoles_own_changes_nothing,
    a_cookie_of_another_tenant_is_none,
    the_console_is_found_at_the_admin_door_alone,
];

async fn rfc_9700_4_7_a_callback_of_another_browser_is_refused(house: House) {
    let mut office = Office::closed(&house, "root", "admin").await;
    let place = office.leave_for("/console").await;
    let sent = office.prove(&place).await;
    let mut victim = Browser::new(&house.stranger());
    victim
        .open(&sent)
        .await
        .expect_error(400, "invalid_request");
    // Neither is one that has a name of its own.
    victim.open("/console/sign-in").await.expect(303);
    victim
        .open(&sent)
        .await
        .expect_error(400, "invalid_request");
    assert!(victim.cookie("__Host-console").is_none());
}

async fn a_state_that_is_not_ours_or_too_old_is_refused(house: House) {
    let mut office = Office::closed(&house, "root", "admin").await;
    let place = office.leave_for("/console").await;
    let sent = office.prove(&place).await;
    let state = parameter(&sent, "state").expect("a state");
    let mut forged = state.clone();
    forged.replace_range(30..31, if &forged[30..31] == "A" { "B" } else { "A" });
    for other in ["", "x", &forged] {
        let path = sent.replace(&state, other);
        office
            .admin
            .open(&path)
            .await
            .expect_error(400, "invalid_request");
    }
    let late = sent.clone();
    house.clock.advance(Duration::from_hours(1));
    office
        .admin
        .open(&late)
        .await
        .expect_error(400, "invalid_request");
    office
        .admin
        .open("/console/callback")
        .await
        .expect_error(400, "invalid_request");
    assert!(office.admin.cookie("__Host-console").is_none());
}

async fn rfc_9700_4_5_a_replayed_code_opens_nothing_and_ends_what_it_opened(house: House) {
    let mut office = Office::closed(&house, "root", "admin").await;
    let place = office.leave_for("/console").await;
    let sent = office.prove(&place).await;
    office.arrive(&sent).await.expect(200);
    office
        .admin
        .open(&sent)
        .await
        .expect_error(400, "invalid_request");
    assert!(is_sent_to_sign_in(&office.admin.open("/console").await));
    assert_eq!(house.audit_count("code.replay_detected").await, 1);
}

async fn rfc_9207_an_answer_of_another_issuer_is_refused(house: House) {
    let mut office = Office::closed(&house, "root", "admin").await;
    let place = office.leave_for("/console").await;
    let sent = office.prove(&place).await;
    let at = sent.find("&iss=").expect("an issuer");
    let other = format!("{}&iss=https%3A%2F%2Fevil.example", &sent[..at]);
    for path in [&sent[..at], &other] {
        office
            .admin
            .open(path)
            .await
            .expect_error(400, "invalid_request");
    }
}

async fn a_code_of_the_console_is_traded_nowhere_else(house: House) {
    let mut office = Office::closed(&house, "root", "admin").await;
    let place = office.leave_for("/console").await;
    let sent = office.prove(&place).await;
    let code = parameter(&sent, "code").expect("a code");
    let back = format!("{ADMIN}/console/callback");
    let verifier = "v".repeat(43);
    for secret in [None, Some("qf_cs_x")] {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("client_id", "console"),
            ("code", &*code),
            ("redirect_uri", &*back),
            ("code_verifier", &*verifier),
        ];
        fields.extend(secret.map(|secret| ("client_secret", secret)));
        let answer = house.public().form("/oauth/token", &fields).await;
        answer.expect_oauth(401, "invalid_client");
    }
    // It is registered nowhere, so nobody changes where its codes go.
    let path = "/admin/clients/console";
    house.admin().get(path).await.expect(404);
    let patch = serde_json::json!({ "redirect_uris": ["https://evil.example/cb"] });
    house.admin().patch(path, patch).await.expect(404);
    office.arrive(&sent).await.expect(200);
}

async fn a_form_that_is_not_the_consoles_own_changes_nothing(house: House) {
    let mut office = Office::open(&house).await;
    let id = house.user_id(&office.owner.person).await;
    let path = format!("/console/users/{id}/lock");
    let page = office.admin.open(&path).await;
    let (_, hidden) = page.form();
    let token = &hidden[0].1;
    let fields = |csrf| vec![("csrf", csrf), ("reason", "x"), ("how", "locked")];
    for csrf in ["", "x", &token[..token.len() - 1]] {
        let refused = office.admin.post(&path, &fields(csrf)).await;
        refused.expect_error(403, "access_denied");
    }
    office
        .admin
        .post(&path, &[("reason", "x")])
        .await
        .expect_error(403, "access_denied");
    let foreign = office.admin.elsewhere().post(&path, &fields(token)).await;
    foreign.expect_error(403, "access_denied");
    // The token of another operator, and of this one in another browser.
    let mut other = Office::closed(&house, "other", "admin").await;
    other.enter("/console").await.expect(200);
    other
        .admin
        .post(&path, &fields(token))
        .await
        .expect_error(403, "access_denied");
    let mut elsewhere = office.admin.clone();
    elsewhere.set_cookie("__Host-console-visitor", "AAAAAAAAAAAAAAAAAAAAAA");
    elsewhere
        .post(&path, &fields(token))
        .await
        .expect_error(403, "access_denied");
    assert_eq!(house.audit_count("user.locked").await, 0);
}

async fn a_cookie_of_another_tenant_is_none(house: House) {
    house.add_tenant("acme").await;
    let office = Office::open(&house).await;
    let cookie = office.admin.cookie("__Host-console").expect("a cookie");
    let mut stranger = office.admin.clone();
    stranger.set_cookie("__Host-console-acme", cookie);
    let page = stranger.open("/t/acme/console/users").await;
    page.expect(303);
    assert!(
        page.location().starts_with("/t/acme/console/sign-in?"),
        "{}",
        page.location()
    );
    let page = stranger.open(page.location()).await;
    let place = page
        .location()
        .strip_prefix("http://localhost:4000/t/acme/oauth/authorize?");
    let back = place.and_then(|_| parameter(page.location(), "redirect_uri"));
    assert_eq!(
        back.as_deref(),
        Some("http://localhost:0/t/acme/console/callback")
    );
}

async fn the_console_is_found_at_the_admin_door_alone(house: House) {
    let mut browser = Browser::new(&house.public());
    browser
        .open("/console")
        .await
        .expect_error(404, "invalid_request");
    browser
        .open("/console/sign-in")
        .await
        .expect_error(404, "invalid_request");
}
