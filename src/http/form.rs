//! Forms and queries: `application/x-www-form-urlencoded`, as OAuth reads it.
//!
//! A parameter occurs once and an empty one counts as absent (RFC 6749 §3.1, §3.2); only those that a
//! standard lets repeat may (RFC 8707 §2 `resource`, RFC 8693 §2.1 `audience`). Encoding is read
//! strictly: what is no UTF-8 or no hexadecimal is refused instead of guessed.

use std::borrow::Cow;

use domain::rejection::{Code, OAuthCode, Refusal};
use percent_encoding::percent_decode_str;

/// What may be given more than once.
const REPEATABLE: [&str; 2] = ["resource", "audience"];
/// The most parameters anyone may send.
const MAX_PARAMETERS: usize = 128;

/// Names and values, and the names of those that are empty.
type Parameters = (Vec<(String, String)>, Vec<String>);

/// Reads a form or a query into names and values.
///
/// # Errors
/// 400, in OAuth's words `invalid_request`.
pub(super) fn parse(text: &[u8]) -> Result<Vec<(String, String)>, Refusal> {
    Ok(parse_whole(text)?.0)
}

/// Reads it, and names the empty ones too.
///
/// # Errors
/// As [`parse`].
pub(super) fn parse_whole(text: &[u8]) -> Result<Parameters, Refusal> {
    let text = std::str::from_utf8(text).map_err(|_| refuse("the form is not UTF-8"))?;
    let mut parameters: Vec<(String, String)> = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decode(name)?, decode(value)?);
        if parameters.len() >= MAX_PARAMETERS {
            return Err(refuse("the form has too many parameters"));
        }
        let is_known = parameters.iter().any(|(known, _)| *known == name);
        if is_known && !REPEATABLE.contains(&name.as_str()) {
            let refusal = refuse("a parameter is given twice");
            return Err(refusal.and_field(name, "is given twice"));
        }
        parameters.push((name, value));
    }
    let is_empty = |(_, value): &mut (String, String)| value.is_empty();
    let empty = parameters.extract_if(.., is_empty);
    let empty = empty.map(|(name, _)| name).collect();
    Ok((parameters, empty))
}

/// Decodes one name or value.
///
/// # Errors
/// As [`parse`].
pub(super) fn decode(text: &str) -> Result<String, Refusal> {
    if !text.bytes().any(|byte| matches!(byte, b'+' | b'%' | 0)) {
        return Ok(text.to_owned());
    }
    let spaced: Cow<'_, str> = if text.contains('+') {
        text.replace('+', " ").into()
    } else {
        text.into()
    };
    let is_encoded = |rest: &str| {
        let digits = rest.get(1..3).unwrap_or_default();
        digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_hexdigit())
    };
    let mut percents = spaced.match_indices('%');
    if !percents.all(|(at, _)| spaced.get(at..).is_some_and(is_encoded)) {
        return Err(refuse(
            "a percent sign must be followed by two hexadecimal digits",
        ));
    }
    let decoded = percent_decode_str(&spaced).decode_utf8();
    let decoded = decoded.map_err(|_| refuse("the form is not UTF-8"))?;
    if decoded.contains('\0') {
        return Err(refuse("no parameter may hold a NUL character"));
    }
    Ok(decoded.into_owned())
}

fn refuse(hint: &'static str) -> Refusal {
    Refusal {
        code: Code::BadRequest,
        ..Refusal::oauth(OAuthCode::InvalidRequest, hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        parse(text.as_bytes()).expect("a form")
    }

    #[test]
    fn names_and_values_are_decoded() {
        let form = read("a=1+2%263&%C3%BC=%E2%82%AC&&c");
        let expected = [("a", "1 2&3"), ("ü", "€")];
        let expected: Vec<_> = expected.map(|(n, v)| (n.to_owned(), v.to_owned())).into();
        assert_eq!(form, expected);
    }

    #[test]
    fn rfc_6749_3_1_a_repeated_parameter_is_refused() {
        for text in ["a=1&a=2", "a=1&a=", "a=&a=1", "a=1&%61=2"] {
            let refusal = parse(text.as_bytes()).expect_err(text);
            assert_eq!(refusal.oauth, Some(OAuthCode::InvalidRequest));
        }
    }

    #[test]
    fn rfc_6749_3_1_an_empty_parameter_is_absent() {
        assert!(read("a=&b&=").is_empty());
    }

    #[test]
    fn rfc_8707_2_resource_may_be_repeated() {
        assert_eq!(read("resource=a&resource=b").len(), 2);
    }

    #[test]
    fn broken_encoding_is_refused() {
        for text in [
            "a=%", "a=%2", "a=%zz", "a=%ff", "%=1", "a=%00", "a=\0", "a=%+1",
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(parse(b"a=\xff").is_err());
    }

    #[test]
    fn a_flood_of_parameters_is_refused() {
        let text: Vec<String> = (0..=MAX_PARAMETERS).map(|n| format!("p{n}=1")).collect();
        assert!(parse(text.join("&").as_bytes()).is_err());
    }
}
