//! Clocks that jump, that differ, and that pass 2038: nothing is valid too early, nothing lives for ever,
//! and nobody is locked out by them.

use std::time::Duration;

use domain::time::{Clock, UnixMillis};
use serde_json::json;

use crate::case::Case;
use crate::cases;
use crate::client::{Person, Tokens};
use crate::house::House;

cases![
    a_clock_that_jumps_an_hour_and_is_corrected_revives_nothing,
    what_an_early_clock_gave_counts_when_its_time_has_come,
    whoever_waits_for_a_lock_is_let_in_by_a_corrected_clock,
    after_2038_people_sign_in_refresh_and_end_as_before,
];

/// What is asked of several nodes.
pub fn of_nodes() -> Vec<Case> {
    nodes::cases()
}

const HOUR: Duration = Duration::from_hours(1);
/// One second more than a signed number of 32 bits counts.
const AFTER_2038: i64 = 1 << 31;

async fn revoke(person: &Person, token: &str) {
    let body = json!({ "token": token });
    person.public.post("/auth/revoke", body).await.expect(200);
}

async fn a_clock_that_jumps_an_hour_and_is_corrected_revives_nothing(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let (ended, revoked) = (person.login().await, person.login().await);
    revoke(&person, &ended.refresh).await;
    let right = house.clock.now();
    house.clock.advance(HOUR);
    revoke(&person, &revoked.refresh).await;
    person.refresh(&ended.refresh).await.expect(401);
    house.clock.set(right);
    for tokens in [&ended, &revoked] {
        person.refresh(&tokens.refresh).await.expect(401);
        person.me(&tokens.access).await.expect(401);
    }
    // A code of before is as old as it is, and no younger.
    let link = house.reset_token(&person).await;
    house.clock.advance(HOUR);
    let body = json!({ "token": link, "new_password": "a fresh and long passphrase" });
    let reset = person
        .public
        .post("/auth/password/reset/confirm", body)
        .await;
    reset.expect(422);
    house.clock.set(right);
    person.me(&person.login().await.access).await.expect(200);
}

/// What was given while the clock was early is refused until then, and has no longer life by it.
async fn what_an_early_clock_gave_counts_when_its_time_has_come(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let right = house.clock.now();
    house.clock.advance(HOUR);
    let early = person.login().await;
    house.clock.set(right);
    person.me(&early.access).await.expect(401);
    house.clock.set(right + HOUR);
    person.me(&early.access).await.expect(200);
    house.clock.set(right + HOUR + Duration::from_mins(15));
    person.me(&early.access).await.expect(401);
    // Nor does the sign-in outlive the longest of its kind by being from tomorrow.
    house
        .clock
        .set(right + HOUR + Duration::from_hours(31 * 24));
    person.refresh(&early.refresh).await.expect(401);
}

async fn whoever_waits_for_a_lock_is_let_in_by_a_corrected_clock(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let right = house.clock.now();
    house.clock.advance(HOUR);
    for _ in 0..20 {
        person.try_login("a wrong password, as it is").await;
    }
    house.clock.set(right);
    // The wait was counted from an hour ahead: it is over at the latest then.
    house.clock.advance(HOUR + Duration::from_mins(16));
    person.login().await;
}

async fn after_2038_people_sign_in_refresh_and_end_as_before(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let before = person.login().await;
    house.clock.set(UnixMillis::from_seconds(AFTER_2038));
    person.me(&before.access).await.expect(401);
    person.refresh(&before.refresh).await.expect(401);
    let tokens = person.login().await;
    let next = Tokens::of(&person.refresh(&tokens.refresh).await.expect(200));
    person.me(&next.access).await.expect(200);
    let told = crate::oauth::world::claims(&next.access);
    assert!(told["exp"].as_i64().is_some_and(|exp| exp > AFTER_2038));
    let listed = house
        .public()
        .bearer(&next.access)
        .get("/auth/sessions")
        .await;
    assert!(listed.expect(200).text.contains("2038-01-19"));
    revoke(&person, &next.refresh).await;
    person.me(&next.access).await.expect(401);
    house.clock.advance(Duration::from_hours(24 * 365 * 40));
    person.me(&person.login().await.access).await.expect(200);
    let rows = house.audit_rows("login.succeeded").await;
    assert!(rows.len() >= 3, "written down with their time");
}

mod nodes {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use domain::time::{Clock, ManualClock};

    use super::revoke;
    use crate::cases;
    use crate::client::{Person, Tokens};
    use crate::house::House;
    use crate::patience::PATIENCE;

    cases![nodes_ninety_seconds_apart_agree_on_what_is_over];

    async fn nodes_ninety_seconds_apart_agree_on_what_is_over(house: House) {
        let apart = Duration::from_secs(90);
        let ahead = Arc::new(ManualClock::new(house.clock.now() + apart));
        let other = house.second_node_by(ahead).await;
        let here = Person::register(&house.public(), "ada").await;
        let there = Person {
            public: other.public(),
            ..here.clone()
        };
        let tokens = here.login().await;
        there.me(&tokens.access).await.expect(200);
        let next = Tokens::of(&there.refresh(&tokens.refresh).await.expect(200));
        // Signed by the clock that is ahead: its time has not come here.
        here.me(&next.access).await.expect(401);
        house.clock.advance(apart);
        other.clock.advance(apart);
        here.me(&next.access).await.expect(200);
        revoke(&there, &next.refresh).await;
        house.clock.advance(Duration::from_secs(1));
        for person in [&here, &there] {
            person.refresh(&next.refresh).await.expect(401);
        }
        until_refused(&here, &next).await;
        // Until the token is over by every clock, it stays refused.
        for _ in 0..15 {
            house.clock.advance(Duration::from_mins(1));
            here.me(&next.access).await.expect(401);
        }
        other.stop().await;
    }

    async fn until_refused(person: &Person, tokens: &Tokens) {
        let begun = Instant::now();
        while person.me(&tokens.access).await.status.as_u16() != 401 {
            assert!(begun.elapsed() < PATIENCE, "still accepted");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
