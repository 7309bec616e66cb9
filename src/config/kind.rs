//! Kinds of values: how a variable's text becomes a type, and what to say when it does not.
//!
//! Four shapes cover everything: a whole number in a range, a duration in a range, one of a few
//! words, and a text with a parser of its own (`kind/text.rs`, `kind/network.rs`, `kind/web.rs`).

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

pub(super) mod network;
pub(super) mod text;
pub(super) mod web;

/// Turns a text into a value.
pub(super) trait Kind: Sync {
    /// What the text becomes.
    type Value;

    /// Reads the text; nothing when it is not of this kind.
    fn parse(&self, text: &str) -> Option<Self::Value>;

    /// Says what is accepted, to follow "expected".
    fn expected(&self) -> String;
}

/// A whole number within a range, both ends included.
pub(super) struct Whole<T> {
    least: T,
    most: T,
}

/// A duration within a range, both ends included and written as people write them.
pub(super) struct Span {
    least: &'static str,
    most: &'static str,
}

/// One of a few words, in any case.
pub(super) struct Choice<T: 'static>(pub(super) &'static [(&'static str, T)]);

/// A text with a parser of its own.
pub(super) struct Parsed<T> {
    /// What is accepted.
    pub(super) expected: &'static str,
    /// Reads it.
    pub(super) parse: fn(&str) -> Option<T>,
}

/// `true` or `false`.
pub(super) const FLAG: Choice<bool> = Choice(&[("true", true), ("false", false)]);

/// A TCP port; 0 lets the system choose one.
pub(super) const PORT: Whole<u16> = whole(0, u16::MAX);

/// Gives the kind of whole numbers from `least` to `most`.
pub(super) const fn whole<T: Copy>(least: T, most: T) -> Whole<T> {
    Whole { least, most }
}

/// Gives the kind of durations from `least` to `most`.
pub(super) const fn span(least: &'static str, most: &'static str) -> Span {
    Span { least, most }
}

/// Reads a comma-separated list, every item by the same rule; items are trimmed, none is empty.
pub(super) fn parse_list<T>(text: &str, item: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    text.split(',')
        .map(|part| Some(part.trim()).filter(|part| !part.is_empty()))
        .map(|part| part.and_then(&item))
        .collect()
}

impl<T: FromStr + PartialOrd + Display + Copy + Sync> Kind for Whole<T> {
    type Value = T;

    fn parse(&self, text: &str) -> Option<T> {
        let number = text.trim().parse().ok()?;
        (self.least..=self.most).contains(&number).then_some(number)
    }

    fn expected(&self) -> String {
        format!("a whole number from {} to {}", self.least, self.most)
    }
}

impl Kind for Span {
    type Value = Duration;

    fn parse(&self, text: &str) -> Option<Duration> {
        let read = |text: &str| humantime::parse_duration(text.trim()).ok();
        let duration = read(text)?;
        (read(self.least)?..=read(self.most)?)
            .contains(&duration)
            .then_some(duration)
    }

    fn expected(&self) -> String {
        format!(
            "a duration such as 30s, 15m or 7d, from {} to {}",
            self.least, self.most
        )
    }
}

impl<T: Copy + Sync> Kind for Choice<T> {
    type Value = T;

    fn parse(&self, text: &str) -> Option<T> {
        let text = text.trim();
        let is_meant = |(word, _): &&(&str, T)| word.eq_ignore_ascii_case(text);
        self.0.iter().find(is_meant).map(|(_, value)| *value)
    }

    fn expected(&self) -> String {
        let words: Vec<_> = self.0.iter().map(|(word, _)| *word).collect();
        match words.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
            _ => words.concat(),
        }
    }
}

impl<T> Kind for Parsed<T> {
    type Value = T;

    fn parse(&self, text: &str) -> Option<T> {
        (self.parse)(text)
    }

    fn expected(&self) -> String {
        self.expected.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_of_a_range_belong_to_it() {
        let kind = whole(2_u8, 4);
        let accepted: Vec<_> = (0..=6).filter_map(|n| kind.parse(&n.to_string())).collect();
        assert_eq!(accepted, [2, 3, 4]);
        assert_eq!(kind.expected(), "a whole number from 2 to 4");
    }

    #[test]
    fn a_duration_needs_a_unit() {
        let kind = span("0s", "300s");
        assert_eq!(kind.parse("1m 30s"), Some(Duration::from_secs(90)));
        assert_eq!(kind.parse("0s"), Some(Duration::ZERO));
        for text in ["30", "-1s", "301s", "s", "30 parsecs"] {
            assert_eq!(kind.parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_choice_ignores_case_and_lists_its_words() {
        assert_eq!(FLAG.parse(" TRUE "), Some(true));
        assert_eq!(FLAG.parse("yes"), None);
        assert_eq!(FLAG.expected(), "true or false");
    }

    #[test]
    fn a_list_has_no_empty_items() {
        let read = |text| parse_list(text, |item| item.parse::<u8>().ok());
        assert_eq!(read("1, 2"), Some(vec![1, 2]));
        assert_eq!(read("1,,2"), None);
        assert_eq!(read("1,2,"), None);
    }
}
