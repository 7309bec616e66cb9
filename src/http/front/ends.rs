//! How answers are ended: what every one of them gets, and what is said where none came.

use std::borrow::Cow;

use domain::rejection::{Fault, Rejection};
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Response};
use hyper::body::Body as _;

use crate::http::arrival::Arrival;
use crate::http::render::{self, Content, Dialect, Reply};
use crate::http::table::ALLOWED;

/// Says which methods the path has.
pub(super) fn refuse_method(arrival: &Arrival, dialect: Dialect, allow: HeaderValue) -> Reply {
    let refusal = Rejection::from(render::no_such_method());
    let mut reply = render::rejection(&refusal, dialect, &arrival.shown_id);
    reply.headers_mut().insert(ALLOWED, allow);
    reply
}

/// RFC 9110 §9.3.2: the same headers, no content.
pub(super) fn without_content(reply: Reply) -> Reply {
    let (mut parts, body) = reply.into_parts();
    if let Some(length) = body.size_hint().exact() {
        parts.headers.insert(CONTENT_LENGTH, length.into());
    }
    Response::from_parts(parts, Content::default())
}

/// Logs a fault, once, here where it ends.
pub(super) fn note_fault(rejection: &Rejection, arrival: &Arrival) {
    let Rejection::Failed(fault) = rejection else {
        return;
    };
    let request_id = &*arrival.shown_id;
    if matches!(fault, Fault::Broken(_)) {
        tracing::error!(%fault, request_id, "a request broke");
    } else {
        tracing::warn!(%fault, request_id, "a request could not be served");
    }
}

/// Gives a panic's text. Our own code panics nowhere, so it is a library's.
pub(super) fn panic_text(payload: &(dyn std::any::Any + Send)) -> Cow<'static, str> {
    let text = payload.downcast_ref::<&'static str>().copied();
    let owned = || payload.downcast_ref::<String>().cloned();
    text.map(Cow::Borrowed)
        .or_else(|| owned().map(Cow::Owned))
        .unwrap_or(Cow::Borrowed("without a text"))
}
