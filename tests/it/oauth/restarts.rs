//! What POST /oauth/token, POST /oauth/par, POST /device and GET /userinfo know of before a restart.

use domain::tenant::AssertionIssuer;
use serde_json::json;

use super::assertions::Signing;
use super::device::Living;
use super::dpop::{Key, bound_tokens, prove_token, shows};
use super::jwt_bearer::{Elsewhere, show};
use super::par::{push, short};
use super::world::{World, ask, parameter};
use crate::backend::Backend;
use crate::house::House;
use crate::scenes;

scenes![
    rfc_6749_4_1_2_a_code_outlives_a_restart_and_is_redeemed_once,
    rfc_9126_4_a_pushed_request_outlives_a_restart_and_is_spent_once,
    rfc_8628_3_5_a_device_outlives_a_restart_and_gets_tokens_once,
    rfc_9449_11_1_a_proof_that_was_used_stays_used_over_a_restart,
    rfc_7523_3_7_an_assertion_that_was_used_stays_used_over_a_restart,
    rfc_7523_3_7_another_issuers_word_that_was_used_stays_used_over_a_restart,
    a_page_that_was_open_outlives_a_restart,
];

async fn world() -> World {
    World::new(House::open(Backend::Sqlite).await).await
}

async fn rfc_6749_4_1_2_a_code_outlives_a_restart_and_is_redeemed_once() {
    let world = world().await;
    let code = world.code(&world.web).await;
    let world = world.restart().await;
    let first = world.redeem(&world.web, &code).await.expect(200);
    let world = world.restart().await;
    let again = world.redeem(&world.web, &code).await;
    again.expect_oauth(400, "invalid_grant");
    let access = first.field("access_token");
    world.person.me(&access).await.expect(401);
    let world = world.restart().await;
    world.person.me(&access).await.expect(401);
    world.house.stop().await;
}

async fn rfc_9126_4_a_pushed_request_outlives_a_restart_and_is_spent_once() {
    let world = world().await;
    let pushed = push(&world, &world.web, &[]).await.expect(201);
    let address = short(&world.web, &pushed);
    let world = world.restart().await;
    let sent = world.browser().authorize(&address, &world.person).await;
    assert!(parameter(&sent, "code").is_some());
    let world = world.restart().await;
    world.browser().open(&address).await.expect(400);
    world.house.stop().await;
}

async fn rfc_8628_3_5_a_device_outlives_a_restart_and_gets_tokens_once() {
    let room = Living::room(House::open(Backend::Sqlite).await).await;
    let (allowed, denied) = (room.begin().await, room.begin().await);
    let room = room.restart().await;
    let pending = room.poll(&allowed).await;
    pending.expect_oauth(400, "authorization_pending");
    room.decide(&allowed, "allow").await;
    room.decide(&denied, "deny").await;
    let room = room.restart().await;
    let tokens = room.poll(&allowed).await.expect(200);
    let room = room.restart().await;
    room.poll(&allowed).await.expect_oauth(400, "invalid_grant");
    room.poll(&denied).await.expect_oauth(400, "access_denied");
    // What it was given is not taken back by its own impatience.
    let access = tokens.field("access_token");
    room.world.person.me(&access).await.expect(200);
    room.world.house.stop().await;
}

async fn rfc_9449_11_1_a_proof_that_was_used_stays_used_over_a_restart() {
    let world = world().await;
    let key = Key::new();
    let token = bound_tokens(&world, &key).await.field("access_token");
    let proof = prove_token(&world, &key, &token, json!({}));
    let show = async |world: &World| {
        let public = world.house.public().with("dpop", proof.as_str());
        let public = public.with("authorization", format!("DPoP {token}"));
        public.get("/userinfo").await
    };
    show(&world).await.expect(200);
    let world = world.restart().await;
    show(&world).await.expect(401);
    let fresh = shows(&world, &key, &token, json!({}));
    fresh.get("/userinfo").await.expect(200);
    world.house.stop().await;
}

async fn rfc_7523_3_7_an_assertion_that_was_used_stays_used_over_a_restart() {
    let client = Signing::register(&House::open(Backend::Sqlite).await).await;
    let assertion = client.assertion("once");
    client.ask(&assertion).await.expect(200);
    let client = client.restart().await;
    let again = client.ask(&assertion).await;
    again.expect_oauth(401, "invalid_client");
    let another = client.assertion("another");
    client.ask(&another).await.expect(200);
}

async fn rfc_7523_3_7_another_issuers_word_that_was_used_stays_used_over_a_restart() {
    let house = House::open(Backend::Sqlite).await;
    let there = Elsewhere::new(house, AssertionIssuer::default()).await;
    let [used, unused] = ["used", "unused"].map(|jti| there.id_jag(jti, &json!({})));
    let Elsewhere { world, client, .. } = there;
    show(&world, &client, &used, &[]).await.expect(200);
    let world = world.restart().await;
    let again = show(&world, &client, &used, &[]).await;
    again.expect_oauth(400, "invalid_grant");
    show(&world, &client, &unused, &[]).await.expect(200);
    world.house.stop().await;
}

async fn a_page_that_was_open_outlives_a_restart() {
    let world = world().await;
    let mut browser = world.browser();
    let page = browser.sign_in(&ask(&world.web, &[]), &world.person).await;
    let world = world.restart().await;
    let mut browser = browser.at(&world.house.public());
    let sent = browser.submit(&page, &[("decision", "allow")]).await;
    sent.expect(303);
    let code = parameter(sent.location(), "code").expect("a code");
    world.redeem(&world.web, &code).await.expect(200);
    world.house.stop().await;
}
