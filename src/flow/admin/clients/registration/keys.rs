//! What a client signs with: its public keys, and the algorithms it binds itself to (RFC 7591 §2,
//! OpenID Connect Registration §2, RFC 9101 §10.5).
//!
//! Keys are judged as they will be used: a set with a private key among them is refused, and so is
//! one that could verify nothing. What has no effect is not stored.

use domain::client::ClientMetadata;
use protocol::jose::foreign::ForeignKeys;
use protocol::jose::jwk::thumbprint;
use serde_json::Value;

use super::policy::set;
use super::{Terms, check_count, unique};
use crate::flow::account::Mistakes;
use crate::flow::admin::clients::redirect_uri::check_fetched;
use crate::flow::client_keys::algorithms_of;
use crate::flow::token::client_auth::{METHOD_PRIVATE_KEY_JWT, METHOD_SELF_SIGNED_TLS};

/// What an operator says about a client's keys; `None` leaves a field alone, `Some(None)` takes it
/// away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeysPatch {
    /// Its public keys.
    pub jwks: Option<Option<Value>>,
    /// Where its public keys are.
    pub jwks_uri: Option<Option<String>>,
    /// The algorithm of its assertions; absent: any that is offered.
    pub token_endpoint_auth_signing_alg: Option<Option<String>>,
    /// The algorithm of its request objects; absent: any that is offered.
    pub request_object_signing_alg: Option<Option<String>>,
    /// Whether its authorization requests must be signed.
    pub require_signed_request_object: Option<bool>,
    /// Where request objects may be fetched from.
    pub request_uris: Option<Vec<String>>,
}

// === impl KeysPatch ===

impl KeysPatch {
    /// Lays what is said over what stands.
    pub(super) fn lay_over(self, metadata: &mut ClientMetadata) {
        set(&mut metadata.jwks, self.jwks);
        set(&mut metadata.jwks_uri, self.jwks_uri);
        set(
            &mut metadata.token_endpoint_auth_signing_alg,
            self.token_endpoint_auth_signing_alg,
        );
        set(
            &mut metadata.request_object_signing_alg,
            self.request_object_signing_alg,
        );
        set(
            &mut metadata.require_signed_request_object,
            self.require_signed_request_object,
        );
        set(&mut metadata.request_uris, self.request_uris.map(unique));
    }
}

/// Judges the keys and algorithms as they would stand.
pub(super) fn check(metadata: &ClientMetadata, terms: Terms, mistakes: &mut Mistakes) {
    match (&metadata.jwks, &metadata.jwks_uri) {
        (None, None) => check_no_keys(metadata, mistakes),
        (Some(jwks), None) => {
            mistakes.check("jwks", ForeignKeys::parse(jwks));
        }
        (None, Some(uri)) => {
            mistakes.check("jwks_uri", check_fetched(uri, terms.takes_clear_text));
        }
        // RFC 7591 §2: "The jwks_uri and jwks parameters MUST NOT both be present".
        (Some(_), Some(_)) => mistakes.add("jwks_uri", "must not stand beside jwks"),
    }
    let signs_assertions = metadata.token_endpoint_auth_method == METHOD_PRIVATE_KEY_JWT;
    if metadata.token_endpoint_auth_signing_alg.is_some() && !signs_assertions {
        let message = format!("is for clients that authenticate by {METHOD_PRIVATE_KEY_JWT}");
        mistakes.add("token_endpoint_auth_signing_alg", message);
    }
    for (field, registered) in [
        (
            "token_endpoint_auth_signing_alg",
            &metadata.token_endpoint_auth_signing_alg,
        ),
        (
            "request_object_signing_alg",
            &metadata.request_object_signing_alg,
        ),
    ] {
        check_algorithm(metadata, (field, registered.as_deref()), mistakes);
    }
    check_request_uris(metadata, terms, mistakes);
}

/// OpenID Connect Core §6.2: what is fetched is signed, over TLS or not.
fn check_request_uris(metadata: &ClientMetadata, terms: Terms, mistakes: &mut Mistakes) {
    let uris = &metadata.request_uris;
    check_count("request_uris", uris, mistakes);
    let judged = uris
        .iter()
        .map(|uri| check_fetched(uri, terms.takes_clear_text));
    mistakes.check("request_uris", judged.collect::<Result<Vec<()>, _>>());
    if uris.is_empty() {
        return;
    }
    if metadata.jwks.is_none() && metadata.jwks_uri.is_none() {
        mistakes.add("jwks", "is required with request_uris");
    }
    // FAPI 2.0 §5.3.2.2: requests are pushed, and only that.
    if metadata.fapi_2_0 {
        mistakes.add("request_uris", "must be empty with fapi_2_0");
    }
}

/// Gives the names of a client's keys (RFC 7638).
pub(super) fn thumbprints(metadata: &ClientMetadata) -> Vec<String> {
    let keys = metadata.jwks.as_ref().and_then(|jwks| jwks.get("keys"));
    let keys = keys.and_then(Value::as_array).into_iter().flatten();
    keys.filter_map(thumbprint).collect()
}

fn check_no_keys(metadata: &ClientMetadata, mistakes: &mut Mistakes) {
    let method = metadata.token_endpoint_auth_method.as_str();
    if [METHOD_PRIVATE_KEY_JWT, METHOD_SELF_SIGNED_TLS].contains(&method) {
        mistakes.add("jwks", format!("is required for {method}"));
    }
    if metadata.require_signed_request_object {
        mistakes.add("jwks", "is required with require_signed_request_object");
    }
    if metadata.request_object_signing_alg.is_some() {
        mistakes.add("jwks", "is required with request_object_signing_alg");
    }
}

fn check_algorithm(
    metadata: &ClientMetadata,
    (field, registered): (&'static str, Option<&str>),
    mistakes: &mut Mistakes,
) {
    if registered.is_some() && algorithms_of(metadata, registered).is_empty() {
        let offered = algorithms_of(metadata, None);
        let offered: Vec<_> = offered.iter().map(|one| one.as_str()).collect();
        mistakes.add(field, format!("must be of {}", offered.join(", ")));
    }
}
