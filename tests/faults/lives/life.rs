//! One client: what it does, and what it holds.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::codes::Browser;
use super::{Lives, PATIENCE};
use crate::dice::Dice;
use crate::history::{Act, Moment, Name, Outcome};
use crate::process::client;

/// How long a client thinks between two acts.
const THOUGHT: Duration = Duration::from_millis(4);

/// One client, and what it holds.
pub(super) struct Life<'l> {
    pub(super) lives: &'l Lives<'l>,
    pub(super) http: reqwest::Client,
    pub(super) dice: Dice,
    pub(super) email: String,
    id: String,
    /// The password, and those that may have become it, likeliest first.
    pub(super) passwords: Vec<String>,
    /// A sign-in on the pages, which codes are asked for with.
    pub(super) browser: Option<Browser>,
    living: Vec<Held>,
    over: Vec<Held>,
}

/// The newest tokens of a family.
#[derive(Clone)]
struct Held {
    family: Name,
    access: String,
    refresh: String,
}

// === impl Life ===

impl<'l> Life<'l> {
    pub(super) fn new(lives: &'l Lives<'l>, n: usize, seed: u64) -> Self {
        let more = u64::try_from(n).expect("few");
        Self {
            lives,
            http: client(),
            dice: Dice::new(seed.wrapping_mul(1_000).wrapping_add(more)),
            email: format!("life{n}.{seed}.{}@example.org", lives.name),
            id: String::new(),
            passwords: vec!["a quiet garden in the rain".to_owned()],
            browser: None,
            living: Vec::new(),
            over: Vec::new(),
        }
    }

    pub(super) async fn live(&mut self) {
        while !self.lives.stop.load(Ordering::SeqCst) {
            if self.id.is_empty() {
                self.register().await;
            } else {
                self.act().await;
            }
            tokio::time::sleep(THOUGHT).await;
        }
    }

    async fn register(&mut self) {
        let body = json!({
            "email": self.email, "password": self.passwords[0], "name": "Ada",
        });
        let (outcome, told) = self.post("/auth/register", None, &body, &[409]).await;
        match (outcome, told["id"].as_str()) {
            (Outcome::Done, Some(id)) => id.clone_into(&mut self.id),
            // It was made, and nobody heard.
            (Outcome::Done, None) => self.sign_in().await,
            _ => {}
        }
    }

    async fn act(&mut self) {
        let Some(place) = self.dice.late(self.living.len()) else {
            return self.sign_in().await;
        };
        match self.dice.below(24) {
            20.. => self.redeem().await,
            0..8 => self.refresh(place).await,
            8..12 => {
                let held = self.living[place].clone();
                if self.look(&held).await == Outcome::Refused {
                    self.over.push(self.living.remove(place));
                }
            }
            12..14 => self.end(place).await,
            14..16 => self.present_something_over().await,
            16 => self.change_password(place).await,
            17 => self.be_locked().await,
            _ => self.sign_in().await,
        }
    }

    async fn sign_in(&mut self) {
        for place in 0..self.passwords.len() {
            let body = json!({ "email": self.email, "password": self.passwords[place] });
            let (outcome, told) = self.post("/auth/login", None, &body, &[]).await;
            if outcome == Outcome::Done {
                // What counts is known again.
                self.passwords = vec![self.passwords.swap_remove(place)];
                told["user_id"]
                    .as_str()
                    .unwrap_or_default()
                    .clone_into(&mut self.id);
                let held = Held::of(self.lives.family(), &told);
                self.living.push(held);
                return;
            }
            if outcome == Outcome::Unknown {
                return;
            }
        }
        // A lock whose answer was lost may have come late.
        self.unlock().await;
    }

    /// Shows the newest token of a family, up to three times at once.
    async fn refresh(&mut self, place: usize) {
        let held = self.living[place].clone();
        let times = self.dice.pick(&[1, 1, 2, 3]).copied().unwrap_or(1);
        let shown = (0..times).map(|_| self.show(&held));
        let answers = join_all(shown).await;
        let next = answers.iter().find_map(|(_, told)| told.clone());
        if let Some(next) = next {
            self.living[place] = next;
        } else if answers.iter().any(|(one, _)| *one == Outcome::Refused) {
            self.over.push(self.living.remove(place));
        }
    }

    async fn show(&self, held: &Held) -> (Outcome, Option<Held>) {
        let (began, shown) = (self.lives.now(), self.lives.name(&held.refresh));
        let body = json!({ "refresh_token": held.refresh });
        let (outcome, told) = self.post("/auth/token/refresh", None, &body, &[]).await;
        let next = (outcome == Outcome::Done).then(|| Held::of(held.family, &told));
        let successor = next.as_ref().map(|next| self.lives.name(&next.refresh));
        let act = (held.family, Act::Refresh { shown, successor });
        self.lives.write(act, began, outcome);
        (outcome, next)
    }

    async fn look(&self, held: &Held) -> Outcome {
        let began = self.lives.now();
        let url = format!("{}/auth/me", self.lives.site.public);
        let request = self.http.request(Method::GET, url);
        let (outcome, _) = self.send(request.bearer_auth(&held.access), &[]).await;
        self.lives.write((held.family, Act::Look), began, outcome);
        outcome
    }

    /// Signs out, or has the refresh token revoked.
    async fn end(&mut self, place: usize) {
        let (held, began) = (self.living[place].clone(), self.lives.now());
        let is_revoked = self.dice.percent(50);
        let (path, bearer, body) = if is_revoked {
            ("/auth/revoke", None, json!({ "token": held.refresh }))
        } else {
            ("/auth/logout", Some(held.access.as_str()), json!({}))
        };
        let (outcome, _) = self.post(path, bearer, &body, &[]).await;
        // Who is refused is signed out already.
        let act = if outcome == Outcome::Refused {
            Act::Look
        } else {
            Act::End
        };
        self.lives.write((held.family, act), began, outcome);
        if outcome != Outcome::Unknown {
            self.over.push(self.living.remove(place));
        }
    }

    /// Tries something that was seen to be over.
    async fn present_something_over(&mut self) {
        let Some(place) = self.dice.late(self.over.len()) else {
            return;
        };
        let held = self.over[place].clone();
        if self.dice.percent(50) {
            self.look(&held).await;
        } else {
            self.show(&held).await;
        }
    }

    /// Changes the password in one family; the others end.
    async fn change_password(&mut self, place: usize) {
        if self.passwords.len() > 1 {
            return;
        }
        let (held, began) = (self.living[place].clone(), self.lives.now());
        let new = format!("rain over quiet gardens {:x}", self.dice.next());
        let body = json!({ "old_password": self.passwords[0], "new_password": new });
        let url = format!("{}/auth/me/password", self.lives.site.public);
        let request = self.http.put(url).bearer_auth(&held.access).json(&body);
        let (outcome, _) = self.send(request, &[]).await;
        self.lives.write((held.family, Act::Look), began, outcome);
        match outcome {
            Outcome::Refused => self.over.push(self.living.remove(place)),
            Outcome::Unknown => self.passwords.push(new),
            Outcome::Done => self.passwords = vec![new],
        }
        if outcome != Outcome::Refused {
            self.end_all(began, outcome, Some(held.family));
        }
    }

    /// Is locked by an operator, and let in again.
    async fn be_locked(&mut self) {
        let began = self.lives.now();
        let outcome = self.operate("lock", &json!({ "reason": "a test" })).await;
        self.end_all(began, outcome, None);
        self.unlock().await;
    }

    async fn unlock(&self) {
        let begun = Instant::now();
        while self.operate("unlock", &json!({})).await != Outcome::Done {
            assert!(begun.elapsed() < PATIENCE, "nobody is let in again");
            tokio::time::sleep(THOUGHT * 10).await;
        }
    }

    async fn operate(&self, verb: &str, body: &Value) -> Outcome {
        let url = format!("{}/admin/users/{}/{verb}", self.lives.site.admin, self.id);
        let request = self.http.post(url).json(body);
        let request = request.header("x-api-key", &self.lives.operator);
        self.send(request, &[]).await.0
    }

    /// Writes down what became of every family, but one.
    fn end_all(&mut self, began: Moment, outcome: Outcome, but: Option<Name>) {
        if let Some(browser) = self.browser.take() {
            let end = (browser.family, Act::End);
            self.lives.write(end, began, outcome);
        }
        let living = std::mem::take(&mut self.living);
        for held in living {
            if Some(held.family) == but {
                self.living.push(held);
                continue;
            }
            self.lives.write((held.family, Act::End), began, outcome);
            if outcome == Outcome::Done {
                self.over.push(held);
            } else {
                self.living.push(held);
            }
        }
    }

    /// Once all is well again: what was acknowledged is there, what was over stays over, and the owner
    /// gets in by a password that they chose.
    pub(super) async fn look_back(&mut self) {
        for held in self.living.clone().into_iter().chain(self.over.clone()) {
            for _ in 0..2 {
                self.look(&held).await;
            }
            self.show(&held).await;
        }
        let before = self.living.len();
        if !self.id.is_empty() {
            self.unlock().await;
            self.sign_in().await;
            assert!(self.living.len() > before, "{} is locked out", self.email);
        }
    }

    async fn post(
        &self,
        path: &str,
        bearer: Option<&str>,
        body: &Value,
        good: &[u16],
    ) -> (Outcome, Value) {
        let url = format!("{}{path}", self.lives.site.public);
        let mut request = self.http.post(url).json(body);
        if let Some(token) = bearer {
            request = request.bearer_auth(token);
        }
        self.send(request, good).await
    }

    async fn send(&self, request: reqwest::RequestBuilder, good: &[u16]) -> (Outcome, Value) {
        let Ok(answer) = request.send().await else {
            return (Outcome::Unknown, Value::Null);
        };
        let (status, url) = (answer.status().as_u16(), answer.url().clone());
        let Ok(text) = answer.text().await else {
            return (Outcome::Unknown, Value::Null);
        };
        let told = serde_json::from_str(&text).unwrap_or(Value::Null);
        let outcome = match status {
            200..300 => Outcome::Done,
            status if good.contains(&status) => Outcome::Done,
            401 => Outcome::Refused,
            503 | 504 => Outcome::Unknown,
            _ => self.wonder(url.path(), status, &text),
        };
        (outcome, told)
    }

    /// Takes note of an answer that is none.
    pub(super) fn wonder(&self, path: &str, status: u16, text: &str) -> Outcome {
        let mut seen = self.lives.seen.lock().expect("the history");
        seen.wrong.push(format!("{path}: {status} {text}"));
        Outcome::Unknown
    }
}

// === impl Held ===

impl Held {
    fn of(family: Name, told: &Value) -> Self {
        let field = |name: &str| told[name].as_str().expect("a token").to_owned();
        Self {
            family,
            access: field("access_token"),
            refresh: field("refresh_token"),
        }
    }
}
