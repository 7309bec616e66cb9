//! POST /auth/token/refresh and POST /auth/token with `grant_type=refresh_token` (CONTRACT §4).

use std::time::Duration;

use serde_json::json;

use crate::cases;
use crate::client::{Person, Tokens};
use crate::house::House;

cases![
    each_use_rotates_and_the_chain_goes_on,
    json_form_and_alias_are_one_endpoint,
    two_hundred_at_once_get_one_successor_and_a_late_reuse_ends_the_family,
    inside_the_window_the_superseded_token_gives_the_same_successor,
    outside_the_window_an_unused_successor_is_issued_again_once,
    after_the_successor_was_used_the_old_token_ends_the_family,
    a_family_ends_when_idle_and_when_old,
    a_locked_user_cannot_refresh,
    every_truncation_is_refused,
    the_session_of_a_reused_token_is_refused_at_once,
];

async fn each_use_rotates_and_the_chain_goes_on(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let mut tokens = person.login().await;
    for _ in 0..5 {
        let next = Tokens::of(&person.refresh(&tokens.refresh).await.expect(200));
        assert_ne!(next.refresh, tokens.refresh);
        person.me(&next.access).await.expect(200);
        tokens = next;
    }
}

async fn json_form_and_alias_are_one_endpoint(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let tokens = person.login().await;
    let body = json!({ "grant_type": "refresh_token", "refresh_token": tokens.refresh });
    let by_json = Tokens::of(&house.public().post("/auth/token", body).await.expect(200));
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens.refresh.as_str()),
    ];
    let by_form = Tokens::of(
        &house
            .public()
            .form("/auth/token", &fields)
            .await
            .expect(200),
    );
    assert_eq!(by_json.refresh, by_form.refresh);
    let by_alias = Tokens::of(&person.refresh(&tokens.refresh).await.expect(200));
    assert_eq!(by_json.refresh, by_alias.refresh);
}

/// RFC 9700 §4.14.2.
async fn two_hundred_at_once_get_one_successor_and_a_late_reuse_ends_the_family(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let tokens = person.login().await;
    let presentations = (0..200).map(|_| person.refresh_when_told(&tokens.refresh));
    let mut successors = futures_util::future::join_all(presentations).await;
    successors.dedup();
    let [successor] = successors.as_slice() else {
        panic!("{} successors", successors.len())
    };
    assert_eq!(
        house.audit_count("token.refreshed").await,
        1,
        "one advance, one audit entry"
    );

    let next = Tokens::of(&person.refresh(successor).await.expect(200));
    house.clock.advance(Duration::from_secs(31));
    person.refresh(&tokens.refresh).await.expect(401);
    person.refresh(&next.refresh).await.expect(401);
    assert_eq!(house.audit_count("token.reuse_detected").await, 1);
}

async fn inside_the_window_the_superseded_token_gives_the_same_successor(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let tokens = person.login().await;
    let first = Tokens::of(&person.refresh(&tokens.refresh).await.expect(200));
    house.clock.advance(Duration::from_secs(30));
    let again = Tokens::of(&person.refresh(&tokens.refresh).await.expect(200));
    assert_eq!(first.refresh, again.refresh);
}

async fn outside_the_window_an_unused_successor_is_issued_again_once(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let tokens = person.login().await;
    let first = Tokens::of(&person.refresh(&tokens.refresh).await.expect(200));
    house.clock.advance(Duration::from_secs(31));
    let again = Tokens::of(&person.refresh(&tokens.refresh).await.expect(200));
    assert_eq!(first.refresh, again.refresh);
    person.refresh(&tokens.refresh).await.expect(401);
    person.refresh(&first.refresh).await.expect(401);
}

async fn after_the_successor_was_used_the_old_token_ends_the_family(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let tokens = person.login().await;
    let second = Tokens::of(&person.refresh(&tokens.refresh).await.expect(200));
    let third = Tokens::of(&person.refresh(&second.refresh).await.expect(200));
    person.refresh(&tokens.refresh).await.expect(401);
    person.refresh(&third.refresh).await.expect(401);
}

async fn a_family_ends_when_idle_and_when_old(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let idle = person.login().await;
    house.clock.advance(Duration::from_hours(24 * 7));
    person.refresh(&idle.refresh).await.expect(401);
    let mut tokens = person.login().await;
    for _ in 0..5 {
        house.clock.advance(Duration::from_hours(24 * 6 - 1));
        tokens = Tokens::of(&person.refresh(&tokens.refresh).await.expect(200));
    }
    house.clock.advance(Duration::from_hours(6));
    person.refresh(&tokens.refresh).await.expect(401);
}

async fn a_locked_user_cannot_refresh(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let tokens = person.login().await;
    let path = format!("/admin/users/{}/lock", house.user_id(&person).await);
    house
        .admin()
        .post(&path, json!({ "reason": "lost device" }))
        .await
        .expect(200);
    person.refresh(&tokens.refresh).await.expect(401);
    person.me(&tokens.access).await.expect(401);
}

async fn every_truncation_is_refused(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let tokens = person.login().await;
    for length in (0..tokens.refresh.len()).rev() {
        person.refresh(&tokens.refresh[..length]).await.expect(401);
    }
    for length in [7, 20, tokens.access.len() - 40, tokens.access.len() - 1] {
        person.me(&tokens.access[..length]).await.expect(401);
    }
    person.refresh(&tokens.refresh).await.expect(200);
}

async fn the_session_of_a_reused_token_is_refused_at_once(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let tokens = person.login().await;
    let second = Tokens::of(&person.refresh(&tokens.refresh).await.expect(200));
    let third = Tokens::of(&person.refresh(&second.refresh).await.expect(200));
    person.refresh(&tokens.refresh).await.expect(401);
    person.me(&third.access).await.expect(401);
}
