//! POST /oauth/par (RFC 9126).

use std::time::Duration;

use futures_util::future::join_all;

use super::world::{Registered, World, ask, parameter, parameters};
use crate::browser::Page;
use crate::cases;
use crate::client::Answer;
use crate::house::House;

cases![
    rfc_9126_4_a_pushed_request_is_what_counts,
    rfc_9126_2_3_mistakes_are_told_to_the_client,
    fapi_2_0_a_pushed_request_is_spent_when_it_completes_and_not_when_it_is_shown,
    one_of_fifty_completions_of_a_pushed_request_wins,
    rfc_9126_4_a_request_uri_is_its_clients_and_ends,
];

/// Pushes a request.
pub async fn push(world: &World, client: &Registered, own: &[(&str, &str)]) -> Answer {
    let all = parameters(client, own);
    let fields: Vec<(&str, &str)> = all
        .iter()
        .filter(|(name, _)| name != "client_id")
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    world.form("/oauth/par", client, &fields).await
}

/// The address that a pushed request is sent to.
pub fn short(client: &Registered, pushed: &Answer) -> String {
    let uri = pushed.field("request_uri");
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("client_id", client.id.as_str()),
            ("request_uri", uri.as_str()),
        ])
        .finish();
    format!("/oauth/authorize?{query}")
}

async fn rfc_9126_4_a_pushed_request_is_what_counts(house: House) {
    let world = World::new(house).await;
    for client in [&world.web, &world.native] {
        let pushed = push(&world, client, &[("scope", "openid")])
            .await
            .expect(201);
        assert_eq!(pushed.json()["expires_in"], 90);
        let uri = pushed.field("request_uri");
        assert!(uri.starts_with("urn:ietf:params:oauth:request_uri:"));
        let mut browser = world.browser();
        let wider = format!("{}&scope=openid+email&state=other", short(client, &pushed));
        let sent = browser.authorize(&wider, &world.person).await;
        assert_eq!(parameter(&sent, "state").as_deref(), Some("a state"));
        let code = parameter(&sent, "code").expect("a code");
        let tokens = world.redeem(client, &code).await.expect(200);
        assert_eq!(tokens.json()["scope"], "openid");
    }
}

async fn rfc_9126_2_3_mistakes_are_told_to_the_client(house: House) {
    let world = World::new(house).await;
    for (own, word) in [
        (("redirect_uri", "https://evil.example/"), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (("scope", "admin"), "invalid_scope"),
        (("request_uri", "urn:x"), "invalid_request"),
        (("resource", "https://unknown.example"), "invalid_target"),
    ] {
        let refused = push(&world, &world.web, &[own]).await;
        refused.expect_oauth(400, word);
    }
    let stranger = Registered {
        id: world.web.id.clone(),
        secret: Some("qf_cs_wrong".to_owned()),
    };
    let refused = push(&world, &stranger, &[]).await;
    refused.expect_oauth(401, "invalid_client");
}

async fn fapi_2_0_a_pushed_request_is_spent_when_it_completes_and_not_when_it_is_shown(
    house: House,
) {
    let world = World::new(house).await;
    let pushed = push(&world, &world.web, &[]).await.expect(201);
    let address = short(&world.web, &pushed);
    let mut browser = world.browser();
    for _ in 0..3 {
        browser.open(&address).await.expect(303);
    }
    let sent = browser.authorize(&address, &world.person).await;
    assert!(parameter(&sent, "code").is_some());
    browser.open(&address).await.expect(400);
}

async fn one_of_fifty_completions_of_a_pushed_request_wins(house: House) {
    let world = World::new(house).await;
    let pushed = push(&world, &world.web, &[]).await.expect(201);
    let mut browser = world.browser();
    let page = browser
        .sign_in(&short(&world.web, &pushed), &world.person)
        .await;
    let complete = |mut browser: crate::browser::Browser, page: &'static Page| async move {
        browser.submit(page, &[("decision", "allow")]).await
    };
    let page: &'static Page = Box::leak(Box::new(page));
    let pages = join_all((0..50).map(|_| complete(browser.clone(), page))).await;
    let won = pages
        .iter()
        .filter(|page| page.answer.status.as_u16() == 303);
    assert_eq!(won.count(), 1);
    let lost = pages
        .iter()
        .filter(|page| [400, 503].contains(&page.answer.status.as_u16()));
    assert_eq!(lost.count(), 49);
}

async fn rfc_9126_4_a_request_uri_is_its_clients_and_ends(house: House) {
    let world = World::new(house).await;
    let pushed = push(&world, &world.web, &[]).await.expect(201);
    let stolen = short(&world.native, &pushed);
    world.browser().open(&stolen).await.expect(400);
    let own = short(&world.web, &pushed);
    world.browser().open(&own).await.expect(303);
    world.house.clock.advance(Duration::from_secs(90));
    world.browser().open(&own).await.expect(400);
    let plain = ask(
        &world.web,
        &[("request_uri", "https://app.example/request")],
    );
    let page = world.browser().open(&plain).await;
    let word = parameter(page.location(), "error");
    assert_eq!(word.as_deref(), Some("invalid_request_uri"));
}
