//! A thousand sign-ins at once: memory stays bounded, everybody else is served, the surplus is told
//! when to come back.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::process::{Site, Store, client, post};

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
    let mut token = tokens["refresh_token"]
        .as_str()
        .expect("a token")
        .to_owned();

    let flood = futures_util::future::join_all((0..1_000).map(|n| {
        let body = json!({
            "email": format!("guest{}@example.org", n % 200), "password": "no such password here",
        });
        let (http, login) = (http.clone(), login.clone());
        async move {
            http.post(login)
                .json(&body)
                .send()
                .await
                .expect("an answer")
        }
    }));
    let watch = async {
        let (mut most, mut slowest) = (0, Duration::ZERO);
        for _ in 0..40 {
            let begun = Instant::now();
            for path in ["/health", "/.well-known/jwks.json"] {
                let answer = http.get(format!("{}{path}", site.public)).send().await;
                assert_eq!(answer.expect("an answer").status().as_u16(), 200, "{path}");
            }
            let url = format!("{}/auth/token/refresh", site.public);
            let (status, body) = post(&http, &url, &json!({ "refresh_token": token }))
                .await
                .expect("an answer");
            assert_eq!(status, 200, "{body}");
            body["refresh_token"]
                .as_str()
                .expect("a token")
                .clone_into(&mut token);
            slowest = slowest.max(begun.elapsed());
            most = most.max(process.resident_bytes());
        }
        (most, slowest)
    };
    let (answers, (most, slowest)) = tokio::join!(flood, watch);
    let mut counts = std::collections::BTreeMap::new();
    for answer in &answers {
        let status = answer.status().as_u16();
        *counts.entry(status).or_insert(0) += 1;
        assert!([401, 429, 503].contains(&status), "{status}");
        if status != 401 {
            assert!(
                answer.headers().contains_key("retry-after"),
                "{status} without Retry-After"
            );
        }
    }
    println!(
        "{store}: {counts:?}, most memory {} MiB, slowest probe {slowest:?}",
        most >> 20
    );
    assert!(counts.contains_key(&503), "the surplus is refused");
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get().max(2) as u64 - 1);
    let bound = (threads + 2) * ARGON2_KIB * 1024 + (256 << 20);
    assert!(most < bound, "{most} bytes resident, {bound} promised");
}
