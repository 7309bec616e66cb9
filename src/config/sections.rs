//! Every variable, in the order and under the headings of the documentation.

use crate::config::variable::Declared;
use crate::config::{
    cors, doors, email, federation, key_service, limits, mfa, oidc, passwords, service, store,
    tenants, tokens,
};

/// Variables that belong together.
pub(super) struct Section {
    /// The heading.
    pub(super) title: &'static str,
    /// The variables.
    pub(super) table: &'static [&'static dyn Declared],
}

/// Gives every section.
pub(super) fn sections() -> [Section; 13] {
    let section = |title, table| Section { title, table };
    [
        section("The service", service::TABLE),
        section("Doors, TLS, requests", doors::TABLE),
        section("Store", store::TABLE),
        section("Secrets, passwords, hashing", passwords::TABLE),
        section("Key service", key_service::TABLE),
        section("Tokens, sessions, keys", tokens::TABLE),
        section("Limits", limits::TABLE),
        section("OpenID Connect", oidc::TABLE),
        section("Tenants and egress", tenants::TABLE),
        section("CORS", cors::TABLE),
        section("Mail", email::TABLE),
        section("Second factors", mfa::TABLE),
        section("Sign-in elsewhere", federation::TABLE),
    ]
}

/// Visits every variable.
pub(super) fn all() -> impl Iterator<Item = &'static dyn Declared> {
    sections()
        .into_iter()
        .flat_map(|section| section.table.iter().copied())
}
