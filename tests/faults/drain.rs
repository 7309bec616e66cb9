//! SIGTERM under load: whoever was let in is answered, and the process ends by itself with 0.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use libtest_mimic::Trial;
use serde_json::json;

use crate::process::{Site, Store, plain, post};
use crate::trial_of;

/// What the service is given to answer what it has.
const GRACE: Duration = Duration::from_secs(30);
/// How many clients ask; half of them keep their connection.
const CLIENTS: usize = 24;
/// How many sign-ins were served when the signal comes.
const SERVED: usize = 12;
/// How long before the signal a request must have been sent to count as received: one later than that
/// may still be on its way, and a connection that is idle when the signal comes may be closed at once
/// (RFC 9112 §9.5). Most requests here wait longer than that for their hash.
const UNDER_WAY: Duration = Duration::from_millis(500);

/// The trials of this file.
pub fn trials() -> Vec<Trial> {
    vec![trial_of(
        "sigterm_under_load_answers_everyone_who_was_let_in",
        drains,
    )]
}

/// One request: when it was sent, and what became of it.
struct Asked {
    begun: Instant,
    ended: Instant,
    outcome: Result<u16, reqwest::Error>,
    may_return: bool,
}

async fn drains() {
    // Hashes so costly that the signal meets a queue.
    let settings = [
        ("ARGON2_MEMORY", "19456"),
        ("ARGON2_TIME", "12"),
        ("HASHING_THREADS", "1"),
        ("SHUTDOWN_GRACE", "30s"),
    ];
    let site = Site::new(Store::Sqlite, &settings).await;
    let (process, _) = site.start().await;
    let http = client(true);
    let register = format!("{}/auth/register", site.public);
    let (status, body) = post(&http, &register, &person()).await.expect("an answer");
    assert_eq!(status, 201, "{body}");

    let (stop, served) = (AtomicBool::new(false), AtomicUsize::new(0));
    let clients = (0..CLIENTS).map(|n| ask_until(&site, &stop, &served, n % 2 == 0));
    let clients = join_all(clients);
    let signal = async {
        while served.load(Ordering::SeqCst) < SERVED {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let sent = Instant::now();
        process.terminate();
        let status = process.exit_status(GRACE * 2).await;
        stop.store(true, Ordering::SeqCst);
        (sent, sent.elapsed(), status)
    };
    let (asked, (sent, drained, status)) = tokio::join!(clients, signal);
    assert_eq!(status, Some(0), "{}", site.log());
    assert!(drained < GRACE, "the drain took {drained:?}");
    let asked: Vec<Asked> = asked.into_iter().flatten().collect();
    judge(&asked, sent, drained, &site);
}

/// Judges every request by when it was sent.
fn judge(asked: &[Asked], sent: Instant, drained: Duration, site: &Site) {
    let (mut answered, mut in_flight, mut refused, mut hung_up) = (0, 0, 0, 0);
    for one in asked {
        let is_owed = one.begun + UNDER_WAY < sent;
        match &one.outcome {
            Ok(status) => {
                let is_fine = *status == 200 || (*status == 503 && one.may_return);
                assert!(is_fine, "{status}\n{}", site.log());
                answered += 1;
                in_flight += usize::from(is_owed && sent < one.ended);
            }
            Err(error) => {
                assert!(
                    !is_owed,
                    "unanswered, though sent before the signal: {error:?}"
                );
                if error.is_connect() {
                    refused += 1;
                } else {
                    hung_up += 1;
                }
            }
        }
    }
    println!(
        "SIGTERM under load: ended in {drained:?} with 0; {answered} answered, {in_flight} of them \
         sent long before the signal and answered after it; of those that came later {refused} were refused, {hung_up} \
         hung up on"
    );
    assert!(in_flight > 0, "the signal met requests in flight");
    assert!(refused > 0, "who came while it drained was refused at once");
}

/// Signs in again and again until told to stop, or until nobody answers.
async fn ask_until(
    site: &Site,
    stop: &AtomicBool,
    served: &AtomicUsize,
    keeps: bool,
) -> Vec<Asked> {
    let http = client(keeps);
    let url = format!("{}/auth/login", site.public);
    let mut asked = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let begun = Instant::now();
        let answer = http.post(&url).json(&person()).send().await;
        let may_return = answer
            .as_ref()
            .is_ok_and(|answer| answer.headers().contains_key("retry-after"));
        let outcome = match answer {
            Ok(answer) => {
                let status = answer.status().as_u16();
                answer.bytes().await.map(|_| status)
            }
            Err(error) => Err(error),
        };
        let is_over = outcome.is_err();
        served.fetch_add(usize::from(matches!(outcome, Ok(200))), Ordering::SeqCst);
        asked.push(Asked {
            begun,
            ended: Instant::now(),
            outcome,
            may_return,
        });
        if is_over {
            break;
        }
    }
    asked
}

fn person() -> serde_json::Value {
    json!({
        "email": "ada@example.org", "password": "a quiet garden in the rain", "name": "Ada",
    })
}

fn client(keeps: bool) -> reqwest::Client {
    plain()
        .pool_max_idle_per_host(usize::from(keeps))
        .build()
        .expect("a client")
}
