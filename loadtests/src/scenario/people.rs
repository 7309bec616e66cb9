//! People who sign up and sign in.

use std::rc::Rc;

use serde_json::json;

use super::tokens::Refresher;
use super::{Circle, Place};
use crate::asker::Asker;
use crate::estate::{Estate, PASSWORD};
use crate::message::Message;
use crate::seed::email;
use crate::wire::Answer;

/// People who sign in with the right password, one after the other.
struct Visitor {
    circle: Circle,
    message: Message,
}

/// People who register.
struct Newcomer {
    estate: Rc<Estate>,
    message: Message,
}

/// One sign-in, nine refreshes, and again.
struct Mixed {
    visitor: Visitor,
    refresher: Refresher,
    turn: u8,
}

/// Signs in.
pub(super) fn login(estate: &Rc<Estate>, place: Place) -> Box<dyn Asker> {
    Box::new(visitor(estate, place))
}

/// Registers.
pub(super) fn register(estate: &Rc<Estate>, _: Place) -> Box<dyn Asker> {
    Box::new(Newcomer {
        estate: Rc::clone(estate),
        message: Message::new("POST", "/auth/register").json(),
    })
}

/// Signs in and refreshes.
pub(super) fn mixed(estate: &Rc<Estate>, place: Place) -> Box<dyn Asker> {
    Box::new(Mixed {
        visitor: visitor(estate, place),
        refresher: Refresher::new(estate, place),
        turn: u8::try_from(place.number % 10).unwrap_or(0),
    })
}

fn visitor(estate: &Rc<Estate>, place: Place) -> Visitor {
    Visitor {
        circle: Circle::at_home(estate, place),
        message: Message::new("POST", "/auth/login").json(),
    }
}

impl Asker for Visitor {
    fn ask(&mut self, out: &mut Vec<u8>) -> bool {
        let email = email(self.circle.next());
        let body = json!({ "email": email, "password": PASSWORD });
        self.message.write(out, &[], Some(&body.to_string()));
        true
    }
}

impl Asker for Newcomer {
    fn ask(&mut self, out: &mut Vec<u8>) -> bool {
        let email = self.estate.newcomer();
        let body = json!({ "email": email, "password": PASSWORD, "name": "Somebody New" });
        self.message.write(out, &[], Some(&body.to_string()));
        true
    }
}

impl Asker for Mixed {
    fn ask(&mut self, out: &mut Vec<u8>) -> bool {
        self.turn = (self.turn + 1) % 10;
        if self.turn == 0 {
            self.visitor.ask(out)
        } else {
            self.refresher.ask(out)
        }
    }

    fn learn(&mut self, answer: &Answer<'_>) -> bool {
        if self.turn == 0 {
            self.visitor.learn(answer)
        } else {
            self.refresher.learn(answer)
        }
    }
}
