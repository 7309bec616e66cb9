//! What strangers, other clients and other tenants can do with devices: nothing (RFC 8628 §5).

use serde_json::json;

use super::super::world::{Registered, register};
use super::{GRANT, Living, user_code};
use crate::cases;
use crate::house::House;

cases![
    rfc_8628_5_1_few_codes_may_be_tried,
    a_stranger_can_send_nobody_past_typing_the_code,
    another_client_or_tenant_has_no_use_for_a_device_code,
    rfc_8628_5_4_the_person_is_asked_even_for_a_client_of_ours,
    rfc_8628_3_1_a_client_asks_only_for_what_it_is_registered_for,
];

async fn rfc_8628_5_1_few_codes_may_be_tried(house: House) {
    let room = Living::room(house).await;
    let device = room.begin().await;
    let mut browser = room.world.browser();
    for _ in 0..12 {
        room.name(&mut browser, "a slip").await.expect(422);
    }
    for _ in 0..10 {
        let wrong = room.name(&mut browser, "BBBB-BBBB").await;
        wrong.expect(422);
        assert!(wrong.answer.text.contains("role=\"alert\""));
    }
    let mut fresh = room.world.browser();
    let right = room.name(&mut fresh, user_code(&device)).await;
    right.expect(429);
    assert!(!right.answer.text.contains("device."));
}

async fn a_stranger_can_send_nobody_past_typing_the_code(house: House) {
    let room = Living::room(house).await;
    let device = room.begin().await;
    let page = room
        .name(&mut room.world.browser(), user_code(&device))
        .await;
    let stolen = page.location().to_owned();
    let mut victim = room.world.browser();
    victim.sign_in("/sign-in", &room.world.person).await;
    victim.open("/device").await.expect(200);
    victim.open(&stolen).await.expect(400);
    let page = room.name(&mut victim, user_code(&device)).await;
    let page = victim.follow(page).await;
    let yes = [("decision", "allow")];
    victim
        .elsewhere()
        .submit(&page, &yes)
        .await
        .expect_error(403, "access_denied");
    let (_, hidden) = page.form();
    let bare = hidden.iter().filter(|(name, _)| name != "csrf");
    let bare: Vec<(&str, &str)> = bare
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .chain(yes)
        .collect();
    victim
        .post("/device", &bare)
        .await
        .expect_error(403, "access_denied");
    room.poll(&device)
        .await
        .expect_oauth(400, "authorization_pending");
}

async fn another_client_or_tenant_has_no_use_for_a_device_code(house: House) {
    let room = Living::room(house).await;
    room.world.house.add_tenant("acme").await;
    let own = json!({ "grant_types": [GRANT], "redirect_uris": [] });
    let thief = register(&room.world.house, "native", own).await;
    let device = room.begin().await;
    let mut beside = room.world.browser();
    let page = beside.open("/t/acme/device").await;
    let page = beside
        .submit(&page, &[("user_code", user_code(&device))])
        .await;
    page.expect(422);
    room.decide(&device, "allow").await;
    let code = device["device_code"].as_str().expect("a code");
    let fields = [("grant_type", GRANT), ("device_code", code)];
    let stolen = room.world.token(&thief, &fields).await;
    stolen.expect_oauth(400, "invalid_grant");
    let foreign = room
        .world
        .form("/t/acme/oauth/token", &room.tv, &fields)
        .await;
    foreign.expect_oauth(401, "invalid_client");
    let disguised = code.replace("qf_dc_", "qf_ac_");
    let confused = room.world.redeem(&room.world.web, &disguised).await;
    confused.expect_oauth(400, "invalid_grant");
    let cut = [
        ("grant_type", GRANT),
        ("device_code", &code[..code.len() - 1]),
    ];
    let cut = room.world.token(&room.tv, &cut).await;
    cut.expect_oauth(400, "invalid_grant");
    room.poll(&device).await.expect(200);
}

async fn rfc_8628_5_4_the_person_is_asked_even_for_a_client_of_ours(house: House) {
    let room = Living::with(house, json!({ "is_first_party": true })).await;
    for _ in 0..2 {
        let device = room.begin().await;
        let mut browser = room.world.browser();
        let page = room.question(&mut browser, &device).await;
        room.poll(&device)
            .await
            .expect_oauth(400, "authorization_pending");
        browser
            .submit(&page, &[("decision", "allow")])
            .await
            .expect(200);
    }
}

async fn rfc_8628_3_1_a_client_asks_only_for_what_it_is_registered_for(house: House) {
    let room = Living::room(house).await;
    let public = room.world.house.public();
    let ask = async |client: &Registered, fields: &[(&str, &str)]| {
        let path = "/oauth/device_authorization";
        room.world.form(path, client, fields).await
    };
    for (field, word) in [
        (("scope", "admin"), "invalid_scope"),
        (("resource", "https://unknown.example"), "invalid_target"),
    ] {
        ask(&room.tv, &[field]).await.expect_oauth(400, word);
    }
    let other = ask(&room.world.web, &[]).await;
    other.expect_oauth(400, "unauthorized_client");
    let nobody = public.form("/oauth/device_authorization", &[]).await;
    nobody.expect_oauth(401, "invalid_client");
    let device = room.begin().await;
    let code = device["device_code"].as_str().expect("a code");
    let fields = [("grant_type", GRANT), ("device_code", code)];
    let stolen = room.world.token(&room.world.web, &fields).await;
    stolen.expect_oauth(400, "unauthorized_client");
}
