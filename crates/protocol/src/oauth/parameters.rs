//! The parameters of a request, from a query or a form (RFC 6749 §3.1, §3.2).
//!
//! They are kept in order and as they came. An empty value is an absent parameter, a repeated one is
//! refused by name: two readers of one request must never see two values. Only `resource` may repeat
//! (RFC 8707 §2). How many there may be and how long they may be is bounded, so whatever is checked
//! later is checked on little.
//!
//! A pushed request is stored in this form: in JSON, a map of name to value, or to a list where a
//! name repeats. Reading it back applies the same rules.

use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The parameters of one request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parameters(Vec<(String, String)>);

/// Why parameters are not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DuplicateParameter {
    /// One that may stand once stands twice.
    #[error("The parameter {} must not be repeated.", printable(.0))]
    Named(String),
    /// There are too many, or they are too long: nobody looked for duplicates.
    #[error("The request has too many parameters, or they are too long.")]
    TooMuch,
}

/// The only parameter that may repeat (RFC 8707 §2).
const REPEATABLE: &str = "resource";

/// The most parameters of one request.
const MAX_PARAMETERS: usize = 100;

/// The most bytes of all names and values together.
const MAX_BYTES: usize = 64 * 1024;

/// The longest name that an error repeats.
const MAX_SHOWN_NAME: usize = 64;

// === impl Parameters ===

impl Parameters {
    /// Takes decoded pairs in their order, and leaves out those without a value.
    ///
    /// # Errors
    /// [`DuplicateParameter`] when one repeats that must not, or when there is too much of them.
    pub fn collect(
        pairs: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, DuplicateParameter> {
        let mut kept = Self::default();
        let (mut count, mut bytes) = (0_usize, 0_usize);
        for (name, value) in pairs {
            count = count.saturating_add(1);
            bytes = bytes.saturating_add(name.len().saturating_add(value.len()));
            if count > MAX_PARAMETERS || bytes > MAX_BYTES {
                return Err(DuplicateParameter::TooMuch);
            }
            kept.add(name, value)?;
        }
        Ok(kept)
    }

    fn add(&mut self, name: String, value: String) -> Result<(), DuplicateParameter> {
        if value.is_empty() {
            return Ok(());
        }
        if name != REPEATABLE && self.get(&name).is_some() {
            return Err(DuplicateParameter::Named(name));
        }
        self.0.push((name, value));
        Ok(())
    }

    /// Sets a parameter, replacing what it was.
    pub fn set(&mut self, name: &str, value: String) {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value));
    }

    /// Gives the value of a parameter; of `resource`, the first.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Visits every value of a parameter, in order.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.iter()
            .filter(move |(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// Visits every name and value, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Gives a name that an answer may repeat (RFC 6749 §5.2 bounds its characters), or says less.
fn printable(name: &str) -> &str {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if name.len() <= MAX_SHOWN_NAME && name.bytes().all(plain) {
        name
    } else {
        "with an odd name"
    }
}

// === as JSON ===

/// What a name has in JSON.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

impl Serialize for Parameters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let mut done: Vec<&str> = Vec::new();
        for (name, value) in self.iter() {
            if done.contains(&name) {
                continue;
            }
            done.push(name);
            let all: Vec<&str> = self.all(name).collect();
            let value = if all.len() > 1 {
                OneOrMany::Many(all)
            } else {
                OneOrMany::One(value)
            };
            map.serialize_entry(name, &value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Parameters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Pairs)
    }
}

/// Reads a map in the order in which it is written.
struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Parameters;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of parameters")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parameters, A::Error> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, OneOrMany<String>>()? {
            match value {
                OneOrMany::One(value) => pairs.push((name, value)),
                OneOrMany::Many(values) => {
                    pairs.extend(values.into_iter().map(|value| (name.clone(), value)));
                }
            }
        }
        Parameters::collect(pairs).map_err(A::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn collect(pairs: &[(&str, &str)]) -> Result<Parameters, DuplicateParameter> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Parameters::collect(pairs.iter().map(own))
    }

    #[test]
    fn rfc_6749_3_1_a_parameter_without_a_value_is_treated_as_omitted() {
        let kept = collect(&[("state", ""), ("state", "x"), ("state", "")]).expect("taken");
        assert_eq!(kept.get("state"), Some("x"));
        assert_eq!(kept.iter().count(), 1);
        assert_eq!(kept.get("nonce"), None);
    }

    #[test]
    fn rfc_6749_3_1_a_parameter_is_not_included_more_than_once() {
        for name in ["client_id", "redirect_uri", "scope", "unknown"] {
            let refused = collect(&[(name, "a"), ("x", "y"), (name, "a")]);
            assert_eq!(refused, Err(DuplicateParameter::Named(name.to_owned())));
        }
    }

    #[test]
    fn rfc_8707_2_only_resource_may_repeat() {
        let kept = collect(&[("resource", "https://a.example"), ("resource", "urn:b")]);
        let kept = kept.expect("taken");
        let all: Vec<&str> = kept.all("resource").collect();
        assert_eq!(all, ["https://a.example", "urn:b"]);
        assert!(collect(&[("Resource", "a"), ("Resource", "b")]).is_err());
    }

    #[test]
    fn more_than_is_ever_needed_is_refused_before_it_is_looked_at() {
        let many = |count: usize| (0..count).map(|n| (n.to_string(), String::new()));
        assert!(Parameters::collect(many(MAX_PARAMETERS)).is_ok());
        let refused = Parameters::collect(many(MAX_PARAMETERS + 1));
        assert_eq!(refused, Err(DuplicateParameter::TooMuch));
        assert!(collect(&[("a", &"x".repeat(MAX_BYTES - 1))]).is_ok());
        let refused = collect(&[("a", &"x".repeat(MAX_BYTES))]);
        assert_eq!(refused, Err(DuplicateParameter::TooMuch));
    }

    #[test]
    fn rfc_6749_5_2_an_error_repeats_no_odd_name() {
        let said = |name: &str| DuplicateParameter::Named(name.to_owned()).to_string();
        assert!(said("code_challenge").contains("code_challenge"));
        for odd in ["a\"b", "a\r\nb", "ü", "<b>", &"x".repeat(65)] {
            assert!(said(odd).contains("odd name"), "{odd}");
        }
    }

    #[test]
    fn in_json_they_are_a_map_in_order() {
        let kept = collect(&[("z", "1"), ("resource", "r"), ("a", "2"), ("resource", "s")]);
        let text = serde_json::to_string(&kept.expect("taken")).expect("written");
        assert_eq!(text, r#"{"z":"1","resource":["r","s"],"a":"2"}"#);
        let read: Parameters = serde_json::from_str(&text).expect("read");
        assert_eq!(serde_json::to_string(&read).expect("written"), text);
    }

    #[test]
    fn json_that_breaks_the_rules_is_not_read() {
        for text in [
            r#"{"a":"1","a":"2"}"#,
            r#"{"a":["1","2"]}"#,
            r#"{"a":1}"#,
            r#"{"a":null}"#,
            "[]",
        ] {
            assert!(serde_json::from_str::<Parameters>(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_collected_survives_json(pairs in proptest::collection::vec((".{0,8}", ".{0,8}"), 0..20)) {
            if let Ok(kept) = Parameters::collect(pairs) {
                let text = serde_json::to_string(&kept).expect("written");
                let read: Parameters = serde_json::from_str(&text).expect("read");
                let all = |of: &Parameters, name: &str| of.all(name).map(str::to_owned).collect::<Vec<_>>();
                for (name, _) in kept.iter() {
                    prop_assert_eq!(all(&kept, name), all(&read, name));
                }
            }
        }
    }
}
