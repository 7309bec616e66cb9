//! By which name a client knows people (OpenID Connect Core §8, Registration §2).
//!
//! Whether the document behind `sector_identifier_uri` names the client is asked beside (`sector`), since
//! it has to be fetched.

use domain::client::ClientMetadata;
use protocol::oidc::subject::{PAIRWISE, PUBLIC, is_pairwise, sector_of};

use super::Terms;
use super::policy::set;
use crate::flow::account::Mistakes;
use crate::flow::admin::clients::redirect_uri::check_fetched;
use crate::flow::token::{device_code, jwt_bearer};

/// The grants by which a client is told of a person at no redirect URI of its own.
const ELSEWHERE: [&str; 3] = [
    device_code::GRANT,
    jwt_bearer::GRANT,
    "urn:openid:params:grant-type:ciba",
];

/// What an operator says about a client's subjects; `None` leaves a field alone, `Some(None)` takes it
/// away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubjectsPatch {
    /// `public`, or `pairwise` for subjects that no other sector sees.
    pub subject_type: Option<Option<String>>,
    /// The document that groups it with others; its host is their sector.
    pub sector_identifier_uri: Option<Option<String>>,
}

// === impl SubjectsPatch ===

impl SubjectsPatch {
    /// Lays what is said over what stands.
    pub(super) fn lay_over(self, metadata: &mut ClientMetadata) {
        set(&mut metadata.subject_type, self.subject_type);
        set(
            &mut metadata.sector_identifier_uri,
            self.sector_identifier_uri,
        );
    }
}

/// Judges the subjects as they would be made.
pub(super) fn check(metadata: &ClientMetadata, terms: Terms, mistakes: &mut Mistakes) {
    let kind = metadata.subject_type.as_deref();
    if kind.is_some_and(|kind| ![PUBLIC, PAIRWISE].contains(&kind)) {
        mistakes.add("subject_type", "must be public or pairwise");
    }
    let uri = metadata.sector_identifier_uri.as_deref();
    let judged = uri.map_or(Ok(()), |uri| check_fetched(uri, terms.takes_clear_text));
    mistakes.check("sector_identifier_uri", judged);
    if !is_pairwise(metadata) {
        return;
    }
    if sector_of(metadata).is_err() {
        let message = "pairwise needs redirect URIs on one host, or a sector_identifier_uri";
        mistakes.add("subject_type", message);
    }
    // What answers these goes to no redirect URI, so whoever names another's would be told what that
    // one's sector is told.
    let is_elsewhere = |grant: &String| ELSEWHERE.contains(&grant.as_str());
    if metadata.grant_types.iter().any(is_elsewhere) {
        let message = "pairwise is for clients that are answered at their redirect URIs alone";
        mistakes.add("subject_type", message);
    }
}
