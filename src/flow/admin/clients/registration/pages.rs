//! What people are shown of a client, and where they may be sent after signing out (RFC 7591 §2,
//! OpenID Connect RP-Initiated Logout §3.1).

use domain::client::{ClientMetadata, ClientType};

use super::policy::set;
use super::{check_count, unique};
use crate::flow::account::Mistakes;
use crate::flow::admin::clients::redirect_uri::{check_page, check_redirect_uri};

/// What an operator says about a client's pages; `None` leaves a field alone, `Some(None)` takes it
/// away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PagesPatch {
    /// Where a person may be sent after signing out.
    pub post_logout_redirect_uris: Option<Vec<String>>,
    /// The page that people know it by.
    pub client_uri: Option<Option<String>>,
    /// Its picture.
    pub logo_uri: Option<Option<String>>,
    /// Its privacy policy.
    pub policy_uri: Option<Option<String>>,
    /// Its terms.
    pub tos_uri: Option<Option<String>>,
}

// === impl PagesPatch ===

impl PagesPatch {
    /// Lays what is said over what stands.
    pub(super) fn lay_over(self, metadata: &mut ClientMetadata) {
        let places = self.post_logout_redirect_uris.map(unique);
        set(&mut metadata.post_logout_redirect_uris, places);
        set(&mut metadata.client_uri, self.client_uri);
        set(&mut metadata.logo_uri, self.logo_uri);
        set(&mut metadata.policy_uri, self.policy_uri);
        set(&mut metadata.tos_uri, self.tos_uri);
    }
}

/// Judges the addresses as they would stand.
pub(super) fn check(metadata: &ClientMetadata, client_type: ClientType, mistakes: &mut Mistakes) {
    let places = &metadata.post_logout_redirect_uris;
    check_count("post_logout_redirect_uris", places, mistakes);
    let judged = places
        .iter()
        .map(|uri| check_redirect_uri(client_type, uri));
    mistakes.check(
        "post_logout_redirect_uris",
        judged.collect::<Result<Vec<()>, _>>(),
    );
    for (field, page) in [
        ("client_uri", &metadata.client_uri),
        ("logo_uri", &metadata.logo_uri),
        ("policy_uri", &metadata.policy_uri),
        ("tos_uri", &metadata.tos_uri),
    ] {
        let judged = page.as_deref().map_or(Ok(()), check_page);
        mistakes.check(field, judged);
    }
}
