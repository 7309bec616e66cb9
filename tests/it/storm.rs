//! Owners that crash, hang and storm under requests: nothing acknowledged is lost, others are served,
//! and a service that cannot go on ends instead of pretending.
//!
//! The failpoints of `actors` do the harm. That `auth-service serve` ends with status 70 when the
//! tree gives up is judged beside it, in `src/cli/serve.rs`.

use std::time::{Duration, Instant};

use actors::failpoint::{Action, FailPoint};
use actors::supervision::Ended;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::cases;
use crate::client::{Answer, Person, Tokens};
use crate::house::House;

cases![
    a_crash_of_every_hot_owner_loses_nothing_and_is_over_within_a_second,
    a_crash_of_the_owners_of_keys_and_tenants_loses_nothing,
    a_storm_of_session_crashes_ends_the_service_for_good,
    a_storm_of_key_crashes_ends_the_service_for_good,
    a_hung_owner_is_replaced_while_others_are_served,
];

/// What a crash may take (issue 2, §3).
const A_SECOND: Duration = Duration::from_secs(1);
/// What a storm may take to use up every restart there is.
const STORM: Duration = Duration::from_secs(30);
/// What a replaced owner may take to answer again on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many people are at work.
const PEOPLE: usize = 12;

async fn a_crash_of_every_hot_owner_loses_nothing_and_is_over_within_a_second(house: House) {
    let mut people = people(&house).await;
    let flows = house.running().flows();
    let before = restarts(&house).await;
    // Armed where the work is about to go; what is not stepped on is disarmed again.
    let sessions = flows.sessions.failpoints().step_by(16);
    let attempts = flows.attempts.failpoints().step_by(8);
    sessions
        .chain(attempts)
        .for_each(|point| point.arm(Action::Panic, 1));
    let crashed = Instant::now();
    join_all(
        people
            .iter_mut()
            .map(|(person, tokens)| work(person, tokens, 12)),
    )
    .await;
    is_ready(&house, crashed + A_SECOND * 3).await;
    flows.sessions.failpoints().for_each(FailPoint::disarm);
    flows.attempts.failpoints().for_each(FailPoint::disarm);
    assert!(restarts(&house).await > before, "something crashed");
    nothing_is_lost(&people).await;
}

async fn a_crash_of_the_owners_of_keys_and_tenants_loses_nothing(house: House) {
    let people = people(&house).await;
    let (id, secret) = house.add_client(&["read"]).await;
    house.clock.advance(Duration::from_secs(601));
    let flows = house.running().flows();
    let client = json!({
        "name": "Other", "client_type": "service", "grant_types": ["client_credentials"],
        "scopes": ["read"], "token_endpoint_auth_method": "client_secret_basic",
    });
    let orders = [
        (flows.keys.failpoint(), "/admin/keys/rotate", json!({}), 200),
        (flows.tenants.failpoint(), "/admin/clients", client, 201),
    ];
    for (point, path, body, done) in orders {
        point.arm(Action::Panic, 1);
        let answer = house.admin().post(path, body.clone()).await;
        assert!(is_outage(&answer), "{path}: {}", answer.text);
        let crashed = Instant::now();
        house.client_token(&id, &secret).await.expect(200);
        let (person, tokens) = &people[0];
        person.me(&tokens.access).await.expect(200);
        loop {
            let answer = house.admin().post(path, body.clone()).await;
            if answer.status.as_u16() == done {
                break;
            }
            assert!(is_outage(&answer), "{path}: {}", answer.text);
            assert!(crashed.elapsed() < A_SECOND, "{path} is not back");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    nothing_is_lost(&people).await;
}

async fn a_storm_of_session_crashes_ends_the_service_for_good(house: House) {
    let people = people(&house).await;
    let points = house.running().flows().sessions.failpoints();
    points.for_each(|point| point.arm(Action::Panic, u32::MAX));
    let (http, url) = (hurried(), format!("{}/auth/token/refresh", public(&house)));
    let hammer = async {
        loop {
            for (_, tokens) in &people {
                let body = json!({ "refresh_token": tokens.refresh });
                is_no_yes(post(&http, &url, &house, &body).await);
            }
        }
    };
    ends_for_good(&house, hammer).await;
}

async fn a_storm_of_key_crashes_ends_the_service_for_good(house: House) {
    house
        .running()
        .flows()
        .keys
        .failpoint()
        .arm(Action::Panic, u32::MAX);
    let (http, url) = (hurried(), format!("{}/admin/keys/rotate", admin(&house)));
    let hammer = async {
        loop {
            is_no_yes(post(&http, &url, &house, &json!({})).await);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    ends_for_good(&house, hammer).await;
}

async fn a_hung_owner_is_replaced_while_others_are_served(house: House) {
    let people = people(&house).await;
    let ((victim, tokens), others) = people.split_first().expect("people");
    let before = restarts(&house).await;
    let flows = house.running().flows();
    // The shard of one family hangs at its next message; whose it is, its own refresh tells.
    let points = || flows.sessions.failpoints();
    points().for_each(|point| point.arm(Action::Hang, 1));
    let refresh = async {
        let answer = victim.refresh(&tokens.refresh).await;
        (answer, Instant::now())
    };
    let served = async {
        while points().all(FailPoint::is_armed) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        points().for_each(FailPoint::disarm);
        join_all(others.iter().map(|(person, tokens)| async {
            person.refresh(&tokens.refresh).await;
            Instant::now()
        }))
        .await
    };
    let ((answer, given_up), served) = tokio::join!(refresh, served);
    assert!(is_outage(&answer), "{}", answer.text);
    // One in 64 shares the shard and waits with it.
    let meanwhile = served.iter().filter(|at| **at < given_up).count();
    assert!(meanwhile * 2 > others.len(), "{meanwhile} served meanwhile");
    while victim.refresh(&tokens.refresh).await.status.as_u16() != 200 {
        assert!(given_up.elapsed() < PATIENCE, "the shard is gone");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(restarts(&house).await > before, "the shard was replaced");
    is_ready(&house, Instant::now() + PATIENCE).await;
}

/// Hammers until the tree gives up, and sees that nobody is told afterwards that all is well.
async fn ends_for_good(house: &House, hammer: impl Future<Output = ()>) {
    let ended = async {
        tokio::select! {
            ended = house.running().ended() => ended,
            () = hammer => unreachable!("it never ends"),
        }
    };
    let ended = timeout(STORM, ended).await.expect("the tree gives up");
    assert!(matches!(ended, Ended::Failed(_)), "{ended:?}");
    let http = hurried();
    for door in [public(house), admin(house)] {
        for _ in 0..5 {
            let answer = http.get(format!("{door}/ready")).send().await;
            let is_zombie = answer.is_ok_and(|answer| answer.status().as_u16() != 503);
            assert!(!is_zombie, "it says that it is ready");
        }
    }
}

/// A client that takes silence for no answer: the kernel still accepts for a door that is gone, until
/// the process ends.
fn hurried() -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy();
    client
        .timeout(Duration::from_millis(300))
        .build()
        .expect("a client")
}

fn public(house: &House) -> String {
    format!("http://{}", house.public_address())
}

fn admin(house: &House) -> String {
    format!("http://{}", house.admin_address())
}

/// Posts as an operator; nothing if there is no whole answer.
async fn post(
    http: &reqwest::Client,
    url: &str,
    house: &House,
    body: &Value,
) -> Option<(u16, String)> {
    let request = http.post(url).header("x-api-key", house.api_key());
    let answer = request.json(body).send().await.ok()?;
    Some((answer.status().as_u16(), answer.text().await.ok()?))
}

/// Signs people in.
async fn people(house: &House) -> Vec<(Person, Tokens)> {
    let public = house.public();
    let people = (0..PEOPLE).map(|n| {
        let public = public.clone();
        async move {
            let person = Person::register(&public, &format!("person{n}")).await;
            let tokens = person.login().await;
            (person, tokens)
        }
    });
    join_all(people).await
}

/// Refreshes and signs in so often, coming again when told to. Keeps the newest token.
async fn work(person: &Person, tokens: &mut Tokens, times: usize) {
    for _ in 0..times {
        let begun = Instant::now();
        while !took(person.refresh(&tokens.refresh).await, tokens) {
            assert!(begun.elapsed() < A_SECOND, "away for more than a second");
        }
        while !took(person.try_login(&person.password).await, tokens) {
            assert!(
                begun.elapsed() < A_SECOND * 2,
                "away for more than a second"
            );
        }
    }
}

/// Takes the tokens of an answer; false if it says to come again. Anything else is wrong.
fn took(answer: Answer, tokens: &mut Tokens) -> bool {
    if is_outage(&answer) {
        return false;
    }
    *tokens = Tokens::of(&answer.expect(200));
    true
}

async fn nothing_is_lost(people: &[(Person, Tokens)]) {
    for (person, tokens) in people {
        person.me(&tokens.access).await.expect(200);
        person.refresh(&tokens.refresh).await.expect(200);
        person.login().await;
    }
}

fn is_outage(answer: &Answer) -> bool {
    answer.status.as_u16() == 503 && !answer.header("retry-after").is_empty()
}

/// A storm may leave a request without an answer, but gives no yes and no error of ours.
fn is_no_yes(answer: Option<(u16, String)>) {
    if let Some((status, text)) = answer {
        assert_eq!(status, 503, "{text}");
    }
}

async fn is_ready(house: &House, by: Instant) {
    while house.public().get("/ready").await.status.as_u16() != 200 {
        assert!(Instant::now() < by, "not ready again");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// How often anything was restarted since the start.
async fn restarts(house: &House) -> u64 {
    fn sum(node: &Value) -> u64 {
        let below = node["children"].as_array().into_iter().flatten();
        node["restarts"].as_u64().unwrap_or(0) + below.map(sum).sum::<u64>()
    }
    sum(&house.admin().get("/admin/actors").await.expect(200).json())
}
