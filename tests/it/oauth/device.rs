//! `POST /oauth/device_authorization`, GET, POST /device, and the device code at POST /oauth/token (RFC
//! 8628).

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::dpop::Key;
use super::signing::header;
use super::world::{Registered, World, claims, register};
use crate::browser::{Browser, Page};
use crate::cases;
use crate::client::{Answer, Tokens};
use crate::house::House;

cases![
    rfc_8628_3_2_a_device_is_told_what_to_show_and_where,
    rfc_8628_3_4_an_allowed_device_gets_tokens_that_refresh_and_end_with_the_sign_in,
    rfc_8628_3_5_a_device_is_told_to_wait_to_slow_down_and_that_it_is_too_late,
    rfc_8628_3_5_a_denied_device_is_told_so,
    rfc_8628_3_3_1_a_link_fills_the_code_in_and_decides_nothing,
    one_of_fifty_questions_after_the_yes_gets_tokens_and_keeps_them,
    a_device_is_decided_once,
    rfc_9449_5_a_device_binds_its_tokens_to_its_key,
    openid_connect_core_10_1_a_device_is_answered_in_its_own_algorithm,
    whoever_does_not_want_to_sign_in_goes_back_and_the_device_waits_on,
    a_sign_in_by_one_factor_allows_no_device_that_requires_two,
];

pub mod strangers;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A client for devices, and a world around it.
pub struct Living {
    pub world: World,
    pub tv: Registered,
}

impl Living {
    pub async fn room(house: House) -> Self {
        Self::with(house, json!({})).await
    }

    /// The same device and its client, at another world on the same store.
    pub fn at(&self, world: World) -> Self {
        let tv = self.tv.clone();
        Self { world, tv }
    }

    /// The same after the service was stopped and started again.
    pub async fn restart(self) -> Self {
        let Self { world, tv } = self;
        let world = world.restart().await;
        Self { world, tv }
    }

    async fn with(house: House, mut own: Value) -> Self {
        let world = World::new(house).await;
        own["grant_types"] = json!([GRANT, "refresh_token"]);
        own["redirect_uris"] = json!([]);
        let tv = register(&world.house, "native", own).await;
        Self { world, tv }
    }

    pub async fn begin(&self) -> Value {
        let fields = [("scope", "openid email offline_access")];
        let path = "/oauth/device_authorization";
        let begun = self.world.form(path, &self.tv, &fields).await;
        begun.expect(200).json()
    }

    pub async fn poll(&self, device: &Value) -> Answer {
        let code = device["device_code"].as_str().expect("a code");
        let fields = [("grant_type", GRANT), ("device_code", code)];
        self.world.token(&self.tv, &fields).await
    }

    /// Types the code; gives what the browser is shown then.
    async fn name(&self, browser: &mut Browser, typed: &str) -> Page {
        let page = browser.open("/device").await;
        page.expect(200);
        browser.submit(&page, &[("user_code", typed)]).await
    }

    /// Types the code and signs in; gives the question.
    async fn question(&self, browser: &mut Browser, device: &Value) -> Page {
        let page = self.name(browser, user_code(device)).await;
        page.expect(303);
        let place = page.location().to_owned();
        let page = browser.sign_in(&place, &self.world.person).await;
        page.expect(200);
        page
    }

    pub async fn decide(&self, device: &Value, decision: &str) {
        let mut browser = self.world.browser();
        let page = self.question(&mut browser, device).await;
        let done = browser.submit(&page, &[("decision", decision)]).await;
        done.expect(200);
    }

    fn wait(&self, seconds: u64) {
        self.world.house.clock.advance(Duration::from_secs(seconds));
    }
}

fn user_code(device: &Value) -> &str {
    device["user_code"].as_str().expect("a code")
}

async fn rfc_8628_3_2_a_device_is_told_what_to_show_and_where(house: House) {
    let room = Living::room(house).await;
    let device = room.begin().await;
    let code = user_code(&device);
    assert_eq!(device["verification_uri"], "http://localhost:4000/device");
    let complete = format!("http://localhost:4000/device?user_code={code}");
    assert_eq!(device["verification_uri_complete"], complete);
    assert_eq!(
        (&device["expires_in"], &device["interval"]),
        (&json!(600), &json!(5))
    );
    let secret = device["device_code"].as_str().expect("a code");
    assert!(secret.starts_with("qf_dc_") && secret.len() > 80);
    assert_ne!(user_code(&room.begin().await), code);
}

async fn rfc_8628_3_4_an_allowed_device_gets_tokens_that_refresh_and_end_with_the_sign_in(
    house: House,
) {
    let room = Living::room(house).await;
    let device = room.begin().await;
    let mut browser = room.world.browser();
    let page = room.question(&mut browser, &device).await;
    for said in [
        "An application",
        user_code(&device),
        "ada",
        "in front of you",
    ] {
        assert!(page.answer.text.contains(said), "{said}");
    }
    browser
        .submit(&page, &[("decision", "allow")])
        .await
        .expect(200);
    let answer = room.poll(&device).await.expect(200);
    assert_eq!(answer.json()["scope"], "openid email offline_access");
    let identity = claims(&answer.field("id_token"));
    assert_eq!(identity["aud"], room.tv.id);
    let tokens = Tokens::of(&answer);
    room.world.person.me(&tokens.access).await.expect(200);
    let refresh = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens.refresh.as_str()),
    ];
    let fresh = room.world.token(&room.tv, &refresh).await.expect(200);
    let page = browser.open("/oauth/logout").await;
    browser
        .submit(&page, &[("decision", "logout")])
        .await
        .expect(200);
    let refused = room.world.person.me(&fresh.field("access_token")).await;
    refused.expect(401);
}

async fn rfc_8628_3_5_a_device_is_told_to_wait_to_slow_down_and_that_it_is_too_late(house: House) {
    let room = Living::room(house).await;
    let device = room.begin().await;
    let told = async |word| room.poll(&device).await.expect_oauth(400, word);
    told("authorization_pending").await;
    told("slow_down").await;
    room.wait(9);
    told("slow_down").await;
    room.wait(15);
    told("authorization_pending").await;
    room.wait(600);
    told("expired_token").await;
    let page = room
        .name(&mut room.world.browser(), user_code(&device))
        .await;
    page.expect(422);
}

async fn rfc_8628_3_5_a_denied_device_is_told_so(house: House) {
    let room = Living::room(house).await;
    let device = room.begin().await;
    room.decide(&device, "deny").await;
    room.poll(&device).await.expect_oauth(400, "access_denied");
    let house = &room.world.house;
    assert_eq!(house.audit_count("authorization.denied").await, 1);
    assert_eq!(house.audit_count("authorization.granted").await, 0);
}

async fn rfc_8628_3_3_1_a_link_fills_the_code_in_and_decides_nothing(house: House) {
    let room = Living::room(house).await;
    let device = room.begin().await;
    let mut browser = room.world.browser();
    browser.sign_in("/sign-in", &room.world.person).await;
    let complete = device["verification_uri_complete"]
        .as_str()
        .expect("a link");
    let path = complete
        .strip_prefix("http://localhost:4000")
        .expect("ours");
    let page = browser.open(path).await;
    page.expect(200);
    let filled = format!("value=\"{}\"", user_code(&device));
    assert!(page.answer.text.contains(&filled));
    room.poll(&device)
        .await
        .expect_oauth(400, "authorization_pending");
    let odd = browser.open("/device?user_code=%3Cb%3ECALL+0800").await;
    assert!(
        !odd.answer.text.contains("CALL"),
        "no stranger's text is shown"
    );
    let typed = user_code(&device).to_lowercase().replace('-', " ");
    let page = room.name(&mut browser, &typed).await;
    page.expect(303);
    browser.follow(page).await.expect(200);
}

async fn one_of_fifty_questions_after_the_yes_gets_tokens_and_keeps_them(house: House) {
    let room = Living::room(house).await;
    let device = room.begin().await;
    room.decide(&device, "allow").await;
    let answers = join_all((0..50).map(|_| room.poll(&device))).await;
    let (mut won, lost): (Vec<_>, Vec<_>) = answers
        .into_iter()
        .partition(|answer| answer.status.as_u16() == 200);
    assert_eq!(won.len(), 1);
    for answer in lost {
        answer.expect_oauth(400, "invalid_grant");
    }
    let tokens = Tokens::of(&won.remove(0));
    room.world.person.me(&tokens.access).await.expect(200);
    assert_eq!(
        room.world.house.audit_count("code.replay_detected").await,
        0
    );
}

async fn a_sign_in_by_one_factor_allows_no_device_that_requires_two(house: House) {
    let room = Living::with(house, json!({ "mfa": "require" })).await;
    let device = room.begin().await;
    let mut browser = room.world.browser();
    let page = room.question(&mut browser, &device).await;
    let page = browser.submit(&page, &[("decision", "allow")]).await;
    page.expect_error(403, "access_denied");
    room.poll(&device)
        .await
        .expect_oauth(400, "authorization_pending");
}

async fn a_device_is_decided_once(house: House) {
    let room = Living::room(house).await;
    let device = room.begin().await;
    let mut browser = room.world.browser();
    let page = room.question(&mut browser, &device).await;
    browser
        .submit(&page, &[("decision", "deny")])
        .await
        .expect(200);
    browser
        .submit(&page, &[("decision", "allow")])
        .await
        .expect(422);
    room.poll(&device).await.expect_oauth(400, "access_denied");
}

async fn rfc_9449_5_a_device_binds_its_tokens_to_its_key(house: House) {
    let room = Living::with(house, json!({ "dpop_bound_access_tokens": true })).await;
    let device = room.begin().await;
    room.decide(&device, "allow").await;
    room.poll(&device)
        .await
        .expect_oauth(400, "invalid_dpop_proof");
    let key = Key::new();
    let proof = key.prove(&room.world, "POST", "/oauth/token", json!({}));
    let code = device["device_code"].as_str().expect("a code");
    let fields = [
        ("grant_type", GRANT),
        ("device_code", code),
        ("client_id", &room.tv.id),
    ];
    let public = room.world.house.public().with("dpop", proof);
    let answer = public.form("/oauth/token", &fields).await.expect(200);
    assert_eq!(answer.json()["token_type"], "DPoP");
    let bound = claims(&answer.field("access_token"));
    assert_eq!(bound["cnf"]["jkt"], key.thumbprint());
}

async fn openid_connect_core_10_1_a_device_is_answered_in_its_own_algorithm(house: House) {
    let room = Living::with(house, json!({ "id_token_signed_response_alg": "RS256" })).await;
    let device = room.begin().await;
    room.decide(&device, "allow").await;
    let answer = room.poll(&device).await.expect(200);
    assert_eq!(header(&answer.field("id_token"))["alg"], "RS256");
}

async fn whoever_does_not_want_to_sign_in_goes_back_and_the_device_waits_on(house: House) {
    let room = Living::room(house).await;
    let device = room.begin().await;
    let mut browser = room.world.browser();
    let page = room.name(&mut browser, user_code(&device)).await;
    let page = browser.follow(page).await;
    assert!(page.answer.text.contains("An application"));
    let page = browser.submit(&page, &[("decision", "cancel")]).await;
    assert_eq!(page.location(), "/device");
    room.poll(&device)
        .await
        .expect_oauth(400, "authorization_pending");
}
