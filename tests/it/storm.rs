//! Owners that crash, hang and storm under requests: nothing acknowledged is lost, others are served,
//! and a service that cannot go on ends instead of pretending.
//!
//! The failpoints of `actors` do the harm. That the process ends with status 70 when the tree gives up
//! is judged on the real one, in `tests/faults/storm.rs`.

use std::time::{Duration, Instant};

use actors::failpoint::{Action, FailPoint};
use actors::supervision::Ended;
use auth_service::flow::Flows;
use auth_service::flow::attempt::attempt_keys;
use futures_util::future::join_all;
use protocol::opaque::RefreshToken;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::cases;
use crate::client::{self, Answer, Person, Tokens};
use crate::house::House;
use crate::patience::{PATIENCE, best_of_three};

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
/// What a frozen owner may take to be noticed, replaced and of use again.
const THAW: Duration = Duration::from_mins(1);
/// How long a supervisor remembers a restart, and a little more. A round of crashes stays below what
/// it bears in that time, which is five, and the next round waits until they are forgotten.
const FORGIVEN: Duration = Duration::from_secs(11);
/// How many people are at work.
const PEOPLE: usize = 12;

async fn a_crash_of_every_hot_owner_loses_nothing_and_is_over_within_a_second(house: House) {
    best_of_three(A_SECOND, async |round| {
        forgive(round).await;
        let mut people = people(&house, round).await;
        let before = restarts(&house).await;
        let flows = house.running().flows();
        // Three shards of sessions at most, and one of attempts: each is stepped on by its person.
        for (_, tokens) in people.iter().take(3) {
            shard_of(flows, tokens).arm(Action::Panic, 1);
        }
        let attempts = attempts_of(flows, &people[3].0);
        attempts.arm(Action::Panic, 1);
        let work = people
            .iter_mut()
            .map(|(person, tokens)| work(person, tokens, 12));
        let away = join_all(work).await.into_iter().max();
        is_ready(&house, Instant::now() + PATIENCE).await;
        let is_left = flows.sessions.failpoints().any(FailPoint::is_armed);
        assert!(!is_left && !attempts.is_armed(), "all were stepped on");
        assert!(restarts(&house).await > before + 1, "they crashed");
        nothing_is_lost(&people).await;
        away.expect("people")
    })
    .await;
}

async fn a_crash_of_the_owners_of_keys_and_tenants_loses_nothing(house: House) {
    let (id, secret) = house.add_client(&["read"]).await;
    let flows = house.running().flows();
    let client = json!({
        "name": "Other", "client_type": "service", "grant_types": ["client_credentials"],
        "scopes": ["read"], "token_endpoint_auth_method": "client_secret_basic",
    });
    house.add_tenant("acme").await;
    let (own, acme) = (house.admin(), house.admin().with("x-tenant-id", "acme"));
    acme.get("/admin/keys").await.expect(200);
    let (keys, tenants) = (flows.keys.failpoint(), flows.tenants.failpoint());
    // What each answers when it is done, and when it is asked again right after.
    let rotate = ("/admin/keys/rotate", json!({}), [200, 409]);
    let orders = [
        (keys, &own, rotate.clone()),
        (keys, &acme, rotate),
        (tenants, &own, ("/admin/clients", client, [201, 201])),
    ];
    best_of_three(A_SECOND, async |round| {
        forgive(round).await;
        house.clock.advance(Duration::from_secs(601));
        let people = people(&house, round).await;
        let mut away = Duration::ZERO;
        for (point, door, (path, body, [done, again])) in &orders {
            let mut done = *done;
            for tries in 0.. {
                point.arm(Action::Panic, 1);
                let answer = door.post(path, body.clone()).await;
                if is_outage(&answer) {
                    break;
                }
                // What the feed told the owner of was first to step on it: this was done after all.
                assert_eq!(answer.status.as_u16(), done, "{path}: {}", answer.text);
                assert!(tries < 10, "{path}: nothing steps on it");
                done = *again;
            }
            let crashed = Instant::now();
            house.client_token(&id, &secret).await.expect(200);
            let (person, tokens) = &people[0];
            person.me(&tokens.access).await.expect(200);
            loop {
                let answer = door.post(path, body.clone()).await;
                if answer.status.as_u16() == done {
                    break;
                }
                assert!(is_outage(&answer), "{path}: {}", answer.text);
                assert!(crashed.elapsed() < PATIENCE, "{path} is not back");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            away = away.max(crashed.elapsed());
        }
        nothing_is_lost(&people).await;
        away
    })
    .await;
}

async fn a_storm_of_session_crashes_ends_the_service_for_good(house: House) {
    let people = people(&house, 0).await;
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
    let people = people(&house, 0).await;
    let ((victim, tokens), others) = people.split_first().expect("people");
    let flows = house.running().flows();
    let shard = shard_of(flows, tokens);
    shard.arm(Action::Hang, 1);
    let hung = async {
        let answer = victim.refresh(&tokens.refresh).await;
        (answer, Instant::now())
    };
    let served = async {
        let begun = Instant::now();
        while shard.is_armed() {
            assert!(begun.elapsed() < PATIENCE, "the shard was not asked");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        for (person, tokens) in others {
            // Whoever shares the shard waits with it.
            if !std::ptr::eq(shard_of(flows, tokens), shard) {
                person.refresh(&tokens.refresh).await.expect(200);
            }
        }
        Instant::now()
    };
    let ((answer, given_up), served) = tokio::join!(hung, served);
    assert!(is_outage(&answer), "{}", answer.text);
    assert!(served < given_up, "others waited for what hung");
    while victim.refresh(&tokens.refresh).await.status.as_u16() != 200 {
        assert!(given_up.elapsed() < THAW, "the shard is gone");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let tree = house.admin().get("/admin/actors").await.expect(200).text;
    assert!(tree.contains("frozen: left 3 pings unanswered"), "{tree}");
    is_ready(&house, Instant::now() + PATIENCE).await;
}

/// Waits, before any round but the first, until the crashes of the last are forgotten.
async fn forgive(round: usize) {
    if round > 0 {
        tokio::time::sleep(FORGIVEN).await;
    }
}

/// The failpoint of the shard that a person's refresh token goes to.
fn shard_of<'f>(flows: &'f Flows, tokens: &Tokens) -> &'f FailPoint {
    let token = RefreshToken::parse(&flows.secrets, &tokens.refresh).expect("a token of ours");
    flows.sessions.failpoint_of(token.family)
}

/// The failpoint of the shard that a person's sign-ins go to.
fn attempts_of<'f>(flows: &'f Flows, person: &Person) -> &'f FailPoint {
    let directory = flows.tenants.directory();
    let tenant = directory.default_tenant().expect("the default tenant").id;
    let keys = attempt_keys(&flows.secrets, tenant, &person.email);
    flows.attempts.failpoint_of(tenant, &keys)
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
    client::plain()
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

/// Posts, at the admin door as an operator; nothing if there is no whole answer.
async fn post(
    http: &reqwest::Client,
    url: &str,
    house: &House,
    body: &Value,
) -> Option<(u16, String)> {
    let mut request = http.post(url);
    if url.starts_with(&admin(house)) {
        request = request.header("x-api-key", house.api_key());
    }
    let answer = request.json(body).send().await.ok()?;
    Some((answer.status().as_u16(), answer.text().await.ok()?))
}

/// Signs people in whom no other round has.
async fn people(house: &House, round: usize) -> Vec<(Person, Tokens)> {
    let public = house.public();
    let people = (0..PEOPLE).map(|n| {
        let public = public.clone();
        async move {
            let person = Person::register(&public, &format!("person{round}.{n}")).await;
            let tokens = person.login().await;
            (person, tokens)
        }
    });
    join_all(people).await
}

/// Refreshes and signs in so often, coming again when told to. Keeps the newest token, and gives the
/// longest time from being told to come again until being served.
async fn work(person: &Person, tokens: &mut Tokens, times: usize) -> Duration {
    let mut away = Duration::ZERO;
    for _ in 0..times {
        let mut told = None;
        while !took(person.refresh(&tokens.refresh).await, tokens) {
            come_again(&mut told).await;
        }
        away = away.max(told.take().map_or(away, |at: Instant| at.elapsed()));
        while !took(person.try_login(&person.password).await, tokens) {
            come_again(&mut told).await;
        }
        away = away.max(told.map_or(away, |at| at.elapsed()));
    }
    away
}

/// Notes since when somebody is told to come again, and waits a moment.
async fn come_again(told: &mut Option<Instant>) {
    let since = *told.get_or_insert_with(Instant::now);
    assert!(since.elapsed() < PATIENCE, "it stays away");
    tokio::time::sleep(Duration::from_millis(5)).await;
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
