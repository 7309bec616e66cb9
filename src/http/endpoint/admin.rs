//! `/admin`: the operators' API (CONTRACT §9).

use domain::factor::MfaPolicy;

use crate::http::fields::Fields;

pub(in crate::http) mod actors;
pub(in crate::http) mod api_keys;
pub(in crate::http) mod audit;
pub(in crate::http) mod clients;
pub(in crate::http) mod consents;
pub(in crate::http) mod dashboard;
pub(in crate::http) mod factors;
pub(in crate::http) mod keys;
pub(in crate::http) mod login_ui;
pub(in crate::http) mod password_policies;
pub(in crate::http) mod rbac;
pub(in crate::http) mod tenants;
pub(in crate::http) mod tokens;
pub(in crate::http) mod users;

/// Takes what people are asked for beside a password.
fn take_mfa(fields: &mut Fields, name: &'static str) -> Option<MfaPolicy> {
    let word = fields.optional_text(name)?;
    let policy = match word.as_str() {
        "off" => MfaPolicy::Off,
        "offer" => MfaPolicy::Offer,
        "require" => MfaPolicy::Require,
        _ => {
            fields.refuse(name, "must be off, offer or require");
            return None;
        }
    };
    Some(policy)
}
