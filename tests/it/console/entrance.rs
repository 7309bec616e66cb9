//! Coming in and going out.

use std::time::Duration;

use serde_json::json;

use super::{Office, is_sent_to_sign_in, lock};
use crate::admin::rbac::{allow, give};
use crate::auth::mfa::{App, Owner};
use crate::browser::Browser;
use crate::cases;
use crate::client::Person;
use crate::house::House;

cases![
    an_operator_signs_in_with_two_factors_and_comes_back_to_where_they_were,
    an_operator_without_a_second_factor_is_led_to_bind_one,
    who_is_no_operator_is_told_so_and_stays_outside,
    a_sign_in_is_renewed_before_it_ends_and_nobody_notices,
    a_sign_in_that_ends_anywhere_ends_here,
    signing_out_asks_and_ends_the_sign_in_everywhere,
    a_sign_in_that_was_cancelled_says_so,
    the_cookie_is_for_no_script_and_holds_no_token,
];

async fn an_operator_signs_in_with_two_factors_and_comes_back_to_where_they_were(house: House) {
    let mut office = Office::closed(&house, "root", "admin").await;
    let page = office.enter("/console/users?search=root").await;
    page.expect(200);
    assert_eq!(page.path, "/console/users?search=root");
    assert!(page.answer.text.contains(&office.owner.person.email));
    let page = office.admin.open("/console").await;
    page.expect(200);
    assert!(
        page.answer
            .text
            .contains("<svg viewBox=\"0 0 600 150\" role=\"img\"")
    );
    assert_eq!(house.audit_count("authorization.granted").await, 1);
}

async fn an_operator_without_a_second_factor_is_led_to_bind_one(house: House) {
    let person = Person::register(&house.public(), "root").await;
    give(&house, &person, "admin").await;
    let mut admin = Browser::new(&house.stranger());
    let page = admin.open("/console").await;
    let page = admin.open(page.location()).await;
    let place = page.location().trim_start_matches(super::PUBLIC).to_owned();
    let mut public = Browser::new(&house.public());
    let page = public.sign_in(&place, &person).await;
    page.posts_to("/bind-factor");
    let page = public.submit(&page, &[("method", "totp")]).await;
    let page = public.follow(page).await;
    let secret = page.answer.text.split("<code id=\"secret\">").nth(1);
    let secret = secret.and_then(|rest| rest.split('<').next());
    let app = App::new(&house, &secret.expect("a secret").replace(' ', ""));
    let page = public.submit(&page, &[("code", &app.code())]).await;
    page.expect(200);
    let onward = page.answer.text.split("class=\"button\" href=\"").nth(1);
    let onward = onward.and_then(|rest| rest.split('"').next());
    let page = public
        .open(&onward.expect("a link").replace("&#38;", "&"))
        .await;
    let page = public.follow(page).await;
    let sent = page.location().strip_prefix(super::ADMIN).expect("back");
    let page = admin.open(sent).await;
    admin.follow(page).await.expect(200);
}

async fn who_is_no_operator_is_told_so_and_stays_outside(house: House) {
    let mut office = Office::closed(&house, "ada", "user").await;
    let page = office.enter("/console/users").await;
    page.expect_error(403, "insufficient_scope");
    assert!(office.admin.cookie("__Host-console").is_none());
    assert!(is_sent_to_sign_in(
        &office.admin.open("/console/users").await
    ));
}

async fn a_sign_in_is_renewed_before_it_ends_and_nobody_notices(house: House) {
    let mut office = Office::open(&house).await;
    let first = office.admin.cookie("__Host-console").map(str::to_owned);
    house.clock.advance(Duration::from_mins(5));
    office.admin.open("/console/users").await.expect(200);
    house.clock.advance(Duration::from_mins(5));
    let place = office.leave_for("/console/users").await;
    let page = office.public.open(&place).await;
    let sent = page.location().strip_prefix(super::ADMIN);
    let sent = sent.expect("nobody is asked").to_owned();
    office.arrive(&sent).await.expect(200);
    let second = office.admin.cookie("__Host-console").map(str::to_owned);
    assert!(second.is_some() && first != second);
    house.clock.advance(Duration::from_mins(16));
    assert!(
        is_sent_to_sign_in(&office.admin.open("/console/users").await),
        "it is over"
    );
}

async fn a_sign_in_that_ends_anywhere_ends_here(house: House) {
    let mut office = Office::open(&house).await;
    office.admin.open("/console/keys").await.expect(200);
    let me = house.public().bearer(&office.owner.login().await.access);
    me.post("/auth/logout/all", json!({})).await.expect(200);
    assert!(is_sent_to_sign_in(
        &office.admin.open("/console/keys").await
    ));
    office.enter("/console/keys").await.expect(200);
    lock(&house, &office.owner).await;
    assert!(is_sent_to_sign_in(
        &office.admin.open("/console/keys").await
    ));
    // A role that was taken is no more, though the sign-in goes on.
    allow(&house, "clerk", "admin:users", "read").await;
    let mut clerk = Office::closed(&house, "clerk", "clerk").await;
    clerk.enter("/console/users").await.expect(200);
    let body = json!({ "user": house.user_id(&clerk.owner.person).await, "role": "clerk" });
    house
        .admin()
        .post("/admin/rbac/grants/revoke", body)
        .await
        .expect(200);
    let page = clerk.admin.open("/console/users").await;
    page.expect_error(403, "insufficient_scope");
}

async fn signing_out_asks_and_ends_the_sign_in_everywhere(house: House) {
    let mut office = Office::open(&house).await;
    let kept = office.admin.clone();
    let page = office.admin.open("/console/sign-out").await;
    page.posts_to("/console/sign-out");
    let page = office.admin.submit(&page, &[]).await;
    page.expect(303);
    assert_eq!(page.location(), "/console/signed-out");
    assert!(office.admin.cookie("__Host-console").is_none());
    office.admin.open("/console/signed-out").await.expect(200);
    let mut stolen = kept;
    assert!(
        is_sent_to_sign_in(&stolen.open("/console").await),
        "a kept cookie is none"
    );
    let page = office.public.open("/account").await;
    assert!(
        page.location().contains("/sign-in"),
        "the sign-in itself has ended"
    );
}

async fn a_sign_in_that_was_cancelled_says_so(house: House) {
    let owner = Owner::enroll(&house, "root").await;
    let mut office = Office::of(&house, owner);
    let place = office.leave_for("/console").await;
    let page = office.public.open(&place).await;
    let page = office.public.follow(page).await;
    let page = office.public.submit(&page, &[("decision", "cancel")]).await;
    let sent = page.location().strip_prefix(super::ADMIN).expect("back");
    let page = office.admin.open(sent).await;
    page.expect(200);
    assert!(page.answer.text.contains("You are not signed in"));
    assert!(office.admin.cookie("__Host-console").is_none());
}

async fn the_cookie_is_for_no_script_and_holds_no_token(house: House) {
    let mut office = Office::closed(&house, "root", "admin").await;
    let place = office.leave_for("/console").await;
    let sent = office.prove(&place).await;
    let page = office.admin.open(&sent).await;
    let cookie = page.answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-console="), "{cookie}");
    for part in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(
        !cookie.contains("qf_at_") && cookie.len() < 2_000,
        "{cookie}"
    );
    let page = office.admin.open("/console").await;
    let policy = page.answer.header("content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("script-src"),
        "{policy}"
    );
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(page.answer.header("cache-control").contains("no-store"));
    assert!(!page.answer.text.contains("<script"));
}
