//! The oracle: what was acknowledged must hold after any kill; what was not may have happened or
//! not.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::process::{Site, Store, client, post, setting};

/// How many clients load the service at once.
const CLIENTS: usize = 64;
/// How long the load may take to have enough acknowledged for a kill.
const LOADED_WITHIN: Duration = Duration::from_secs(30);
/// How soon the service is ready again after a crash (CONTRACT §11): the median of all starts.
const READY_WITHIN: Duration = Duration::from_secs(3);
/// What no start may take, whatever else the machine does.
const READY_AT_WORST: Duration = Duration::from_secs(10);

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
    let (mut process, _) = site.start().await;
    let mut starts = Vec::new();
    for kill in 0..kills {
        let stop = AtomicBool::new(false);
        let running = process;
        let killer = async {
            // Each kill meets another moment of the clients' lives.
            let more = 200 + usize::try_from(kill % 7).expect("a few") * 90;
            oracle.has_told(more).await;
            running.kill();
            stop.store(true, Ordering::SeqCst);
        };
        let load = (0..CLIENTS).map(|n| live(&site, &oracle, &stop, (kill, n)));
        tokio::join!(futures_util::future::join_all(load), killer);
        let (again, ready) = site.start().await;
        starts.push(ready);
        check(&site, &oracle).await;
        again.kill();
        let (again, ready) = site.start().await;
        starts.push(ready);
        process = again;
    }
    let (median, slowest) = judge(starts);
    let acknowledged = oracle.acknowledged.load(Ordering::SeqCst);
    println!(
        "{store}: {kills} kills, {acknowledged} operations acknowledged, {} users, {} revoked; \
         lost 0, resurrected 0, \
         ready again after {median:?} in the middle and {slowest:?} at worst",
        oracle.users.lock().expect("oracle").len(),
        oracle.revoked.lock().expect("oracle").len(),
    );
}

/// Holds the starts after a kill to the promise, and gives the median and the longest.
fn judge(mut starts: Vec<Duration>) -> (Duration, Duration) {
    starts.sort();
    let (median, slowest) = (starts[starts.len() / 2], starts[starts.len() - 1]);
    assert!(median <= READY_WITHIN, "not ready in time: {starts:?}");
    assert!(slowest <= READY_AT_WORST, "not ready in time: {starts:?}");
    (median, slowest)
}

// === impl Oracle ===

impl Oracle {
    /// Waits until the clients were told of so much more, a revocation among it.
    async fn has_told(&self, more: usize) {
        let begun = Instant::now();
        let figures = || {
            let revoked = self.revoked.lock().expect("oracle").len();
            (self.acknowledged.load(Ordering::SeqCst), revoked)
        };
        let (acknowledged, revoked) = figures();
        loop {
            let now = figures();
            if now.0 >= acknowledged + more && now.1 > revoked {
                return;
            }
            assert!(begun.elapsed() < LOADED_WITHIN, "too little is served");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
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
