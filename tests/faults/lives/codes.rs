//! What an application does for one client: asks for a code with the browser's sign-in, and redeems it, once
//! or several times at the same moment.
//!
//! The browser's sign-in is a family of the history of its own. Whoever redeems twice may end it, and so may
//! an answer that was lost: then the browser signs in anew.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use super::life::Life;
use crate::history::{Act, Name, Outcome};
use crate::process::{Site, plain};

/// An application that people are not asked about.
pub(super) struct Application {
    id: String,
    secret: String,
}

/// A browser that is signed in.
pub(super) struct Browser {
    pub(super) family: Name,
    cookies: String,
}

const CALLBACK: &str = "https://app.example.org/callback";
/// RFC 7636 Appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// A code lives for a minute. Who is refused later than this is told nothing by it.
const FRESH: Duration = Duration::from_secs(40);

// === impl Application ===

impl Application {
    /// Registers one; `operator` opens the admin door.
    pub(super) async fn register(site: &Site, operator: &str) -> Self {
        let body = json!({
            "name": "An application", "client_type": "web", "redirect_uris": [CALLBACK],
            "scopes": ["openid", "offline_access"], "is_first_party": true,
        });
        let request = plain().build().expect("a client");
        let request = request.post(format!("{}/admin/clients", site.admin));
        let answer = request.header("x-api-key", operator).json(&body).send();
        let answer = answer.await.expect("an answer").text().await;
        let told: Value = serde_json::from_str(&answer.expect("a body")).expect("JSON");
        let field = |name: &str| told[name].as_str().unwrap_or_else(|| panic!("{told}"));
        Self {
            id: field("client_id").to_owned(),
            secret: field("client_secret").to_owned(),
        }
    }

    fn asks(&self) -> [(&str, &str); 6] {
        [
            ("client_id", &self.id),
            ("response_type", "code"),
            ("redirect_uri", CALLBACK),
            ("scope", "openid offline_access"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]
    }
}

// === impl Life ===

impl Life<'_> {
    /// Asks for a code and redeems it.
    pub(super) async fn redeem(&mut self) {
        if self.browser.is_none() {
            self.browser = self.open_browser().await;
        }
        let Some(browser) = self.browser.take() else {
            return;
        };
        let Some(code) = self.ask_for_code(&browser).await else {
            return;
        };
        let (asked, began) = (Instant::now(), self.lives.now());
        let times = self.dice.pick(&[1, 1, 2, 3]).copied().unwrap_or(1);
        let shown = (0..times).map(|_| self.show_code(&browser, &code, asked));
        let mut outcomes = join_all(shown).await;
        if !outcomes.contains(&Outcome::Done) {
            // Who does not know what became of it asks once more.
            outcomes.push(self.show_code(&browser, &code, asked).await);
        }
        if outcomes == [Outcome::Done] {
            self.browser = Some(browser);
        } else {
            let end = (browser.family, Act::End);
            self.lives.write(end, began, Outcome::Unknown);
        }
    }

    async fn show_code(&self, browser: &Browser, code: &str, asked: Instant) -> Outcome {
        let (began, name) = (self.lives.now(), self.lives.name(code));
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        let application = &self.lives.application();
        let request = self.http.post(self.address("/oauth/token"));
        let request = request.basic_auth(&application.id, Some(&application.secret));
        let outcome = match answered(form(request, &fields)).await {
            Some((200, _)) => Outcome::Done,
            Some((400, text)) if text.contains("invalid_grant") => Outcome::Refused,
            Some((503 | 504, _)) | None => Outcome::Unknown,
            Some((status, text)) => self.wonder("/oauth/token", status, &text),
        };
        let outcome = if outcome == Outcome::Refused && asked.elapsed() > FRESH {
            Outcome::Unknown
        } else {
            outcome
        };
        let act = (browser.family, Act::Redeem { code: name });
        self.lives.write(act, began, outcome);
        outcome
    }

    /// Gives a code, unless something is away, or the browser is signed in no more.
    async fn ask_for_code(&self, browser: &Browser) -> Option<String> {
        let http = quiet();
        let request = http.post(self.address("/oauth/authorize"));
        let request = request.header(COOKIE, &browser.cookies);
        let request = request.header("sec-fetch-site", "cross-site");
        let asked = self.lives.application().asks();
        let answer = form(request, &asked).send().await.ok()?;
        let place = answer.headers().get(LOCATION)?.to_str().ok()?.to_owned();
        let (_, query) = place.split_once('?')?;
        let code = query.split('&').find_map(|pair| pair.strip_prefix("code="));
        code.map(str::to_owned)
    }

    /// Signs in on the page, by the password that counts, if that is known.
    async fn open_browser(&self) -> Option<Browser> {
        let [password] = self.passwords.as_slice() else {
            return None;
        };
        let http = quiet();
        let page = http.get(self.address("/sign-in?request=account.factors"));
        let page = page.send().await.ok()?;
        let held = cookies(&page);
        let text = page.text().await.ok()?;
        let csrf = text.split("name=\"csrf\" value=\"").nth(1)?;
        let fields = [
            ("request", "account.factors"),
            ("csrf", csrf.split('"').next()?),
            ("email", &self.email),
            ("password", password),
        ];
        let request = form(http.post(self.address("/sign-in")), &fields);
        let request = request.header(COOKIE, held.join("; "));
        let request = request.header("sec-fetch-site", "same-origin");
        let answer = request.send().await.ok()?;
        let held: Vec<String> = held.into_iter().chain(cookies(&answer)).collect();
        let is_in = held.iter().any(|pair| pair.starts_with("__Host-session="));
        is_in.then(|| Browser {
            family: self.lives.family(),
            cookies: held.join("; "),
        })
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.lives.site.public)
    }
}

/// Gives status and text of a whole answer.
async fn answered(request: RequestBuilder) -> Option<(u16, String)> {
    let answer = request.send().await.ok()?;
    let status = answer.status().as_u16();
    Some((status, answer.text().await.ok()?))
}

/// Fills in a form.
fn form(request: RequestBuilder, fields: &[(&str, &str)]) -> RequestBuilder {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(fields);
    request
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(body.finish())
}

/// A client that goes nowhere by itself.
fn quiet() -> reqwest::Client {
    plain().redirect(Policy::none()).build().expect("a client")
}

/// The cookies that an answer sets, each as it is sent back.
fn cookies(answer: &Response) -> Vec<String> {
    let lines = answer.headers().get_all(SET_COOKIE).into_iter();
    let lines = lines.filter_map(|line| line.to_str().ok());
    lines
        .filter(|line| !line.contains("Max-Age=0"))
        .filter_map(|line| line.split(';').next())
        .map(str::to_owned)
        .collect()
}
