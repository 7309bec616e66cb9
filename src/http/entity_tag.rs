//! Entity tags (RFC 9110 §8.8.3) of what operators change, and the conditions `If-Match` and
//! `If-None-Match` (§13.1).
//!
//! A tag is strong: it is the version of the row that is shown, which every change of the row counts up.
//! `If-Match` becomes the version that the store's own statement compares, so that between the look
//! and the change there is no moment in which somebody else's change is lost. Whoever sends none
//! changes whatever is stored.

use std::fmt::Display;

use domain::rejection::{Code, Refusal};
use domain::time::UnixMillis;
use http::header::{ETAG, IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;

use super::render::{self, Reply};

/// What `If-Match` demands.
#[derive(Debug, PartialEq, Eq)]
enum Demanded<'a> {
    /// Nothing.
    Nothing,
    /// What this strong tag names.
    Tag(&'a str),
    /// What no strong tag of ours names.
    Nonsense,
}

/// Shows a thing with its tag; 304 to whoever has what it names.
pub(super) fn show(headers: &HeaderMap, tag: &impl Display, body: &impl Serialize) -> Reply {
    let text = format!("\"{tag}\"");
    // §13.1.2: compared weakly.
    let named = headers.get_all(IF_NONE_MATCH).iter();
    let has = named
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == text);
    let reply = if has {
        render::empty(StatusCode::NOT_MODIFIED)
    } else {
        render::json(StatusCode::OK, body)
    };
    tagged(reply, tag)
}

/// Adds the tag of what a reply shows.
pub(super) fn tagged(mut reply: Reply, tag: &impl Display) -> Reply {
    // It is made of digits.
    let value = HeaderValue::try_from(format!("\"{tag}\""));
    reply
        .headers_mut()
        .extend(value.ok().map(|tag| (ETAG, tag)));
    reply
}

/// Gives the version that a change is based on: what `If-Match` names, or else what the body says.
///
/// # Errors
/// 412 when they differ, or `If-Match` names nothing of ours; 400 when it names several.
pub(super) fn expected(headers: &HeaderMap, named: Option<i64>) -> Result<Option<i64>, Refusal> {
    match demanded(headers)? {
        Demanded::Nothing => Ok(named),
        Demanded::Nonsense => Err(stale()),
        Demanded::Tag(tag) => {
            let version = tag.parse().map_err(|_| stale())?;
            match named {
                Some(named) if named != version => Err(stale()),
                _ => Ok(Some(version)),
            }
        }
    }
}

/// Names a version of what may be deleted and made again under its name: with the instant of its making.
pub(super) fn tag_of_making(version: i64, made: UnixMillis) -> String {
    format!("{version}-{}", made.as_millis())
}

/// Gives the version, and the instant of the making, that a change is based on, as [`expected`].
///
/// # Errors
/// As [`expected`].
pub(super) fn expected_making(headers: &HeaderMap) -> Result<Option<(i64, UnixMillis)>, Refusal> {
    match demanded(headers)? {
        Demanded::Nothing => Ok(None),
        Demanded::Nonsense => Err(stale()),
        Demanded::Tag(tag) => {
            let (version, made) = tag.split_once('-').ok_or_else(stale)?;
            let version = version.parse().map_err(|_| stale())?;
            let made = made.parse().map_err(|_| stale())?;
            Ok(Some((version, UnixMillis::from_millis(made))))
        }
    }
}

fn demanded(headers: &HeaderMap) -> Result<Demanded<'_>, Refusal> {
    let mut values = headers.get_all(IF_MATCH).iter();
    let text = match (values.next(), values.next()) {
        (None, _) => return Ok(Demanded::Nothing),
        (Some(only), None) => only.to_str().unwrap_or_default().trim(),
        _ => return Err(several()),
    };
    if text == "*" {
        return Ok(Demanded::Nothing);
    }
    if text.contains(',') {
        return Err(several());
    }
    // §13.1.1: compared strongly, so a weak tag names nothing.
    let inner = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    Ok(inner.map_or(Demanded::Nonsense, Demanded::Tag))
}

fn several() -> Refusal {
    Refusal::new(Code::BadRequest, "If-Match takes one entity tag, or *")
}

fn stale() -> Refusal {
    Refusal::new(
        Code::PreconditionFailed,
        "It has changed since that version. Read it again.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matching(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IF_MATCH, HeaderValue::from_str(value).expect("a value"));
        }
        headers
    }

    #[test]
    fn if_match_names_the_version_that_is_expected() {
        for (values, named, wanted) in [
            (vec![], None, Ok(None)),
            (vec![], Some(3), Ok(Some(3))),
            (vec!["*"], None, Ok(None)),
            (vec!["\"3\""], None, Ok(Some(3))),
            (vec!["\"3\""], Some(3), Ok(Some(3))),
            (vec!["\"3\""], Some(4), Err(Code::PreconditionFailed)),
            // RFC 9110 §13.1.1: the strong comparison
            (vec!["W/\"3\""], None, Err(Code::PreconditionFailed)),
            (vec!["3"], None, Err(Code::PreconditionFailed)),
            (vec!["\"x\""], None, Err(Code::PreconditionFailed)),
            (vec![""], None, Err(Code::PreconditionFailed)),
            (vec!["\"3\", \"4\""], None, Err(Code::BadRequest)),
            (vec!["\"3\"", "\"4\""], None, Err(Code::BadRequest)),
        ] {
            let read = expected(&matching(&values), named);
            assert_eq!(read.map_err(|r| r.code), wanted, "{values:?} {named:?}");
        }
    }

    #[test]
    fn a_making_is_named_and_found_again() {
        let made = UnixMillis::from_millis(1_800_000_000_000);
        let tag = format!("\"{}\"", tag_of_making(2, made));
        let read = |tag: &str| expected_making(&matching(&[tag])).map_err(|r| r.code);
        assert_eq!(read(&tag), Ok(Some((2, made))));
        assert_eq!(read("*"), Ok(None));
        assert_eq!(read("\"2\""), Err(Code::PreconditionFailed));
    }

    #[test]
    fn who_has_it_is_not_told_it_again() {
        let shown = |tags: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, HeaderValue::from_str(tags).expect("a value"));
            show(&headers, &7, &"thing").status()
        };
        for tags in ["\"7\"", "W/\"7\"", "*", "\"1\", \"7\""] {
            assert_eq!(shown(tags), StatusCode::NOT_MODIFIED, "{tags}");
        }
        for tags in ["\"8\"", "7", ""] {
            assert_eq!(shown(tags), StatusCode::OK, "{tags}");
        }
        let reply = show(&HeaderMap::new(), &7, &"thing");
        assert_eq!(reply.headers()[ETAG], "\"7\"");
    }
}
