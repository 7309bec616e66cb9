//! /bind-passkey, and passkeys on /sign-in and /second-factor, as the script of the pages sends them.

use std::time::Duration;

use serde_json::Value;

use crate::authenticator::Authenticator;
use crate::browser::{Browser, Page};
use crate::cases;
use crate::client::Person;
use crate::house::House;

cases![
    a_passkey_is_bound_on_a_page_and_signs_in_on_another,
    a_passkey_is_the_second_factor_on_a_page,
    a_ceremony_is_its_browsers,
    nist_sp_800_63b_4_2_2_2_a_passkey_is_offered_first_and_called_the_safest,
];

/// What a page asks the browser for.
pub fn options(page: &Page) -> Value {
    let text = &page.answer.text;
    let start = text.find("data-options=\"").expect("options") + "data-options=\"".len();
    let quoted = &text[start..start + text[start..].find('"').expect("an end")];
    let plain = quoted.replace("&#34;", "\"").replace("&#38;", "&");
    serde_json::from_str(&plain).expect("JSON")
}

/// Sends a page's form as its script does.
pub async fn send(browser: &mut Browser, page: &Page, response: &Value, name: &str) -> Page {
    let (action, hidden) = page.form();
    let response = response.to_string();
    let mut fields: Vec<(&str, &str)> = hidden
        .iter()
        .filter(|(field, _)| field != "response")
        .map(|(field, value)| (field.as_str(), value.as_str()))
        .collect();
    fields.push(("response", &response));
    if !name.is_empty() {
        fields.push(("name", name));
    }
    browser.post(&action, &fields).await
}

/// Somebody who is signed in and binds a passkey.
pub async fn bound(house: &House) -> (Person, Browser, Authenticator) {
    let person = Person::register(&house.public(), "ada").await;
    let mut browser = Browser::new(&house.public());
    browser.sign_in("/sign-in", &person).await;
    let page = browser.open("/bind-factor").await;
    let page = browser.submit(&page, &[("method", "passkey")]).await;
    assert_eq!(page.location(), "/bind-passkey");
    let page = browser.open("/bind-passkey").await;
    page.posts_to("/bind-passkey");
    let mut authenticator = Authenticator::new();
    let response = authenticator.create(&options(&page));
    let page = send(&mut browser, &page, &response, "Laptop").await;
    page.expect(200);
    assert_eq!(page.answer.text.matches("<li><code>").count(), 10);
    (person, browser, authenticator)
}

async fn a_passkey_is_bound_on_a_page_and_signs_in_on_another(house: House) {
    let (_, _, mut authenticator) = bound(&house).await;
    let mut browser = Browser::new(&house.public());
    let page = browser.open("/sign-in").await;
    let response = authenticator.get(&options(&page));
    let sent = send(&mut browser, &page, &response, "").await;
    sent.expect(303);
    let shown = browser.follow(sent).await;
    assert!(shown.answer.text.contains("You are signed in as"));
    // The same answer once more is worth nothing.
    let mut other = Browser::new(&house.public());
    let again = other.open("/sign-in").await;
    send(&mut other, &again, &response, "").await.expect(422);
}

async fn a_passkey_is_the_second_factor_on_a_page(house: House) {
    let (person, _, mut authenticator) = bound(&house).await;
    let mut browser = Browser::new(&house.public());
    let page = browser.sign_in("/sign-in", &person).await;
    page.posts_to("/second-factor");
    house.clock.advance(Duration::from_mins(6));
    let late = authenticator.get(&options(&page));
    let page = send(&mut browser, &page, &late, "").await;
    page.expect(422);
    assert!(page.answer.text.contains("This passkey was not accepted"));
    let response = authenticator.get(&options(&page));
    send(&mut browser, &page, &response, "").await.expect(303);
    assert!(browser.cookie("__Host-session").is_some());
}

async fn a_ceremony_is_its_browsers(house: House) {
    let (_, _, mut authenticator) = bound(&house).await;
    let mut mine = Browser::new(&house.public());
    let page = mine.open("/sign-in").await;
    let response = authenticator.get(&options(&page));
    let (_, hidden) = page.form();
    let state = hidden
        .iter()
        .find(|(name, _)| name == "state")
        .expect("a state");
    let mut other = Browser::new(&house.public());
    let theirs = other.open("/sign-in").await;
    let (action, fields) = theirs.form();
    let token = fields
        .iter()
        .find(|(name, _)| name == "csrf")
        .expect("a token");
    let response = response.to_string();
    let fields = [
        ("csrf", token.1.as_str()),
        ("state", state.1.as_str()),
        ("response", response.as_str()),
    ];
    other.post(&action, &fields).await.expect(422);
}

async fn nist_sp_800_63b_4_2_2_2_a_passkey_is_offered_first_and_called_the_safest(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let mut browser = Browser::new(&house.public());
    browser.sign_in("/sign-in", &person).await;
    let page = browser.open("/account/factors").await;
    let says = |page: &Page, text: &str| page.answer.text.contains(text);
    assert!(says(&page, "A passkey is the safest way to sign in."));
    let page = browser.open("/bind-factor").await;
    assert!(says(&page, "The safest way"));
    let ways: Vec<&str> = page.answer.text.split("name=\"method\" value=\"").collect();
    assert!(ways[1].starts_with("passkey\"") && ways[2].starts_with("totp\""));
    // It is the button of the page; the other is a quiet one.
    assert!(ways[0].ends_with("<button class=\"primary\" type=\"submit\" "));
}
