//! One client that takes every connection it can get.

use std::time::Duration;

use super::wire::connect_from;
use crate::backend::Backend;
use crate::house::House;
use crate::patience::PATIENCE;
use crate::scenes;

scenes![a_flood_of_connections_from_one_address_leaves_another_served];

/// More than one network's share of a door, whatever the limit of descriptors.
const FLOOD: usize = 2_600;
/// So many come at once.
const WAVE: usize = 64;

async fn a_flood_of_connections_from_one_address_leaves_another_served() {
    let house = House::with(Backend::Sqlite, &[("TRUSTED_PROXIES", "")]).await;
    let at = house.public_address();
    let mut first = connect_from("127.0.0.3", at).await;
    let mut flood = Vec::new();
    let mut is_refused = false;
    while !is_refused && flood.len() < FLOOD {
        for _ in 0..WAVE {
            flood.push(connect_from("127.0.0.3", at).await);
        }
        // One that is let in stays open; one too many is closed at once.
        let newest = flood.last_mut().expect("a connection");
        is_refused = newest.is_closed(Duration::from_millis(200)).await;
    }
    let newest = flood.last_mut().expect("a connection");
    let is_refused = is_refused || newest.is_closed(PATIENCE).await;
    assert!(is_refused, "{} connections were let in", flood.len());
    let mut other = connect_from("127.0.0.4", at).await;
    assert!(other.get("/health").await.starts_with("HTTP/1.1 200"));
    assert!(first.get("/health").await.starts_with("HTTP/1.1 200"));
    drop(flood);
    house.stop().await;
}
