//! How long a caller waits: the metadata `grpc-timeout` (gRPC over HTTP/2, "Requests").

use std::time::Duration;

use domain::rejection::{Code, Refusal};
use http::HeaderMap;

/// Reads how long the caller waits, if they say.
///
/// # Errors
/// 400 for what is not one to eight digits and a unit, or is there twice.
pub(super) fn read(headers: &HeaderMap) -> Result<Option<Duration>, Refusal> {
    let mut values = headers.get_all("grpc-timeout").iter();
    let parsed = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value.to_str().ok().and_then(parse),
        (Some(_), Some(_)) => None,
    };
    let hint = "grpc-timeout must be one to eight digits and one of H, M, S, m, u, n";
    parsed
        .map(Some)
        .ok_or_else(|| Refusal::new(Code::BadRequest, hint))
}

fn parse(text: &str) -> Option<Duration> {
    let end = text.len().checked_sub(1)?;
    let (digits, unit) = (text.get(..end)?, text.get(end..)?);
    let is_number = (1..=8).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let number = digits.parse::<u64>().ok().filter(|_| is_number)?;
    match unit {
        "H" => Some(Duration::from_hours(number)),
        "M" => Some(Duration::from_mins(number)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(values: &[&str]) -> Result<Option<Duration>, Code> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("grpc-timeout", value.parse().expect("a header"));
        }
        read(&headers).map_err(|refusal| refusal.code)
    }

    #[test]
    fn every_unit_is_read() {
        assert_eq!(judge(&[]), Ok(None));
        for (text, span) in [
            ("1H", Duration::from_hours(1)),
            ("2M", Duration::from_mins(2)),
            ("99999999S", Duration::from_secs(99_999_999)),
            ("100m", Duration::from_millis(100)),
            ("5u", Duration::from_micros(5)),
            ("0n", Duration::ZERO),
        ] {
            assert_eq!(judge(&[text]), Ok(Some(span)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "S",
            "1",
            "1s",
            "-1S",
            "+1S",
            "1.5S",
            "123456789S",
            "1 S",
        ] {
            assert_eq!(judge(&[text]), Err(Code::BadRequest), "{text}");
        }
        assert_eq!(judge(&["1S", "2S"]), Err(Code::BadRequest));
    }
}
