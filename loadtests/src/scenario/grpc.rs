//! Calls of the gRPC door. Messages are written by hand: they have one field at most.

use std::rc::Rc;

use super::Place;
use crate::asker::Asker;
use crate::estate::Estate;
use crate::wire::Answer;

/// The same message, again and again.
struct Caller {
    message: Vec<u8>,
}

/// Whether the server is serving: a message without fields.
pub(super) fn health(_: &Rc<Estate>, _: Place) -> Box<dyn Asker> {
    Box::new(Caller {
        message: Vec::new(),
    })
}

/// Whether a token that was seen before holds: a message whose first field is the token.
pub(super) fn validate(estate: &Rc<Estate>, _: Place) -> Box<dyn Asker> {
    let token = estate.token();
    let mut message = vec![0x0A];
    let mut length = token.len();
    // A varint: seven bits a byte, the least first, and a mark on all but the last.
    while length > 0x7F {
        message.push(u8::try_from(length & 0x7F).unwrap_or(0) | 0x80);
        length >>= 7;
    }
    message.push(u8::try_from(length).unwrap_or(0));
    message.extend_from_slice(token.as_bytes());
    Box::new(Holder { message })
}

/// A `ValidateTokenResponse` that begins with `valid: true`. What echoes is asked without a doubt.
const HOLDS: [u8; 2] = [0x08, 0x01];

/// Asks whether one token holds.
struct Holder {
    message: Vec<u8>,
}

impl Asker for Holder {
    fn ask(&mut self, out: &mut Vec<u8>) -> bool {
        out.clear();
        out.extend_from_slice(&self.message);
        true
    }

    fn learn(&mut self, answer: &Answer<'_>) -> bool {
        let is_echo = answer.body == self.message;
        answer.is_success() && (is_echo || answer.body.starts_with(&HOLDS))
    }
}

impl Asker for Caller {
    fn ask(&mut self, out: &mut Vec<u8>) -> bool {
        out.clear();
        out.extend_from_slice(&self.message);
        true
    }
}
