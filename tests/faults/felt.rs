//! What one node does, the other feels within a second (CONTRACT §11): a revocation, a sign-out, a lock,
//! a role that is taken, an API key that is revoked, a new signing key; also when the link to Redis or
//! the connection that listens to other nodes was cut in between.
//!
//! `FAULT_TRIALS` says how many trials there are (a few unless set).

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use libtest_mimic::Trial;
use reqwest::Method;
use serde_json::{Value, json};

use crate::process::{Site, Store, client, post, setting};
use crate::proxy::{Proxy, Weather};
use crate::reached::numbers;
use crate::servers::{self, Server};
use crate::trial_of;

/// How long an acknowledged change may go unfelt, in nineteen of twenty trials where there are few: a
/// busy machine may keep a node from hearing.
const FELT_WITHIN: Duration = Duration::from_secs(1);
/// How long at worst: who has heard nothing for 1.5 s says that it is unavailable.
const FELT_AT_WORST: Duration = Duration::from_secs(2);
/// How many trials are many enough to hold every one of them to it.
const MANY: usize = 1_000;
/// How many there are unless `FAULT_TRIALS` says.
const FEW: usize = 60;
/// How many of a batch are people's, all at the same time.
const PEOPLE: usize = 18;
/// How often the other node is asked.
const EVERY: Duration = Duration::from_millis(10);

/// What is cut before a change is felt.
#[derive(Debug, Clone, Copy)]
enum Cut {
    Nothing,
    Redis,
    Listener,
}

/// What one node does to a person.
#[derive(Debug, Clone, Copy)]
enum Change {
    Revoke,
    SignOut,
    Lock,
    TakeRole,
}

const CUTS: [Cut; 3] = [Cut::Nothing, Cut::Redis, Cut::Listener];
const CHANGES: [Change; 4] = [
    Change::Revoke,
    Change::SignOut,
    Change::Lock,
    Change::TakeRole,
];

/// Two nodes, and what links them.
struct Nodes {
    here: Site,
    there: Site,
    http: reqwest::Client,
    operator: String,
    postgres: Server,
    redis: Proxy,
}

/// Somebody who is signed in here.
struct Person {
    change: Change,
    id: String,
    access: String,
}

/// The trials of this file, as far as there are servers for them.
pub fn trials() -> Vec<Trial> {
    if !servers::has_postgres() || !servers::has_redis() {
        println!("not run: what another node feels: no PostgreSQL and Redis to start");
        return Vec::new();
    }
    vec![trial_of(
        "what_one_node_does_the_other_feels_within_a_second",
        is_felt,
    )]
}

async fn is_felt() {
    let (postgres, redis) = (Server::postgres(), Server::redis());
    let link = Proxy::to(redis.port());
    let mut settings = postgres.settings();
    settings.push(("REDIS_HOST", "127.0.0.1".to_owned()));
    settings.push(("REDIS_PORT", link.port().to_string()));
    let here = Site::with(Store::Sqlite, settings).await;
    let there = here.twin();
    let _running = (here.start().await, there.start().await);
    let made = here.operate(&["admin", "create-key"]);
    let nodes = Nodes {
        here,
        there,
        http: client(),
        operator: part(&made, "api_key="),
        postgres,
        redis: link,
    };
    let trials = setting("FAULT_TRIALS").map_or(FEW, |text| text.parse().expect("a number"));
    let mut spans = Vec::new();
    let mut batch = 0;
    while spans.len() < trials {
        let cut = CUTS[batch % CUTS.len()];
        spans.extend(nodes.try_batch(batch, cut).await);
        batch += 1;
    }
    judge(spans);
}

fn judge(mut spans: Vec<Duration>) {
    spans.sort();
    let late = spans.iter().filter(|span| **span > FELT_WITHIN).count();
    let (median, slowest) = (spans[spans.len() / 2], spans[spans.len() - 1]);
    println!(
        "{} of {} felt within a second; the median after {median:?}, the last after {slowest:?}",
        spans.len() - late,
        spans.len()
    );
    assert!(slowest < FELT_AT_WORST, "{slowest:?}");
    let may_be_late = if spans.len() < MANY {
        spans.len() / 20
    } else {
        0
    };
    assert!(late <= may_be_late, "{late} of {}", spans.len());
}

fn part(text: &str, name: &str) -> String {
    let found = text.lines().find_map(|line| line.strip_prefix(name));
    found.expect("a part").to_owned()
}

// === impl Nodes ===

impl Nodes {
    /// Changes something of many people, an API key, and the signing keys; gives how long each was
    /// unfelt.
    async fn try_batch(&self, batch: usize, cut: Cut) -> Vec<Duration> {
        let people = (0..PEOPLE).map(|n| self.sign_in(format!("b{batch}n{n}"), n));
        let people = join_all(people).await;
        let key = self.here.operate(&["admin", "create-key"]);
        self.cut(cut).await;
        let spans = people.iter().map(|person| self.change(person));
        let mut spans = join_all(spans).await;
        spans.push(self.revoke_key(&key).await);
        spans.push(self.change_signing_key(batch).await);
        self.redis.set(Weather::Clear);
        for site in [&self.here, &self.there] {
            site.wait_for("/ready", 200, Duration::from_secs(10)).await;
        }
        spans
    }

    async fn cut(&self, what: Cut) {
        match what {
            Cut::Nothing => {}
            Cut::Redis => self.redis.set(Weather::Cut),
            Cut::Listener => {
                let sql = "SELECT count(pg_terminate_backend(pid)), 0::bigint
                           FROM pg_stat_activity
                           WHERE query LIKE 'LISTEN%'";
                let [ended, _] = numbers(&self.postgres, sql).await;
                assert!(ended >= 1, "nobody listens");
            }
        }
    }

    /// Has somebody sign in here whom the other node has met.
    async fn sign_in(&self, name: String, n: usize) -> Person {
        let change = CHANGES[n % CHANGES.len()];
        let body = json!({
            "email": format!("{name}@example.org"), "password": "a quiet garden in the rain",
            "name": "Ada",
        });
        let url = |path: &str| format!("{}{path}", self.here.public);
        let made = post(&self.http, &url("/auth/register"), &body).await;
        let (status, told) = made.expect("an answer");
        assert_eq!(status, 201, "{told}");
        let id = told["id"].as_str().expect("an id").to_owned();
        if matches!(change, Change::TakeRole) {
            self.grant(&id, &["user", "admin"]).await;
        }
        let signed_in = post(&self.http, &url("/auth/login"), &body).await;
        let (status, told) = signed_in.expect("an answer");
        assert_eq!(status, 200, "{told}");
        let access = told["access_token"].as_str().expect("a token").to_owned();
        let person = Person { change, id, access };
        // Not what was never known is forgotten here.
        let begun = Instant::now();
        while self.ask_there(&person).await != 200 {
            assert!(begun.elapsed() < FELT_AT_WORST, "nobody knows {name}");
            tokio::time::sleep(EVERY).await;
        }
        person
    }

    async fn grant(&self, id: &str, roles: &[&str]) {
        let body = json!({ "roles": roles });
        let path = format!("/admin/users/{id}");
        let status = self.operate(Method::PATCH, &path, &body).await;
        assert_eq!(status, 200, "{path}");
    }

    async fn operate(&self, method: Method, path: &str, body: &Value) -> u16 {
        let url = format!("{}{path}", self.here.admin);
        let request = self.http.request(method, url).json(body);
        let answer = request.header("x-api-key", &self.operator).send().await;
        answer.expect("an answer").status().as_u16()
    }

    /// Shows somebody's token to the other node, where what they lose counts.
    async fn ask_there(&self, person: &Person) -> u16 {
        let url = match person.change {
            Change::TakeRole => format!("{}/admin/users", self.there.admin),
            _ => format!("{}/auth/me", self.there.public),
        };
        let request = self.http.get(url).bearer_auth(&person.access);
        request.send().await.expect("an answer").status().as_u16()
    }

    async fn change(&self, person: &Person) -> Duration {
        let url = |path: &str| format!("{}{path}", self.here.public);
        let id = &person.id;
        match person.change {
            Change::Revoke => {
                let body = json!({ "token": person.access });
                let revoked = post(&self.http, &url("/auth/revoke"), &body).await;
                assert_eq!(revoked.map(|(status, _)| status), Some(200));
            }
            Change::SignOut => {
                let request = self.http.post(url("/auth/logout"));
                let answer = request.bearer_auth(&person.access).send().await;
                assert_eq!(answer.expect("an answer").status().as_u16(), 200);
            }
            Change::Lock => {
                let (path, body) = (format!("/admin/users/{id}/lock"), json!({ "reason": "x" }));
                assert_eq!(self.operate(Method::POST, &path, &body).await, 200);
            }
            Change::TakeRole => self.grant(id, &["user"]).await,
        }
        until(async || [401, 403].contains(&self.ask_there(person).await)).await
    }

    async fn revoke_key(&self, made: &str) -> Duration {
        let (id, key) = (part(made, "api_key_id="), part(made, "api_key="));
        let ask = async || {
            let url = format!("{}/admin/users", self.there.admin);
            let answer = self.http.get(url).header("x-api-key", &key).send().await;
            answer.expect("an answer").status().as_u16()
        };
        let known = until(async || ask().await == 200).await;
        assert!(known < FELT_AT_WORST, "the key is not known there");
        self.here.operate(&["admin", "revoke-key", &id]);
        until(async || ask().await == 401).await
    }

    /// Brings a signing key of one's own, which the other node must publish.
    async fn change_signing_key(&self, batch: usize) -> Duration {
        let pair = rcgen::KeyPair::generate().expect("a key");
        let file = self
            .postgres
            .give(&format!("key-{batch}"), &pair.serialize_pem());
        let kid = part(&self.here.operate(&["keys", "import", &file]), "active=");
        let url = format!("{}/.well-known/jwks.json", self.there.public);
        let is_published = async || {
            let answer = self.http.get(&url).send().await.expect("an answer");
            answer.text().await.expect("a key set").contains(&kid)
        };
        until(is_published).await
    }
}

/// Asks until it is so, and says how long that took.
async fn until(is_so: impl AsyncFn() -> bool) -> Duration {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < FELT_AT_WORST * 5, "it is never felt");
        tokio::time::sleep(EVERY).await;
    }
    begun.elapsed()
}
