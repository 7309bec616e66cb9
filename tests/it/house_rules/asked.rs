//! Every line of the route table is asked for by a test: by its method, and by its whole path.
//!
//! What tests ask is read from their sources: the calls of the client's and the browser's verbs, and
//! methods that stand before a path. A path is a literal, or a name that the same function gave one or a list before. What
//! stands in braces is only known when it is sent: first in a path it is a base or such a name,
//! elsewhere it is a segment, and fits where the table has one in braces.

use std::collections::BTreeSet;
use std::fs;

use super::{root, sources};

/// A method and a path.
type Asked = (String, String);

/// What stands before a path that is asked for, and by which method it is.
const CALLS: [(&str, &str); 13] = [
    (".get(", "GET"),
    (".open(", "GET"),
    (".posts_to(", "POST"),
    (".post(", "POST"),
    (".form(", "POST"),
    (".put(", "PUT"),
    (".patch(", "PATCH"),
    (".delete(", "DELETE"),
    ("Method::GET,", "GET"),
    ("Method::POST,", "POST"),
    ("Method::PUT,", "PUT"),
    ("Method::PATCH,", "PATCH"),
    ("Method::DELETE,", "DELETE"),
];

/// Names every line of the route table that no test asks for.
pub fn unasked_routes() -> Vec<String> {
    let tests = sources()
        .into_iter()
        .filter(|(name, _)| name.starts_with("tests/it/") && !name.contains("house_rules"));
    let asked = tests.flat_map(|(_, text)| asked_by(&text)).collect();
    let table = fs::read_to_string(root().join("src/http/routes.rs")).expect("the route table");
    let routes: Vec<Asked> = table.lines().filter_map(route_of).collect();
    assert!(routes.len() > 40, "the table was not understood");
    unasked(&routes, &asked)
}

/// Lines of a table, tests, and whether the one is asked for by the other.
const KNOWN: [(&str, &str, bool); 17] = [
    (TOKEN, r#"door.post("/auth/token", body)"#, true),
    (TOKEN, r#"door.form("/auth/token?tenant=a", &[])"#, true),
    (TOKEN, r#"door.post("/auth/token/refresh", body)"#, false),
    (TOKEN, r#"// door.post("/auth/token", body)"#, false),
    (ALL, r#"door.get("/auth/sessions")"#, false),
    (ALL, r#"door.delete("/auth/sessions")"#, true),
    (ALL, r#"(Method::DELETE, "/auth/sessions")"#, true),
    (ALL, r#"door.delete("/auth/sessions/1")"#, false),
    (ALL, r#"door.delete(&format!("/auth/{what}"))"#, false),
    (
        ALL,
        r#"for p in ["/a", "/auth/sessions"] { a.delete(p) }"#,
        true,
    ),
    (ALL, r#"for p in ["/a", "/auth"] { a.delete(p) }"#, false),
    (ONE, r#"door.delete("/auth/sessions")"#, false),
    (ONE, r#"a.delete(&format!("/auth/sessions/{id}"))"#, true),
    (
        ONE,
        r#"a.delete(format!("{base}/auth/sessions/{id}"))"#,
        true,
    ),
    (
        ONE,
        r#"let p = "/auth/sessions"; a.delete(&format!("{p}/1"))"#,
        true,
    ),
    (ONE, r#"let p = "/auth/sessions"; a.delete(p)"#, false),
    (
        ONE,
        r#"let p = "/auth/sessions/1"; fn g() { a.delete(p) }"#,
        false,
    ),
];
const TOKEN: &str = r#"   POST   "/auth/token"         Act  auth::token::answer"#;
const ALL: &str = r#"   DELETE "/auth/sessions"      Act  auth::sessions::end_others"#;
const ONE: &str = r#"   DELETE "/auth/sessions/{id}" Act  auth::sessions::end"#;

/// Names the known lines and tests that are judged wrongly.
pub fn misjudged_cases() -> Vec<String> {
    let is_misjudged = |(line, test, is_asked): &(&str, &str, bool)| {
        let route = route_of(line).expect("a line of the table");
        unasked(&[route], &asked_by(test)).is_empty() != *is_asked
    };
    let misjudged = KNOWN.into_iter().filter(is_misjudged);
    misjudged
        .map(|(line, test, _)| format!("{line} by {test}"))
        .collect()
}

/// Gives the method and the path of a line of the route table.
fn route_of(line: &str) -> Option<Asked> {
    let (method, rest) = line.trim().split_once(' ')?;
    let is_method = CALLS.iter().any(|(_, known)| *known == method);
    let path = rest.trim().strip_prefix('"').filter(|_| is_method)?;
    let (path, _) = path.split_once('"')?;
    Some((method.to_owned(), path.to_owned()))
}

fn unasked(routes: &[Asked], asked: &BTreeSet<Asked>) -> Vec<String> {
    let is_asked = |(method, path): &Asked| {
        asked
            .iter()
            .any(|(by, what)| by == method && fits(what, path))
    };
    let unasked = routes.iter().filter(|route| !is_asked(route));
    unasked
        .map(|(method, path)| format!("no test asks for {method} {path}"))
        .collect()
}

/// Says whether a path that is asked for is one of a route's.
fn fits(asked: &str, route: &str) -> bool {
    let is_one = |(asked, route): (&str, &str)| {
        asked == route || (route.starts_with('{') && !asked.is_empty())
    };
    asked.split('/').count() == route.split('/').count()
        && asked.split('/').zip(route.split('/')).all(is_one)
}

/// Reads from a source what its code asks for.
fn asked_by(source: &str) -> BTreeSet<Asked> {
    let code: String = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let mut asked = BTreeSet::new();
    for (call, method) in CALLS {
        for (at, _) in code.match_indices(call) {
            let (before, after) = code.split_at(at);
            let paths = paths_at(&after[call.len()..], in_function(before));
            asked.extend(paths.into_iter().map(|path| (method.to_owned(), path)));
        }
    }
    asked
}

/// Gives what stands before, as far as it is of the same function.
fn in_function(before: &str) -> &str {
    &before[before.rfind("fn ").unwrap_or(0)..]
}

/// Reads the paths that code begins with: a literal, or a name that code before gave some.
fn paths_at(code: &str, before: &str) -> Vec<String> {
    let code = code.trim_start().trim_start_matches('&');
    let code = code.strip_prefix("format!(").unwrap_or(code).trim_start();
    let Some(literal) = code.strip_prefix('"') else {
        return named(&word_at(code), before);
    };
    let path = literal.split(['"', '?']).next().unwrap_or_default();
    let base = path.strip_prefix('{').and_then(|rest| rest.split_once('}'));
    let paths = match base {
        None => vec![path.to_owned()],
        Some((name, rest)) => {
            let mut bases = named(name, before);
            if bases.is_empty() {
                bases.push(String::new());
            }
            bases.into_iter().map(|base| base + rest).collect()
        }
    };
    let is_path = |path: &String| path.starts_with('/');
    paths.into_iter().filter(is_path).collect()
}

/// Reads what a name stands for: what it was last given, or each of a list that it goes through.
fn named(name: &str, before: &str) -> Vec<String> {
    let (given, each) = (format!("let {name} = "), format!("for {name} in ["));
    let (at, after) = match (before.rfind(&given), before.rfind(&each)) {
        (at, each_at) if each_at > at => (each_at, each.len()),
        (at, _) => (at, given.len()),
    };
    let Some(at) = at.filter(|_| !name.is_empty()) else {
        return Vec::new();
    };
    let (before, code) = (&before[..at], &before[at + after..]);
    if after == given.len() {
        return paths_at(code, before);
    }
    let list = code.split(']').next().unwrap_or_default();
    list.split(',')
        .flat_map(|code| paths_at(code, before))
        .collect()
}

fn word_at(code: &str) -> String {
    code.chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}
