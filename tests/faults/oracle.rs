//! The oracle: what was acknowledged must hold after any kill; what was not may have happened or
//! not.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::process::{Site, Store, client, post, setting};

/// How many clients load the service at once.
const CLIENTS: usize = 64;

/// Everything the clients were told, over all kills.
#[derive(Default)]
struct Oracle {
    users: Mutex<Vec<String>>,
    /// The newest refresh token each living family was told of.
    living: Mutex<Vec<String>>,
    /// Tokens whose revocation was acknowledged.
    revoked: Mutex<Vec<String>>,
    acknowledged: AtomicUsize,
}

/// Kills the service under load again and again and checks the oracle each time.
pub async fn survives_kills(store: Store) {
    let kills: u32 = setting("FAULT_KILLS")
        .and_then(|n| n.parse().ok())
        .unwrap_or(20);
    let site = Site::new(store, &[]).await;
    let oracle = Oracle::default();
    let mut slowest = Duration::ZERO;
    for kill in 0..kills {
        let (process, ready) = site.start().await;
        slowest = slowest.max(ready);
        let stop = AtomicBool::new(false);
        let killer = async {
            tokio::time::sleep(Duration::from_millis(600 + u64::from(kill % 7) * 90)).await;
            process.kill();
            stop.store(true, Ordering::SeqCst);
        };
        let load = (0..CLIENTS).map(|n| live(&site, &oracle, &stop, (kill, n)));
        tokio::join!(futures_util::future::join_all(load), killer);
        let (process, ready) = site.start().await;
        slowest = slowest.max(ready);
        check(&site, &oracle).await;
        process.kill();
    }
    let acknowledged = oracle.acknowledged.load(Ordering::SeqCst);
    println!(
        "{store}: {kills} kills, {acknowledged} operations acknowledged, {} users, {} revoked; \
         lost 0, resurrected 0, slowest start {slowest:?}",
        oracle.users.lock().expect("oracle").len(),
        oracle.revoked.lock().expect("oracle").len(),
    );
    assert!(acknowledged > 100, "the load reached the service");
    assert!(
        !oracle.revoked.lock().expect("oracle").is_empty(),
        "something was revoked"
    );
}

fn password(user: &str) -> Value {
    json!({
        "email": format!("{user}@example.org"), "password": "a quiet garden in the rain",
        "name": user,
    })
}

/// One client's life: registers, then signs in, refreshes and revokes until the service is gone.
async fn live(site: &Site, oracle: &Oracle, stop: &AtomicBool, (kill, n): (u32, usize)) {
    let user = format!("k{kill}n{n}");
    let http = client();
    let url = |path: &str| format!("{}{path}", site.public);
    let told = || oracle.acknowledged.fetch_add(1, Ordering::SeqCst);
    let Some((201, _)) = post(&http, &url("/auth/register"), &password(&user)).await else {
        return;
    };
    told();
    oracle.users.lock().expect("oracle").push(user.clone());
    for round in n.. {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let Some((200, body)) = post(&http, &url("/auth/login"), &password(&user)).await else {
            return;
        };
        told();
        let Some(mut token) = token_of(&body) else {
            return;
        };
        for _ in 0..4 {
            let body = json!({ "refresh_token": token });
            match post(&http, &url("/auth/token/refresh"), &body).await {
                Some((200, body)) => token = token_of(&body).unwrap_or(token),
                // Told nothing: the token in hand must still lead on.
                _ => return oracle.living.lock().expect("oracle").push(token),
            }
            told();
        }
        if round % 2 == 0 {
            oracle.living.lock().expect("oracle").push(token);
            continue;
        }
        let revoked = post(&http, &url("/auth/revoke"), &json!({ "token": token })).await;
        if matches!(revoked, Some((200, _))) {
            told();
            oracle.revoked.lock().expect("oracle").push(token);
        }
    }
}

fn token_of(body: &Value) -> Option<String> {
    body["refresh_token"].as_str().map(str::to_owned)
}

/// Asks the restarted service for everything it had acknowledged.
async fn check(site: &Site, oracle: &Oracle) {
    let http = client();
    let refresh_url = format!("{}/auth/token/refresh", site.public);
    let refresh = async |token: &str| {
        let body = json!({ "refresh_token": token });
        post(&http, &refresh_url, &body).await.expect("an answer")
    };
    for token in oracle.revoked.lock().expect("oracle").clone() {
        let (status, _) = refresh(&token).await;
        assert_eq!(status, 401, "a revoked token lives again");
    }
    let living = std::mem::take(&mut *oracle.living.lock().expect("oracle"));
    for token in living {
        let (status, body) = refresh(&token).await;
        assert_eq!(status, 200, "an acknowledged rotation is lost: {body}");
        let next = token_of(&body).expect("a successor");
        oracle.living.lock().expect("oracle").push(next);
    }
    let login_url = format!("{}/auth/login", site.public);
    let users = oracle.users.lock().expect("oracle").clone();
    for user in users.iter().rev().take(CLIENTS) {
        let (status, body) = post(&http, &login_url, &password(user))
            .await
            .expect("an answer");
        assert_eq!(status, 200, "an acknowledged user is lost: {body}");
    }
}
