//! The header `Idempotency-Key`, at whichever route makes something (`Once` in the table), and what forms of
//! the console carry instead of it.
//!
//! What makes something knows nothing of it: what it would answer is kept and answered again. Whatever is
//! answered was authenticated and authorised anew before. Without the header everything is as ever.
//! Flow: [`once`].

use bytes::Bytes;
use domain::rejection::{Code, Fault, Refusal, Rejection};
use http::header::{CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body_util::BodyExt;
use serde::{Deserialize, Serialize};
use store::port::idempotency::KeyClaim;
use zeroize::Zeroizing;

use super::endpoint::{Answer, Call};
use super::hall::Hall;
use super::json;
use super::render::Reply;
use super::routes::{Route, Work};
use crate::flow::Act;
use crate::flow::once::{self, Begun, Ended};

/// The header.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Says that an answer was given before.
static IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// The longest key.
const MAX_KEY: usize = 255;
/// What is kept of the headers; the others every answer has.
const KEPT_HEADERS: [HeaderName; 5] = [
    CONTENT_LANGUAGE,
    CONTENT_SECURITY_POLICY,
    CONTENT_TYPE,
    ETAG,
    LOCATION,
];

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// Whose turn it is under a key.
pub(super) enum Turn {
    /// Nothing was made under it: this request does it, and [`end`]s so.
    Ours(KeyClaim),
    /// It was done, and this was answered.
    Over(Reply),
}

/// Answers a request: by the endpoint, or where it carries a key, by what was answered under that.
///
/// # Errors
/// 400 for what is no key.
pub(super) fn answer(
    route: &Route,
    endpoint: fn(Call) -> Answer,
    call: Call,
) -> Result<Answer, Refusal> {
    if route.work != Work::Once {
        return Ok(endpoint(call));
    }
    let Some(key) = key_of(&call.headers)? else {
        return Ok(endpoint(call));
    };
    Ok(Box::pin(answer_once(endpoint, call, key)))
}

async fn answer_once(
    endpoint: fn(Call) -> Answer,
    mut call: Call,
    key: String,
) -> Result<Reply, Rejection> {
    let asked = Zeroizing::new(asked(&call));
    let hall = std::sync::Arc::clone(&call.hall);
    let claim = match begin(&hall, &mut call.act, &key, &asked).await? {
        Turn::Ours(claim) => claim,
        Turn::Over(reply) => return Ok(reply),
    };
    let act = call.act.clone();
    let outcome = endpoint(call).await;
    end(&hall, &act, claim, outcome).await
}

/// Claims a key for a request, or gives what was answered under it.
///
/// # Errors
/// As [`once::begin`].
pub(super) async fn begin(
    hall: &Hall,
    act: &mut Act,
    key: &str,
    asked: &str,
) -> Result<Turn, Rejection> {
    match once::begin(&hall.flows, act, key, asked).await? {
        Begun::Ours(claim) => Ok(Turn::Ours(claim)),
        Begun::Answered(kept) => Ok(Turn::Over(replay(&kept)?)),
    }
}

/// Keeps what is answered under a key, or gives the key back if nothing was made.
///
/// # Errors
/// What the request failed with.
pub(super) async fn end(
    hall: &Hall,
    act: &Act,
    claim: KeyClaim,
    outcome: Result<Reply, Rejection>,
) -> Result<Reply, Rejection> {
    let (outcome, ended) = match outcome {
        // A form that did something sends the browser on.
        Ok(reply) if reply.status().is_success() || reply.status().is_redirection() => {
            let (reply, kept) = keep(reply).await?;
            (Ok(reply), Some(Ended::Answered(kept)))
        }
        // Of any other fault it is unknown what came: the key stays claimed until that shows.
        Err(Rejection::Failed(fault))
            if !matches!(fault, Fault::Busy(_) | Fault::Restarting(_)) =>
        {
            (Err(fault.into()), None)
        }
        nothing => (nothing, Some(Ended::Nothing)),
    };
    if let Some(ended) = ended {
        let done = once::end(&hall.flows, act, claim, ended).await;
        if let Err(fault) = done {
            tracing::warn!(%fault, "an answer could not be kept for its idempotency key");
        }
    }
    outcome
}

/// Reads the key: opaque, so that quotes belong to it.
fn key_of(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    let is_fine = (1..=MAX_KEY).contains(&text.len()) && values.next().is_none();
    if is_fine {
        return Ok(Some(text.to_owned()));
    }
    let hint = "Idempotency-Key must be one text of 1 to 255 printable ASCII characters";
    Err(Refusal::new(Code::BadRequest, hint))
}

/// Writes down what is asked, whatever the order of its fields.
fn asked(call: &Call) -> String {
    let query = call.query.as_deref().unwrap_or_default();
    let fields = json::canonical(&call.fields.entries);
    format!("{}\n{query}\n{fields}", call.path)
}

/// Takes of a reply what is kept.
///
/// # Errors
/// The fault for which an answer of parts was broken off.
async fn keep(reply: Reply) -> Result<(Reply, Zeroizing<Vec<u8>>), Fault> {
    let (parts, body) = reply.into_parts();
    let body = body.collect().await?.to_bytes();
    let text = |name: &HeaderName| parts.headers.get(name)?.to_str().ok().map(str::to_owned);
    let kept = Kept {
        status: parts.status.as_u16(),
        headers: KEPT_HEADERS
            .iter()
            .filter_map(|name| Some((name.as_str().to_owned(), text(name)?)))
            .collect(),
        // What is answered is JSON or a page, which are UTF-8.
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    // It has text keys and no failing `Serialize`, so there always is a text.
    let sealed = serde_json::to_vec(&kept).unwrap_or_default();
    let reply = Reply::from_parts(parts, body.into());
    Ok((reply, Zeroizing::new(sealed)))
}

/// Makes the reply again.
fn replay(kept: &[u8]) -> Result<Reply, Rejection> {
    let broken = || Fault::Broken("a kept answer cannot be read".to_owned());
    let kept: Kept = serde_json::from_slice(kept).map_err(|_| broken())?;
    let status = StatusCode::from_u16(kept.status).map_err(|_| broken())?;
    let json = HeaderValue::from_static("application/json");
    let mut reply = super::render::with_body(status, &json, Bytes::from(kept.body));
    for (name, value) in kept.headers {
        let name = HeaderName::try_from(name).map_err(|_| broken())?;
        let value = HeaderValue::try_from(value).map_err(|_| broken())?;
        reply.headers_mut().insert(name, value);
    }
    let yes = HeaderValue::from_static("true");
    reply.headers_mut().insert(&IDEMPOTENCY_REPLAYED, yes);
    Ok(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(keys: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for key in keys {
            let value = HeaderValue::from_str(key).expect("a value");
            headers.append(IDEMPOTENCY_KEY, value);
        }
        headers
    }

    #[test]
    fn a_key_is_one_text_that_is_not_endless() {
        let longest = "k".repeat(MAX_KEY);
        for (keys, expected) in [
            (vec![], Some(None)),
            (vec!["a"], Some(Some("a"))),
            (vec![longest.as_str()], Some(Some(longest.as_str()))),
            (vec![""], None),
            (vec!["a", "a"], None),
            (vec![&*format!("{longest}k")], None),
        ] {
            let read = key_of(&headers(&keys)).ok();
            let expected = expected.map(|key| key.map(str::to_owned));
            assert_eq!(read, expected, "{keys:?}");
        }
    }

    #[tokio::test]
    async fn an_answer_comes_back_as_it_was() {
        let body = serde_json::json!({ "client_secret": "qf_cs_x" });
        let mut reply = super::super::render::json(StatusCode::CREATED, &body);
        let tag = HeaderValue::from_static("\"1\"");
        reply.headers_mut().insert(ETAG, tag.clone());
        let (_, kept) = keep(reply).await.expect("a whole answer");
        let again = replay(&kept).expect("an answer");
        assert_eq!(again.status(), StatusCode::CREATED);
        assert_eq!(again.headers().get(ETAG), Some(&tag));
        assert_eq!(again.headers()[&IDEMPOTENCY_REPLAYED], "true");
        let text = again.into_body().collect().await.expect("a body");
        assert_eq!(text.to_bytes(), serde_json::to_vec(&body).expect("JSON"));
    }
}
