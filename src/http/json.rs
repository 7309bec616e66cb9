//! JSON bodies, read strictly.
//!
//! Every name occurs once in its object, nothing nests deeper than [`MAX_DEPTH`], no text holds a
//! NUL (no store could keep it, and a C library would cut the text there), and the whole body is one
//! object in UTF-8. Parsers that differ in such things are how a check is walked around, so none of
//! it is tolerated, and the answer says where it went wrong.

use std::cell::Cell;
use std::fmt;

use domain::rejection::{Code, Refusal};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// How deep objects and arrays may nest.
const MAX_DEPTH: usize = 32;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    /// `null`: as if the field were absent.
    Null,
    /// `true` or `false`.
    Flag(bool),
    /// A whole number.
    Whole(i64),
    /// Any other number. No field of ours takes one.
    Fraction,
    /// A text without NUL.
    Text(String),
    /// An array.
    List(Vec<Self>),
    /// An object, in the order of its fields.
    Object(Object),
}

/// The fields of an object, each once.
pub(super) type Object = Vec<(String, Json)>;

/// What is wrong beyond JSON's grammar.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Oddity {
    Repeated(String),
    Deep,
    Nul,
}

/// Reads one value at a depth.
struct Reader<'a> {
    depth: usize,
    oddity: &'a Cell<Option<Oddity>>,
}

/// Reads a body.
///
/// # Errors
/// 400 that says what is wrong and where.
pub(super) fn parse(body: &[u8]) -> Result<Object, Refusal> {
    let oddity = Cell::new(None);
    let reader = Reader {
        depth: 0,
        oddity: &oddity,
    };
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = reader
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    match value {
        Ok(Json::Object(fields)) => Ok(fields),
        Ok(_) => Err(refuse("the body must be a JSON object")),
        Err(error) => Err(explain(oddity.take(), &error)),
    }
}

/// Writes fields down the same way whenever they say the same, in whatever order.
pub(super) fn canonical(object: &Object) -> String {
    let mut fields: Vec<_> = object.iter().collect();
    fields.sort_by_key(|(name, _)| name);
    let written = fields
        .into_iter()
        .map(|(name, value)| format!("{name:?}:{}", written(value)));
    format!("{{{}}}", written.collect::<Vec<_>>().join(","))
}

fn written(value: &Json) -> String {
    match value {
        Json::Object(object) => canonical(object),
        Json::List(items) => {
            let items: Vec<_> = items.iter().map(written).collect();
            format!("[{}]", items.join(","))
        }
        plain => format!("{plain:?}"),
    }
}

fn refuse(hint: impl Into<std::borrow::Cow<'static, str>>) -> Refusal {
    Refusal::new(Code::BadRequest, hint)
}

/// Says what went wrong in our own words: the library's are for programmers and may quote the body.
fn explain(oddity: Option<Oddity>, error: &serde_json::Error) -> Refusal {
    match oddity {
        Some(Oddity::Repeated(name)) => {
            refuse("a field is given twice").and_field(name, "is given twice")
        }
        Some(Oddity::Deep) => refuse(format!("the body nests deeper than {MAX_DEPTH} levels")),
        Some(Oddity::Nul) => refuse("no text may hold a NUL character"),
        None => refuse(format!(
            "the body is not valid JSON in UTF-8 (line {}, column {})",
            error.line(),
            error.column()
        )),
    }
}

// === impl Reader ===

impl Reader<'_> {
    fn below<E: Error>(&self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(self.stop(Oddity::Deep));
        }
        Ok(Self {
            depth: self.depth.saturating_add(1),
            oddity: self.oddity,
        })
    }

    fn check_text<E: Error>(&self, text: String) -> Result<String, E> {
        if text.contains('\0') {
            return Err(self.stop(Oddity::Nul));
        }
        Ok(text)
    }

    fn stop<E: Error>(&self, oddity: Oddity) -> E {
        self.oddity.set(Some(oddity));
        E::custom("odd")
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Json, E> {
        Ok(Json::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Whole(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(i64::try_from(number).map_or(Json::Fraction, Json::Whole))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Fraction)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Json, E> {
        self.check_text(text.to_owned()).map(Json::Text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.below()?)? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let mut fields = Object::new();
        let mut names = std::collections::HashSet::new();
        while let Some(name) = entries.next_key::<String>()? {
            let name = self.check_text(name)?;
            if !names.insert(name.clone()) {
                return Err(self.stop(Oddity::Repeated(name)));
            }
            let value = entries.next_value_seed(self.below()?)?;
            fields.push((name, value));
        }
        Ok(Json::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(body: &[u8]) -> String {
        parse(body).expect_err("refused").hint.into_owned()
    }

    #[test]
    fn an_object_is_read_in_order() {
        let fields = parse(br#"{"a":"x","b":[1,true,null,1.5],"c":{"d":-7}}"#);
        let list = vec![Json::Whole(1), Json::Flag(true), Json::Null, Json::Fraction];
        let inner = vec![("d".to_owned(), Json::Whole(-7))];
        let expected = vec![
            ("a".to_owned(), Json::Text("x".to_owned())),
            ("b".to_owned(), Json::List(list)),
            ("c".to_owned(), Json::Object(inner)),
        ];
        assert_eq!(fields, Ok(expected));
    }

    #[test]
    fn a_name_given_twice_is_refused_at_every_depth() {
        let refusal = parse(br#"{"a":{"b":1,"b":2}}"#).expect_err("refused");
        assert_eq!(refusal.code, Code::BadRequest);
        assert_eq!(refusal.fields[0].field, "b");
        assert!(
            parse(br#"{"a":1,"\u0061":2}"#).is_err(),
            "also spelled otherwise"
        );
    }

    #[test]
    fn deep_nesting_is_refused() {
        let nest = |levels: usize| {
            format!("{{\"a\":{}1{}}}", "[".repeat(levels), "]".repeat(levels)).into_bytes()
        };
        assert!(parse(&nest(MAX_DEPTH - 1)).is_ok());
        assert!(hint(&nest(MAX_DEPTH)).contains("deeper"));
        assert!(hint(&nest(20_000)).contains("deeper"));
    }

    #[test]
    fn nul_and_broken_text_are_refused() {
        assert!(hint(br#"{"a":"x\u0000y"}"#).contains("NUL"));
        assert!(hint(br#"{"a\u0000":1}"#).contains("NUL"));
        for body in [
            &b"{\"a\":\"\xff\"}"[..],
            br#"{"a":"\ud800"}"#,
            b"{\"\xff\":1}",
        ] {
            assert!(hint(body).contains("UTF-8"));
        }
    }

    #[test]
    fn anything_but_one_object_is_refused() {
        for body in [
            "",
            "null",
            "[]",
            "1",
            "\"a\"",
            "{",
            "{}{}",
            "{} x",
            "\u{feff}{}",
            "{a:1}",
        ] {
            assert!(parse(body.as_bytes()).is_err(), "{body}");
        }
        assert!(parse(br#"{"a":1e999}"#).is_err());
        assert!(parse(br#"{"a":01}"#).is_err());
    }

    #[test]
    fn the_hint_names_a_place_and_never_quotes_the_body() {
        let hint = hint(b"{\n  \"password\": hunter2 }");
        assert!(
            hint.contains("line 2") && !hint.contains("hunter2"),
            "{hint}"
        );
    }

    #[test]
    fn the_same_fields_are_written_the_same_way() {
        let written = |text: &str| canonical(&parse(text.as_bytes()).expect("JSON"));
        let one = written(r#"{"a":{"x":1,"y":["1",true]},"b":null}"#);
        assert_eq!(one, written(r#"{"b":null, "a":{"y":["1",true],"x":1}}"#));
        for other in [
            r#"{"a":{"x":1,"y":[true,"1"]},"b":null}"#,
            r#"{"a":{"x":"1","y":["1",true]},"b":null}"#,
            r#"{"a":{"x":1,"y":["1",true]}}"#,
            r#"{"a":{"x":1,"y":["1",true],"b":null}}"#,
        ] {
            assert_ne!(one, written(other), "{other}");
        }
    }
}
