//! Forms that only our own pages can send.
//!
//! Each browser has a random name in a cookie, and each form carries that name's signature (with the
//! sign-in it was shown in, if any). A stranger's page can neither read the cookie nor set it, so it
//! cannot fill in the token: neither for a victim who is signed in, nor to sign one in to the
//! stranger's account. That the browser itself calls the request its own page's is asked besides, for
//! every browser route, in `front`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::rejection::{Code, Refusal};
use http::HeaderMap;
use protocol::system_secrets::Label;

use super::cookies::{self, Kind};
use super::session;
use crate::flow::{Act, Flows};
use crate::http::render::Reply;

/// A browser that forms are bound to.
pub(in crate::http) struct Guard {
    visitor: String,
    session: String,
    is_new: bool,
}

/// The name of the field that carries the token.
pub(in crate::http) const FIELD: &str = "csrf";

// === impl Guard ===

impl Guard {
    /// Knows the browser by its cookie, or names it.
    pub(in crate::http) fn new(flows: &Flows, act: &Act, headers: &HeaderMap) -> Self {
        let known = cookies::read(headers, &act.tenant, Kind::Visitor);
        let known = known.filter(|visitor| is_name(visitor));
        let session = session::known_id(flows, act, headers);
        Self {
            is_new: known.is_none(),
            visitor: known.unwrap_or_else(|| {
                let name: [u8; 16] = flows.random.array();
                URL_SAFE_NO_PAD.encode(name)
            }),
            session: session.map(|id| id.to_string()).unwrap_or_default(),
        }
    }

    /// Gives the browser's name, which only it knows.
    pub(in crate::http) fn visitor(&self) -> &str {
        &self.visitor
    }

    /// Gives the token for a form on this page.
    pub(in crate::http) fn token(&self, flows: &Flows, act: &Act) -> String {
        URL_SAFE_NO_PAD.encode(flows.secrets.sign(Label::Form, &self.message(act)))
    }

    /// Judges the token that came with a form.
    ///
    /// # Errors
    /// 403: the form is not one that this browser was given.
    pub(in crate::http) fn check(
        &self,
        flows: &Flows,
        act: &Act,
        presented: &str,
    ) -> Result<(), Refusal> {
        let signature = URL_SAFE_NO_PAD.decode(presented).unwrap_or_default();
        let is_ours = flows
            .secrets
            .is_signed(Label::Form, &self.message(act), &signature);
        if is_ours && !self.is_new {
            return Ok(());
        }
        Err(forged())
    }

    /// Names the browser if it has no name yet.
    pub(in crate::http) fn remember(&self, act: &Act, reply: &mut Reply) {
        if self.is_new {
            cookies::set(reply, &act.tenant, Kind::Visitor, self.visitor.clone());
        }
    }

    fn message(&self, act: &Act) -> Vec<u8> {
        format!("{}\n{}\n{}", act.tenant.id, self.visitor, self.session).into_bytes()
    }
}

/// What a form that is not ours is refused with.
pub(in crate::http) fn forged() -> Refusal {
    Refusal::new(
        Code::Forbidden,
        "the form was not sent from a page of ours in this browser",
    )
}

fn is_name(text: &str) -> bool {
    text.len() == 22 && URL_SAFE_NO_PAD.decode(text).is_ok()
}
