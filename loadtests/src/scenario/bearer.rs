//! Access tokens that are shown: the same again and again, or each once.

use std::rc::Rc;

use super::Place;
use super::tokens::Refresher;
use crate::asker::{Asker, Stock};
use crate::estate::Estate;
use crate::message::{Message, form};
use crate::wire::Answer;

/// Shows access tokens, which it gets by refreshing.
struct Bearer {
    refresher: Refresher,
    message: Message,
    way: Way,
    stock: Stock,
    /// The one token that is shown again and again.
    seen: Option<String>,
    is_once: bool,
}

/// How a token is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// In `Authorization`.
    Header,
    /// In a form, by a client.
    Form,
}

/// As long as an access token is.
const SAMPLE: [char; 700] = ['x'; 700];

pub(super) fn introspect_seen(estate: &Rc<Estate>, place: Place) -> Box<dyn Asker> {
    introspect(estate, place, false)
}

pub(super) fn introspect_first(estate: &Rc<Estate>, place: Place) -> Box<dyn Asker> {
    introspect(estate, place, true)
}

pub(super) fn userinfo_seen(estate: &Rc<Estate>, place: Place) -> Box<dyn Asker> {
    show(estate, place, ("/userinfo", false))
}

pub(super) fn userinfo_first(estate: &Rc<Estate>, place: Place) -> Box<dyn Asker> {
    show(estate, place, ("/userinfo", true))
}

pub(super) fn me_seen(estate: &Rc<Estate>, place: Place) -> Box<dyn Asker> {
    show(estate, place, ("/auth/me", false))
}

pub(super) fn me_first(estate: &Rc<Estate>, place: Place) -> Box<dyn Asker> {
    show(estate, place, ("/auth/me", true))
}

fn introspect(estate: &Rc<Estate>, place: Place, is_once: bool) -> Box<dyn Asker> {
    let message = Message::new("POST", "/oauth/introspect").form();
    let message = message.with("authorization", &estate.robot.basic);
    Box::new(Bearer::new(estate, place, (message, Way::Form, is_once)))
}

fn show(estate: &Rc<Estate>, place: Place, (path, is_once): (&str, bool)) -> Box<dyn Asker> {
    let message = Message::new("GET", path);
    Box::new(Bearer::new(estate, place, (message, Way::Header, is_once)))
}

// === impl Bearer ===

impl Bearer {
    fn new(
        estate: &Rc<Estate>,
        place: Place,
        (message, way, is_once): (Message, Way, bool),
    ) -> Self {
        let stock = if place.is_ceiling {
            Stock::endless(&SAMPLE.iter().collect::<String>())
        } else {
            Stock::default()
        };
        Self {
            refresher: Refresher::new(estate, place),
            message,
            way,
            stock,
            seen: None,
            is_once,
        }
    }

    fn token(&mut self) -> Option<String> {
        if self.is_once {
            return self.stock.take();
        }
        if self.seen.is_none() {
            self.seen = self.stock.take();
        }
        self.seen.clone()
    }
}

impl Asker for Bearer {
    fn ask(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(token) = self.token() else {
            return false;
        };
        match self.way {
            Way::Header => {
                let shown = format!("Bearer {token}");
                self.message.write(out, &[("authorization", &shown)], None);
            }
            Way::Form => {
                let body = form(&[("token", &token)]);
                self.message.write(out, &[], Some(&body));
            }
        }
        true
    }

    /// An inactive token is answered with success too, and is none.
    fn learn(&mut self, answer: &Answer<'_>) -> bool {
        let is_inactive = self.way == Way::Form && answer.body.starts_with(b"{\"active\":false");
        answer.is_success() && !is_inactive
    }

    fn prepare(&mut self, out: &mut Vec<u8>) -> bool {
        let has_enough = self.stock.is_full() || (!self.is_once && self.seen.is_some());
        !has_enough && self.refresher.ask(out)
    }

    fn keep(&mut self, answer: &Answer<'_>) -> bool {
        let is_refreshed = self.refresher.learn(answer);
        let token = answer.member("access_token");
        if !self.is_once {
            self.seen = token.map(str::to_owned);
            return self.seen.is_some();
        }
        is_refreshed && self.stock.add(token)
    }
}
