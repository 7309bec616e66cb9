//! The fields of a message, whether they came as JSON, as a form or in a query.
//!
//! An endpoint takes each field it knows by name and type, then calls [`Fields::finish`], which
//! judges them together: a wrong type is 400, a missing field 422, and on the admin door a field
//! that nobody took is 422 too, so that a typo is never silence (CONTRACT §5, §9). All wrong fields
//! are named at once.

use domain::rejection::{Code, FieldError, OAuthCode, Refusal};
use domain::secret::SecretText;
use serde_json::Value;

use super::json::{Json, Object};

/// The fields that are still to be taken.
pub(super) struct Fields {
    pub(super) entries: Object,
    is_text_only: bool,
    is_strict: bool,
    malformed: Vec<FieldError>,
    unacceptable: Vec<FieldError>,
}

// === impl Fields ===

impl Fields {
    /// Takes the fields of a JSON object. `is_strict` refuses fields that nobody takes.
    pub(super) fn of_json(entries: Object, is_strict: bool) -> Self {
        Self {
            entries,
            is_text_only: false,
            is_strict,
            malformed: Vec::new(),
            unacceptable: Vec::new(),
        }
    }

    /// Takes the parameters of a form or a query.
    pub(super) fn of_form(parameters: Vec<(String, String)>, is_strict: bool) -> Self {
        let as_json = |(name, value)| (name, Json::Text(value));
        Self {
            is_text_only: true,
            ..Self::of_json(parameters.into_iter().map(as_json).collect(), is_strict)
        }
    }

    /// Takes a text that must be there; an empty one is there.
    pub(super) fn text(&mut self, name: &'static str) -> String {
        self.optional_text(name).unwrap_or_else(|| {
            self.miss(name);
            String::new()
        })
    }

    /// Takes a text.
    pub(super) fn optional_text(&mut self, name: &'static str) -> Option<String> {
        match self.take(name)? {
            Json::Text(text) => Some(text),
            _ => self.mistype(name, "must be a text"),
        }
    }

    /// Takes a secret that must be there.
    pub(super) fn secret(&mut self, name: &'static str) -> SecretText {
        SecretText::new(self.text(name))
    }

    /// Takes a secret.
    pub(super) fn optional_secret(&mut self, name: &'static str) -> Option<SecretText> {
        self.optional_text(name).map(SecretText::new)
    }

    /// Takes `true` or `false`.
    pub(super) fn optional_flag(&mut self, name: &'static str) -> Option<bool> {
        match self.take(name)? {
            Json::Flag(flag) => Some(flag),
            Json::Text(text) if self.is_text_only && text == "true" => Some(true),
            Json::Text(text) if self.is_text_only && text == "false" => Some(false),
            _ => self.mistype(name, "must be true or false"),
        }
    }

    /// Takes a whole number that is not negative.
    pub(super) fn optional_number(&mut self, name: &'static str) -> Option<u32> {
        let number = match self.take(name)? {
            Json::Whole(number) => u32::try_from(number).ok(),
            Json::Text(text) if self.is_text_only => text.parse().ok(),
            _ => None,
        };
        number.or_else(|| self.mistype(name, "must be a whole number"))
    }

    /// Takes an array of texts; in a form, the repeated parameter.
    pub(super) fn optional_texts(&mut self, name: &'static str) -> Option<Vec<String>> {
        if self.is_text_only {
            let mut texts = Vec::new();
            while let Some(text) = self.optional_text(name) {
                texts.push(text);
            }
            return (!texts.is_empty()).then_some(texts);
        }
        let texts = match self.take(name)? {
            Json::List(items) => items.into_iter().map(into_text).collect(),
            _ => None,
        };
        texts.or_else(|| self.mistype(name, "must be an array of texts"))
    }

    /// Takes an object as it is. One that holds a number with a fraction is none: we read no such
    /// number, and would give back another object than we got.
    pub(super) fn optional_object(&mut self, name: &'static str) -> Option<Value> {
        let object = match self.take(name)? {
            object @ Json::Object(_) => into_value(object),
            _ => None,
        };
        object.or_else(|| self.mistype(name, "must be an object"))
    }

    /// Takes the fields of an object, to be judged by a `finish` of their own; none if it is absent.
    pub(super) fn optional_fields(&mut self, name: &'static str) -> Self {
        let entries = match self.take(name) {
            None => Object::new(),
            Some(Json::Object(entries)) => entries,
            Some(_) => self.mistype(name, "must be an object").unwrap_or_default(),
        };
        Self::of_json(entries, self.is_strict)
    }

    /// Takes an array of objects, each read by `read`, which takes its fields by name. What is wrong
    /// with one is said of the array.
    pub(super) fn optional_list<T>(
        &mut self,
        name: &'static str,
        read: impl Fn(&mut Self) -> T,
    ) -> Option<Vec<T>> {
        let Json::List(items) = self.take(name)? else {
            return self.mistype(name, "must be an array of objects");
        };
        let mut read_items = Vec::new();
        for item in items {
            let Json::Object(entries) = item else {
                return self.mistype(name, "must be an array of objects");
            };
            let mut fields = Self::of_json(entries, self.is_strict);
            let one = read(&mut fields);
            match fields.finish(one) {
                Ok(one) => read_items.push(one),
                Err(refusal) => self.adopt(name, refusal),
            }
        }
        Some(read_items)
    }

    /// Takes a field that `null` resets: `None` when it is absent, `Some(None)` when it is `null`.
    #[expect(
        clippy::option_option,
        reason = "absent, null and a value are three things here"
    )]
    pub(super) fn nullable<T>(
        &mut self,
        name: &'static str,
        take: impl FnOnce(&mut Self, &'static str) -> Option<T>,
    ) -> Option<Option<T>> {
        let is_there = self.entries.iter().any(|(known, _)| known == name);
        is_there.then(|| take(self, name))
    }

    /// Takes one text or an array of texts (RFC 8707 in JSON clothes); nothing is an empty list.
    pub(super) fn texts_or_text(&mut self, name: &'static str) -> Vec<String> {
        let single = self.entries.iter().find(|(known, _)| known == name);
        match single {
            Some((_, Json::Text(_))) if !self.is_text_only => {
                self.optional_text(name).into_iter().collect()
            }
            _ => self.optional_texts(name).unwrap_or_default(),
        }
    }

    /// Says that a field's value, though of the right type, is not acceptable.
    pub(super) fn refuse(&mut self, name: &'static str, message: &'static str) {
        self.unacceptable.push(FieldError {
            field: name.into(),
            message: message.into(),
        });
    }

    /// Judges all fields together and lets the message through.
    ///
    /// # Errors
    /// 400 for wrong types, 422 for what is missing, not acceptable or, where that is refused,
    /// unknown.
    pub(super) fn finish<M>(mut self, message: M) -> Result<M, Refusal> {
        if !self.malformed.is_empty() {
            let hint = "a field has the wrong type";
            return Err(with_fields(Code::BadRequest, hint, self.malformed));
        }
        if self.is_strict {
            for (name, _) in std::mem::take(&mut self.entries) {
                self.unacceptable.push(FieldError {
                    field: name.into(),
                    message: "is not a field of this request".into(),
                });
            }
        }
        if !self.unacceptable.is_empty() {
            let hint = "a field is missing or not acceptable";
            return Err(with_fields(Code::Validation, hint, self.unacceptable));
        }
        Ok(message)
    }

    /// Says whether there is such a field.
    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|(known, _)| known == name)
    }

    /// Gives every text that was not taken, by its name.
    pub(super) fn into_pairs(self) -> Vec<(String, String)> {
        let entries = self.entries.into_iter();
        entries
            .filter_map(|(name, value)| Some((name, into_text(value)?)))
            .collect()
    }

    /// Gives every field that was not taken, as one object.
    ///
    /// # Errors
    /// 400 when there is a number with a fraction among them.
    pub(super) fn into_object(self) -> Result<Value, Refusal> {
        into_value(Json::Object(self.entries)).ok_or_else(|| {
            let hint = "a number has a fraction, which no field takes";
            Refusal::oauth(OAuthCode::InvalidRequest, hint)
        })
    }

    /// Says of a field what was found wrong within it.
    fn adopt(&mut self, name: &'static str, refusal: Refusal) {
        let wrong = if refusal.code == Code::BadRequest {
            &mut self.malformed
        } else {
            &mut self.unacceptable
        };
        wrong.extend(refusal.fields.into_iter().map(|inner| FieldError {
            field: name.into(),
            message: format!("{} {}", inner.field, inner.message).into(),
        }));
    }

    fn take(&mut self, name: &str) -> Option<Json> {
        let at = self.entries.iter().position(|(known, _)| known == name)?;
        match self.entries.remove(at).1 {
            Json::Null => None,
            value => Some(value),
        }
    }

    fn miss(&mut self, name: &'static str) {
        if !self.malformed.iter().any(|wrong| wrong.field == name) {
            self.refuse(name, "is required");
        }
    }

    fn mistype<T>(&mut self, name: &'static str, message: &'static str) -> Option<T> {
        self.malformed.push(FieldError {
            field: name.into(),
            message: message.into(),
        });
        None
    }
}

fn into_text(value: Json) -> Option<String> {
    match value {
        Json::Text(text) => Some(text),
        _ => None,
    }
}

/// Gives the same value in the form that is stored; nothing for a number that was not kept.
fn into_value(value: Json) -> Option<Value> {
    Some(match value {
        Json::Null => Value::Null,
        Json::Flag(flag) => Value::Bool(flag),
        Json::Whole(number) => Value::from(number),
        Json::Fraction => return None,
        Json::Text(text) => Value::String(text),
        Json::List(items) => items.into_iter().map(into_value).collect::<Option<_>>()?,
        Json::Object(entries) => {
            let entries = entries.into_iter();
            let read = entries.map(|(name, value)| Some((name, into_value(value)?)));
            Value::Object(read.collect::<Option<_>>()?)
        }
    })
}

/// In OAuth's words all of these are `invalid_request` (RFC 6749 §5.2).
fn with_fields(code: Code, hint: &'static str, fields: Vec<FieldError>) -> Refusal {
    Refusal {
        oauth: Some(OAuthCode::InvalidRequest),
        fields,
        ..Refusal::new(code, hint)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{form, json};
    use super::*;

    fn json(body: &str, is_strict: bool) -> Fields {
        Fields::of_json(json::parse(body.as_bytes()).expect("JSON"), is_strict)
    }

    fn form(body: &str) -> Fields {
        Fields::of_form(form::parse(body.as_bytes()).expect("a form"), false)
    }

    fn names(refusal: &Refusal) -> Vec<&str> {
        refusal
            .fields
            .iter()
            .map(|wrong| wrong.field.as_ref())
            .collect()
    }

    #[test]
    fn every_missing_field_is_named_and_null_is_missing() {
        let mut fields = json(r#"{"name":null,"email":""}"#, false);
        let message = (
            fields.text("email"),
            fields.text("password"),
            fields.text("name"),
        );
        let refusal = fields.finish(message).expect_err("refused");
        assert_eq!(refusal.code, Code::Validation);
        assert_eq!(names(&refusal), ["password", "name"]);
    }

    #[test]
    fn wrong_types_are_malformed_whatever_else_is_missing() {
        let mut fields = json(r#"{"email":1,"flag":"true","n":-1,"list":[1]}"#, false);
        let _ = (fields.text("email"), fields.text("password"));
        let _ = (fields.optional_flag("flag"), fields.optional_number("n"));
        let _ = fields.optional_texts("list");
        let refusal = fields.finish(()).expect_err("refused");
        assert_eq!(refusal.code, Code::BadRequest);
        assert_eq!(names(&refusal), ["email", "flag", "n", "list"]);
    }

    #[test]
    fn an_unknown_field_is_ignored_or_refused_by_the_door() {
        let finish = |is_strict| {
            let mut fields = json(r#"{"name":"x","rolse":[]}"#, is_strict);
            let name = fields.text("name");
            fields.finish(name)
        };
        assert_eq!(finish(false).as_deref(), Ok("x"));
        let refusal = finish(true).expect_err("refused");
        assert_eq!(
            (refusal.code, names(&refusal)),
            (Code::Validation, vec!["rolse"])
        );
    }

    #[test]
    fn a_form_writes_numbers_flags_and_lists_as_text() {
        let mut fields = form("page=3&live=true&resource=a&resource=b");
        assert_eq!(fields.optional_number("page"), Some(3));
        assert_eq!(fields.optional_flag("live"), Some(true));
        let both = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(fields.optional_texts("resource"), Some(both));
        assert!(fields.finish(()).is_ok());
    }

    #[test]
    fn an_object_is_taken_as_it_is() {
        let object = |body: &str| json(body, false).optional_object("o");
        let text = r#"{"o":{"a":[1,"x",true,null,{"b":-2}]}}"#;
        let same = serde_json::from_str::<Value>(text).map(|whole| whole["o"].clone());
        assert_eq!(object(text), same.ok());
        assert_eq!(object("{}"), None);
        assert_eq!(object(r#"{"o":null}"#), None);
        for odd in [r#"{"o":[]}"#, r#"{"o":"{}"}"#, r#"{"o":{"a":[1.5]}}"#] {
            let mut fields = json(odd, false);
            assert_eq!(fields.optional_object("o"), None);
            assert_eq!(names(&fields.finish(()).expect_err(odd)), ["o"]);
        }
    }

    #[test]
    fn json_takes_one_text_for_a_list_of_one() {
        let list = |body: &str| json(body, false).texts_or_text("resource");
        assert_eq!(list(r#"{"resource":"a"}"#), ["a"]);
        assert_eq!(list(r#"{"resource":["a","b"]}"#), ["a", "b"]);
        assert!(list("{}").is_empty());
    }
}
