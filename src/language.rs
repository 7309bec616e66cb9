//! Which language a person is spoken to in: on pages, and in letters.
//!
//! A language is there when pages and letters have their words in it (`ui/texts`). Whoever asks for none
//! of them gets their tenant's, and where it chose none, English.

use domain::tenant::Tenant;
use http::header::ACCEPT_LANGUAGE;
use http::{HeaderMap, HeaderValue};

/// Every language there is; the first is for whoever reads none of them.
pub const LANGUAGES: [&str; 2] = ["en", "de"];

/// The most languages that are looked at.
const MAX_WANTED: usize = 20;

/// Finds the first of the languages named that we have, whatever the region (RFC 4647 §3.4).
pub fn find<'a>(wanted: impl IntoIterator<Item = &'a str>) -> Option<&'static str> {
    let find = |tag: &str| {
        let language = tag.split('-').next().unwrap_or_default();
        let is_it = |known: &&str| known.eq_ignore_ascii_case(language);
        LANGUAGES.into_iter().find(is_it)
    };
    wanted.into_iter().take(MAX_WANTED).find_map(find)
}

/// Finds the language that a request likes best of those we have.
#[must_use]
pub fn accepted(headers: &HeaderMap) -> Option<&'static str> {
    headers.get(ACCEPT_LANGUAGE).and_then(accepted_by)
}

/// Finds the language that an `Accept-Language` likes best of those we have.
#[must_use]
pub fn accepted_by(header: &HeaderValue) -> Option<&'static str> {
    find(parse_accept(header.to_str().unwrap_or_default()))
}

/// Gives the language of a tenant: what it chose, or English.
#[must_use]
pub fn of_tenant(tenant: &Tenant) -> &'static str {
    let [first, ..] = LANGUAGES;
    find(tenant.config.branding.language.as_deref()).unwrap_or(first)
}

/// Reads `Accept-Language` (RFC 9110 §12.5.4), best liked first.
fn parse_accept(text: &str) -> Vec<&str> {
    let mut ranges: Vec<(&str, f32)> = text
        .split(',')
        .take(MAX_WANTED)
        .map(|part| {
            let (tag, weight) = part.split_once(';').unwrap_or((part, "q=1"));
            let weight = weight
                .trim()
                .strip_prefix("q=")
                .and_then(|q| q.parse().ok());
            (tag.trim(), weight.unwrap_or(0.0))
        })
        .filter(|(_, weight)| *weight > 0.0)
        .collect();
    ranges.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    ranges.into_iter().map(|(tag, _)| tag).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_liked_best_of_what_there_is_is_found() {
        let best = |accept: &'static str| accepted_by(&HeaderValue::from_static(accept));
        assert_eq!(best("de-AT, en;q=0.5"), Some("de"));
        assert_eq!(best("en;q=0.5, de;q=0.9"), Some("de"));
        for nothing in ["de;q=0, fr", "", "*", "d", "de_", ";q=1"] {
            assert_eq!(best(nothing), None, "{nothing}");
        }
        assert_eq!(find(["xx", "DE"]), Some("de"));
    }
}
