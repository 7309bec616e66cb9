//! The table against the OpenAPI documents that describe it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Behind, ROUTES};
use crate::http::endpoint::open::document;

/// What stands in a path item beside operations (OpenAPI 3.1 §4.8.9).
const NO_METHODS: [&str; 4] = ["parameters", "servers", "summary", "description"];

/// Names every route that its document does not describe, and everything that is described and no
/// route.
pub(super) fn differences() -> Vec<String> {
    let mut found = Vec::new();
    for (door, text) in [
        (Behind::Public, document::PUBLIC),
        (Behind::Admin, document::ADMIN),
    ] {
        let (routes, described) = (routes(door), described(text));
        for route in routes.difference(&described) {
            found.push(format!("{door:?}: {route} is not described"));
        }
        for route in described.difference(&routes) {
            found.push(format!("{door:?}: {route} is described and no route"));
        }
    }
    found
}

fn routes(door: Behind) -> BTreeSet<String> {
    ROUTES
        .iter()
        .filter(|route| route.door == door || route.door == Behind::Both)
        .map(|route| format!("{} {}", route.method, route.path))
        .collect()
}

fn described(text: &str) -> BTreeSet<String> {
    let document: Value = serde_json::from_str(text).unwrap_or_default();
    let paths = document.get("paths").and_then(Value::as_object);
    let items = paths.into_iter().flatten();
    items
        .filter_map(|(path, item)| item.as_object().map(|item| (path, item)))
        .flat_map(|(path, item)| {
            item.keys()
                .filter(|key| !NO_METHODS.contains(&key.as_str()))
                .map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect()
}
