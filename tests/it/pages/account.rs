//! /account: what a person sees of their own account and changes, without JavaScript.

use std::time::Duration;

use serde_json::json;

use crate::auth::mfa::{App, Owner};
use crate::browser::{Browser, Page};
use crate::cases;
use crate::client::Person;
use crate::house::House;
use crate::oauth::World;
use crate::oauth::chosen::choose;
use crate::oauth::linked::{IDP, trusting};

cases![
    whoever_is_not_signed_in_signs_in_and_comes_back,
    a_name_and_a_password_are_changed_on_their_pages,
    devices_are_listed_and_signed_out,
    what_an_application_was_allowed_is_taken_back,
    an_app_is_added_and_removed_by_whoever_proved_lately_who_they_are,
    new_backup_codes_are_shown_once,
    passkeys_are_renamed_and_removed_on_pages,
    what_happened_is_told_in_words_page_by_page,
    ones_data_are_downloaded_by_whoever_proved_lately_who_they_are,
    nobody_changes_anothers_account,
    a_person_sees_which_accounts_elsewhere_theirs_is_linked_to,
];

const PAGES: [&str; 7] = [
    "/account",
    "/account/password",
    "/account/factors",
    "/account/sessions",
    "/account/applications",
    "/account/activity",
    "/account/data",
];

async fn signed_in(house: &House, person: &Person) -> Browser {
    let mut browser = Browser::new(&house.public());
    browser.sign_in("/sign-in", person).await;
    browser
}

/// Answers the question that a page asks; gives the page that follows.
async fn confirm(browser: &mut Browser, page: &Page) -> Page {
    page.expect(200);
    let page = browser.submit(page, &[]).await;
    page.expect(303);
    let page = browser.follow(page).await;
    page.expect(200);
    page
}

async fn whoever_is_not_signed_in_signs_in_and_comes_back(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    for path in PAGES {
        let mut browser = Browser::new(&house.public());
        let page = browser.sign_in(path, &person).await;
        page.expect(200);
        assert_eq!(page.path, path);
        assert!(page.answer.text.contains("aria-current=\"page\""), "{path}");
    }
    let mut browser = Browser::new(&house.public());
    let page = browser.open("/sign-in?request=account.factors").await;
    let page = browser.submit(&page, &[("decision", "cancel")]).await;
    assert_eq!(page.location(), "/account/factors");
}

async fn a_name_and_a_password_are_changed_on_their_pages(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let other = person.login().await;
    let mut browser = signed_in(&house, &person).await;
    let page = browser.open("/account").await;
    page.posts_to("/account");
    browser.submit(&page, &[("name", " ")]).await.expect(422);
    let page = browser.submit(&page, &[("name", "Ada <b>")]).await;
    let page = browser.follow(page).await;
    assert!(page.answer.text.contains("Your name is saved."));
    assert!(page.answer.text.contains("Ada &#60;b&#62;"));
    let page = browser.open("/account/password").await;
    page.posts_to("/account/password");
    let new = "a fresh and long passphrase";
    let wrong = [("old_password", "wrong"), ("new_password", new)];
    browser.submit(&page, &wrong).await.expect(422);
    let short = [
        ("old_password", person.password.as_str()),
        ("new_password", "x"),
    ];
    browser.submit(&page, &short).await.expect(422);
    let right = [
        ("old_password", person.password.as_str()),
        ("new_password", new),
    ];
    let page = browser.submit(&page, &right).await;
    let page = browser.follow(page).await;
    assert!(page.answer.text.contains("Your password was changed."));
    person.me(&other.access).await.expect(401);
    person.try_login(new).await.expect(200);
}

async fn devices_are_listed_and_signed_out(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let phone = Person {
        public: house
            .public()
            .with("user-agent", "Mozilla/5.0 (iPhone) Safari/605"),
        ..person.clone()
    };
    let (one, two) = (phone.login().await, person.login().await);
    let mut browser = signed_in(&house, &person).await;
    let page = browser.open("/account/sessions").await;
    assert_eq!(page.answer.text.matches("class=\"row\"").count(), 3);
    assert_eq!(
        page.answer.text.matches("class=\"mark\"").count(),
        1,
        "this one"
    );
    let listed = house
        .public()
        .bearer(&one.access)
        .get("/auth/sessions")
        .await;
    let sessions = listed.expect(200).json();
    let sessions = sessions["sessions"].as_array().expect("a list").clone();
    let here = sessions
        .iter()
        .find(|one| one["current"] == true)
        .expect("one");
    let id = here["id"].as_str().expect("an id");
    let page = browser.open(&format!("/account/sessions/{id}/end")).await;
    page.posts_to(&format!("/account/sessions/{id}/end"));
    confirm(&mut browser, &page).await;
    person.me(&one.access).await.expect(401);
    person.me(&two.access).await.expect(200);
    browser
        .open(&format!("/account/sessions/{id}/end"))
        .await
        .expect(404);
    let page = browser.open("/account/sessions/end-others").await;
    page.posts_to("/account/sessions/end-others");
    confirm(&mut browser, &page).await;
    person.me(&two.access).await.expect(401);
    let page = browser.open("/account/sessions").await;
    assert_eq!(page.answer.text.matches("class=\"row\"").count(), 1);
}

async fn what_an_application_was_allowed_is_taken_back(house: House) {
    let world = World::new(house.clone()).await;
    let mut browser = world.browser();
    let sent = browser.obtain(&world.ask_web(), &world.person).await;
    let tokens = world.redeem_sent(&sent).await;
    let page = browser.open("/account/applications").await;
    assert!(page.answer.text.contains("An application"));
    let path = format!("/account/applications/take-back?client={}", world.web.id);
    let page = browser.open(&path).await;
    page.posts_to("/account/applications/take-back");
    let page = confirm(&mut browser, &page).await;
    assert!(!page.answer.text.contains("An application"));
    world.person.me(&tokens.access).await.expect(401);
    browser.open(&path).await.expect(404);
    browser
        .open("/account/applications/take-back")
        .await
        .expect(404);
}

async fn an_app_is_added_and_removed_by_whoever_proved_lately_who_they_are(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let mut browser = signed_in(&house, &person).await;
    let page = browser.open("/bind-factor").await;
    let page = browser.submit(&page, &[("method", "totp")]).await;
    let page = browser.follow(page).await;
    let secret = page.answer.text.split("<code id=\"secret\">").nth(1);
    let secret = secret
        .and_then(|rest| rest.split('<').next())
        .expect("a secret");
    let app = App::new(&house, &secret.replace(' ', ""));
    let page = browser.submit(&page, &[("code", &app.code())]).await;
    page.expect(200);
    assert!(page.answer.text.contains("href=\"/account/factors\""));
    // The sign-in was by a password alone: what is bound now is shown first.
    let page = browser.open("/account/factors/app/remove").await;
    assert_eq!(page.location(), "/sign-in?request=account.factors");
    let page = browser
        .sign_in("/account/factors/app/remove", &person)
        .await;
    page.posts_to("/second-factor");
    let page = browser.submit(&page, &[("code", &app.next_code())]).await;
    let page = browser.follow(page).await;
    assert_eq!(page.path, "/account/factors");
    house.clock.advance(Duration::from_mins(16));
    let page = browser.open("/account/factors/app/remove").await;
    assert_eq!(
        page.location(),
        "/sign-in?request=account.factors",
        "a while ago"
    );
    let page = browser
        .sign_in("/account/factors/app/remove", &person)
        .await;
    let page = browser.submit(&page, &[("code", &app.next_code())]).await;
    page.expect(303);
    let page = browser.open("/account/factors/app/remove").await;
    page.posts_to("/account/factors/app/remove");
    let page = confirm(&mut browser, &page).await;
    // OWASP ASVS 5.0 §7.4.3: whoever changed a factor is offered to end the others.
    let offer = "href=\"/account/sessions/end-others\"";
    assert!(page.answer.text.contains(offer), "{}", page.answer.text);
    person.login().await;
}

async fn new_backup_codes_are_shown_once(house: House) {
    let owner = Owner::enroll(&house, "ada").await;
    let mut browser = Browser::new(&house.public());
    let page = browser.sign_in("/sign-in", &owner.person).await;
    browser
        .submit(&page, &[("code", &owner.app.next_code())])
        .await
        .expect(303);
    let page = browser.open("/account/factors/codes").await;
    page.posts_to("/account/factors/codes");
    let page = browser.submit(&page, &[]).await;
    page.expect(200);
    assert_eq!(page.answer.text.matches("<li><code>").count(), 10);
    assert!(!page.answer.text.contains(&owner.codes[0]));
    let page = browser.open("/account/factors").await;
    assert!(!page.answer.text.contains("<li><code>"));
    // After an idle hour the password alone signs in, and does not do for this.
    house.clock.advance(Duration::from_hours(1));
    browser.sign_in("/sign-in", &owner.person).await;
    let page = browser.open("/account/factors/codes").await;
    assert_eq!(page.location(), "/sign-in?request=account.factors");
}

async fn passkeys_are_renamed_and_removed_on_pages(house: House) {
    let (_, mut browser, mut authenticator) = super::passkeys::bound(&house).await;
    let page = browser.open("/sign-in?request=account.factors").await;
    let response = authenticator.get(&super::passkeys::options(&page));
    let page = super::passkeys::send(&mut browser, &page, &response, "").await;
    let page = browser.follow(page).await;
    let id = page.answer.text.split("/account/factors/passkeys/").nth(1);
    let id = id
        .and_then(|rest| rest.split('/').next())
        .expect("an id")
        .to_owned();
    let rename = format!("/account/factors/passkeys/{id}/rename");
    let page = browser.open(&rename).await;
    page.posts_to(&format!("/account/factors/passkeys/{id}/rename"));
    browser.submit(&page, &[("name", "")]).await.expect(422);
    let page = browser.submit(&page, &[("name", "Old phone")]).await;
    let page = browser.follow(page).await;
    assert!(page.answer.text.contains("Old phone"));
    let page = browser
        .open(&format!("/account/factors/passkeys/{id}/remove"))
        .await;
    page.posts_to(&format!("/account/factors/passkeys/{id}/remove"));
    let page = confirm(&mut browser, &page).await;
    assert!(!page.answer.text.contains("Old phone"));
    browser.open(&rename).await.expect(404);
}

async fn what_happened_is_told_in_words_page_by_page(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let eve = Person::register(&house.public(), "eve").await;
    person
        .try_login("a wrong password, as it is")
        .await
        .expect(401);
    let id = house.user_id(&person).await;
    let path = format!("/admin/users/{id}");
    let rename = serde_json::json!({ "name": "Countess" });
    house.admin().patch(&path, rename).await.expect(200);
    let mut browser = signed_in(&house, &person).await;
    let page = browser.open("/account/activity").await;
    page.expect(200);
    let text = &page.answer.text;
    for told in [
        "Signed in",
        "A sign-in failed",
        "The account was registered",
    ] {
        assert!(text.contains(told), "{told}");
    }
    assert!(text.contains("an administrator") && !text.contains("?cursor="));
    for _ in 0..21 {
        person.login().await;
    }
    let page = browser.open("/account/activity").await;
    assert_eq!(page.answer.text.matches("class=\"row\"").count(), 20);
    let older = page
        .answer
        .text
        .split("href=\"/account/activity?cursor=")
        .nth(1);
    let older = older.and_then(|rest| rest.split('"').next()).expect("more");
    let path = format!("/account/activity?cursor={older}");
    let page = browser.open(&path).await;
    page.expect(200);
    assert!(page.answer.text.contains("The account was registered"));
    let mut other = signed_in(&house, &eve).await;
    let page = other.open(&path).await;
    assert!(
        !page.answer.text.contains("an administrator"),
        "a cursor shows one's own alone"
    );
    other
        .open("/account/activity?cursor=AAAA")
        .await
        .expect(400);
}

async fn ones_data_are_downloaded_by_whoever_proved_lately_who_they_are(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let mut browser = signed_in(&house, &person).await;
    let page = browser.open("/account/data").await;
    assert!(page.answer.text.contains("href=\"/account/data/export\""));
    let page = browser.open("/account/data/export").await;
    page.expect(200);
    assert!(
        page.answer
            .header("content-disposition")
            .starts_with("attachment;")
    );
    assert_eq!(
        page.answer.json()["account"]["email"],
        person.email.as_str()
    );
    house.clock.advance(Duration::from_mins(16));
    let page = browser.open("/account/data/export").await;
    assert_eq!(page.location(), "/sign-in?request=account.data");
}

async fn nobody_changes_anothers_account(house: House) {
    let ada = Person::register(&house.public(), "ada").await;
    let eve = Person::register(&house.public(), "eve").await;
    let tokens = ada.login().await;
    let listed = house
        .public()
        .bearer(&tokens.access)
        .get("/auth/sessions")
        .await;
    let id = listed.expect(200).json()["sessions"][0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let mut browser = signed_in(&house, &eve).await;
    let path = format!("/account/sessions/{id}/end");
    browser.open(&path).await.expect(404);
    // Her own token does for no path of his.
    let own = browser.open("/account/sessions/end-others").await;
    let (_, hidden) = own.form();
    let token = hidden
        .iter()
        .find(|(name, _)| name == "csrf")
        .expect("a token");
    browser
        .post(&path, &[("csrf", token.1.as_str())])
        .await
        .expect(404);
    ada.me(&tokens.access).await.expect(200);
    for path in PAGES {
        let page = browser
            .elsewhere()
            .post(path, &[("csrf", token.1.as_str())])
            .await;
        assert!([403, 405].contains(&page.answer.status.as_u16()), "{path}");
    }
}

async fn a_person_sees_which_accounts_elsewhere_theirs_is_linked_to(house: House) {
    choose(&house, trusting(&[IDP])).await;
    let person = Person::register(&house.public(), "ada").await;
    let mut browser = signed_in(&house, &person).await;
    let page = browser.open("/account").await;
    assert!(!page.answer.text.contains("Linked accounts"));
    let user = house.user_id(&person).await;
    let path = format!("/admin/users/{user}/identities");
    let body = json!({ "issuer": IDP, "subject": "<i>ada</i>" });
    house.admin().post(&path, body).await.expect(201);
    let page = browser.open("/account").await;
    let text = &page.answer.text;
    assert!(
        text.contains("Linked accounts") && text.contains(IDP),
        "{text}"
    );
    assert!(text.contains("&#60;i&#62;ada"), "a name is text: {text}");
}
