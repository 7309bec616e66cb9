//! A thousand sign-ins at once: memory stays bounded, everybody else is served, the surplus is told
//! when to come back.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::process::{Process, Site, Store, client, post};

/// The memory of one hash here, in KiB: the default of the service.
const ARGON2_KIB: u64 = 19_456;

/// Floods the service and watches it.
pub async fn is_bounded(store: Store) {
    let more = [
        ("ARGON2_MEMORY", "19456"),
        ("ARGON2_TIME", "2"),
        ("HASHING_QUEUE", "64"),
    ];
    let site = Site::new(store, &more).await;
    let (process, _) = site.start().await;
    let (http, token) = (client(), sign_in(&site).await);
    let statuses = flood(&http, &site);
    let (statuses, (most, slowest)) = tokio::join!(statuses, watch(&http, &site, &process, token));
    println!(
        "{store}: {statuses:?}, most memory {} MiB, slowest probe {slowest:?}",
        most >> 20
    );
    assert!(statuses.contains_key(&503), "the surplus is refused");
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

/// Sends a thousand guesses at once and counts the answers by status.
async fn flood(http: &reqwest::Client, site: &Site) -> BTreeMap<u16, usize> {
    let login = format!("{}/auth/login", site.public);
    let guesses = (0..1_000).map(|n| {
        let email = format!("guest{}@example.org", n % 200);
        let body = json!({ "email": email, "password": "no such password here" });
        http.post(&login).json(&body).send()
    });
    let mut counts = BTreeMap::new();
    for answer in futures_util::future::join_all(guesses).await {
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

/// Asks what must go on meanwhile; gives the most memory seen and the slowest round.
async fn watch(
    http: &reqwest::Client,
    site: &Site,
    process: &Process,
    mut token: String,
) -> (u64, Duration) {
    let (mut most, mut slowest) = (0, Duration::ZERO);
    for _ in 0..40 {
        let begun = Instant::now();
        for path in ["/health", "/.well-known/jwks.json"] {
            let answer = http.get(format!("{}{path}", site.public)).send().await;
            assert_eq!(answer.expect("an answer").status().as_u16(), 200, "{path}");
        }
        let url = format!("{}/auth/token/refresh", site.public);
        let body = json!({ "refresh_token": token });
        let (status, body) = post(http, &url, &body).await.expect("an answer");
        assert_eq!(status, 200, "{body}");
        body["refresh_token"]
            .as_str()
            .expect("a token")
            .clone_into(&mut token);
        slowest = slowest.max(begun.elapsed());
        most = most.max(process.resident_bytes());
    }
    (most, slowest)
}
