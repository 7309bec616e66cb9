//! GET /oauth/authorize with redirect URIs that look like a client's and are not (RFC 9700 §2.1).

use url::Url;

use serde_json::json;

use super::world::{CALLBACK, World, ask, register};
use crate::browser::Page;
use crate::cases;
use crate::house::House;

cases![
    rfc_9700_4_1_3_none_of_150_redirect_uris_like_the_clients_is_gone_to,
    rfc_8252_7_3_the_port_of_a_native_clients_loopback_address_may_vary,
    rfc_6749_3_1_a_second_redirect_uri_is_no_redirect_uri,
];

const LOOPBACK: &str = "http://127.0.0.1:8765/callback";

/// What is written into a good redirect URI.
const NOISE: [&str; 26] = [
    ";",
    "..;/",
    "/..;/",
    "/../",
    "/./",
    "//",
    "\\",
    "/\\",
    "@evil.example",
    "@evil.example/",
    "user:password@",
    ".evil.example",
    "%2e%2e/",
    "%2f",
    "%5c",
    "%0d%0a",
    "%23",
    "?next=https://evil.example/",
    "#",
    "#@evil.example/",
    "&redirect_uri=https://evil.example/",
    " ",
    "\t",
    "\r\nlocation: https://evil.example/",
    "\u{3002}",
    "\u{430}",
];

/// What stands instead of a good redirect URI.
const OTHERS: [&str; 34] = [
    "https://app.example",
    "https://app.example/",
    "https://app.example/callback2",
    "https://app.example/callbac",
    "https://app.example/Callback",
    "https://app.example/c%61llback",
    "https://app.example.:443/callback",
    "https://app.example./callback",
    "https://app.example:443/callback",
    "https://app.example:8443/callback",
    "https://APP.example/callback",
    "HTTPS://app.example/callback",
    "https:/app.example/callback",
    "https:app.example/callback",
    "https:///app.example/callback",
    "https:\\\\app.example\\callback",
    "//app.example/callback",
    "/callback",
    "callback",
    "http://app.example/callback",
    "https://xn--pp-6kc.example/callback",
    "https://аpp.example/callback",
    "https://sub.app.example/callback",
    "https://evil.example/https://app.example/callback",
    "https://evil.example?https://app.example/callback",
    "https://evil.example#https://app.example/callback",
    "javascript:alert(1)//app.example/callback",
    "data:text/html,app.example/callback",
    "http://localhost:8765/callback",
    "http://127.0.0.2:8765/callback",
    "http://127.1:8765/callback",
    "http://2130706433:8765/callback",
    "http://[::ffff:127.0.0.1]:8765/callback",
    "https://127.0.0.1:8765/callback",
];

/// Every mutant of both redirect URIs.
fn mutants() -> Vec<String> {
    let mut all: Vec<String> = OTHERS.map(str::to_owned).into();
    for uri in [CALLBACK, LOOPBACK] {
        let host = uri.find("//").expect("a scheme") + 2;
        let path = host + uri[host..].find('/').expect("a path");
        for place in [host, path, path + 1, uri.len()] {
            let (before, after) = uri.split_at(place);
            all.extend(NOISE.map(|noise| format!("{before}{noise}{after}")));
        }
    }
    all.extend(
        [
            "0", "00", "65536", "99999", "-1", "08765", "", "8765:80", "x",
        ]
        .map(|port| format!("http://127.0.0.1:{port}/callback")),
    );
    all
}

#[track_caller]
fn assert_goes_nowhere(page: &Page, mutant: &str) {
    page.expect(400);
    assert!(page.location().is_empty(), "{mutant}");
    let links = page.answer.text.matches("href=\"").count();
    let own =
        page.answer.text.matches("href=\"/").count() + page.answer.text.matches("href=\"#").count();
    assert_eq!(links, own, "no link leads away: {mutant}");
}

async fn rfc_9700_4_1_3_none_of_150_redirect_uris_like_the_clients_is_gone_to(house: House) {
    let world = World::new(house).await;
    let own = json!({ "redirect_uris": [CALLBACK, LOOPBACK] });
    let client = register(&world.house, "native", own).await;
    let mutants = mutants();
    assert!(mutants.len() >= 150, "{} mutants", mutants.len());
    let mut browser = world.browser();
    for mutant in &mutants {
        let page = browser
            .open(&ask(&client, &[("redirect_uri", mutant)]))
            .await;
        assert_goes_nowhere(&page, mutant);
    }
    browser.open(&ask(&client, &[])).await.expect(303);
}

async fn rfc_8252_7_3_the_port_of_a_native_clients_loopback_address_may_vary(house: House) {
    let world = World::new(house).await;
    let own = json!({ "redirect_uris": [LOOPBACK, "http://[::1]/callback"] });
    let client = register(&world.house, "native", own).await;
    for uri in [
        "http://127.0.0.1:49152/callback",
        "http://127.0.0.1/callback",
        "http://[::1]:1/callback",
    ] {
        let mut browser = world.browser();
        let address = ask(&client, &[("redirect_uri", uri)]);
        let sent = browser.authorize(&address, &world.person).await;
        assert!(sent.starts_with(&format!("{uri}?code=")), "{sent}");
        let url = Url::parse(&sent).expect("an address");
        let code = url.query_pairs().find(|(name, _)| name == "code");
        let code = code.expect("a code").1.into_owned();
        // The code is held to the address that was used, port and all.
        let mut fields = super::world::code_fields(&code);
        fields[2] = ("redirect_uri", LOOPBACK);
        let other = world.token(&client, &fields).await;
        other.expect_oauth(400, "invalid_grant");
        fields[2] = ("redirect_uri", uri);
        world.token(&client, &fields).await.expect(200);
    }
}

async fn rfc_6749_3_1_a_second_redirect_uri_is_no_redirect_uri(house: House) {
    let world = World::new(house).await;
    let asked = ask(&world.web, &[]);
    for second in [CALLBACK, "https%3A%2F%2Fevil.example%2F", ""] {
        let twice = format!("{asked}&redirect_uri={second}");
        let page = world.browser().open(&twice).await;
        assert_goes_nowhere(&page, second);
    }
}
