//! What guessing costs: `RATE_LIMIT_PROGRESSIVE_DELAY_AFTER`, `RATE_LIMIT_MAX_FAILED_ATTEMPTS`,
//! `RATE_LIMIT_LOCKOUT_DURATION`.

use std::time::Duration;

use crate::backend::Backend;
use crate::client::Person;
use crate::house::House;
use crate::scenes;

scenes![
    progressive_delay_after_lets_so_many_guesses_through,
    max_failed_attempts_locks_for_the_lockout_duration,
];

const WRONG: &str = "this is not the password";

async fn progressive_delay_after_lets_so_many_guesses_through() {
    let settings = [("RATE_LIMIT_PROGRESSIVE_DELAY_AFTER", "2")];
    let house = House::with(Backend::Sqlite, &settings).await;
    let person = Person::register(&house.public(), "ada").await;
    for _ in 0..2 {
        person.try_login(WRONG).await.expect(401);
    }
    let delayed = person.try_login(WRONG).await.expect(429);
    delayed.expect_wait(1);
    house.clock.advance(Duration::from_secs(1));
    person.login().await;
    house.stop().await;
}

async fn max_failed_attempts_locks_for_the_lockout_duration() {
    let settings = [
        ("RATE_LIMIT_MAX_FAILED_ATTEMPTS", "3"),
        ("RATE_LIMIT_LOCKOUT_DURATION", "2m"),
        ("RATE_LIMIT_PROGRESSIVE_DELAY_AFTER", "1000"),
    ];
    let house = House::with(Backend::Sqlite, &settings).await;
    let person = Person::register(&house.public(), "ada").await;
    for _ in 0..3 {
        person.try_login(WRONG).await.expect(401);
    }
    let locked = person.try_login(&person.password).await.expect(429);
    locked.expect_wait(120);
    house.clock.advance(Duration::from_secs(119));
    person.try_login(&person.password).await.expect(429);
    house.clock.advance(Duration::from_secs(1));
    person.login().await;
    house.stop().await;
}
