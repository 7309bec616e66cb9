//! Limits: bans, buckets and counters.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use domain::address::Network;

use crate::house::{House, in_time, raise};

pub(crate) fn network(last: u8) -> Network {
    Network::of(IpAddr::from([192, 0, 2, last]))
}

#[tokio::test]
async fn a_network_may_burst_and_is_then_told_when_to_come_back() {
    let house = House::new().await;
    let (limits, _) = house.limits();
    let (began, mut passed) = (Instant::now(), 0);
    while limits.check(network(1)).is_ok() {
        passed += 1;
        // A burst of 100, and 50 more a second.
        let most = 101.0 + 50.0 * began.elapsed().as_secs_f64();
        assert!(f64::from(passed) <= most, "{passed}");
    }
    assert!(passed >= 100, "{passed}");
    assert_eq!(limits.check(network(2)), Ok(()));
}

#[tokio::test]
async fn a_banned_network_is_refused_until_the_ban_is_over_or_lifted() {
    let house = House::new().await;
    let (limits, spec) = house.limits();
    let _tree = raise(vec![spec]).await;
    let until = house.now() + Duration::from_mins(1);
    for last in [1, 2] {
        limits.ban(network(last), until, in_time()).await.unwrap();
        let wait = limits.check(network(last));
        assert_eq!(wait, Err(Duration::from_mins(1)));
    }
    assert_eq!(limits.lift(network(2), in_time()).await, Ok(true));
    assert_eq!(limits.check(network(2)), Ok(()));
    house.clock.advance(Duration::from_mins(1));
    assert_eq!(limits.check(network(1)), Ok(()));
}

#[tokio::test]
async fn an_act_is_refused_beyond_its_limit_until_the_window_is_over() {
    let house = House::new().await;
    let (limits, _) = house.limits();
    let hour = Duration::from_hours(1);
    let spend = || limits.spend("mail/ada".to_owned(), 3, hour, in_time());
    for _ in 0..3 {
        assert_eq!(spend().await, Ok(Ok(())));
    }
    assert_eq!(spend().await, Ok(Err(hour)));
    house.clock.advance(hour);
    assert_eq!(spend().await, Ok(Ok(())));
}

#[tokio::test]
async fn a_network_may_fail_ten_times_as_often_as_an_account() {
    let house = House::new().await;
    let (limits, _) = house.limits();
    for _ in 0..100 {
        let checked = limits.check_failures(network(1), in_time()).await;
        assert_eq!(checked, Ok(Ok(())));
        limits.record_failure(network(1), in_time()).await.unwrap();
    }
    let checked = limits.check_failures(network(1), in_time()).await;
    assert_eq!(checked, Ok(Err(Duration::from_mins(15))));
    let other = limits.check_failures(network(2), in_time()).await;
    assert_eq!(other, Ok(Ok(())));
}
