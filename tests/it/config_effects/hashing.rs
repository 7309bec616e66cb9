//! What a hash costs and how many may wait: `ARGON2_MEMORY`, `ARGON2_TIME`, `ARGON2_PARALLELISM`,
//! `HASHING_THREADS`, `HASHING_QUEUE`.

use super::keys::person_at;
use crate::backend::Backend;
use crate::client::{Answer, Person};
use crate::house::House;
use crate::scenes;

scenes![
    a_weaker_stored_hash_is_made_anew_at_the_next_sign_in,
    argon2_settings_are_what_a_new_hash_is_made_with,
    hashing_queue_bounds_who_waits_and_the_rest_is_503,
    hashing_threads_decides_how_many_hash_at_once,
];

async fn a_weaker_stored_hash_is_made_anew_at_the_next_sign_in() {
    let house = House::open(Backend::Sqlite).await;
    let person = Person::register(&house.public(), "ada").await;
    let mut house = house;
    let mut expected = 0;
    for (name, stronger, rehashes) in [
        ("ARGON2_MEMORY", "128", 1),
        ("ARGON2_TIME", "2", 1),
        // Going back to less makes no hash weaker.
        ("ARGON2_MEMORY", "64", 0),
    ] {
        house = house.restart(&[(name, stronger)]).await;
        let person = person_at(&house, &person);
        person.login().await;
        person.login().await;
        expected += rehashes;
        let made = house.audit_count("password.rehashed").await;
        assert_eq!(made, expected, "{name}={stronger}");
    }
    house.stop().await;
}

async fn argon2_settings_are_what_a_new_hash_is_made_with() {
    let cost = [
        ("ARGON2_MEMORY", "136"),
        ("ARGON2_TIME", "3"),
        ("ARGON2_PARALLELISM", "2"),
    ];
    let house = House::with(Backend::Sqlite, &cost).await;
    let person = Person::register(&house.public(), "ada").await;
    // Read where it is stored: nobody is ever told a hash.
    assert!(house.has_stored("$m=136,t=3,p=2$"));
    let less = [("ARGON2_TIME", "1"), ("ARGON2_PARALLELISM", "1")];
    let house = house.restart(&less).await;
    person_at(&house, &person).login().await;
    house.stop().await;
}

/// Settings under which one hash takes long enough for others to meet it.
const COSTLY: [(&str, &str); 3] = [
    ("ARGON2_MEMORY", "65536"),
    ("ARGON2_TIME", "4"),
    ("HASHING_THREADS", "1"),
];

/// How often people come at once. On a busy machine they may not meet within one hash, so the round
/// counts in which they did.
const ROUNDS: usize = 5;

async fn hashing_queue_bounds_who_waits_and_the_rest_is_503() {
    let mut settings = COSTLY.to_vec();
    settings.push(("HASHING_QUEUE", "1"));
    let house = House::with(Backend::Sqlite, &settings).await;
    let person = Person::register(&house.public(), "ada").await;
    let mut is_bounded = false;
    for _ in 0..ROUNDS {
        let answers = all_at_once(&person, 6).await;
        let (served, refused): (Vec<_>, Vec<_>) = answers
            .into_iter()
            .partition(|answer| answer.status.is_success());
        for answer in refused {
            let answer = answer.expect_code(503, "UNAVAILABLE");
            let wait: u64 = answer.header("retry-after").parse().expect("seconds");
            assert!(wait >= 1);
        }
        // One hashes and one waits; a place that is free again may be taken by who comes late.
        assert!(served.len() >= 2, "{} were served", served.len());
        is_bounded = served.len() < 6;
        if is_bounded {
            break;
        }
    }
    assert!(is_bounded, "nobody was ever refused");
    // Nobody is kept out for having been refused.
    person.login().await;
    let house = house.restart(&[("HASHING_QUEUE", "16")]).await;
    let person = person_at(&house, &person);
    for answer in all_at_once(&person, 6).await {
        answer.expect(200);
    }
    house.stop().await;
}

async fn hashing_threads_decides_how_many_hash_at_once() {
    let mut settings = COSTLY.to_vec();
    // No queue: as many are served at once as there are threads.
    settings.push(("HASHING_QUEUE", "0"));
    settings.push(("HASHING_THREADS", "3"));
    let house = House::with(Backend::Sqlite, &settings).await;
    let person = Person::register(&house.public(), "ada").await;
    let all = served_in_a_round(&person, |served| served == 3).await;
    assert!(all, "three threads never served three at once");
    let house = house.restart(&[("HASHING_THREADS", "1")]).await;
    let person = person_at(&house, &person);
    let fewer = served_in_a_round(&person, |served| served < 3).await;
    assert!(fewer, "one thread served three in every round");
    house.stop().await;
}

/// Says whether in some round so many of three simultaneous sign-ins are let in.
async fn served_in_a_round(person: &Person, fits: impl Fn(usize) -> bool) -> bool {
    for _ in 0..ROUNDS {
        let answers = all_at_once(person, 3).await;
        let served = answers.iter().filter(|answer| answer.status.is_success());
        if fits(served.count()) {
            return true;
        }
    }
    false
}

async fn all_at_once(person: &Person, times: usize) -> Vec<Answer> {
    let attempts = (0..times).map(|_| person.try_login(&person.password));
    futures_util::future::join_all(attempts).await
}
