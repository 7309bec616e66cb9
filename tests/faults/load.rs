//! A light load that judges every answer: a success, or 503 with `Retry-After`, in time, and never
//! a yes to what was revoked.
//!
//! What the clients were told is kept: at the end [`Load::hold_to_it`] asks for all of it again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::process::{Site, client};

/// How many clients there are.
const CLIENTS: usize = 8;
/// How long a client thinks between two requests.
const THOUGHT: Duration = Duration::from_millis(8);
/// How long nineteen of twenty answers may take: 2 s (CONTRACT §11), and what a busy machine adds.
const ANSWERED_WITHIN: Duration = Duration::from_secs(3);
/// How long an answer may take at most.
const ANSWERED_AT_WORST: Duration = Duration::from_secs(10);
/// How long after an acknowledged revocation another node may still say yes (CONTRACT §11), in nineteen
/// of twenty cases: a busy machine may keep a node from hearing.
const HEARD_WITHIN: Duration = Duration::from_secs(1);
/// How long it may at worst: who has heard nothing for 1.5 s says that it is unavailable.
const HEARD_AT_WORST: Duration = Duration::from_secs(2);

/// Clients and what they were told.
pub struct Load {
    doors: Vec<String>,
    /// Whether nodes end as they were told to: then nobody is told to come again, nor hung up on.
    is_orderly: bool,
    stop: AtomicBool,
    tally: Mutex<Tally>,
}

#[derive(Default)]
struct Tally {
    served: usize,
    unavailable: usize,
    /// Requests whose connection was refused, and those whose kept connection was closed as they were sent
    /// (RFC 9112 §9.5); only where there are other doors to go to.
    refused: usize,
    hung_up: usize,
    /// What each answer took.
    spans: Vec<Duration>,
    /// What was answered and should not have been.
    wrong: Vec<String>,
    living: Vec<String>,
    revoked: Vec<Revoked>,
    /// How many revoked access tokens were presented after [`HEARD_WITHIN`].
    presented: usize,
    /// How many of them were let in.
    late: usize,
}

/// Tokens whose revocation was acknowledged.
#[derive(Clone)]
struct Revoked {
    access: String,
    refresh: String,
    at: Instant,
}

/// One client: where it is, and what it is about to say.
struct Asker<'l> {
    load: &'l Load,
    http: reqwest::Client,
    door: usize,
}

struct Tokens {
    access: String,
    refresh: String,
}

// === impl Load ===

impl Load {
    /// Prepares clients that ask at these nodes. With several, a client whose connection is refused
    /// goes to the next.
    pub fn on(sites: &[&Site]) -> Self {
        Self {
            doors: sites.iter().map(|site| site.public.clone()).collect(),
            is_orderly: false,
            stop: AtomicBool::new(false),
            tally: Mutex::default(),
        }
    }

    /// Says that no node is going to be killed: who is told to come again, or is not answered though there
    /// was a connection, has been failed.
    pub fn in_order(self) -> Self {
        Self {
            is_orderly: true,
            ..self
        }
    }

    /// Has the clients at work while something is done.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let clients = futures_util::future::join_all((0..CLIENTS).map(|n| self.live(n)));
        let work = async {
            let done = work.await;
            self.stop.store(true, Ordering::SeqCst);
            done
        };
        tokio::join!(clients, work).1
    }

    /// Waits until so many more requests were served; says how long that took.
    pub async fn serve(&self, more: usize, limit: Duration) -> Duration {
        let (begun, before) = (Instant::now(), self.tally().served);
        while self.tally().served < before + more {
            let wrong = self.tally().wrong.clone();
            assert!(begun.elapsed() < limit, "too few are served; {wrong:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        begun.elapsed()
    }

    /// Asks a node for everything that was acknowledged, tells the figures, and fails if anything
    /// was answered wrongly.
    pub async fn hold_to_it(&self, site: &Site, what: &str) {
        let (living, revoked) = {
            let mut tally = self.tally();
            tally.spans.sort();
            let most = tally.spans[tally.spans.len() * 19 / 20];
            println!(
                "{what}: {} served, {} told to come again, {} refused at a closed door, {} hung up on, \
                 most within {most:?}, slowest {:?}, {} sessions living, {} revoked",
                tally.served,
                tally.unavailable,
                tally.refused,
                tally.hung_up,
                tally.spans.last(),
                tally.living.len(),
                tally.revoked.len()
            );
            assert!(tally.wrong.is_empty(), "{:#?}\n{}", tally.wrong, site.log());
            assert!(most < ANSWERED_WITHIN, "{most:?}\n{}", site.log());
            let (presented, late) = (tally.presented, tally.late);
            assert!(late * 20 <= presented, "{late} of {presented} let in late");
            assert!(!tally.revoked.is_empty(), "something was revoked");
            assert!(!tally.living.is_empty(), "something lives");
            (tally.living.clone(), tally.revoked.clone())
        };
        hold(site, &living, &revoked).await;
    }

    /// Fails unless ninety-nine of a hundred requests were served (GOALS.md).
    pub fn nearly_all_are_served(&self) {
        let tally = self.tally();
        let (served, refused) = (
            tally.served,
            tally.unavailable + tally.refused + tally.hung_up,
        );
        assert!(
            refused * 99 <= served,
            "{refused} not served, {served} served"
        );
    }

    /// Asks a node for what was acknowledged until now, while the load goes on.
    pub async fn revoked_stays_revoked(&self, site: &Site) {
        let revoked = self.tally().revoked.clone();
        assert!(!revoked.is_empty(), "something was revoked");
        hold(site, &[], &revoked).await;
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().expect("the tally")
    }

    fn is_over(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// One client's life: registers, then signs in, refreshes, looks and revokes.
    async fn live(&self, n: usize) {
        let http = client();
        let mut asker = Asker {
            load: self,
            http,
            door: n,
        };
        let person = json!({
            "email": format!("person{n}@example.org"), "password": "a quiet garden in the rain",
            "name": "Ada",
        });
        // 409 is what a second try is told if the first was done and not answered.
        if asker
            .insist("/auth/register", &person, &[201, 409])
            .await
            .is_none()
        {
            return;
        }
        for round in n.. {
            let Some(body) = asker.insist("/auth/login", &person, &[200]).await else {
                return;
            };
            let mut tokens = Tokens::of(&body);
            if !asker.refresh_often(&mut tokens).await || round % 2 == 0 {
                self.tally().living.push(tokens.refresh);
            } else {
                asker.revoke(tokens).await;
            }
            asker.present_something_revoked(round).await;
        }
    }
}

/// Asks a node for what must live and what must not.
async fn hold(site: &Site, living: &[String], revoked: &[Revoked]) {
    let http = client();
    let url = format!("{}/auth/token/refresh", site.public);
    for token in living {
        let body = json!({ "refresh_token": token });
        let answer = http.post(&url).json(&body).send().await.expect("an answer");
        let status = answer.status().as_u16();
        assert_eq!(
            status,
            200,
            "an acknowledged session is lost: {:?}",
            answer.text().await
        );
    }
    for tokens in revoked {
        let body = json!({ "refresh_token": tokens.refresh });
        let answer = http.post(&url).json(&body).send().await.expect("an answer");
        assert_eq!(
            answer.status().as_u16(),
            401,
            "a revoked session lives again"
        );
        let me = http.get(format!("{}/auth/me", site.public));
        let answer = me
            .bearer_auth(&tokens.access)
            .send()
            .await
            .expect("an answer");
        assert_eq!(
            answer.status().as_u16(),
            401,
            "a revoked access token is let in again"
        );
    }
}

// === impl Asker ===

impl Asker<'_> {
    /// Refreshes and looks a few times. False when the load is over.
    async fn refresh_often(&mut self, tokens: &mut Tokens) -> bool {
        for _ in 0..3 {
            let body = json!({ "refresh_token": tokens.refresh });
            match self.insist("/auth/token/refresh", &body, &[200]).await {
                Some(body) => *tokens = Tokens::of(&body),
                None => return false,
            }
            self.ask(Method::GET, "/auth/me", Some(&tokens.access), None, &[200])
                .await;
        }
        true
    }

    /// Revokes a session and its newest access token.
    async fn revoke(&mut self, tokens: Tokens) {
        for token in [&tokens.access, &tokens.refresh] {
            let body = json!({ "token": token });
            if self.insist("/auth/revoke", &body, &[200]).await.is_none() {
                return;
            }
        }
        let Tokens { access, refresh } = tokens;
        let at = Instant::now();
        self.load.tally().revoked.push(Revoked {
            access,
            refresh,
            at,
        });
    }

    /// Tries what was revoked, by whomever: refused, or told to come again, and never let in.
    async fn present_something_revoked(&mut self, round: usize) {
        let revoked = {
            let tally = self.load.tally();
            let heard =
                |one: &&Revoked| self.load.doors.len() == 1 || one.at.elapsed() > HEARD_WITHIN;
            let known: Vec<&Revoked> = tally.revoked.iter().filter(heard).collect();
            known
                .get(round % known.len().max(1))
                .map(|one| (*one).clone())
        };
        let Some(revoked) = revoked else { return };
        let body = json!({ "refresh_token": revoked.refresh });
        let (post, get) = (Method::POST, Method::GET);
        self.ask(post, "/auth/token/refresh", None, Some(&body), &[401])
            .await;
        let may_be_late = self.load.doors.len() > 1 && revoked.at.elapsed() < HEARD_AT_WORST;
        let good: &[u16] = if may_be_late { &[401, 200] } else { &[401] };
        let token = Some(revoked.access.as_str());
        let answer = self.ask(get, "/auth/me", token, None, good).await;
        // Only a refusal has a code.
        let is_late = answer.is_some_and(|body| body["code"].is_null());
        let mut tally = self.load.tally();
        tally.presented += 1;
        tally.late += usize::from(is_late);
    }

    /// Posts until it is served. Nothing when the load is over first.
    async fn insist(&mut self, path: &str, body: &Value, good: &[u16]) -> Option<Value> {
        while !self.load.is_over() {
            if let Some(body) = self.ask(Method::POST, path, None, Some(body), good).await {
                return Some(body);
            }
        }
        None
    }

    /// Asks once and judges what it is told. Nothing unless it was served.
    async fn ask(
        &mut self,
        method: Method,
        path: &str,
        bearer: Option<&str>,
        body: Option<&Value>,
        good: &[u16],
    ) -> Option<Value> {
        tokio::time::sleep(THOUGHT).await;
        let door = &self.load.doors[self.door % self.load.doors.len()];
        let mut request = self.http.request(method, format!("{door}{path}"));
        if let Some(token) = bearer {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let begun = Instant::now();
        let answer = request.send().await;
        let spent = begun.elapsed();
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return self.unanswered(path, &error),
        };
        let status = answer.status().as_u16();
        let may_return = answer.headers().contains_key("retry-after");
        let text = answer.text().await.unwrap_or_default();
        let mut tally = self.load.tally();
        tally.spans.push(spent);
        if spent > ANSWERED_AT_WORST {
            tally
                .wrong
                .push(format!("{path}: {status} after {spent:?}"));
        }
        if good.contains(&status) {
            tally.served += 1;
            return Some(serde_json::from_str(&text).unwrap_or(Value::Null));
        }
        if status == 503 && may_return && !self.load.is_orderly {
            tally.unavailable += 1;
        } else {
            tally
                .wrong
                .push(format!("{path}: {status}, expected {good:?}: {text}"));
        }
        None
    }

    /// Goes to the next door, if there is one and this one was closed.
    fn unanswered(&mut self, path: &str, error: &reqwest::Error) -> Option<Value> {
        let mut tally = self.load.tally();
        if self.load.doors.len() > 1 && (error.is_connect() || !self.load.is_orderly) {
            tally.refused += usize::from(error.is_connect());
            tally.hung_up += usize::from(!error.is_connect());
            self.door += 1;
        } else {
            tally.wrong.push(format!("{path}: no answer: {error:?}"));
        }
        None
    }
}

// === impl Tokens ===

impl Tokens {
    fn of(body: &Value) -> Self {
        let field = |name: &str| body[name].as_str().expect("a token").to_owned();
        Self {
            access: field("access_token"),
            refresh: field("refresh_token"),
        }
    }
}
