//! Which texts of a run are secrets, and whether one is in a row.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;

use super::texts;
use crate::client::Answer;

/// What was asked for.
pub struct Told {
    pub method: Method,
    pub path: String,
    pub secrets: Vec<String>,
}

/// Fields that hold secrets, and addresses of people.
const FIELDS: [&str; 24] = [
    "access_token",
    "actor_token",
    "assertion",
    "backup_codes",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "current_password",
    "device_code",
    "email",
    "id_token",
    "key",
    "mfa_token",
    "new_password",
    "old_password",
    "password",
    "refresh_token",
    "registration_access_token",
    "restore_token",
    "secret",
    "subject_token",
    "token",
    "user_code",
];

/// Shorter texts are no secrets, and stand in everything.
const SHORTEST: usize = 6;
/// From here on no text is found in another by chance.
const LONG: usize = 20;

/// Gives the secrets in a body that is sent: JSON, or a form.
pub(super) fn asked(body: &str) -> Vec<String> {
    let Ok(json) = serde_json::from_str::<Value>(body) else {
        let pairs = form_urlencoded::parse(body.as_bytes());
        let secrets = pairs.filter(|(name, _)| FIELDS.contains(&&**name));
        return kept(secrets.map(|(_, value)| value.into_owned()));
    };
    let mut found = Vec::new();
    fields(&json, &mut found);
    kept(found.into_iter())
}

/// Gives the secrets in an answer: what its fields name, cookies, and whatever has the look of one of our tokens.
pub(super) fn answered(answer: &Answer, is_success: bool) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(json) = serde_json::from_str(&answer.text)
        .ok()
        .filter(|_| is_success)
    {
        fields(&json, &mut found);
    }
    let cookies = answer.headers.get_all("set-cookie").iter();
    let cookies = cookies.filter_map(|cookie| cookie.to_str().ok()?.split_once('='));
    let values = cookies.filter_map(|(_, rest)| rest.split(';').next());
    found.extend(
        values
            .filter(|value| value.len() >= LONG)
            .map(str::to_owned),
    );
    for text in [answer.text.as_str(), answer.header("location")] {
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c)));
        let tokens = words.filter(|word| word.starts_with("qf_") && word.len() >= LONG);
        found.extend(tokens.map(str::to_owned));
    }
    kept(found.into_iter())
}

/// Finds a secret in a row. A short one must stand by itself: digits of an id are no code.
pub(super) fn found(row: &Value, secrets: &BTreeSet<String>) -> Option<String> {
    let mut held = Vec::new();
    texts(row, &mut held);
    let is_in = |secret: &&String| held.iter().any(|text| holds(text, secret));
    secrets.iter().find(is_in).cloned()
}

fn holds(text: &str, secret: &str) -> bool {
    if secret.len() >= LONG || secret.contains('@') {
        return text.contains(secret);
    }
    let stands_alone = |at: usize| {
        let is_word = |c: char| c.is_alphanumeric() || "_-.:".contains(c);
        let before = text[..at].chars().next_back();
        let after = text[at + secret.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    };
    text.match_indices(secret).any(|(at, _)| stands_alone(at))
}

fn fields(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if FIELDS.contains(&name.as_str()) && !member.is_object() {
                    let mut held = Vec::new();
                    texts(member, &mut held);
                    found.extend(held.into_iter().map(str::to_owned));
                } else {
                    fields(member, found);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| fields(item, found)),
        _ => {}
    }
}

fn kept(found: impl Iterator<Item = String>) -> Vec<String> {
    found.filter(|text| text.len() >= SHORTEST).collect()
}
