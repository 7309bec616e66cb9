//! Codes, pushed requests, devices, proofs and assertions on two nodes: each counts once, wherever it is
//! shown; and what was exchanged ends wherever it is shown.

use std::time::{Duration, Instant};

use domain::tenant::AssertionIssuer;
use futures_util::future::join_all;
use serde_json::json;

use super::{A_SECOND, until_refused};
use crate::cases;
use crate::client::Tokens;
use crate::house::House;
use crate::oauth::World;
use crate::oauth::assertions::Signing;
use crate::oauth::device::Living;
use crate::oauth::dpop::{Key, bound_tokens, prove_token};
use crate::oauth::exchange::{agent, exchange};
use crate::oauth::jwt_bearer::{Elsewhere, show};
use crate::oauth::par::{push, short};
use crate::oauth::world::{parameter, register};
use crate::patience::{PATIENCE, best_of_three};

cases![
    a_code_of_one_node_is_redeemed_once_on_both,
    one_of_fifty_completions_of_a_pushed_request_on_two_nodes_wins,
    one_of_fifty_uses_of_a_proof_on_two_nodes_counts,
    a_device_of_one_node_is_decided_on_the_other_and_gets_tokens_once,
    one_of_fifty_uses_of_an_assertion_on_two_nodes_authenticates,
    one_of_fifty_uses_of_another_issuers_word_on_two_nodes_counts,
    revoking_a_token_on_one_node_ends_what_it_was_exchanged_for_on_the_other,
    what_one_node_changes_about_an_account_the_other_tells_within_a_second,
    what_is_taken_back_on_one_node_is_refused_on_the_other_within_a_second,
    a_client_closed_on_one_node_speaks_for_nobody_on_the_other_within_a_second,
];

/// A world at two nodes.
async fn two(house: House) -> (World, World) {
    let other = house.second_node().await;
    let here = World::new(house).await;
    let there = here.at(other);
    (here, there)
}

async fn a_code_of_one_node_is_redeemed_once_on_both(house: House) {
    let (here, there) = two(house).await;
    let code = here.code(&here.native).await;
    let nodes = [&here, &there];
    let redeem = |n: usize| nodes[n % 2].redeem(&here.native, &code);
    let answers = join_all((0..50).map(redeem)).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers
        .into_iter()
        .partition(|answer| answer.status.as_u16() == 200);
    assert_eq!((won.len(), lost.len()), (1, 49));
    for answer in lost {
        answer.expect_oauth(400, "invalid_grant");
    }
    let refresh = won[0].field("refresh_token");
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.as_str()),
    ];
    for node in nodes {
        let refused = node.token(&here.native, &fields).await;
        refused.expect_oauth(400, "invalid_grant");
    }
    there.house.stop().await;
}

async fn one_of_fifty_completions_of_a_pushed_request_on_two_nodes_wins(house: House) {
    let (here, there) = two(house).await;
    let pushed = push(&here, &here.web, &[]).await.expect(201);
    let address = short(&here.web, &pushed);
    let mut browser = there.browser();
    let page = browser.sign_in(&address, &here.person).await;
    let nodes = [&here, &there].map(|node| node.house.public());
    let complete = async |n: usize| {
        let mut browser = browser.at(&nodes[n % 2]);
        browser.submit(&page, &[("decision", "allow")]).await
    };
    let pages = join_all((0..50).map(complete)).await;
    let (won, lost): (Vec<_>, Vec<_>) = pages
        .into_iter()
        .partition(|page| page.answer.status.as_u16() == 303);
    assert_eq!((won.len(), lost.len()), (1, 49));
    for page in lost {
        assert!([400, 503].contains(&page.answer.status.as_u16()));
    }
    let code = parameter(won[0].location(), "code").expect("a code");
    for node in [&here, &there] {
        node.browser().open(&address).await.expect(400);
    }
    here.redeem(&here.web, &code).await.expect(200);
    there.house.stop().await;
}

async fn one_of_fifty_uses_of_a_proof_on_two_nodes_counts(house: House) {
    let (here, there) = two(house).await;
    let key = Key::new();
    let token = bound_tokens(&here, &key).await.field("access_token");
    let proof = prove_token(&here, &key, &token, json!({}));
    let show = |n: usize| {
        let node = if n.is_multiple_of(2) { &here } else { &there };
        let public = node.house.public().with("dpop", proof.as_str());
        let public = public.with("authorization", format!("DPoP {token}"));
        async move { public.get("/userinfo").await.status.as_u16() }
    };
    let answers = join_all((0..50).map(show)).await;
    let of = |status: u16| answers.iter().filter(|one| **one == status).count();
    assert_eq!((of(200), of(401)), (1, 49), "{answers:?}");
    there.house.stop().await;
}

async fn a_device_of_one_node_is_decided_on_the_other_and_gets_tokens_once(house: House) {
    let other = house.second_node().await;
    let here = Living::room(house).await;
    let there = here.at(here.world.at(other));
    let device = here.begin().await;
    there.decide(&device, "allow").await;
    let nodes = [&here, &there];
    let answers = join_all((0..50).map(|n: usize| nodes[n % 2].poll(&device))).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers
        .into_iter()
        .partition(|answer| answer.status.as_u16() == 200);
    assert_eq!((won.len(), lost.len()), (1, 49));
    for answer in lost {
        answer.expect_oauth(400, "invalid_grant");
    }
    let access = won[0].field("access_token");
    for node in nodes {
        node.world.person.me(&access).await.expect(200);
    }
    there.world.house.stop().await;
}

async fn one_of_fifty_uses_of_an_assertion_on_two_nodes_authenticates(house: House) {
    let other = house.second_node().await;
    let client = Signing::register(&house).await;
    let assertion = client.assertion("race");
    let nodes = [&house, &other];
    let show = |n: usize| client.ask_at(nodes[n % 2], &assertion);
    let answers = join_all((0..50).map(show)).await;
    let won = answers.iter().filter(|answer| answer.status == 200);
    assert_eq!(won.count(), 1);
    // Whoever fails too often is told to wait.
    let lost = answers
        .iter()
        .filter(|answer| [401, 429].contains(&answer.status.as_u16()));
    assert_eq!(lost.count(), 49);
    other.stop().await;
}

async fn one_of_fifty_uses_of_another_issuers_word_on_two_nodes_counts(house: House) {
    let there = Elsewhere::new(house, AssertionIssuer::default()).await;
    let other = there.world.at(there.world.house.second_node().await);
    let assertion = there.id_jag("race", &json!({}));
    let nodes = [&there.world, &other];
    let show = |n: usize| show(nodes[n % 2], &there.client, &assertion, &[]);
    let answers = join_all((0..50).map(show)).await;
    let of = |status: u16| answers.iter().filter(|one| one.status == status).count();
    assert_eq!((of(200), of(400)), (1, 49));
    other.house.stop().await;
}

async fn revoking_a_token_on_one_node_ends_what_it_was_exchanged_for_on_the_other(house: House) {
    let (here, there) = two(house).await;
    let agent = agent(&here, json!({})).await;
    let subject = here.person.login().await.access;
    let given = exchange(&here, &agent, &subject, &[]).await.expect(200);
    let given = given.field("access_token");
    let second = exchange(&there, &agent, &given, &[]).await.expect(200);
    let second = second.field("access_token");
    let status = async |token: &str| {
        let public = there.house.public().bearer(token);
        public.get("/userinfo").await.status.as_u16()
    };
    assert_eq!(status(&second).await, 200);
    let fields = [("token", given.as_str())];
    let revoked = here.form("/oauth/revoke", &agent, &fields).await;
    revoked.expect(200);
    let begun = Instant::now();
    while status(&second).await == 200 && begun.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!((status(&given).await, status(&second).await), (401, 401));
    assert_eq!(status(&subject).await, 200);
    there.house.stop().await;
}

async fn what_one_node_changes_about_an_account_the_other_tells_within_a_second(house: House) {
    let (here, there) = two(house).await;
    let code = here.code(&here.web).await;
    let tokens = here.redeem(&here.web, &code).await.expect(200);
    let told = there.house.public().bearer(&tokens.field("access_token"));
    let own = here
        .house
        .public()
        .bearer(&here.person.login().await.access);
    best_of_three(A_SECOND, async |round| {
        told.get("/userinfo").await.expect(200);
        let name = format!("Countess {round}");
        let patch = json!({ "name": name });
        own.patch("/auth/me", patch).await.expect(200);
        let begun = Instant::now();
        while told.get("/userinfo").await.expect(200).json()["name"] != name {
            assert!(begun.elapsed() < PATIENCE, "the old name");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        begun.elapsed()
    })
    .await;
    there.house.stop().await;
}

async fn what_is_taken_back_on_one_node_is_refused_on_the_other_within_a_second(house: House) {
    let (here, there) = two(house).await;
    best_of_three(A_SECOND, async |_| {
        let sent = here
            .browser()
            .authorize(&here.ask_web(), &here.person)
            .await;
        let tokens = here.redeem_sent(&sent).await;
        there.person.me(&tokens.access).await.expect(200);
        let own = here.person.login().await;
        let me = here.house.public().bearer(&own.access);
        let path = format!("/auth/me/consents/{}", here.web.id);
        me.delete(&path).await.expect(204);
        let held = until_refused(&there.person, &tokens).await;
        there.person.me(&own.access).await.expect(200);
        held
    })
    .await;
    there.house.stop().await;
}

async fn a_client_closed_on_one_node_speaks_for_nobody_on_the_other_within_a_second(house: House) {
    let (here, there) = two(house).await;
    let admin = here.house.admin();
    for is_deleted in [false, true] {
        best_of_three(A_SECOND, async |_| {
            let client = register(&here.house, "web", json!({})).await;
            let code = here.code(&client).await;
            let given = here.redeem(&client, &code).await.expect(200);
            let tokens = Tokens::of(&given);
            there.person.me(&tokens.access).await.expect(200);
            let path = format!("/admin/clients/{}", client.id);
            if is_deleted {
                admin.delete(&path).await.expect(204);
            } else {
                let closed = json!({ "disabled": true });
                admin.patch(&path, closed).await.expect(200);
            }
            until_refused(&there.person, &tokens).await
        })
        .await;
    }
    there.house.stop().await;
}
