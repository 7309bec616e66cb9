//! The authorization code flow of people who are signed in and asked nothing.

use std::rc::Rc;

use super::{Circle, Place};
use crate::asker::{Asker, Stock};
use crate::estate::{CALLBACK, Estate};
use crate::message::{Message, form};
use crate::wire::Answer;

/// Asks for codes and redeems them.
struct Application {
    estate: Rc<Estate>,
    circle: Circle,
    authorize: Message,
    request: String,
    redeem: Message,
    stock: Stock,
    /// Where both steps count: the code of the first.
    code: Option<String>,
    is_flow: bool,
}

/// RFC 7636 Appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// As long as a code is.
const SAMPLE: &str =
    "qf_ac_00000000000000000000000000000000000000000000000000000000000000000000000000000000000000";

/// Redemptions alone; the codes are prepared.
pub(super) fn redeem(estate: &Rc<Estate>, place: Place) -> Box<dyn Asker> {
    Box::new(Application::new(estate, place, false))
}

/// Both requests, in turn.
pub(super) fn flow(estate: &Rc<Estate>, place: Place) -> Box<dyn Asker> {
    Box::new(Application::new(estate, place, true))
}

// === impl Application ===

impl Application {
    fn new(estate: &Rc<Estate>, place: Place, is_flow: bool) -> Self {
        let redeem = Message::new("POST", "/oauth/token").form();
        Self {
            estate: Rc::clone(estate),
            circle: Circle::at_home(estate, place),
            authorize: Message::new("POST", "/oauth/authorize").form(),
            request: form(&[
                ("client_id", &estate.application.id),
                ("response_type", "code"),
                ("redirect_uri", CALLBACK),
                ("scope", "openid profile email offline_access"),
                ("state", "a-state"),
                ("nonce", "a-nonce"),
                ("code_challenge", CHALLENGE),
                ("code_challenge_method", "S256"),
            ]),
            redeem: redeem.with("authorization", &estate.application.basic),
            stock: if place.is_ceiling {
                Stock::endless(SAMPLE)
            } else {
                Stock::default()
            },
            code: None,
            is_flow,
        }
    }

    fn ask_for_code(&mut self, out: &mut Vec<u8>) {
        let cookie = self.estate.cookie(self.circle.next());
        let headers = [
            ("cookie", cookie.as_str()),
            ("sec-fetch-site", "cross-site"),
        ];
        self.authorize.write(out, &headers, Some(&self.request));
    }

    fn redeem(&self, out: &mut Vec<u8>, code: &str) {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        self.redeem.write(out, &[], Some(&form(&fields)));
    }
}

fn code_of<'a>(answer: &Answer<'a>) -> Option<&'a str> {
    let (_, query) = answer.header("location")?.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix("code="))
}

impl Asker for Application {
    fn ask(&mut self, out: &mut Vec<u8>) -> bool {
        let code = if self.is_flow {
            self.code.take()
        } else {
            self.stock.take()
        };
        match code {
            Some(code) => self.redeem(out, &code),
            None if self.is_flow => self.ask_for_code(out),
            None => return false,
        }
        true
    }

    fn learn(&mut self, answer: &Answer<'_>) -> bool {
        if self.is_flow && answer.status == 303 {
            self.code = code_of(answer).map(str::to_owned);
            return self.code.is_some();
        }
        answer.is_success()
    }

    fn prepare(&mut self, out: &mut Vec<u8>) -> bool {
        if self.is_flow || self.stock.is_full() {
            return false;
        }
        self.ask_for_code(out);
        true
    }

    fn keep(&mut self, answer: &Answer<'_>) -> bool {
        self.stock.add(code_of(answer))
    }
}
