//! /account/data/delete and /account/restore: going, and coming back, without JavaScript.

use crate::auth::mfa::Owner;
use crate::browser::Browser;
use crate::cases;
use crate::client::Person;
use crate::house::House;
use crate::oauth::World;

cases![
    an_account_is_deleted_on_its_page_and_restored_on_the_sign_in_page,
    a_deleted_account_is_offered_back_after_the_second_factor_alone,
    a_restored_account_goes_on_to_the_application,
];

/// Deletes the account of whoever is signed in.
async fn delete(browser: &mut Browser) {
    let page = browser.open("/account/data").await;
    assert!(page.answer.text.contains("href=\"/account/data/delete\""));
    let page = browser.open("/account/data/delete").await;
    page.posts_to("/account/data/delete");
    let page = browser.submit(&page, &[]).await;
    page.expect(200);
    assert!(page.answer.text.contains("Your account is deleted"));
}

async fn an_account_is_deleted_on_its_page_and_restored_on_the_sign_in_page(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let mut browser = Browser::new(&house.public());
    browser.sign_in("/sign-in", &person).await;
    let page = browser.open("/account/restore").await;
    assert_eq!(page.location(), "/sign-in", "nothing to restore");
    delete(&mut browser).await;
    let page = browser.open("/account").await;
    assert_eq!(page.location(), "/sign-in?request=account");
    let page = browser.sign_in("/account", &person).await;
    assert_eq!(page.path, "/account/restore?request=account");
    page.posts_to("/account/restore");
    assert!(page.answer.text.contains("Restore the account"));
    // Another browser proved nothing.
    let mut other = Browser::new(&house.public());
    let elsewhere = other.open("/account/restore").await;
    assert_eq!(elsewhere.location(), "/sign-in");
    let page = browser.submit(&page, &[]).await;
    let page = browser.follow(page).await;
    assert_eq!(page.path, "/account");
    page.expect(200);
    person.login().await;
}

async fn a_deleted_account_is_offered_back_after_the_second_factor_alone(house: House) {
    let owner = Owner::enroll(&house, "ada").await;
    let mut browser = Browser::new(&house.public());
    let page = browser.sign_in("/sign-in", &owner.person).await;
    browser
        .submit(&page, &[("code", &owner.app.next_code())])
        .await
        .expect(303);
    delete(&mut browser).await;
    let page = browser.sign_in("/sign-in", &owner.person).await;
    page.posts_to("/second-factor");
    // With the password alone, the page that gives it back gives nothing back.
    let early = browser.open("/account/restore").await;
    let refused = browser.submit(&early, &[]).await;
    assert_eq!(refused.location(), "/sign-in");
    let page = browser.sign_in("/sign-in", &owner.person).await;
    let page = browser
        .submit(&page, &[("code", &owner.app.next_code())])
        .await;
    assert_eq!(page.location(), "/account/restore");
    let page = browser.follow(page).await;
    let page = browser.submit(&page, &[]).await;
    page.expect(303);
    browser.open("/account").await.expect(200);
}

async fn a_restored_account_goes_on_to_the_application(house: House) {
    let world = World::new(house).await;
    let mut browser = world.browser();
    browser.sign_in("/sign-in", &world.person).await;
    delete(&mut browser).await;
    let page = browser.open(&world.ask_web()).await;
    let page = browser.follow(page).await;
    let fields = [
        ("email", world.person.email.as_str()),
        ("password", world.person.password.as_str()),
    ];
    let page = browser.submit(&page, &fields).await;
    let page = browser.follow(page).await;
    page.posts_to("/account/restore");
    let page = browser.submit(&page, &[]).await;
    let page = browser.follow(page).await;
    page.posts_to("/consent");
}
