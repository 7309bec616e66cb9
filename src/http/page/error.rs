//! The page that says why nothing came of a request.

use domain::rejection::{Code, Fault, Rejection};
use http::HeaderValue;
use http::header::RETRY_AFTER;

use super::texts::{self, Texts};
use super::{Frame, Leave, show, views};
use crate::flow::Flows;
use crate::http::render::{self, Dialect, Reply};

/// Shows why; the word is the standard's, the reference is in our log.
pub(in crate::http) fn render(
    flows: &Flows,
    languages: Option<&HeaderValue>,
    rejection: &Rejection,
    reference: &str,
) -> Reply {
    let frame = Frame::plain(flows, texts::choose(&[], languages, None));
    let (status, code) = render::words_of(rejection, Dialect::Page);
    let page = views::Error {
        frame: &frame,
        text: words(frame.texts, rejection),
        code,
        reference,
    };
    let mut reply = show(status, &frame, &page, Leave::default());
    // What else the error says to programs is said here too.
    let plain = render::rejection(rejection, Dialect::Page, reference);
    if let Some(wait) = plain.headers().get(RETRY_AFTER) {
        reply.headers_mut().insert(RETRY_AFTER, wait.clone());
    }
    reply
}

fn words<'a>(texts: &'a Texts, rejection: &Rejection) -> &'a str {
    let refusal = match rejection {
        Rejection::Refused(refusal) => refusal,
        Rejection::Failed(Fault::Broken(_)) => return &texts.error_internal,
        Rejection::Failed(_) => return &texts.error_unavailable,
    };
    match (refusal.code, refusal.oauth) {
        (Code::RateLimited, _) => &texts.error_limited,
        (Code::NotFound | Code::MethodNotAllowed, _) => &texts.error_missing,
        (Code::Forbidden, None) => &texts.error_forged,
        (_, Some(_)) => &texts.error_request,
        _ => &texts.error_expired,
    }
}
