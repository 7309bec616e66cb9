//! What a stranger, another tenant, a replay and a race can do with challenges and verifiers: nothing.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use super::story::{CONSENT, LOGIN, Story, back, challenge_of};
use crate::admin::areas::{holder, holder_in};
use crate::cases;
use crate::client::{Client, Person};
use crate::house::House;
use crate::oauth::world::parameter;

cases![
    a_challenge_of_another_tenant_is_not_found,
    only_an_operator_answers_a_challenge,
    a_key_for_this_area_signs_no_operator_in,
    a_challenge_is_answered_once,
    one_of_fifty_answers_to_a_challenge_counts,
    a_challenge_and_a_verifier_expire,
    a_verifier_works_once_and_in_the_browser_that_began,
    nobody_is_signed_in_to_a_strangers_account,
    only_an_active_person_of_the_tenant_signs_in,
    who_is_locked_meanwhile_does_not_get_in,
    a_sign_in_that_is_there_is_answered_for_its_person_alone,
    a_consent_taken_back_meanwhile_is_asked_for_again,
    what_was_changed_or_is_of_the_other_stage_is_not_found,
];

/// A person of another tenant, by id, and its operator.
async fn beside(house: &House) -> (String, Client) {
    house.add_tenant("acme").await;
    let public = house.public().with("x-tenant-id", "acme");
    Person::register(&public, "bob").await;
    let acme = holder_in(house, "acme", "admin:*").await;
    let listed = acme.get("/admin/users").await.expect(200).json();
    let id = listed["users"][0]["id"].as_str().expect("an id");
    (id.to_owned(), acme)
}

async fn a_challenge_of_another_tenant_is_not_found(house: House) {
    let story = Story::new(house).await;
    let house = &story.world.house;
    let challenge = story
        .begin(&mut story.world.browser(), &story.world.ask_web())
        .await;
    let (id, acme) = beside(house).await;
    let path = format!("/admin/oauth/auth/requests/login?login_challenge={challenge}");
    acme.get(&path).await.expect_code(404, "NOT_FOUND");
    let path = format!("/admin/oauth/auth/requests/login/accept?login_challenge={challenge}");
    let refused = acme.put(&path, json!({ "subject": id })).await;
    refused.expect_code(404, "NOT_FOUND");
    story.shown_login(&challenge).await.expect(200);
    story.accept_login(&challenge, json!({})).await.expect(200);
}

async fn only_an_operator_answers_a_challenge(house: House) {
    let story = Story::new(house).await;
    let house = &story.world.house;
    let challenge = story
        .begin(&mut story.world.browser(), &story.world.ask_web())
        .await;
    let shown = format!("/admin/oauth/auth/requests/login?login_challenge={challenge}");
    let accept = format!("/admin/oauth/auth/requests/login/accept?login_challenge={challenge}");
    let body = json!({ "subject": story.user });
    let own = story.world.person.login().await;
    let person = house.stranger().bearer(&own.access);
    let other = holder(house, "admin:users").await;
    for (caller, status) in [(house.stranger(), 401), (person, 403), (other, 403)] {
        caller.get(&shown).await.expect(status);
        caller.put(&accept, body.clone()).await.expect(status);
    }
    let interface = holder(house, "admin:oauth").await;
    interface.get(&shown).await.expect(200);
    interface.get("/admin/users").await.expect(403);
    interface.put(&accept, body).await.expect(200);
}

async fn a_key_for_this_area_signs_no_operator_in(house: House) {
    let story = Story::new(house).await;
    let path = format!("/admin/users/{}", story.user);
    let promoted = json!({ "roles": ["user", "admin"] });
    story.admin().patch(&path, promoted).await.expect(200);
    let challenge = story
        .begin(&mut story.world.browser(), &story.world.ask_web())
        .await;
    let accept = format!("/admin/oauth/auth/requests/login/accept?login_challenge={challenge}");
    let interface = holder(&story.world.house, "admin:oauth").await;
    let body = json!({ "subject": story.user });
    interface.put(&accept, body.clone()).await.expect(403);
    story.admin().put(&accept, body).await.expect(200);
}

async fn a_challenge_is_answered_once(house: House) {
    let story = Story::new(house).await;
    let mut browser = story.world.browser();
    let challenge = story.begin(&mut browser, &story.world.ask_web()).await;
    let accepted = story.accept_login(&challenge, json!({})).await.expect(200);
    let again = story.accept_login(&challenge, json!({})).await;
    again.expect_code(409, "CONFLICT");
    let path = format!("/admin/oauth/auth/requests/login/reject?login_challenge={challenge}");
    let rejected = story.admin().put(&path, json!({})).await;
    rejected.expect_code(409, "CONFLICT");
    let page = browser.open(&back(&accepted)).await;
    let challenge = challenge_of(page.location(), CONSENT);
    let path = format!("/admin/oauth/auth/requests/consent/reject?consent_challenge={challenge}");
    let rejected = story.admin().put(&path, json!({})).await.expect(200);
    let body = json!({ "grant_scope": ["openid"] });
    let accepted = story.accept_consent(&challenge, body).await;
    accepted.expect_code(409, "CONFLICT");
    let page = browser.open(&back(&rejected)).await;
    let error = parameter(page.location(), "error");
    assert_eq!(error.as_deref(), Some("access_denied"));
}

async fn one_of_fifty_answers_to_a_challenge_counts(house: House) {
    let story = Story::new(house).await;
    let mut browser = story.world.browser();
    let challenge = story.begin(&mut browser, &story.world.ask_web()).await;
    let answers = (0..50).map(|_| story.accept_login(&challenge, json!({})));
    let (won, lost): (Vec<_>, Vec<_>) = join_all(answers)
        .await
        .into_iter()
        .partition(|answer| answer.status.as_u16() == 200);
    assert_eq!((won.len(), lost.len()), (1, 49));
    let place = back(&won[0]);
    let browsers = (0..10).map(|_| {
        let (mut browser, place) = (browser.clone(), place.clone());
        async move { browser.open(&place).await.answer.status.as_u16() }
    });
    let statuses = join_all(browsers).await;
    let of = |status: u16| statuses.iter().filter(|one| **one == status).count();
    assert_eq!((of(303), of(400)), (1, 9), "{statuses:?}");
}

async fn a_challenge_and_a_verifier_expire(house: House) {
    let story = Story::new(house).await;
    let mut browser = story.world.browser();
    let clock = &story.world.house.clock;
    let challenge = story.begin(&mut browser, &story.world.ask_web()).await;
    clock.advance(Duration::from_secs(30 * 60 - 1));
    story.shown_login(&challenge).await.expect(200);
    clock.advance(Duration::from_secs(1));
    story.shown_login(&challenge).await.expect(404);
    let late = story.accept_login(&challenge, json!({})).await;
    late.expect_code(404, "NOT_FOUND");
    let challenge = story.begin(&mut browser, &story.world.ask_web()).await;
    let accepted = story.accept_login(&challenge, json!({})).await.expect(200);
    clock.advance(Duration::from_mins(5));
    browser.open(&back(&accepted)).await.expect(400);
    assert_eq!(story.world.house.audit_count("login.succeeded").await, 0);
}

async fn a_verifier_works_once_and_in_the_browser_that_began(house: House) {
    let story = Story::new(house).await;
    let mut browser = story.world.browser();
    let challenge = story.begin(&mut browser, &story.world.ask_web()).await;
    let accepted = story.accept_login(&challenge, json!({})).await.expect(200);
    let mut nameless = story.world.browser();
    nameless.open(&back(&accepted)).await.expect(403);
    let mut other = story.world.browser();
    story.begin(&mut other, &story.world.ask_web()).await;
    other.open(&back(&accepted)).await.expect(403);
    assert!(other.cookie("__Host-session").is_none());
    let page = browser.open(&back(&accepted)).await;
    page.expect(303);
    browser.open(&back(&accepted)).await.expect(400);
    // The same of the second stage.
    let challenge = challenge_of(page.location(), CONSENT);
    let body = json!({ "grant_scope": ["openid"] });
    let accepted = story.accept_consent(&challenge, body).await.expect(200);
    other.open(&back(&accepted)).await.expect(403);
    let page = browser.open(&back(&accepted)).await;
    assert!(parameter(page.location(), "code").is_some());
    browser.open(&back(&accepted)).await.expect(400);
}

async fn nobody_is_signed_in_to_a_strangers_account(house: House) {
    let story = Story::new(house).await;
    let eve = Person::register(&story.world.house.public(), "eve").await;
    let eve = story.world.house.user_id(&eve).await;
    let (mut thief, mut victim) = (story.world.browser(), story.world.browser());
    // The thief signs in as themselves and hands the way back to a victim (login CSRF).
    let challenge = story.begin(&mut thief, &story.world.ask_web()).await;
    story.begin(&mut victim, &story.world.ask_web()).await;
    let accepted = story
        .accept_login(&challenge, json!({ "subject": eve }))
        .await;
    victim.open(&back(&accepted.expect(200))).await.expect(403);
    assert!(victim.cookie("__Host-session").is_none());
    // The thief has a victim go through the interface for a challenge of the thief's.
    let challenge = story.begin(&mut thief, &story.world.ask_web()).await;
    let accepted = story.accept_login(&challenge, json!({})).await.expect(200);
    victim.open(&back(&accepted)).await.expect(403);
    assert!(thief.cookie("__Host-session").is_none());
    assert_eq!(story.world.house.audit_count("login.succeeded").await, 0);
}

async fn only_an_active_person_of_the_tenant_signs_in(house: House) {
    let story = Story::new(house).await;
    let house = &story.world.house;
    let (foreign, _) = beside(house).await;
    let locked = Person::register(&house.public(), "eve").await;
    let locked = house.user_id(&locked).await;
    let path = format!("/admin/users/{locked}/lock");
    let lock = json!({ "reason": "lost" });
    story.admin().post(&path, lock).await.expect(200);
    let challenge = story
        .begin(&mut story.world.browser(), &story.world.ask_web())
        .await;
    let web = story.world.web.id.clone();
    let nobody = "0192f0c1-7a3b-7c5d-8e9f-0a1b2c3d4e5f".to_owned();
    for subject in [foreign, locked, web, nobody, String::new()] {
        let refused = story
            .accept_login(&challenge, json!({ "subject": subject }))
            .await;
        refused.expect_code(422, "VALIDATION_ERROR");
    }
    for odd in [
        json!({ "acr": "a b" }),
        json!({ "amr": [""] }),
        json!({ "remember_for": 1 }),
    ] {
        let refused = story.accept_login(&challenge, odd).await;
        refused.expect_code(422, "VALIDATION_ERROR");
    }
    // Nothing of that has spent it.
    story.accept_login(&challenge, json!({})).await.expect(200);
}

async fn who_is_locked_meanwhile_does_not_get_in(house: House) {
    let story = Story::new(house).await;
    let mut browser = story.world.browser();
    let challenge = story.begin(&mut browser, &story.world.ask_web()).await;
    let accepted = story.accept_login(&challenge, json!({})).await.expect(200);
    let path = format!("/admin/users/{}", story.user);
    let lock = json!({ "reason": "lost" });
    let locked = story
        .admin()
        .post(&format!("{path}/lock"), lock.clone())
        .await;
    locked.expect(200);
    let page = browser.open(&back(&accepted)).await;
    challenge_of(page.location(), LOGIN);
    assert!(browser.cookie("__Host-session").is_none());
    let unlocked = story
        .admin()
        .post(&format!("{path}/unlock"), json!({}))
        .await;
    unlocked.expect(200);
    let place = story
        .sign_in(&mut browser, &story.world.ask_web(), json!({}))
        .await;
    let challenge = challenge_of(&place, CONSENT);
    let body = json!({ "grant_scope": ["openid"] });
    let accepted = story.accept_consent(&challenge, body).await.expect(200);
    let locked = story.admin().post(&format!("{path}/lock"), lock).await;
    locked.expect(200);
    let page = browser.open(&back(&accepted)).await;
    challenge_of(page.location(), LOGIN);
}

async fn a_sign_in_that_is_there_is_answered_for_its_person_alone(house: House) {
    let story = Story::new(house).await;
    let eve = Person::register(&story.world.house.public(), "eve").await;
    let eve = story.world.house.user_id(&eve).await;
    let mut browser = story.world.browser();
    story.authorize(&mut browser, json!({})).await;
    let challenge = story.begin(&mut browser, &story.world.ask_web()).await;
    let refused = story
        .accept_login(&challenge, json!({ "subject": eve }))
        .await;
    refused.expect_code(422, "VALIDATION_ERROR");
    // A sign-in that has ended meanwhile is none.
    let accepted = story.accept_login(&challenge, json!({})).await.expect(200);
    let page = browser.open("/oauth/logout").await;
    let ended = browser.submit(&page, &[("decision", "logout")]).await;
    ended.expect(200);
    let page = browser.open(&back(&accepted)).await;
    let challenge = challenge_of(page.location(), LOGIN);
    let shown = story.shown_login(&challenge).await.expect(200).json();
    assert_eq!(shown["skip"], false);
}

async fn a_consent_taken_back_meanwhile_is_asked_for_again(house: House) {
    let story = Story::new(house).await;
    let mut browser = story.world.browser();
    story.authorize(&mut browser, json!({})).await;
    let place = story
        .sign_in(&mut browser, &story.world.ask_web(), json!({}))
        .await;
    let challenge = challenge_of(&place, CONSENT);
    let body = json!({ "grant_scope": ["openid"], "remember": true });
    let accepted = story.accept_consent(&challenge, body).await.expect(200);
    let path = format!(
        "/admin/users/{}/consents/{}",
        story.user, story.world.web.id
    );
    story.admin().delete(&path).await.expect(204);
    let page = browser.open(&back(&accepted)).await;
    let challenge = challenge_of(page.location(), CONSENT);
    let path = format!("/admin/oauth/auth/requests/consent?consent_challenge={challenge}");
    let shown = story.admin().get(&path).await.expect(200).json();
    assert_eq!(shown["skip"], false);
}

async fn what_was_changed_or_is_of_the_other_stage_is_not_found(house: House) {
    let story = Story::new(house).await;
    let mut browser = story.world.browser();
    let challenge = story.begin(&mut browser, &story.world.ask_web()).await;
    let path = format!("/admin/oauth/auth/requests/consent?consent_challenge={challenge}");
    story.admin().get(&path).await.expect(404);
    let body = json!({ "grant_scope": [] });
    story.accept_consent(&challenge, body).await.expect(404);
    let (head, last) = challenge.split_at(challenge.len() - 1);
    let other = if last == "A" { "B" } else { "A" };
    for changed in [format!("{head}{other}"), head.to_owned(), "x".to_owned()] {
        story.shown_login(&changed).await.expect(404);
    }
    // A challenge is no verifier.
    let place = format!("/oauth/resume?login_verifier={challenge}");
    browser.open(&place).await.expect(400);
    let nameless = "/admin/oauth/auth/requests/login";
    let refused = story.admin().get(nameless).await;
    refused.expect_code(422, "VALIDATION_ERROR");
}
