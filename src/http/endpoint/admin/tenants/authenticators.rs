//! The member `passkey_authenticators` of a tenant's switches.

use domain::tenant::PasskeyAuthenticators;
use serde_json::Value;

use crate::http::fields::Fields;

/// Reads which passkeys may be bound.
pub(super) fn take(fields: &mut Fields, name: &'static str) -> Option<PasskeyAuthenticators> {
    let Some(Value::Object(mut entries)) = fields.optional_object(name) else {
        return None;
    };
    let roots = texts(entries.remove("roots"));
    let models = texts(entries.remove("models"));
    if let (Some(roots), Some(models), true) = (roots, models, entries.is_empty()) {
        return Some(PasskeyAuthenticators { roots, models });
    }
    fields.refuse(
        name,
        "must be an object of roots and models, both arrays of texts",
    );
    None
}

fn texts(value: Option<Value>) -> Option<Vec<String>> {
    let Some(Value::Array(items)) = value else {
        return None;
    };
    let texts = items.iter().map(Value::as_str);
    texts.map(|text| text.map(str::to_owned)).collect()
}
