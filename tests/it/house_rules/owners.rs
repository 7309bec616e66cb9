//! No owner's module imports another's: who needs two of them is a flow, or `boot`, which wires them.
//!
//! A module of `actors` is an owner's unless it is named here. The feed owns nothing and has no
//! mailbox: it tells owners what other nodes changed, through their handles alone.

use std::collections::BTreeSet;

use super::sources;

/// What every owner may use.
const COMMON: [&str; 14] = [
    "clock",
    "deadline",
    "denylist",
    "failpoint",
    "handle",
    "lib",
    "patience",
    "remembered",
    "rounds",
    "schedule",
    "snapshot",
    "supervision",
    "tree",
    "tests",
];

/// The handles that the feed speaks to.
const TOLD_BY_THE_FEED: [&str; 6] = [
    "accounts::Accounts",
    "api_keys::ApiKeys",
    "keys::Keys",
    "roles::Roles",
    "sessions::Sessions",
    "tenants::Tenants",
];

/// Names every import of one owner's module by another's.
pub fn imports_between_owners() -> Vec<String> {
    let modules: Vec<(String, String)> = sources()
        .into_iter()
        .filter_map(|(name, text)| Some((name.strip_prefix("actors/src/")?.to_owned(), text)))
        .collect();
    let owners: BTreeSet<String> = modules
        .iter()
        .filter_map(|(name, _)| owner_of(name))
        .collect();
    assert!(
        owners.contains("keys") && owners.contains("feed"),
        "{owners:?}"
    );
    modules
        .iter()
        .flat_map(|(name, text)| foreign_imports(name, text, &owners))
        .collect()
}

/// What a few modules come to, where each is known to be right or wrong.
pub fn misjudged_cases() -> Vec<String> {
    let owners = ["feed", "keys", "mail", "tenants"]
        .map(str::to_owned)
        .into();
    let case = |name: &str, text: &str, is_right: bool| {
        let found = foreign_imports(name, text, &owners);
        (found.is_empty() != is_right).then(|| format!("{name}: {text}"))
    };
    let cases = [
        case("tenants/owner.rs", "use crate::keys::ring::Ring;", false),
        case("tenants.rs", "use crate::{deadline, keys::Keys};", false),
        case(
            "tenants.rs",
            "use crate::{\n    deadline,\n    mail,\n};",
            false,
        ),
        case("tenants.rs", "fn f(keys: &crate::keys::Keys) {}", false),
        case("tenants/owner.rs", "use super::super::keys::Keys;", false),
        case("keys.rs", "use crate::feed::feed;", false),
        case("feed.rs", "use crate::keys::ring::Ring;", false),
        case("feed.rs", "use crate::keys::Keys as Ring;", true),
        case("keys.rs", "use crate::keys::Keys;", true),
        case("keys/owner.rs", "use crate::keys::ring::Ring;", true),
        case("keys.rs", "use crate::denylist::Denylist;", true),
        case("keys.rs", "//! Next: crate::tenants.", true),
        case("tree.rs", "use crate::keys::Keys;", true),
    ];
    cases.into_iter().flatten().collect()
}

/// Names the owner whose module a file is.
fn owner_of(file: &str) -> Option<String> {
    let top = file.split('/').next()?.trim_end_matches(".rs");
    (!COMMON.contains(&top)).then(|| top.to_owned())
}

fn foreign_imports(file: &str, text: &str, owners: &BTreeSet<String>) -> Vec<String> {
    let Some(own) = owner_of(file) else {
        return Vec::new();
    };
    let is_foreign = |path: &String| {
        let top = path.split("::").next().unwrap_or_default();
        let is_told = own == "feed" && TOLD_BY_THE_FEED.contains(&path.as_str());
        top != own && owners.contains(top) && !is_told
    };
    let foreign = paths_of(text).into_iter().filter(is_foreign);
    foreign
        .map(|path| format!("actors/src/{file} knows {path}"))
        .collect()
}

/// Reads every path from the crate's root, and every one that leads up.
fn paths_of(text: &str) -> Vec<String> {
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let code: Vec<&str> = code.flat_map(str::split_whitespace).collect();
    let code = code.join(" ");
    let roots = ["crate::", "super::"];
    let ends = |root| code.match_indices(root).map(|(at, found)| at + found.len());
    let starts = roots.into_iter().flat_map(ends);
    starts.flat_map(|at| parts(&code[at..])).collect()
}

/// Gives the path that code begins with, or each of a group of paths.
fn parts(code: &str) -> Vec<String> {
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let path = |code: &str| {
        let path = code.trim_start().split(|c| !is_path(c)).next();
        path.unwrap_or_default().to_owned()
    };
    let Some(group) = code.strip_prefix('{') else {
        return vec![path(code)];
    };
    let group = group.split(';').next().unwrap_or_default();
    group.split(['{', ',']).map(path).collect()
}
