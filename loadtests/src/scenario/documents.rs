//! Documents that are the same for everybody.

use std::rc::Rc;

use super::Place;
use crate::asker::Asker;
use crate::estate::Estate;
use crate::message::Message;
use crate::seed::slug;

/// The same requests, in turn.
struct Reader {
    messages: Vec<Message>,
    next: usize,
}

/// The tenant's public keys.
pub(super) fn jwks(_: &Rc<Estate>, _: Place) -> Box<dyn Asker> {
    read([Message::new("GET", "/.well-known/jwks.json")])
}

/// What the service says it can do.
pub(super) fn discovery(_: &Rc<Estate>, _: Place) -> Box<dyn Asker> {
    read([Message::new("GET", "/.well-known/openid-configuration")])
}

/// The keys of one tenant after the other.
pub(super) fn jwks_by_path(estate: &Rc<Estate>, place: Place) -> Box<dyn Asker> {
    let tenants = estate.crowd.tenants;
    let own = (place.number..tenants.max(1)).step_by(usize::try_from(place.of).unwrap_or(1));
    let own = own.chain([place.number % tenants.max(1)]).take(1_000);
    read(own.map(|tenant| {
        let path = format!("/t/{}/.well-known/jwks.json", slug(tenant));
        Message::new("GET", &path)
    }))
}

fn read(messages: impl IntoIterator<Item = Message>) -> Box<dyn Asker> {
    Box::new(Reader {
        messages: messages.into_iter().collect(),
        next: 0,
    })
}

impl Asker for Reader {
    fn ask(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(message) = self.messages.get(self.next % self.messages.len().max(1)) else {
            return false;
        };
        self.next = self.next.wrapping_add(1);
        message.write(out, &[], None);
        true
    }
}
