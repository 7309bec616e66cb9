//! In whose words errors at a path are: a page's, RFC 6749's or our own.

use crate::http::render::Dialect;

/// Where the account pages begin.
const ACCOUNT: &str = "/account";

/// Where the console begins.
const CONSOLE: &str = "/console";

/// The paths of the other hosted pages.
const PAGES: [&str; 15] = [
    "/bind-app",
    "/bind-factor",
    "/bind-passkey",
    "/consent",
    "/device",
    "/forgotten-password",
    "/oauth/authorize",
    "/oauth/logout",
    "/oauth/resume",
    "/recover-factor",
    "/register",
    "/reset-password",
    "/second-factor",
    "/sign-in",
    "/verify-email",
];

/// Says in whose words errors at a path are.
pub(in crate::http) fn dialect_of(path: &str) -> Dialect {
    let is_below = |start: &str| {
        let rest = path.strip_prefix(start);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if PAGES.contains(&path) || is_below(ACCOUNT) || is_below(CONSOLE) {
        Dialect::Page
    } else if path.starts_with("/oauth/") {
        Dialect::OAuth
    } else {
        Dialect::FirstParty
    }
}
