//! A thousand sign-ins at once: memory stays bounded, everybody else is served, the surplus is told
//! when to come back. How long everybody else waits is measured by `./scripts/flood`.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::process::{Process, Site, Store, client, post};
use crate::trial;

/// The memory of one hash here, in KiB: the default of the service.
const ARGON2_KIB: u64 = 19_456;
/// How many sign in at once.
const FLOOD: usize = 1_000;
/// The descriptors that the flood and the service together must be allowed, as processes are by
/// `ulimit -n`.
const DESCRIPTORS: u64 = 8_256;

/// What must go on meanwhile.
const PROBES: [&str; 3] = ["/health", "/.well-known/jwks.json", "/auth/token/refresh"];

/// The trials of this file, as far as this process may open enough connections.
pub fn trials() -> Vec<Trial> {
    let allowed = descriptors();
    if allowed.is_none_or(|allowed| allowed < DESCRIPTORS) {
        println!("not run: a flood of sign-ins: needs `ulimit -n` of {DESCRIPTORS} or more");
        return Vec::new();
    }
    let flooded = |store| {
        let name = "a_flood_of_sign_ins_leaves_others_served";
        trial(name, store, is_bounded)
    };
    Store::available().into_iter().map(flooded).collect()
}

/// How many descriptors this process may have, and with it the one it starts.
fn descriptors() -> Option<u64> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    let soft = line.split_whitespace().next()?;
    soft.parse().ok()
}

/// Floods the service and watches it.
async fn is_bounded(store: Store) {
    let more = [
        ("ARGON2_MEMORY", "19456"),
        ("ARGON2_TIME", "2"),
        ("HASHING_QUEUE", "64"),
        ("TRUSTED_PROXIES", "127.0.0.0/8"),
    ];
    let site = Site::new(store, &more).await;
    let (process, _) = site.start().await;
    let http = client();
    let token = sign_in(&site).await;
    flooded(&http, (&site, &process), token).await;
}

/// Floods the service, and goes on asking for what everybody else needs until the flood is over.
async fn flooded(http: &reqwest::Client, (site, process): (&Site, &Process), token: String) {
    let login = format!("{}/auth/login", site.public);
    // On a thread and a runtime of its own, so that the two do not wait for each other.
    let thread = std::thread::Builder::new().name("flood".to_owned());
    let flood = thread.spawn(move || block_on_flood(&login));
    let flood = flood.expect("a thread");
    let mut most = 0;
    let rounds = ask(http, site, token, || {
        most = most.max(process.resident_bytes());
        !flood.is_finished()
    });
    let rounds = rounds.await;
    let statuses = flood.join().expect("the flood");
    println!(
        "a flood was answered {statuses:?}, others {rounds} times; most memory {} MiB",
        most >> 20
    );
    assert!(statuses.contains_key(&503), "the surplus is refused");
    is_within_the_promise(most);
}

fn is_within_the_promise(most: u64) {
    let cores = std::thread::available_parallelism().map_or(2, |n| n.get().max(2));
    let threads = u64::try_from(cores - 1).expect("a few");
    let bound = (threads + 2) * ARGON2_KIB * 1024 + (256 << 20);
    assert!(most < bound, "{most} bytes resident, {bound} promised");
}

/// Registers somebody and gives their refresh token.
async fn sign_in(site: &Site) -> String {
    let http = client();
    let body = json!({
        "email": "ada@example.org", "password": "a quiet garden in the rain", "name": "Ada",
    });
    let register = format!("{}/auth/register", site.public);
    assert_eq!(
        post(&http, &register, &body).await.expect("an answer").0,
        201
    );
    let login = format!("{}/auth/login", site.public);
    let (_, tokens) = post(&http, &login, &body).await.expect("an answer");
    tokens["refresh_token"]
        .as_str()
        .expect("a token")
        .to_owned()
}

fn block_on_flood(login: &str) -> BTreeMap<u16, usize> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(flood(login))
}

/// Sends a thousand guesses at once, each from an address of its own, and counts the answers by
/// status.
async fn flood(login: &str) -> BTreeMap<u16, usize> {
    let http = client();
    let guesses = (0..FLOOD).map(|n| {
        let email = format!("guest{}@example.org", n % 200);
        let from = format!("10.0.{}.{}", n / 250, n % 250);
        let body = json!({ "email": email, "password": "no such password here" });
        let request = http.post(login).header("x-forwarded-for", from);
        request.json(&body).send()
    });
    let mut counts = BTreeMap::new();
    for answer in join_all(guesses).await {
        let answer = answer.expect("an answer");
        let status = answer.status().as_u16();
        *counts.entry(status).or_insert(0) += 1;
        assert!([401, 429, 503].contains(&status), "{status}");
        let is_told_when = answer.headers().contains_key("retry-after");
        assert!(
            status == 401 || is_told_when,
            "{status} without Retry-After"
        );
    }
    counts
}

/// Asks each probe in turn for as long as told, and gives how often each was answered.
async fn ask(
    http: &reqwest::Client,
    site: &Site,
    mut token: String,
    mut goes_on: impl FnMut() -> bool,
) -> usize {
    let mut rounds = 0;
    while goes_on() {
        for path in PROBES {
            let url = format!("{}{path}", site.public);
            let request = if path.ends_with("refresh") {
                let body = json!({ "refresh_token": token });
                http.post(url).json(&body)
            } else {
                http.get(url)
            };
            let answer = request.send().await.expect("an answer");
            let status = answer.status().as_u16();
            let body: Value = answer.json().await.expect("JSON");
            assert_eq!(status, 200, "{path}: {body}");
            if let Some(next) = body["refresh_token"].as_str() {
                next.clone_into(&mut token);
            }
        }
        rounds += 1;
    }
    assert!(rounds > 0, "others were asked meanwhile");
    rounds
}
