//! Front-channel logout: the page after GET, POST /oauth/logout opens what clients registered (OpenID
//! Connect Front-Channel Logout 1.0).

use serde_json::{Value, json};
use url::Url;

use super::world::{CALLBACK, Registered, World, ask, claims, parameter, register};
use crate::browser::{Browser, Page};
use crate::cases;
use crate::house::House;

cases![
    front_channel_logout_3_the_page_opens_what_each_client_of_the_sign_in_registered,
    front_channel_logout_3_the_person_goes_on_to_where_the_client_wants_them,
    front_channel_logout_3_a_pairwise_client_is_told_the_name_it_knows,
    clients_that_are_not_in_the_sign_in_are_not_told,
    front_channel_logout_2_its_origin_is_a_redirect_uris,
    front_channel_logout_3_the_metadata_says_so,
];

const OUT: &str = "https://app.example/out?a=1&b=2";
const AFTER: &str = "https://app.example/bye?x=1";

async fn listening(world: &World, own: Value) -> Registered {
    let mut said = json!({
        "frontchannel_logout_uri": OUT, "frontchannel_logout_session_required": true,
        "post_logout_redirect_uris": [AFTER],
    });
    let own = own.as_object().expect("an object").clone();
    said.as_object_mut().expect("an object").extend(own);
    register(&world.house, "web", said).await
}

/// Allows a client in a browser that is signed in, or signs in first; gives the ID token.
async fn grant(world: &World, browser: &mut Browser, client: &Registered) -> String {
    let sent = browser.obtain(&ask(client, &[]), &world.person).await;
    let code = parameter(&sent, "code").expect("a code");
    world
        .redeem(client, &code)
        .await
        .expect(200)
        .field("id_token")
}

async fn sign_out(browser: &mut Browser) -> Page {
    let page = browser.open("/oauth/logout").await;
    browser.submit(&page, &[("decision", "logout")]).await
}

/// What a page opens in frames.
fn frames(page: &Page) -> Vec<Url> {
    let parts = page.answer.text.split("<iframe ").skip(1);
    parts
        .map(|part| {
            let tag = &part[..part.find('>').expect("an end")];
            assert!(
                tag.starts_with("hidden ") && tag.contains("sandbox="),
                "{tag}"
            );
            let source = tag.split("src=\"").nth(1).expect("an address");
            let source = &source[..source.find('"').expect("an end")];
            Url::parse(&source.replace("&#38;", "&")).expect("an address")
        })
        .collect()
}

fn value(url: &Url, name: &str) -> Option<String> {
    let mut pairs = url.query_pairs();
    pairs
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
}

async fn front_channel_logout_3_the_page_opens_what_each_client_of_the_sign_in_registered(
    house: House,
) {
    let world = World::new(house).await;
    let one = listening(&world, json!({})).await;
    let own = json!({
        "redirect_uris": [CALLBACK, "https://other.example:8443/cb"],
        "frontchannel_logout_uri": "https://other.example:8443/out",
    });
    let two = listening(&world, own).await;
    let mut browser = world.browser();
    let known = claims(&grant(&world, &mut browser, &one).await);
    grant(&world, &mut browser, &two).await;
    // Twice is one, and one that registered nothing is told nothing.
    grant(&world, &mut browser, &one).await;
    grant(&world, &mut browser, &world.web).await;
    let page = sign_out(&mut browser).await;
    page.expect(200);
    let opened = frames(&page);
    assert_eq!(opened.len(), 2, "{}", page.answer.text);
    let own = opened
        .iter()
        .find(|url| url.host_str() == Some("app.example"));
    let own = own.expect("the first client's");
    assert_eq!(value(own, "a").as_deref(), Some("1"));
    assert_eq!(value(own, "b").as_deref(), Some("2"));
    assert_eq!(value(own, "iss").as_deref(), Some("http://localhost:4000"));
    assert_eq!(value(own, "sid").as_deref(), known["sid"].as_str());
    let policy = page.answer.header("content-security-policy");
    let sources = "frame-src https://app.example https://other.example:8443;";
    assert!(policy.contains(sources), "{policy}");
    assert!(policy.contains("default-src 'none'") && !policy.contains("script-src"));
    assert!(
        page.answer.header("refresh").is_empty(),
        "there is nowhere to go"
    );
    // No other page opens anything.
    let page = browser.open("/oauth/logout").await;
    assert!(frames(&page).is_empty());
    let policy = page.answer.header("content-security-policy");
    assert!(!policy.contains("frame-src"), "{policy}");
}

async fn front_channel_logout_3_the_person_goes_on_to_where_the_client_wants_them(house: House) {
    let world = World::new(house).await;
    let client = listening(&world, json!({})).await;
    let mut browser = world.browser();
    let hint = grant(&world, &mut browser, &client).await;
    let place = form_urlencoded::byte_serialize(AFTER.as_bytes()).collect::<String>();
    let query = format!("id_token_hint={hint}&post_logout_redirect_uri={place}&state=s");
    let path = format!("/oauth/logout?{query}");
    let page = browser.open(&path).await;
    page.expect(200);
    assert_eq!(frames(&page).len(), 1);
    let wanted = "https://app.example/bye?x=1&state=s";
    assert_eq!(page.answer.header("refresh"), format!("2; url={wanted}"));
    let link = format!("href=\"{}\"", wanted.replace('&', "&#38;"));
    assert!(page.answer.text.contains(&link), "{}", page.answer.text);
    // Where nobody is to be told, the browser is sent there at once.
    let page = browser.open(&path).await;
    page.expect(303);
    assert_eq!(page.location(), wanted);
}

async fn front_channel_logout_3_a_pairwise_client_is_told_the_name_it_knows(house: House) {
    let world = World::new(house).await;
    let own = json!({ "subject_type": "pairwise" });
    let client = listening(&world, own).await;
    let mut browser = world.browser();
    let known = claims(&grant(&world, &mut browser, &client).await);
    let page = sign_out(&mut browser).await;
    let opened = frames(&page);
    assert_eq!(value(&opened[0], "sid").as_deref(), known["sid"].as_str());
}

async fn clients_that_are_not_in_the_sign_in_are_not_told(house: House) {
    let world = World::new(house).await;
    let client = listening(&world, json!({})).await;
    grant(&world, &mut world.browser(), &client).await;
    let mut other = world.browser();
    grant(&world, &mut other, &world.web).await;
    let page = sign_out(&mut other).await;
    page.expect(200);
    assert!(frames(&page).is_empty(), "it is of another sign-in");
    // Nor is one that was closed, or takes its address back.
    for own in [
        json!({ "frontchannel_logout_uri": null }),
        json!({ "frontchannel_logout_uri": OUT, "disabled": true }),
    ] {
        let mut browser = world.browser();
        let client = listening(&world, json!({})).await;
        grant(&world, &mut browser, &client).await;
        let path = format!("/admin/clients/{}", client.id);
        world.house.admin().patch(&path, own).await.expect(200);
        let page = sign_out(&mut browser).await;
        assert!(frames(&page).is_empty());
    }
}

async fn front_channel_logout_2_its_origin_is_a_redirect_uris(house: House) {
    let admin = house.admin();
    for (uri, status) in [
        (OUT, 201),
        ("https://evil.example/out", 422),
        ("https://app.example:8443/out", 422),
        ("https://app.example/out#x", 422),
    ] {
        let said = json!({
            "name": "App", "client_type": "web", "redirect_uris": [CALLBACK],
            "frontchannel_logout_uri": uri,
        });
        admin.post("/admin/clients", said).await.expect(status);
    }
}

async fn front_channel_logout_3_the_metadata_says_so(house: House) {
    let told = house
        .public()
        .get("/.well-known/openid-configuration")
        .await;
    let told = told.expect(200).json();
    assert_eq!(told["frontchannel_logout_supported"], true);
    assert_eq!(told["frontchannel_logout_session_supported"], true);
}
