//! What a client must do and may do, beyond the standards' least.
//!
//! The FAPI 2.0 Security Profile is one switch that demands others: a client is registered under it
//! only if it can keep it, so that it is never half in force.

use domain::client::ClientMetadata;
use domain::factor::MfaPolicy;

use super::certificates::is_by_certificate;
use super::is_public;
use crate::flow::account::Mistakes;
use crate::flow::token::client_auth::METHOD_PRIVATE_KEY_JWT;

/// What an operator says about a client's rules; `None` leaves a field alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PolicyPatch {
    /// Whether it is ours: people are not asked for their consent.
    pub is_first_party: Option<bool>,
    /// Whether it must use PKCE; `Some(None)` follows the standard, which is that it must.
    pub require_pkce: Option<Option<bool>>,
    /// Whether it must push its authorization requests (RFC 9126 §6).
    pub require_pushed_authorization_requests: Option<bool>,
    /// Whether its tokens must be bound to a key (RFC 9449 §5.2).
    pub dpop_bound_access_tokens: Option<bool>,
    /// What people are asked for beside a password; `Some(None)`: what the tenant asks.
    pub mfa: Option<Option<MfaPolicy>>,
    /// Whether the FAPI 2.0 Security Profile holds.
    pub fapi_2_0: Option<bool>,
    /// Whether it may ask what a token is worth (RFC 7662 §2.1).
    pub may_introspect: Option<bool>,
    /// How old a sign-in may be, in seconds; `Some(None)`: as old as it likes.
    pub default_max_age: Option<Option<u64>>,
}

// === impl PolicyPatch ===

impl PolicyPatch {
    /// Lays what is said over what stands.
    pub(super) fn lay_over(self, metadata: &mut ClientMetadata) {
        set(&mut metadata.is_first_party, self.is_first_party);
        set(&mut metadata.require_pkce, self.require_pkce);
        set(
            &mut metadata.require_pushed_authorization_requests,
            self.require_pushed_authorization_requests,
        );
        set(
            &mut metadata.dpop_bound_access_tokens,
            self.dpop_bound_access_tokens,
        );
        set(&mut metadata.mfa, self.mfa);
        set(&mut metadata.fapi_2_0, self.fapi_2_0);
        set(&mut metadata.may_introspect, self.may_introspect);
        set(&mut metadata.default_max_age, self.default_max_age);
    }
}

/// Puts a new value in place, if there is one.
pub(super) fn set<T>(place: &mut T, said: Option<T>) {
    if let Some(value) = said {
        *place = value;
    }
}

/// Judges the rules as they would stand.
pub(super) fn check(metadata: &ClientMetadata, mistakes: &mut Mistakes) {
    // OAuth 2.1 §7.5.1: public clients must use PKCE, without exception.
    if metadata.require_pkce == Some(false) && is_public(metadata) {
        let message = "may be false only for a client that authenticates";
        mistakes.add("require_pkce", message);
    }
    // Nobody vouches for it, so nobody is to be spared the question.
    if metadata.is_first_party && metadata.is_self_registered {
        mistakes.add(
            "is_first_party",
            "is not for clients that registered themselves",
        );
    }
    // RFC 7662 §2.1: whoever asks must authenticate.
    if metadata.may_introspect && is_public(metadata) {
        let message = "may be true only for a client that authenticates";
        mistakes.add("may_introspect", message);
    }
    if metadata.fapi_2_0 {
        check_fapi(metadata, mistakes);
    }
}

/// FAPI 2.0 §5.3.2.1: only confidential clients, `private_key_jwt` or mutual TLS, sender-constrained
/// tokens, PKCE.
fn check_fapi(metadata: &ClientMetadata, mistakes: &mut Mistakes) {
    let signs = metadata.token_endpoint_auth_method == METHOD_PRIVATE_KEY_JWT;
    if !signs && !is_by_certificate(metadata) {
        let message = format!("must be {METHOD_PRIVATE_KEY_JWT} or by mutual TLS with fapi_2_0");
        mistakes.add("token_endpoint_auth_method", message);
    }
    let is_bound =
        metadata.dpop_bound_access_tokens || metadata.tls_client_certificate_bound_access_tokens;
    if !is_bound {
        let message = "or tls_client_certificate_bound_access_tokens must be true with fapi_2_0";
        mistakes.add("dpop_bound_access_tokens", message);
    }
    if metadata.require_pkce == Some(false) {
        mistakes.add("require_pkce", "must not be false with fapi_2_0");
    }
}
