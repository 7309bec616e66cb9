//! The members `assertion_issuers` and `assertion_audiences` of a tenant's switches.

use std::collections::BTreeMap;

use domain::tenant::{AssertedSubject, AssertionAudience, AssertionIssuer, AssertionProfile};
use serde_json::Value;

use crate::http::fields::Fields;

/// Reads whose word is taken.
pub(super) fn take_issuer(fields: &mut Fields) -> AssertionIssuer {
    AssertionIssuer {
        issuer: fields.text("issuer"),
        profile: match fields.optional_text("profile").as_deref() {
            None | Some("id_jag") => AssertionProfile::IdJag,
            Some("assertion") => AssertionProfile::Assertion,
            Some(_) => {
                fields.refuse("profile", "must be id_jag or assertion");
                AssertionProfile::IdJag
            }
        },
        subject: match fields.optional_text("subject").as_deref() {
            None | Some("account") => AssertedSubject::Account,
            Some("verified_email") => AssertedSubject::VerifiedEmail,
            Some("linked") => AssertedSubject::Linked,
            Some(_) => {
                fields.refuse("subject", "must be account, verified_email or linked");
                AssertedSubject::Account
            }
        },
        clients: fields.optional_texts("clients").unwrap_or_default(),
        jwks: fields.optional_object("jwks"),
        jwks_uri: fields.optional_text("jwks_uri"),
    }
}

/// Reads to whom people are asserted.
pub(super) fn take_audience(fields: &mut Fields) -> AssertionAudience {
    AssertionAudience {
        issuer: fields.text("issuer"),
        clients: take_names(fields),
        scopes: fields.optional_texts("scopes").unwrap_or_default(),
        resources: fields.optional_texts("resources").unwrap_or_default(),
        tells_email: fields.optional_flag("tells_email").unwrap_or_default(),
    }
}

/// Reads what each client is called there.
fn take_names(fields: &mut Fields) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    let Some(Value::Object(entries)) = fields.optional_object("clients") else {
        return names;
    };
    for (client, name) in entries {
        match name {
            Value::String(name) => drop(names.insert(client, name)),
            _ => fields.refuse("clients", "must name each client by a text"),
        }
    }
    names
}
