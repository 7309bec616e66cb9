//! How long an answer may be kept (RFC 9111 §4.2, §5.2.2).

use std::time::Duration;

use reqwest::header::{AGE, CACHE_CONTROL, HeaderMap};

/// Reads for how long an answer is fresh: its `max-age` less its `Age`. `None` if it does not say.
pub(super) fn of(headers: &HeaderMap) -> Option<Duration> {
    let lines = headers.get_all(CACHE_CONTROL).iter();
    let directives: Vec<String> = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(|directive| directive.trim().to_ascii_lowercase())
        .collect();
    if directives
        .iter()
        .any(|one| one == "no-store" || one.starts_with("no-cache"))
    {
        return Some(Duration::ZERO);
    }
    let life = directives
        .iter()
        .find_map(|directive| directive.strip_prefix("max-age="))?;
    // RFC 9111 §4.2.1: what is malformed is stale.
    let life = life.trim_matches('"').parse().unwrap_or(0);
    let age = headers.get(AGE).and_then(|age| age.to_str().ok());
    let age = age.and_then(|age| age.trim().parse().ok()).unwrap_or(0);
    Some(Duration::from_secs(u64::saturating_sub(life, age)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh_for(lines: &[(&'static str, &str)]) -> Option<u64> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().expect("a header"));
        }
        of(&headers).map(|span| span.as_secs())
    }

    #[test]
    fn rfc_9111_4_2_1_max_age_less_age() {
        let control = |text| ("cache-control", text);
        assert_eq!(fresh_for(&[]), None);
        assert_eq!(fresh_for(&[control("public")]), None);
        assert_eq!(fresh_for(&[control("public, Max-Age=60")]), Some(60));
        assert_eq!(
            fresh_for(&[control("public"), control("max-age=\"60\"")]),
            Some(60)
        );
        assert_eq!(fresh_for(&[control("max-age=60"), ("age", "20")]), Some(40));
        assert_eq!(fresh_for(&[control("max-age=60"), ("age", "90")]), Some(0));
        assert_eq!(fresh_for(&[control("max-age=x")]), Some(0));
        assert_eq!(fresh_for(&[control("max-age=-1")]), Some(0));
    }

    #[test]
    fn rfc_9111_5_2_2_what_must_not_be_kept_is_not() {
        for text in [
            "no-store",
            "max-age=60, no-cache",
            "no-cache=\"x\", max-age=9",
        ] {
            assert_eq!(fresh_for(&[("cache-control", text)]), Some(0), "{text}");
        }
    }
}
