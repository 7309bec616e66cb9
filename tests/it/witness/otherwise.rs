//! Changes that leave another number of audit rows than one, each with its reason. Whoever adds a line
//! answers for it: a change without a row is one that nobody can be asked about.
//!
//! What can be read from an answer is: how many accounts a bulk act changed, and whether whoever sent a
//! form of the console has to prove anew who they are.

use std::ops::RangeInclusive;

use super::Route;
use crate::client::Answer;

/// Method, path, how many rows, and why.
pub(super) type Otherwise = (
    &'static str,
    &'static str,
    RangeInclusive<usize>,
    &'static str,
);

const CHALLENGE: &str = "a challenge: nothing is decided, and what comes of it has its row";
const READS: &str = "it reads";
const WAITS: &str = "something waits: nothing is decided yet";
const ELSEWHERE: &str = "it leads on; the row is written where it leads, and names who accepted";
const SAME: &str = "none for the same successor once more";
const DEAD: &str = "none for what is no live token (RFC 7009 §2.2)";
const CANCEL: &str = "none for whoever thinks better of it";
const SIGNS_IN: &str =
    "the sign-in that comes of it has its own; none for whoever thinks better of it";
const CODE: &str = "a backup code that is used has its own";
const THERE: &str = "none where it is so already";
const NOBODY: &str = "none where nobody is signed in any more";

/// Leave one row for each account that they change.
const BULK: &str = "/admin/users/bulk/";
/// Whose pages send whoever must prove anew who they are to sign in.
const CONSOLE: &str = "/console";

/// Says how many rows a change leaves that was answered so.
pub(super) fn rows_of(route: Route, answer: &Answer) -> RangeInclusive<usize> {
    if is_sent_away(route, answer) {
        return 0..=0;
    }
    if route.1.starts_with(BULK) {
        let affected = answer.json()["affected"].as_u64().expect("a number");
        let affected = usize::try_from(affected).expect("not so many");
        return affected..=affected;
    }
    let listed = OTHERWISE
        .iter()
        .find(|(method, path, ..)| (*method, *path) == route);
    listed.map_or(1..=1, |(_, _, count, _)| count.clone())
}

/// Says whether it leads to the console's sign-in instead, and has changed nothing.
pub(super) fn is_sent_away(route: Route, answer: &Answer) -> bool {
    let place = answer.header("location").split('?').next();
    let is_sign_in = place.is_some_and(|place| place.ends_with("/console/sign-in"));
    route.1.starts_with(CONSOLE) && answer.status.is_redirection() && is_sign_in
}

/// All others.
const OTHERWISE: &[Otherwise] = &[
    ("POST", "/auth/webauthn/login/begin", 0..=0, CHALLENGE),
    ("POST", "/auth/webauthn/register/begin", 0..=0, CHALLENGE),
    ("POST", "/oauth/introspect", 0..=0, READS),
    ("POST", "/userinfo", 0..=0, READS),
    ("POST", "/admin/tokens/introspect", 0..=0, READS),
    ("POST", "/admin/tokens/revoke", 0..=1, DEAD),
    ("POST", "/oauth/par", 0..=0, WAITS),
    ("POST", "/oauth/device_authorization", 0..=0, WAITS),
    ("POST", "/device", 0..=1, WAITS),
    ("POST", "/oauth/authorize", 0..=1, ELSEWHERE),
    ("POST", "/bind-factor", 0..=1, ELSEWHERE),
    (
        "PUT",
        "/admin/oauth/auth/requests/login/accept",
        0..=0,
        ELSEWHERE,
    ),
    (
        "PUT",
        "/admin/oauth/auth/requests/login/reject",
        0..=0,
        ELSEWHERE,
    ),
    (
        "PUT",
        "/admin/oauth/auth/requests/consent/accept",
        0..=0,
        ELSEWHERE,
    ),
    (
        "PUT",
        "/admin/oauth/auth/requests/consent/reject",
        0..=0,
        ELSEWHERE,
    ),
    ("POST", "/auth/token", 0..=1, SAME),
    ("POST", "/auth/token/refresh", 0..=1, SAME),
    ("POST", "/oauth/token", 0..=1, SAME),
    ("POST", "/auth/revoke", 0..=1, DEAD),
    ("POST", "/auth/token/revoke", 0..=1, DEAD),
    ("POST", "/oauth/revoke", 0..=1, DEAD),
    ("POST", "/oauth/logout", 0..=1, CANCEL),
    ("POST", "/sign-in", 0..=1, CANCEL),
    ("POST", "/console/sign-out", 0..=1, NOBODY),
    ("POST", "/account/restore", 0..=2, SIGNS_IN),
    ("POST", "/recover-factor", 0..=2, SIGNS_IN),
    ("POST", "/register", 1..=2, SIGNS_IN),
    ("POST", "/bind-app", 1..=2, SIGNS_IN),
    ("POST", "/bind-passkey", 1..=2, SIGNS_IN),
    ("POST", "/auth/me/restore", 1..=2, SIGNS_IN),
    ("POST", "/auth/mfa/confirm", 1..=2, SIGNS_IN),
    ("POST", "/auth/mfa/recovery/confirm", 1..=2, SIGNS_IN),
    ("POST", "/auth/webauthn/register/finish", 1..=2, SIGNS_IN),
    ("POST", "/auth/mfa/verify", 1..=2, CODE),
    ("POST", "/auth/mfa/disable", 1..=2, CODE),
    ("POST", "/second-factor", 1..=2, CODE),
    ("POST", "/auth/register", 0..=1, THERE),
    ("POST", "/admin/rbac/grants", 0..=1, THERE),
    ("POST", "/admin/users/{id}/identities", 0..=1, THERE),
    ("DELETE", "/admin/tenants/{id}", 0..=1, THERE),
    ("POST", "/admin/tenants/{id}/suspend", 0..=1, THERE),
    ("POST", "/admin/tenants/{id}/activate", 0..=1, THERE),
    ("POST", "/admin/tenants/{id}/restore", 0..=1, THERE),
    ("POST", "/admin/rbac/grants/revoke", 0..=1, THERE),
];
