//! What a client signs with: its registered keys, and the algorithms it is held to.
//!
//! Assertions (RFC 7523 §2.2) and request objects (RFC 9101) are judged with both. A client that
//! registered an algorithm may use no other (OpenID Connect Registration §2), and under the FAPI 2.0
//! Security Profile only those of its §5.4.1 are left.

use domain::client::ClientMetadata;
use protocol::jose::foreign::{ForeignAlgorithm, ForeignKeys};

/// What clients may sign with, the preferred ones first.
pub const ALGORITHMS: [ForeignAlgorithm; 4] = [
    ForeignAlgorithm::Es256,
    ForeignAlgorithm::EdDsa,
    ForeignAlgorithm::Ps256,
    ForeignAlgorithm::Rs256,
];

/// Gives the keys that a client registered, if there are usable ones.
pub(super) fn keys_of(metadata: &ClientMetadata) -> Option<ForeignKeys> {
    ForeignKeys::parse(metadata.jwks.as_ref()?).ok()
}

/// Gives the algorithms that a client may sign with, of which it may have `registered` one.
pub(super) fn algorithms_of(
    metadata: &ClientMetadata,
    registered: Option<&str>,
) -> Vec<ForeignAlgorithm> {
    let is_allowed = |one: &ForeignAlgorithm| {
        let is_fapi = ForeignAlgorithm::FAPI.contains(one);
        registered.is_none_or(|name| name == one.as_str()) && (is_fapi || !metadata.fapi_2_0)
    };
    ALGORITHMS.into_iter().filter(is_allowed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(fapi_2_0: bool) -> ClientMetadata {
        ClientMetadata {
            fapi_2_0,
            ..ClientMetadata::default()
        }
    }

    #[test]
    fn fapi_2_5_4_1_leaves_three_algorithms() {
        use ForeignAlgorithm::{EdDsa, Es256, Ps256};
        assert_eq!(algorithms_of(&metadata(false), None), ALGORITHMS);
        assert_eq!(algorithms_of(&metadata(true), None), [Es256, EdDsa, Ps256]);
        assert!(algorithms_of(&metadata(true), Some("RS256")).is_empty());
    }

    #[test]
    fn a_registered_algorithm_is_the_only_one() {
        let only = algorithms_of(&metadata(false), Some("RS256"));
        assert_eq!(only, [ForeignAlgorithm::Rs256]);
        for unknown in ["none", "HS256", "ES384", "es256", ""] {
            assert!(algorithms_of(&metadata(false), Some(unknown)).is_empty());
        }
    }
}
