//! How the doors close: what is in flight is answered, nothing new is let in (CONTRACT §11). And who closes
//! a connection from the other side cuts nothing in half.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use super::wire::{self, Wire};
use crate::backend::Backend;
use crate::client::{Person, plain};
use crate::house::House;
use crate::patience::PATIENCE;
use crate::scenes;

scenes![
    requests_in_flight_are_answered_and_later_ones_are_not_let_in,
    an_idle_connection_does_not_hold_up_the_end,
    who_needs_longer_than_the_grace_is_cut,
    who_is_slow_at_one_door_costs_the_other_nothing,
    requests_sent_until_the_end_are_all_answered_or_never_accepted,
    who_hangs_up_before_the_answer_cuts_nothing_in_half,
];

/// Begins a sign-in and keeps most of its body back; gives what is missing.
async fn begin_sign_in(house: &House, person: &Person) -> (Wire<TcpStream>, String) {
    let body = serde_json::json!({ "email": person.email, "password": person.password });
    let body = body.to_string();
    let (begun, missing) = body.split_at(5);
    let mut wire = wire::connect(house.public_address()).await;
    wire.say(&format!(
        "POST /auth/login HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{begun}",
        body.len()
    ))
    .await;
    wait_until_in_flight(house).await;
    (wire, missing.to_owned())
}

/// Waits until the public door has a request that it has not answered.
async fn wait_until_in_flight(house: &House) {
    for _ in 0..500 {
        let metrics = house.stranger().get("/metrics").await.text;
        let is_there = |line: &str| {
            line.contains("in_flight") && line.contains(r#"door="public""#) && !line.ends_with(" 0")
        };
        if metrics.lines().any(is_there) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the request never came in");
}

async fn requests_in_flight_are_answered_and_later_ones_are_not_let_in() {
    let house = House::open(Backend::Sqlite).await;
    let person = Person::register(&house.public(), "ada").await;
    let (mut wire, missing) = begin_sign_in(&house, &person).await;
    let mut idle = wire::connect(house.public_address()).await;
    idle.get("/health").await;
    let finish = async {
        // The door is closing once it has said goodbye to somebody idle.
        let _ = idle.rest(PATIENCE).await;
        let later = TcpStream::connect(house.public_address()).await;
        if let Ok(later) = later {
            assert!(Wire(later).is_closed(PATIENCE).await);
        }
        wire.say(&missing).await;
        wire.answer().await
    };
    let (answer, ()) = tokio::join!(finish, house.stop());
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(
        answer.to_ascii_lowercase().contains("connection: close"),
        "{answer}"
    );
    assert!(wire.is_closed(PATIENCE).await);
}

async fn an_idle_connection_does_not_hold_up_the_end() {
    let house = House::with(Backend::Sqlite, &[("SHUTDOWN_GRACE", "60s")]).await;
    let mut silent = wire::connect(house.public_address()).await;
    let mut idle = wire::connect(house.public_address()).await;
    idle.get("/health").await;
    let begun = Instant::now();
    house.stop().await;
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    assert!(idle.is_closed(PATIENCE).await);
    assert!(silent.is_closed(PATIENCE).await);
}

async fn who_needs_longer_than_the_grace_is_cut() {
    let house = House::with(Backend::Sqlite, &[("SHUTDOWN_GRACE", "300ms")]).await;
    let person = Person::register(&house.public(), "ada").await;
    let (mut wire, _) = begin_sign_in(&house, &person).await;
    let begun = Instant::now();
    house.stop().await;
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    assert!(wire.is_closed(PATIENCE).await);
}

async fn who_is_slow_at_one_door_costs_the_other_nothing() {
    let house = House::with(Backend::Sqlite, &[("SHUTDOWN_GRACE", "6s")]).await;
    let person = Person::register(&house.public(), "ada").await;
    let (mut wire, missing) = begin_sign_in(&house, &person).await;
    let mut slow = wire::connect(house.admin_address()).await;
    slow.say(&format!(
        "POST /admin/users HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
         x-api-key: {}\r\ncontent-length: 100\r\n\r\n{{",
        house.api_key()
    ))
    .await;
    let mut idle = wire::connect(house.public_address()).await;
    idle.get("/health").await;
    let finish = async {
        assert!(
            idle.is_closed(Duration::from_secs(5)).await,
            "the door does not close yet"
        );
        wire.say(&missing).await;
        wire.answer().await
    };
    let (answer, ()) = tokio::join!(finish, house.stop());
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

async fn requests_sent_until_the_end_are_all_answered_or_never_accepted() {
    static SERVED: AtomicU32 = AtomicU32::new(0);
    let house = House::open(Backend::Sqlite).await;
    let url = format!("http://{}/.well-known/jwks.json", house.public_address());
    let asking = (0..16).map(|_| {
        let url = url.clone();
        async move {
            loop {
                // A client of its own each time: every request is a new connection.
                let http = plain().build().expect("a client");
                match http.get(&url).send().await {
                    Ok(answer) => {
                        assert_eq!(answer.status().as_u16(), 200);
                        answer.bytes().await.expect("a whole answer");
                        SERVED.fetch_add(1, Ordering::SeqCst);
                    }
                    Err(error) if error.is_connect() => return,
                    Err(error) => panic!("accepted and not answered: {error:?}"),
                }
            }
        }
    });
    let stopping = async {
        while SERVED.load(Ordering::SeqCst) < 64 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        house.clone().stop().await;
        drop(house);
    };
    tokio::join!(futures_util::future::join_all(asking), stopping);
}

/// The password is hashed when the client hangs up, and the account is stored after that. Whoever hangs up
/// before anything was begun asked for nothing.
async fn who_hangs_up_before_the_answer_cuts_nothing_in_half() {
    let house = House::open(Backend::Sqlite).await;
    let body = serde_json::json!({
        "email": "ada@example.org", "password": "a quiet garden in the rain 7", "name": "Ada",
    });
    let body = body.to_string();
    let mut wire = wire::connect(house.public_address()).await;
    wire.say(&format!(
        "POST /auth/register HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    ))
    .await;
    wait_until_in_flight(&house).await;
    drop(wire);
    for _ in 0..500 {
        if house.audit_count("user.registered").await == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the registration was cut in half");
}
