//! How a client learns that a sign-in has ended (OpenID Connect Back-Channel Logout §2.2, Front-Channel
//! Logout §2).

use domain::client::{ClientMetadata, ClientType};
use url::Url;

use super::Terms;
use super::policy::set;
use crate::flow::account::Mistakes;
use crate::flow::admin::clients::redirect_uri::{check_fetched, check_redirect_uri};

/// What an operator says about how a client is told; `None` leaves a field alone, `Some(None)` takes it
/// away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogoutPatch {
    /// Where logout tokens are posted.
    pub backchannel_logout_uri: Option<Option<String>>,
    /// Whether they must name the sign-in.
    pub backchannel_logout_session_required: Option<bool>,
    /// What the browser opens as it signs out.
    pub frontchannel_logout_uri: Option<Option<String>>,
    /// Whether that must name the sign-in.
    pub frontchannel_logout_session_required: Option<bool>,
}

// === impl LogoutPatch ===

impl LogoutPatch {
    /// Lays what is said over what stands.
    pub(super) fn lay_over(self, metadata: &mut ClientMetadata) {
        set(
            &mut metadata.backchannel_logout_uri,
            self.backchannel_logout_uri,
        );
        set(
            &mut metadata.backchannel_logout_session_required,
            self.backchannel_logout_session_required,
        );
        set(
            &mut metadata.frontchannel_logout_uri,
            self.frontchannel_logout_uri,
        );
        set(
            &mut metadata.frontchannel_logout_session_required,
            self.frontchannel_logout_session_required,
        );
    }
}

/// Judges the addresses as they would stand.
pub(super) fn check(metadata: &ClientMetadata, terms: Terms, mistakes: &mut Mistakes) {
    let posted = metadata.backchannel_logout_uri.as_deref();
    let judged = posted.map_or(Ok(()), |uri| check_fetched(uri, terms.takes_clear_text));
    mistakes.check("backchannel_logout_uri", judged);
    let opened = metadata.frontchannel_logout_uri.as_deref();
    let judged = opened.map_or(Ok(()), |uri| check_opened(uri, metadata));
    mistakes.check("frontchannel_logout_uri", judged);
}

/// Front-Channel Logout §2: scheme, host and port are those of one of its redirect URIs.
fn check_opened(text: &str, metadata: &ClientMetadata) -> Result<(), &'static str> {
    check_redirect_uri(ClientType::Web, text)?;
    let origin = |text: &str| Url::parse(text).ok().map(|url| url.origin());
    let own = origin(text).filter(url::Origin::is_tuple);
    let is_its = |uri: &String| origin(uri) == own;
    if own.is_some() && metadata.redirect_uris.iter().any(is_its) {
        return Ok(());
    }
    Err("must have scheme, host and port of one of the redirect_uris")
}
