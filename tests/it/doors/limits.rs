//! The bucket of a network: `RATE_LIMIT_RPS` and `RATE_LIMIT_BURST`.

use std::time::{Duration, Instant};

use crate::backend::Backend;
use crate::client::{Answer, Client};
use crate::house::House;
use crate::patience::{PATIENCE, best_of_three};
use crate::scenes;

scenes![
    beyond_the_burst_is_429_with_the_time_to_wait,
    probes_are_answered_whatever_was_asked,
    networks_have_buckets_of_their_own,
    paths_and_methods_that_are_none_empty_the_bucket_too,
];

async fn open(rps: &str, burst: &str) -> House {
    let settings = [("RATE_LIMIT_RPS", rps), ("RATE_LIMIT_BURST", burst)];
    House::with(Backend::Sqlite, &settings).await
}

const KEYS: &str = "/.well-known/jwks.json";

/// Asks until it is refused, at most so often.
async fn exhaust(door: &Client, path: &str, most: u32) -> (u32, Answer) {
    for served in 0..most {
        let answer = door.get(path).await;
        if answer.status.as_u16() == 429 {
            return (served, answer);
        }
    }
    panic!("{most} requests were served");
}

async fn beyond_the_burst_is_429_with_the_time_to_wait() {
    let house = open("1", "5").await;
    let begun = Instant::now();
    let (served, refused) = exhaust(&house.public(), KEYS, 1_000).await;
    // The burst, and one more for each second that passed.
    let most = 6.0 + begun.elapsed().as_secs_f64();
    assert!(served >= 5 && f64::from(served) <= most, "{served}");
    let refused = refused.expect_code(429, "RATE_LIMIT_EXCEEDED");
    let wait: u64 = refused.header("retry-after").parse().expect("seconds");
    assert_eq!(wait, 1);
    // Who comes back when told is served.
    tokio::time::sleep(Duration::from_secs(wait)).await;
    house.public().get(KEYS).await.expect(200);
    // RATE_LIMIT_RPS: a bucket that fills faster serves sooner.
    let quick = open("20", "5").await;
    best_of_three(Duration::from_millis(900), async |_| {
        exhaust(&quick.public(), KEYS, 10_000).await;
        let begun = Instant::now();
        while quick.public().get(KEYS).await.status.as_u16() == 429 {
            assert!(begun.elapsed() < PATIENCE, "it does not fill");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        begun.elapsed()
    })
    .await;
    house.stop().await;
    quick.stop().await;
}

async fn probes_are_answered_whatever_was_asked() {
    let house = open("1", "2").await;
    exhaust(&house.public(), KEYS, 1_000).await;
    for path in ["/health", "/liveness", "/ready", "/readiness"] {
        for _ in 0..5 {
            house.public().get(path).await.expect(200);
        }
    }
    for _ in 0..5 {
        house.stranger().get("/metrics").await.expect(200);
    }
    house.stop().await;
}

async fn networks_have_buckets_of_their_own() {
    let house = open("1", "2").await;
    let one = house.public().with("x-forwarded-for", "203.0.113.7");
    let other = house.public().with("x-forwarded-for", "203.0.113.8");
    exhaust(&one, KEYS, 1_000).await;
    other.get(KEYS).await.expect(200);
    // An IPv6 client has a whole /64 to itself.
    let six = |address: &str| house.public().with("x-forwarded-for", address);
    exhaust(&six("2001:db8:0:1::1"), KEYS, 1_000).await;
    six("2001:db8:0:1:ffff::2").get(KEYS).await.expect(429);
    six("2001:db8:0:2::1").get(KEYS).await.expect(200);
    house.stop().await;
}

async fn paths_and_methods_that_are_none_empty_the_bucket_too() {
    let house = open("1", "3").await;
    let one = house.public().with("x-forwarded-for", "203.0.113.7");
    exhaust(&one, "/nothing/here", 1_000).await;
    let other = house.public().with("x-forwarded-for", "203.0.113.8");
    exhaust(&other, "/auth/login", 1_000).await;
    let third = house.public().with("x-forwarded-for", "203.0.113.9");
    exhaust(&third, "//malformed", 1_000).await;
    house.stop().await;
}
