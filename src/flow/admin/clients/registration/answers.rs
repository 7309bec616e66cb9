//! How a client is answered: what its ID tokens, userinfo and introspection answers are signed with
//! (OpenID Connect Registration §2, RFC 9701 §6).

use domain::client::ClientMetadata;
use domain::key::Algorithm;

use super::policy::set;
use crate::flow::account::Mistakes;

/// What an operator says about a client's answers; `None` leaves a field alone, `Some(None)` takes
/// it away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnswersPatch {
    /// The algorithm of its ID tokens; absent: the service's own.
    pub id_token_signed_response_alg: Option<Option<String>>,
    /// The algorithm of its userinfo answers; absent: they are plain JSON.
    pub userinfo_signed_response_alg: Option<Option<String>>,
    /// The algorithm of its introspection answers, where it asks for signed ones; absent: RS256.
    pub introspection_signed_response_alg: Option<Option<String>>,
}

// === impl AnswersPatch ===

impl AnswersPatch {
    /// Passes over the algorithms that nothing is signed with here.
    pub(in crate::flow) fn offered(self) -> Self {
        let known = |said: Option<Option<String>>| {
            said.map(|word| word.filter(|word| Algorithm::from_stored(word).is_some()))
        };
        Self {
            id_token_signed_response_alg: known(self.id_token_signed_response_alg),
            userinfo_signed_response_alg: known(self.userinfo_signed_response_alg),
            introspection_signed_response_alg: known(self.introspection_signed_response_alg),
        }
    }

    /// Lays what is said over what stands.
    pub(super) fn lay_over(self, metadata: &mut ClientMetadata) {
        set(
            &mut metadata.id_token_signed_response_alg,
            self.id_token_signed_response_alg,
        );
        set(
            &mut metadata.userinfo_signed_response_alg,
            self.userinfo_signed_response_alg,
        );
        set(
            &mut metadata.introspection_signed_response_alg,
            self.introspection_signed_response_alg,
        );
    }
}

/// Judges the algorithms as they would stand. FAPI 2.0 §5.4.1 leaves RS256 out.
pub(super) fn check(metadata: &ClientMetadata, mistakes: &mut Mistakes) {
    let is_offered = |algorithm: &Algorithm| !metadata.fapi_2_0 || *algorithm != Algorithm::Rs256;
    let offered = Algorithm::ALL.into_iter().filter(is_offered);
    let offered: Vec<&str> = offered.map(Algorithm::as_str).collect();
    for (field, said) in [
        (
            "id_token_signed_response_alg",
            &metadata.id_token_signed_response_alg,
        ),
        (
            "userinfo_signed_response_alg",
            &metadata.userinfo_signed_response_alg,
        ),
        (
            "introspection_signed_response_alg",
            &metadata.introspection_signed_response_alg,
        ),
    ] {
        let said = said.as_deref();
        if said.is_some_and(|word| !offered.contains(&word)) {
            mistakes.add(field, format!("must be of {}", offered.join(", ")));
        }
    }
}
