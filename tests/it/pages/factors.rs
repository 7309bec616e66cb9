//! /second-factor, /bind-factor, /bind-app: second factors on pages, without JavaScript.

use std::time::Duration;

use serde_json::json;

use crate::auth::mfa::{App, Owner};
use crate::browser::{Browser, Page};
use crate::cases;
use crate::client::Person;
use crate::house::House;
use crate::oauth::World;
use crate::oauth::world::{ask, claims, parameter, register};

cases![
    a_sign_in_for_an_application_asks_for_the_second_factor,
    nist_sp_800_63b_4_2_2_3_after_idle_one_factor_suffices_and_after_the_end_both,
    where_it_is_required_a_page_binds_an_app_first,
    a_client_that_requires_two_factors_gets_them_from_a_sign_in_with_one,
    rfc_9470_4_acr_values_ask_for_one_more_factor_and_the_sign_in_goes_on,
    openid_connect_core_5_5_1_1_what_nobody_can_meet_is_told_to_the_client,
    only_a_fresh_sign_in_binds_an_app_on_a_page,
    nobody_is_shown_a_secret_that_somebody_else_had_made,
    a_factor_that_was_let_go_of_counts_for_nothing_after_idle,
    a_sign_in_in_progress_is_its_browsers,
    a_cancelled_second_factor_is_told_to_the_client,
];

const AAL2: &str = "urn:nist:sp:800-63b-4:aal2";

/// Shows a code on the page that asks for it.
async fn show(browser: &mut Browser, page: &Page, code: &str) -> Page {
    page.posts_to("/second-factor");
    browser.submit(page, &[("code", code)]).await
}

/// An owner of an app in a world of applications.
async fn enrolled(house: &House) -> (World, Owner) {
    let owner = Owner::enroll(house, "eve").await;
    let mut world = World::new(house.clone()).await;
    world.person = owner.person.clone();
    (world, owner)
}

async fn a_sign_in_for_an_application_asks_for_the_second_factor(house: House) {
    let (world, owner) = enrolled(&house).await;
    let mut browser = world.browser();
    let page = browser.sign_in(&world.ask_web(), &world.person).await;
    page.expect(200);
    assert!(browser.cookie("__Host-session").is_none(), "not yet");
    let wrong = show(&mut browser, &page, "000000").await;
    wrong.expect(422);
    assert!(wrong.answer.text.contains("This code is not right"));
    let page = show(&mut browser, &wrong, &owner.app.next_code()).await;
    page.expect(303);
    assert!(browser.cookie("__Host-sign-in").is_none(), "it is done");
    let page = browser.follow(page).await;
    let page = browser.submit(&page, &[("decision", "allow")]).await;
    let tokens = world.redeem_sent(page.location()).await;
    let told = claims(&tokens.access);
    assert_eq!(
        (&told["acr"], &told["amr"]),
        (&json!(AAL2), &json!(["pwd", "otp", "mfa"]))
    );
    // A backup code is another way, on its own page.
    let mut browser = world.browser();
    browser.sign_in(&world.ask_web(), &world.person).await;
    let page = browser.open("/second-factor?method=backup").await;
    let page = show(&mut browser, &page, &owner.codes[0]).await;
    page.expect(303);
    assert!(browser.cookie("__Host-session").is_some());
}

async fn nist_sp_800_63b_4_2_2_3_after_idle_one_factor_suffices_and_after_the_end_both(
    house: House,
) {
    let owner = Owner::enroll(&house, "ada").await;
    let mut browser = Browser::new(&house.public());
    let page = browser.sign_in("/sign-in", &owner.person).await;
    let page = show(&mut browser, &page, &owner.app.next_code()).await;
    browser.follow(page).await.expect(200);
    let is_in = |page: &Page| page.answer.text.contains("You are signed in as");
    house.clock.advance(Duration::from_hours(2));
    let page = browser.sign_in("/sign-in", &owner.person).await;
    assert!(is_in(&page), "the password alone, after being idle");
    // Elsewhere both are asked for: what was had was had in that browser.
    let page = Browser::new(&house.public())
        .sign_in("/sign-in", &owner.person)
        .await;
    page.posts_to("/second-factor");
    for _ in 0..21 {
        house.clock.advance(Duration::from_secs(3_590));
        assert!(is_in(&browser.open("/sign-in").await));
    }
    house.clock.advance(Duration::from_mins(50));
    assert!(is_in(&browser.open("/sign-in").await));
    house.clock.advance(Duration::from_mins(15));
    let page = browser.open("/sign-in").await;
    assert!(!is_in(&page), "a day has passed since the code was shown");
    let page = browser.sign_in("/sign-in", &owner.person).await;
    page.posts_to("/second-factor");
}

async fn where_it_is_required_a_page_binds_an_app_first(house: House) {
    let world = World::new(house.clone()).await;
    let policy = json!({ "config": { "mfa": "require" } });
    house
        .admin()
        .patch("/admin/tenants/default", policy)
        .await
        .expect(200);
    let mut browser = world.browser();
    let page = browser.sign_in(&world.ask_web(), &world.person).await;
    page.posts_to("/bind-factor");
    let page = browser.submit(&page, &[("method", "totp")]).await;
    let page = browser.follow(page).await;
    page.posts_to("/bind-app");
    assert!(page.answer.text.contains("<svg role=\"img\""));
    let secret = page.answer.text.split("<code id=\"secret\">").nth(1);
    let secret = secret
        .and_then(|rest| rest.split('<').next())
        .expect("a secret");
    let app = App::new(&house, &secret.replace(' ', ""));
    let wrong = browser.submit(&page, &[("code", "000000")]).await;
    wrong.expect(422);
    let page = browser.submit(&wrong, &[("code", &app.code())]).await;
    page.expect(200);
    assert_eq!(page.answer.text.matches("<li><code>").count(), 10);
    let onward = page.answer.text.split("class=\"button\" href=\"").nth(1);
    let onward = onward
        .and_then(|rest| rest.split('"').next())
        .expect("a link");
    let page = browser.open(&onward.replace("&#38;", "&")).await;
    let page = browser.follow(page).await;
    let page = browser.submit(&page, &[("decision", "allow")]).await;
    let tokens = world.redeem_sent(page.location()).await;
    assert_eq!(claims(&tokens.access)["acr"], AAL2);
}

async fn a_client_that_requires_two_factors_gets_them_from_a_sign_in_with_one(house: House) {
    let world = World::new(house.clone()).await;
    let strict = register(&house, "web", json!({ "mfa": "require" })).await;
    let mut browser = world.browser();
    browser.obtain(&world.ask_web(), &world.person).await;
    let page = browser.open(&ask(&strict, &[])).await;
    let page = browser.follow(page).await;
    page.posts_to("/bind-factor");
    let sent = browser.open(&ask(&strict, &[("prompt", "none")])).await;
    let error = parameter(sent.location(), "error");
    assert_eq!(error.as_deref(), Some("login_required"));
}

async fn rfc_9470_4_acr_values_ask_for_one_more_factor_and_the_sign_in_goes_on(house: House) {
    let world = World::new(house.clone()).await;
    let mut browser = world.browser();
    let sent = browser.obtain(&world.ask_web(), &world.person).await;
    let first = world.redeem_sent(&sent).await;
    let owner = bind(&house, &world.person).await;
    let old = browser.clone();
    let strong = ask(&world.web, &[("acr_values", AAL2)]);
    let page = browser.open(&strong).await;
    let page = browser.follow(page).await;
    let page = show(&mut browser, &page, &owner.next_code()).await;
    let page = browser.follow(page).await;
    let tokens = world.redeem_sent(page.location()).await;
    let (before, after) = (claims(&first.access), claims(&tokens.access));
    assert_eq!(after["acr"], AAL2);
    assert_eq!(before["sid"], after["sid"], "nobody is signed out");
    assert!(after["auth_time"].as_i64() > before["auth_time"].as_i64());
    world.person.me(&first.access).await.expect(200);
    // OWASP ASVS 5.0 §7.2.4: the cookie from before is worth nothing.
    let page = old.clone().open("/sign-in").await;
    page.posts_to("/sign-in");
}

/// Sets up an app for somebody in a sign-in of its own.
async fn bind(house: &House, person: &Person) -> App {
    let me = house.public().bearer(&person.login().await.access);
    let setup = me.post("/auth/mfa/setup", json!({})).await.expect(200);
    let app = App::new(house, &setup.field("secret"));
    let body = json!({ "code": app.code() });
    me.post("/auth/mfa/confirm", body).await.expect(200);
    app
}

async fn openid_connect_core_5_5_1_1_what_nobody_can_meet_is_told_to_the_client(house: House) {
    let world = World::new(house.clone()).await;
    let essential = |value: &str| {
        let wish = json!({ "id_token": { "acr": { "essential": true, "values": [value] } } });
        ask(&world.web, &[("claims", &wish.to_string())])
    };
    let sent = world.browser().open(&essential("urn:example:retina")).await;
    let error = parameter(sent.location(), "error");
    assert_eq!(error.as_deref(), Some("unmet_authentication_requirements"));
    let mut browser = world.browser();
    let page = browser.sign_in(&essential(AAL2), &world.person).await;
    page.posts_to("/bind-factor");
    let off = json!({ "config": { "mfa": "off" } });
    house
        .admin()
        .patch("/admin/tenants/default", off)
        .await
        .expect(200);
    let sent = world.browser().open(&essential(AAL2)).await;
    let error = parameter(sent.location(), "error");
    assert_eq!(error.as_deref(), Some("unmet_authentication_requirements"));
}

async fn only_a_fresh_sign_in_binds_an_app_on_a_page(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let mut browser = Browser::new(&house.public());
    let pages = async |browser: &mut Browser| {
        let choice = browser.open("/bind-factor").await.location().to_owned();
        let app = browser.open("/bind-app").await.location().to_owned();
        (choice, app)
    };
    let sign_in = ("/sign-in".to_owned(), "/sign-in".to_owned());
    assert_eq!(pages(&mut browser).await, sign_in, "a stranger");
    browser.sign_in("/sign-in", &person).await;
    let fresh = (String::new(), "/bind-factor".to_owned());
    assert_eq!(pages(&mut browser).await, fresh);
    house.clock.advance(Duration::from_mins(16));
    assert_eq!(pages(&mut browser).await, sign_in, "a while ago");
}

async fn nobody_is_shown_a_secret_that_somebody_else_had_made(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    // Somebody who knows the password leaves a secret that they know.
    let thief = house.public().bearer(&person.login().await.access);
    thief.post("/auth/mfa/setup", json!({})).await.expect(200);
    let mut theirs = Browser::new(&house.public());
    theirs.sign_in("/sign-in", &person).await;
    let page = theirs.open("/bind-factor").await;
    let sent = theirs.submit(&page, &[("method", "totp")]).await;
    let address = sent.location().to_owned();
    theirs.open(&address).await.expect(200);
    let mut browser = Browser::new(&house.public());
    browser.sign_in("/sign-in", &person).await;
    for place in ["/bind-app", address.as_str(), "/bind-app?setup=AAAA"] {
        let page = browser.open(place).await;
        assert_eq!(page.location(), "/bind-factor", "{place}");
    }
    // Nor is the owner's shown to them.
    let page = browser.open("/bind-factor").await;
    let sent = browser.submit(&page, &[("method", "totp")]).await;
    let address = sent.location().to_owned();
    browser.open(&address).await.expect(200);
    for place in ["/bind-app", address.as_str()] {
        let page = theirs.open(place).await;
        assert_eq!(page.location(), "/bind-factor", "{place}");
    }
}

async fn a_factor_that_was_let_go_of_counts_for_nothing_after_idle(house: House) {
    let owner = Owner::enroll(&house, "ada").await;
    let mut lost = Browser::new(&house.public());
    let page = lost.sign_in("/sign-in", &owner.person).await;
    show(&mut lost, &page, &owner.app.next_code())
        .await
        .expect(303);
    let me = house.public().bearer(&owner.login().await.access);
    let body = json!({ "code": owner.app.next_code() });
    me.post("/auth/mfa/disable", body).await.expect(200);
    bind(&house, &owner.person).await;
    house.clock.advance(Duration::from_hours(2));
    let page = lost.sign_in("/sign-in", &owner.person).await;
    page.posts_to("/second-factor");
}

async fn a_sign_in_in_progress_is_its_browsers(house: House) {
    let owner = Owner::enroll(&house, "ada").await;
    let mut browser = Browser::new(&house.public());
    let page = browser.sign_in("/sign-in", &owner.person).await;
    let cookie = browser
        .cookie("__Host-sign-in")
        .expect("a cookie")
        .to_owned();
    let mut other = Browser::new(&house.public());
    other.open("/sign-in").await;
    other.set_cookie("__Host-sign-in", &cookie);
    let gone = other.open("/second-factor").await;
    assert!(gone.location().ends_with("/sign-in"), "{}", gone.location());
    // Nor is it one to the API.
    let answer = owner.verify(&cookie, &owner.app.next_code()).await;
    answer.expect(401);
    let page = show(&mut browser, &page, &owner.app.next_code()).await;
    page.expect(303);
    browser.set_cookie("__Host-sign-in", &cookie);
    let again = browser.open("/second-factor").await;
    let again = show(&mut browser, &again, &owner.app.next_code()).await;
    again.expect(422);
}

async fn a_cancelled_second_factor_is_told_to_the_client(house: House) {
    let (world, _) = enrolled(&house).await;
    let mut browser = world.browser();
    let page = browser.sign_in(&world.ask_web(), &world.person).await;
    let page = browser.submit(&page, &[("decision", "cancel")]).await;
    let error = parameter(page.location(), "error");
    assert_eq!(error.as_deref(), Some("access_denied"));
}
