//! Tokens for clients and for refresh tokens.

use std::rc::Rc;

use super::{Circle, Place};
use crate::asker::Asker;
use crate::estate::Estate;
use crate::message::{Message, form};
use crate::seed::slug;
use crate::wire::Answer;

/// A client that asks for a token for itself.
struct Robot {
    message: Message,
    body: String,
}

/// People whose refresh tokens are presented, one after the other.
pub(super) struct Refresher {
    estate: Rc<Estate>,
    circle: Circle,
    message: Message,
    says_tenant: bool,
    person: u32,
    is_ceiling: bool,
}

/// The grant `client_credentials`.
pub(super) fn client_credentials(estate: &Rc<Estate>, _: Place) -> Box<dyn Asker> {
    let message = Message::new("POST", "/oauth/token").form();
    Box::new(Robot {
        message: message.with("authorization", &estate.robot.basic),
        body: form(&[("grant_type", "client_credentials"), ("scope", "read")]),
    })
}

/// The grant `refresh_token`, of people of the default tenant.
pub(super) fn refresh(estate: &Rc<Estate>, place: Place) -> Box<dyn Asker> {
    Box::new(Refresher::new(estate, place))
}

/// The same, of people of all other tenants, which a header names.
pub(super) fn refresh_by_header(estate: &Rc<Estate>, place: Place) -> Box<dyn Asker> {
    Box::new(Refresher {
        circle: Circle::elsewhere(estate, place),
        says_tenant: true,
        ..Refresher::new(estate, place)
    })
}

impl Asker for Robot {
    fn ask(&mut self, out: &mut Vec<u8>) -> bool {
        self.message.write(out, &[], Some(&self.body));
        true
    }
}

// === impl Refresher ===

impl Refresher {
    pub(super) fn new(estate: &Rc<Estate>, place: Place) -> Self {
        Self {
            estate: Rc::clone(estate),
            circle: Circle::at_home(estate, place),
            message: Message::new("POST", "/auth/token/refresh").json(),
            says_tenant: false,
            person: 0,
            is_ceiling: place.is_ceiling,
        }
    }
}

impl Asker for Refresher {
    fn ask(&mut self, out: &mut Vec<u8>) -> bool {
        self.person = self.circle.next();
        let token = self.estate.refresh_token(self.person);
        let body = format!("{{\"refresh_token\":\"{token}\"}}");
        let tenant = self.estate.crowd.tenant_of(self.person).map(slug);
        match tenant.as_deref().filter(|_| self.says_tenant) {
            Some(tenant) => self
                .message
                .write(out, &[("x-tenant-id", tenant)], Some(&body)),
            None => self.message.write(out, &[], Some(&body)),
        }
        true
    }

    fn learn(&mut self, answer: &Answer<'_>) -> bool {
        if answer.is_success() && !self.is_ceiling {
            self.estate.was_refreshed(self.person);
        }
        answer.is_success()
    }
}
