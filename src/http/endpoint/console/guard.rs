//! Forms of the console that only its own pages can send, in the browser that they were shown in.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::rejection::Refusal;
use protocol::system_secrets::Label;

use crate::flow::console::Seated;
use crate::flow::{Act, Flows};
use crate::http::endpoint::Call;
use crate::http::page::cookies::{self, Kind as CookieKind};
use crate::http::page::guard::forged;

/// Gives the token for forms of whoever is signed in, in this browser.
pub(super) fn token(flows: &Flows, act: &Act, call: &Call, seated: &Seated) -> String {
    let message = token_message(act, call, seated);
    URL_SAFE_NO_PAD.encode(flows.secrets.sign(Label::Form, &message))
}

/// Judges the token that came with a form.
///
/// # Errors
/// 403: the form is not one that this browser was given.
pub(super) fn check_token(
    call: &Call,
    seated: &Seated,
    presented: Option<&str>,
) -> Result<(), Refusal> {
    let (flows, act) = (call.flows(), &call.act);
    let signature = URL_SAFE_NO_PAD.decode(presented.unwrap_or_default());
    let signature = signature.unwrap_or_default();
    let message = token_message(act, call, seated);
    if flows.secrets.is_signed(Label::Form, &message, &signature) {
        return Ok(());
    }
    Err(forged())
}

fn token_message(act: &Act, call: &Call, seated: &Seated) -> Vec<u8> {
    let visitor = cookies::read(&call.headers, &act.tenant, CookieKind::ConsoleVisitor);
    let session = seated.claims.sid.as_deref().unwrap_or_default();
    let visitor = visitor.unwrap_or_default();
    format!("console\n{}\n{visitor}\n{session}", act.tenant.id).into_bytes()
}
