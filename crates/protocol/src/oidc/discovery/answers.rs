//! What our answers say, how they are signed, and what clients are told unasked.

use domain::key::Algorithm;
use serde::Serialize;

use super::Facts;
use crate::oidc::claims::BY_SCOPE;
use crate::oidc::subject::{PAIRWISE, PUBLIC};

/// The claims that say nothing about the person but who they are and how they signed in.
const OF_SIGN_INS: [&str; 12] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "azp",
    "at_hash",
    "sid",
];

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    clippy::struct_field_names,
    reason = "they are members of a standard's document"
)]
pub(super) struct Answers<'a> {
    subject_types_supported: &'static [&'static str],
    id_token_signing_alg_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    userinfo_signing_alg_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    introspection_signing_alg_values_supported: Vec<&'static str>,
    authorization_signing_alg_values_supported: Vec<&'static str>,
    claim_types_supported: [&'static str; 1],
    claims_supported: Vec<&'static str>,
    backchannel_logout_supported: bool,
    backchannel_logout_session_supported: bool,
    frontchannel_logout_supported: bool,
    frontchannel_logout_session_supported: bool,
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    backchannel_token_delivery_modes_supported: &'a [&'a str],
}

fn only_if(is_offered: bool, algorithms: &[&'static str]) -> Vec<&'static str> {
    let offered = algorithms.iter().copied().filter(|_| is_offered);
    offered.collect()
}

// === impl Answers ===

impl<'a> Answers<'a> {
    pub(super) fn new(facts: &Facts<'a>) -> Self {
        let ours = facts.algorithms.iter().copied().map(Algorithm::as_str);
        let ours: Vec<_> = ours.collect();
        // Nothing is registered for the answers of JARM: they are in the default alone.
        let of_authorization = ours.iter().take(1).copied().collect();
        let of_people = BY_SCOPE.into_iter().flat_map(|(_, names)| names).copied();
        Self {
            subject_types_supported: if facts.supports_pairwise {
                &[PUBLIC, PAIRWISE]
            } else {
                &[PUBLIC]
            },
            id_token_signing_alg_values_supported: ours.clone(),
            userinfo_signing_alg_values_supported: only_if(facts.signs_userinfo, &ours),
            introspection_signing_alg_values_supported: only_if(facts.signs_introspection, &ours),
            authorization_signing_alg_values_supported: of_authorization,
            claim_types_supported: ["normal"],
            claims_supported: OF_SIGN_INS.into_iter().chain(of_people).collect(),
            backchannel_logout_supported: facts.supports_backchannel_logout,
            backchannel_logout_session_supported: facts.supports_backchannel_logout,
            frontchannel_logout_supported: facts.supports_frontchannel_logout,
            frontchannel_logout_session_supported: facts.supports_frontchannel_logout,
            backchannel_token_delivery_modes_supported: facts.ciba_delivery_modes,
        }
    }
}
