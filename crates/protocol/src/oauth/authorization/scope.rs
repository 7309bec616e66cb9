//! What a request asks to be allowed.

use domain::authorization::AuthorizationRequest;
use domain::scope::ScopeSet;

use super::{Asked, AuthorizationError, AuthorizationErrorCode, Verdict};

/// Asks who the person is (OpenID Connect Core §3.1.2.1).
pub(super) const OPENID: &str = "openid";

/// Asks for access while the person is away (OpenID Connect Core §11).
pub const OFFLINE_ACCESS: &str = "offline_access";

/// Takes the scope if all of it is registered. A request without one gets what is registered but for
/// `openid` and `offline_access`: who asks who somebody is, or to stay, must say so.
pub(super) fn read_scope(asked: &Asked<'_>, request: &mut AuthorizationRequest) -> Verdict {
    let registered = &asked.client.metadata.scopes;
    let Some(text) = asked.get("scope") else {
        let must_be_said = |token: &str| token == OPENID || token == OFFLINE_ACCESS;
        let usual = registered.iter().filter(|token| !must_be_said(token));
        request.scope = ScopeSet::from_stored(usual.cloned().collect());
        return Ok(());
    };
    let wanted = ScopeSet::parse(text).map_err(|invalid| invalid_scope(invalid.to_string()))?;
    let allowed = ScopeSet::from_stored(registered.clone());
    if !without(&wanted, OFFLINE_ACCESS).is_within(&allowed) {
        return Err(invalid_scope(
            "The scope has what this client is not registered for.",
        ));
    }
    request.scope = wanted;
    Ok(())
}

/// Leaves out what means nothing to a client without refresh tokens, silently as the section says.
#[expect(clippy::unnecessary_wraps, reason = "every row has the same type")]
pub(super) fn drop_offline_access(
    asked: &Asked<'_>,
    request: &mut AuthorizationRequest,
) -> Verdict {
    let grants = &asked.client.metadata.grant_types;
    if !grants.iter().any(|grant| grant == "refresh_token") {
        request.scope = without(&request.scope, OFFLINE_ACCESS);
    }
    Ok(())
}

fn without(scope: &ScopeSet, token: &str) -> ScopeSet {
    let others = scope.iter().filter(|known| *known != token);
    ScopeSet::from_stored(others.map(str::to_owned).collect())
}

fn invalid_scope(hint: impl Into<String>) -> AuthorizationError {
    AuthorizationError::new(AuthorizationErrorCode::InvalidScope, hint)
}

#[cfg(test)]
mod tests {
    use super::super::AuthorizationErrorCode as Code;
    use super::super::sample::{changed, judge, judge_for};

    #[test]
    fn rfc_6749_3_3_an_unregistered_scope_is_invalid() {
        for scope in ["openid admin", "Email", "email  openid", "a\"b"] {
            assert_eq!(
                judge(&[("scope", scope)]),
                Err(Code::InvalidScope),
                "{scope}"
            );
        }
    }

    #[test]
    fn rfc_6749_3_3_without_a_scope_the_usual_is_meant() {
        let request = judge(&[("scope", "")]).expect("a good request");
        assert_eq!(request.scope.to_string(), "email");
    }

    #[test]
    fn openid_connect_core_11_offline_access_is_dropped_for_who_cannot_refresh() {
        let asked = [("scope", "openid offline_access")];
        let request = judge(&asked).expect("a good request");
        assert!(request.scope.contains("offline_access"));
        let other =
            changed(|client| client.metadata.grant_types = vec!["authorization_code".to_owned()]);
        let request = judge_for(&other, &asked).expect("a good request");
        assert_eq!(request.scope.to_string(), "openid");
        let unlisted = changed(|client| client.metadata.scopes = vec!["openid".to_owned()]);
        assert!(judge_for(&unlisted, &asked).is_ok());
    }
}
