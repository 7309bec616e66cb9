//! The table against itself and against the OpenAPI documents.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::http::endpoint::open::document;

fn document(text: &str) -> Value {
    serde_json::from_str(text).expect("a document in JSON")
}

fn operations(document: &Value) -> impl Iterator<Item = (String, String, &Value)> {
    const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
    let paths = document["paths"].as_object().expect("paths");
    paths.iter().flat_map(|(path, item)| {
        let item = item.as_object().expect("a path item");
        item.iter()
            .filter(|(method, _)| METHODS.contains(&method.as_str()))
            .map(|(method, operation)| (path.clone(), method.clone(), operation))
    })
}

#[test]
fn the_table_and_the_documents_list_the_same_routes() {
    assert_eq!(undocumented(), Vec::<String>::new());
    assert!(paths().any(|path| path == "/auth/login"));
}

#[test]
fn every_operation_says_what_it_takes_and_gives_with_an_example() {
    for text in [document::PUBLIC, document::ADMIN] {
        let document = document(text);
        for (path, method, operation) in operations(&document) {
            let place = format!("{method} {path}");
            assert!(operation["summary"].is_string(), "{place}: a summary");
            assert!(
                operation["operationId"].is_string(),
                "{place}: an operationId"
            );
            let responses = operation["responses"].as_object().expect("responses");
            assert!(
                responses
                    .keys()
                    .any(|status| status.starts_with('2') || status == "303"),
                "{place}"
            );
            let takes_body = ROUTES.iter().any(|route| {
                route.path == path
                    && route.method.as_str().eq_ignore_ascii_case(&method)
                    && route.body != Accepted::None
            });
            assert_eq!(
                takes_body,
                operation["requestBody"].is_object(),
                "{place}: a body"
            );
        }
    }
}

#[test]
fn every_reference_of_the_documents_leads_somewhere() {
    for text in [document::PUBLIC, document::ADMIN] {
        let document = document(text);
        for (at, _) in text.match_indices("\"$ref\": \"#") {
            let rest = &text[at + "\"$ref\": \"#".len()..];
            let pointer = rest.split('"').next().expect("an end");
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }
}

#[test]
fn operation_ids_are_unique() {
    for text in [document::PUBLIC, document::ADMIN] {
        let document = document(text);
        let ids: Vec<_> = operations(&document)
            .map(|(_, _, operation)| operation["operationId"].to_string())
            .collect();
        let unique: BTreeSet<_> = ids.iter().collect();
        assert_eq!(ids.len(), unique.len());
    }
}

/// `docs/decisions/0006-open-on-the-admin-door.md`.
#[test]
fn nothing_on_the_admin_door_is_open_but_probes_and_documents() {
    const OPEN: [&str; 8] = [
        "/health",
        "/liveness",
        "/ready",
        "/readiness",
        "/metrics",
        "/admin/metrics/prometheus",
        "/openapi.json",
        "/docs",
    ];
    for route in ROUTES.iter().filter(|route| route.door != Behind::Public) {
        // Browsers come to the console's pages with a cookie of their own (0025).
        let is_console = route.path.starts_with("/console");
        let is_open = OPEN.contains(&route.path) || is_console;
        assert_eq!(route.caller == Caller::Admin, !is_open, "{}", route.path);
    }
}

#[test]
fn whatever_changes_state_is_detached() {
    /// Posted, so that a token stays out of addresses.
    const READS: &str = "/admin/tokens/introspect";
    /// Gone to by a redirect, and signs in.
    const SIGNS_IN: &str = "/console/callback";
    for route in ROUTES {
        let is_read = route.method == Method::GET || route.path == READS;
        let is_safe = is_read && route.path != SIGNS_IN;
        assert_eq!(route.work == Work::Attached, is_safe, "{}", route.path);
    }
}

#[test]
fn no_admin_route_is_behind_the_public_door() {
    for route in ROUTES
        .iter()
        .filter(|route| route.path.starts_with("/admin"))
    {
        assert_eq!(route.door, Behind::Admin, "{}", route.path);
    }
}

/// A creation that forgot its `Idempotency-Key` would be made twice by whoever repeats it.
#[test]
fn whatever_an_operator_makes_is_made_once() {
    let document = document(document::ADMIN);
    for (path, method, operation) in operations(&document) {
        let route = ROUTES.iter().find(|route| {
            route.path == path && route.method.as_str().eq_ignore_ascii_case(&method)
        });
        let is_once = route.is_some_and(|route| route.work == Work::Once);
        let makes = method == "post" && operation["responses"]["201"].is_object();
        assert!(is_once || !makes, "{path}: {method} makes something");
        let mut parameters = operation["parameters"].as_array().into_iter().flatten();
        let key = "#/components/parameters/IdempotencyKey";
        let takes_key = parameters.any(|one| one["$ref"] == key);
        assert_eq!(takes_key, is_once, "{method} {path}: Idempotency-Key");
        if is_once {
            assert!(operation["responses"]["409"].is_object(), "{path}: a 409");
            assert!(operation["responses"]["422"].is_object(), "{path}: a 422");
        }
    }
}

/// RFC 9110 §8.8.3, §13.1.1: what shows a tag heeds it.
#[test]
fn what_is_shown_with_a_tag_heeds_it_when_it_is_changed() {
    let document = document(document::ADMIN);
    let condition = "#/components/parameters/IfMatch";
    for (path, method, operation) in operations(&document) {
        let shown = &document["paths"][path.as_str()]["get"]["responses"]["200"]["headers"]["ETag"];
        let changes = matches!(method.as_str(), "patch" | "delete");
        let mut parameters = operation["parameters"].as_array().into_iter().flatten();
        let heeds = parameters.any(|one| one["$ref"] == condition);
        // What is posted may heed it too.
        if method != "post" {
            let must = changes && shown.is_object();
            assert_eq!(heeds, must, "{method} {path}: If-Match");
        }
        if heeds {
            assert!(operation["responses"]["412"].is_object(), "{path}: a 412");
        }
    }
}
