//! The rules of the house, checked on the source: sizes, heads, floors, and that the route table, the
//! OpenAPI documents and these tests speak of the same routes.

use std::fs;
use std::path::{Path, PathBuf};

use auth_service::http::routes;
use libtest_mimic::{Failed, Trial};

mod asked;
mod owners;
mod told;

/// No file is longer, its tests included.
const MAX_LINES: usize = 400;

/// The rules, as trials.
pub fn trials() -> Vec<Trial> {
    let rules: [(&str, fn() -> Vec<String>); 14] = [
        ("no_file_is_longer_than_400_lines", long_files),
        ("every_file_says_in_its_head_what_it_is", headless_files),
        ("no_module_file_is_called_mod_rs", mod_files),
        ("imports_point_downward_only", upward_imports),
        ("crates_depend_downward_only", upward_dependencies),
        ("nothing_is_left_unfinished", unfinished),
        ("what_did_not_run_is_said_last", said_before_the_end),
        ("routes_are_documented", routes::undocumented),
        ("routes_are_asked_for_by_tests", asked::unasked_routes),
        (
            "a_route_that_nobody_asks_for_is_found",
            asked::misjudged_cases,
        ),
        (
            "owners_do_not_know_each_other",
            owners::imports_between_owners,
        ),
        (
            "an_owner_that_knows_another_is_found",
            owners::misjudged_cases,
        ),
        ("every_test_that_a_document_names_exists", told::missing),
        ("a_test_that_does_not_exist_is_noticed", told::unnoticed),
    ];
    rules
        .into_iter()
        .map(|(name, rule)| rule_trial(name, rule))
        .collect()
}

fn rule_trial(name: &str, rule: fn() -> Vec<String>) -> Trial {
    Trial::test(format!("house_rules::{name}"), move || {
        let broken = rule();
        if broken.is_empty() {
            Ok(())
        } else {
            Err(Failed::from(broken.join("\n")))
        }
    })
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file of ours, with its path from the root and its text.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in ["src", "actors", "crates", "loadtests", "tests"] {
        collect(&root().join(folder), &mut found);
    }
    assert!(found.len() > 50, "the sources were not found");
    found
}

fn collect(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            collect(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let name = path
                .strip_prefix(root())
                .expect("below the root")
                .display()
                .to_string();
            found.push((name, fs::read_to_string(&path).expect("readable")));
        }
    }
}

fn long_files() -> Vec<String> {
    let long = |(name, text): (String, String)| {
        let lines = text.lines().count();
        (lines > MAX_LINES).then(|| format!("{name} has {lines} lines"))
    };
    sources().into_iter().filter_map(long).collect()
}

fn headless_files() -> Vec<String> {
    let headless = |(name, text): (String, String)| (!text.starts_with("//!")).then_some(name);
    sources().into_iter().filter_map(headless).collect()
}

fn mod_files() -> Vec<String> {
    sources()
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| name.ends_with("/mod.rs"))
        .collect()
}

/// What each room of `src/` must not know.
const UPWARD: [(&str, &[&str]); 4] = [
    (
        "src/flow",
        &[
            "crate::http",
            "crate::grpc",
            "crate::cli",
            "crate::boot",
            "hyper::",
            "rusqlite",
        ],
    ),
    (
        "src/http",
        &[
            "store::sqlite",
            "store::postgres",
            "store::redis",
            "crate::cli",
            "crate::boot",
            "crate::grpc",
        ],
    ),
    ("src/grpc", &["store::", "crate::cli", "crate::boot"]),
    (
        "src/config",
        &[
            "crate::flow",
            "crate::http",
            "crate::boot",
            "store::port",
            "actors::",
        ],
    ),
];

fn upward_imports() -> Vec<String> {
    let mut broken = Vec::new();
    for (name, text) in sources() {
        for (room, forbidden) in UPWARD {
            if !name.starts_with(room) {
                continue;
            }
            let code = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            for line in code {
                let hit = forbidden.iter().find(|word| imports(line, word));
                broken.extend(hit.map(|word| format!("{name} knows {word}: {}", line.trim())));
            }
        }
    }
    broken
}

/// Says whether a line names a module at the beginning of a path.
fn imports(line: &str, module: &str) -> bool {
    line.match_indices(module).any(|(position, _)| {
        let before = line[..position].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
    })
}

fn upward_dependencies() -> Vec<String> {
    let ours = [
        "domain",
        "protocol",
        "store",
        "argon2id",
        "hashing",
        "blocklist",
        "webauthn",
        "actors",
    ];
    let allowed: [(&str, &[&str]); 8] = [
        ("crates/domain", &[]),
        ("crates/protocol", &["domain"]),
        ("crates/webauthn", &["domain"]),
        ("crates/store", &["domain", "store"]),
        ("crates/argon2id", &[]),
        ("crates/hashing", &["argon2id", "domain", "protocol"]),
        ("crates/blocklist", &["domain", "protocol"]),
        ("actors", &["domain", "protocol", "store"]),
    ];
    let mut broken = Vec::new();
    for (room, below) in allowed {
        let manifest = fs::read_to_string(root().join(room).join("Cargo.toml")).unwrap_or_default();
        for name in ours {
            let named = |line: &str| {
                line.starts_with(&format!("{name}.")) || line.starts_with(&format!("{name} ="))
            };
            if manifest.lines().any(named) && !below.contains(&name) {
                broken.push(format!("{room} depends on {name}"));
            }
        }
    }
    broken
}

/// Cargo runs the tests of packages in the order of their names, and doc-tests after all others.
fn said_before_the_end() -> Vec<String> {
    let last = "what-did-not-run";
    let manifests = ["actors", "loadtests", "tests/last"].map(|folder| root().join(folder));
    let crates = fs::read_dir(root().join("crates")).into_iter().flatten();
    let folders = crates.flatten().map(|entry| entry.path());
    let mut broken = Vec::new();
    for folder in folders.chain(manifests).chain([root()]) {
        let text = fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
        let name = text.lines().find_map(|line| line.strip_prefix("name = "));
        let name = name.unwrap_or_default().trim_matches('"');
        if name > last {
            broken.push(format!("{name} runs after {last}"));
        }
        if folder.join("src/lib.rs").exists() && !text.contains("doctest = false") {
            broken.push(format!("{name} has doc-tests, which run after {last}"));
        }
    }
    broken
}

fn unfinished() -> Vec<String> {
    let words = ["todo!(", "unimplemented!(", "dbg!(", "#[ignore", "#[allow("];
    let mut broken = Vec::new();
    for (name, text) in sources() {
        if name.ends_with("house_rules.rs") {
            continue;
        }
        let hits = words.iter().filter(|word| text.contains(**word));
        broken.extend(hits.map(|word| format!("{name} contains {word}")));
    }
    broken
}
