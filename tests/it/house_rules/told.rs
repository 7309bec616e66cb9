//! What the documents say of tests: whoever is named is there.
//!
//! A document names a file and then tests of it, each between backticks. A file that is gone and a test
//! that was renamed make the document a promise that nobody keeps, so the build fails.

use std::fs;

use super::root;

/// The documents that name tests.
const DOCUMENTS: [&str; 3] = ["docs/STANDARDS.md", "docs/THREATS.md", "docs/PEERS.md"];
/// What a path of ours begins with.
const ROOMS: [&str; 5] = ["src/", "crates/", "actors/", "tests/", "docs/"];
/// How many tests are named at least, so that a document in another form is noticed.
const AT_LEAST: usize = 100;

/// What is named and not there.
pub(super) fn missing() -> Vec<String> {
    let mut broken = Vec::new();
    let mut count = 0;
    for name in DOCUMENTS {
        let text = fs::read_to_string(root().join(name)).expect("a document");
        count += names(&text).count();
        broken.extend(
            missing_of(&text)
                .into_iter()
                .map(|what| format!("{name}: {what}")),
        );
    }
    if count < AT_LEAST {
        broken.push(format!("only {count} tests were understood"));
    }
    broken
}

/// Shows that what is not there is missed, since no good document does.
pub(super) fn unnoticed() -> Vec<String> {
    let file = "`tests/it/oauth/code.rs`";
    let there = format!("{file} `rfc_6749_4_1_2_a_code_lives_a_minute`");
    let odd = [
        format!("{file} `rfc_6749_4_1_2_a_code_lives_an_hour`"),
        format!("{file} `rfc_6749_4_1_2_a_code_lives_a_minut`"),
        "`tests/it/oauth/nothing.rs`".to_owned(),
        "`rfc_6749_4_1_2_a_code_lives_a_minute`, but where?".to_owned(),
    ];
    let mut broken: Vec<String> = odd
        .into_iter()
        .filter(|line| missing_of(line).is_empty())
        .collect();
    broken.extend(missing_of(&there));
    broken
}

/// Names what a document speaks of and is not there.
fn missing_of(document: &str) -> Vec<String> {
    let mut broken = Vec::new();
    for line in document.lines() {
        let mut file = None;
        for span in spans(line) {
            if ROOMS.iter().any(|room| span.starts_with(room)) {
                let path = root().join(span);
                if !path.exists() {
                    broken.push(format!("{span} is not there"));
                }
                file = fs::read_to_string(path).ok();
            } else if is_name(span) {
                let definition = format!("fn {span}(");
                if !file.as_ref().is_some_and(|text| text.contains(&definition)) {
                    broken.push(format!("no test {span} where it is said to be"));
                }
            }
        }
    }
    broken
}

fn names(document: &str) -> impl Iterator<Item = &str> {
    document
        .lines()
        .flat_map(spans)
        .filter(|span| is_name(span))
}

/// What stands between backticks.
fn spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// Says whether a text is the name of a test: several words, joined.
fn is_name(span: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    span.matches('_').count() >= 4 && span.chars().all(is_word)
}
