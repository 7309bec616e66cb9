//! /recover-factor: a lost second factor on a page, without JavaScript.

use std::time::Duration;

use serde_json::json;

use crate::auth::mfa::recovery::proven;
use crate::browser::Browser;
use crate::cases;
use crate::client::Person;
use crate::house::House;
use crate::oauth::World;

cases![
    a_lost_factor_is_recovered_on_a_page,
    whoever_may_not_be_recovered_by_mail_is_told_who_helps,
    the_page_is_for_sign_ins_that_owe_a_factor,
];

async fn a_lost_factor_is_recovered_on_a_page(house: House) {
    let owner = proven(&house, "eve").await;
    let world = World::new(house.clone()).await;
    let mut browser = world.browser();
    let page = browser.sign_in(&world.ask_web(), &owner.person).await;
    let way = page
        .answer
        .text
        .split("href=\"")
        .find(|part| part.starts_with("/recover-factor"));
    let way = way.and_then(|part| part.split('"').next()).expect("a link");
    let page = browser.open(&way.replace("&#38;", "&")).await;
    page.expect(200);
    page.posts_to("/recover-factor");
    let page = browser.submit(&page, &[]).await;
    page.expect(303);
    let page = browser.follow(page).await;
    assert!(page.answer.text.contains("name=\"code\""));
    let wrong = browser
        .submit(&page, &[("code", "bcdf-ghjk-mnpq-rtvw")])
        .await;
    wrong.expect(422);
    assert!(wrong.answer.text.contains("This code is not right"));
    assert!(browser.cookie("__Host-session").is_none());
    let code = house.letter(&owner.person, "factor_recovery_code").await;
    let code = code.expect("a letter");
    let page = browser.submit(&wrong, &[("code", &code)]).await;
    page.expect(303);
    assert!(browser.cookie("__Host-session").is_some());
    assert!(browser.cookie("__Host-sign-in").is_none(), "it is done");
    // The application gets what it asked for.
    let page = browser.follow(page).await;
    let page = browser.submit(&page, &[("decision", "allow")]).await;
    world.redeem_sent(page.location()).await;
}

async fn whoever_may_not_be_recovered_by_mail_is_told_who_helps(house: House) {
    let owner = proven(&house, "ada").await;
    house.clock.advance(Duration::from_secs(1));
    let new = "a fresh and long passphrase";
    let body = json!({ "token": house.reset_token(&owner.person).await, "new_password": new });
    let path = "/auth/password/reset/confirm";
    house.public().post(path, body).await.expect(200);
    let person = Person {
        password: new.to_owned(),
        ..owner.person.clone()
    };
    let mut browser = Browser::new(&house.public());
    browser.sign_in("/sign-in", &person).await;
    let page = browser.open("/recover-factor").await;
    let page = browser.submit(&page, &[]).await;
    page.expect(200);
    assert!(page.answer.text.contains("ask your administrator"));
    assert!(page.answer.text.contains("method=backup"));
    assert_eq!(house.audit_count("factors.recovery_requested").await, 0);
}

async fn the_page_is_for_sign_ins_that_owe_a_factor(house: House) {
    let owner = proven(&house, "ada").await;
    let mut browser = Browser::new(&house.public());
    let page = browser.open("/recover-factor").await;
    assert_eq!(page.location(), "/sign-in");
    // A sign-in in progress is its browser's.
    browser.sign_in("/sign-in", &owner.person).await;
    let page = browser.open("/recover-factor").await;
    page.expect(200);
    let mut other = Browser::new(&house.public());
    let taken = browser
        .cookie("__Host-sign-in")
        .expect("a sign-in")
        .to_owned();
    other.set_cookie("__Host-sign-in", &taken);
    let page = other.open("/recover-factor").await;
    assert_eq!(page.location(), "/sign-in");
    // Whoever is signed in has nothing to recover here.
    let page = browser.open("/second-factor").await;
    let code = owner.app.next_code();
    browser.submit(&page, &[("code", &code)]).await.expect(303);
    let page = browser.open("/recover-factor").await;
    assert_eq!(page.location(), "/second-factor");
}
