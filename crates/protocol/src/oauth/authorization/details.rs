//! What is asked for in more words than a scope has: single claims, resources, rich details.

use domain::authorization::AuthorizationRequest;
use domain::scope::ScopeSet;
use serde_json::{Map, Value};

use super::{Asked, AuthorizationError, AuthorizationErrorCode, Verdict, invalid_request};
use crate::oauth::resource::{self, InvalidTarget};
use crate::oidc::claims;

/// The longest `claims`, in bytes.
const MAX_CLAIMS: usize = 8 * 1024;

/// The longest `authorization_details`, in bytes.
const MAX_DETAILS: usize = 16 * 1024;

/// The members of `claims` that we understand; others are ignored, as the section says.
const CLAIM_TARGETS: [&str; 2] = ["userinfo", "id_token"];

/// The common members of a detail that are lists of texts (RFC 9396 §2.2).
const LISTS: [&str; 4] = ["locations", "actions", "datatypes", "privileges"];

/// Takes the single claims that are wanted, but for those of scopes that the client is not registered for: such
/// a claim is left out of the answer, which is no error (OpenID Connect Core §5.5.1).
pub(super) fn read_claims(asked: &Asked<'_>, request: &mut AuthorizationRequest) -> Verdict {
    let Some(text) = asked.bounded("claims", MAX_CLAIMS)? else {
        return Ok(());
    };
    let odd = || invalid_request("claims must be an object of objects, as OpenID Connect says.");
    let mut members: Map<String, Value> = serde_json::from_str(text).map_err(|_| odd())?;
    members.retain(|name, _| CLAIM_TARGETS.contains(&name.as_str()));
    members.retain(|_, wanted| !wanted.is_null());
    if !members.values().all(are_claims) {
        return Err(odd());
    }
    let registered = ScopeSet::from_stored(asked.client.metadata.scopes.clone());
    request.claims = claims::within(Value::Object(members), &registered);
    Ok(())
}

/// Says whether each claim is asked for by `null` or by an object (OpenID Connect Core §5.5.1).
fn are_claims(wanted: &Value) -> bool {
    let fits = |how: &Value| how.is_null() || how.as_object().is_some_and(is_claim_request);
    wanted
        .as_object()
        .is_some_and(|claims| claims.values().all(fits))
}

fn is_claim_request(how: &Map<String, Value>) -> bool {
    how.get("essential").is_none_or(Value::is_boolean)
        && how.get("values").is_none_or(Value::is_array)
}

pub(super) fn read_resources(asked: &Asked<'_>, request: &mut AuthorizationRequest) -> Verdict {
    let registered = &asked.client.metadata.audiences;
    let wanted = asked.parameters.all("resource");
    request.resources =
        resource::choose(registered, wanted).map_err(|invalid: InvalidTarget| {
            AuthorizationError::new(AuthorizationErrorCode::InvalidTarget, invalid.to_string())
        })?;
    Ok(())
}

/// Takes rich details of the types that the client is registered for, and refuses others (RFC 9396 §5). What is
/// in each is for those who know the types, and for the person, who is shown it.
pub(super) fn read_authorization_details(
    asked: &Asked<'_>,
    request: &mut AuthorizationRequest,
) -> Verdict {
    let Some(text) = asked.get("authorization_details") else {
        return Ok(());
    };
    let odd = || {
        AuthorizationError::new(
            AuthorizationErrorCode::InvalidAuthorizationDetails,
            "authorization_details must be a list of objects, each with a type.",
        )
    };
    if text.len() > MAX_DETAILS {
        return Err(odd());
    }
    let details: Vec<Value> = serde_json::from_str(text).map_err(|_| odd())?;
    if details.is_empty() || !details.iter().all(is_detail) {
        return Err(odd());
    }
    let registered = &asked.client.metadata.authorization_details_types;
    let is_known = |kind: &str| registered.iter().any(|known| known == kind);
    if !details.iter().filter_map(type_of).all(is_known) {
        return Err(AuthorizationError::new(
            AuthorizationErrorCode::InvalidAuthorizationDetails,
            "authorization_details has a type that this client is not registered for.",
        ));
    }
    request.authorization_details = Some(Value::Array(details));
    Ok(())
}

fn type_of(detail: &Value) -> Option<&str> {
    detail.get("type").and_then(Value::as_str)
}

fn is_detail(detail: &Value) -> bool {
    let is_text_in = |name: &str| detail.get(name).is_some_and(Value::is_string);
    let is_list = |value: &Value| {
        let texts = value.as_array();
        texts.is_some_and(|texts| texts.iter().all(Value::is_string))
    };
    detail.is_object()
        && type_of(detail).is_some_and(|kind| !kind.is_empty())
        && (detail.get("identifier").is_none() || is_text_in("identifier"))
        && LISTS
            .iter()
            .all(|name| detail.get(name).is_none_or(is_list))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::AuthorizationErrorCode as Code;
    use super::super::sample::{changed, judge, judge_for};

    #[test]
    fn openid_connect_core_5_5_claims_are_objects_of_objects() {
        let claims = |text: &str| judge(&[("claims", text)]).map(|request| request.claims);
        let good = r#"{"userinfo":{"email":null},"id_token":{"acr":{"essential":true,"values":["a"]}},"x":1}"#;
        let kept = json!({
            "userinfo": {"email": null},
            "id_token": {"acr": {"essential": true, "values": ["a"]}},
        });
        assert_eq!(claims(good), Ok(Some(kept)));
        assert_eq!(claims("{}"), Ok(None));
        let nested = format!("{}{}", "[".repeat(4000), "]".repeat(4000));
        let long = format!("{{\"id_token\":{{\"{}\":null}}}}", "x".repeat(8192));
        for odd in [
            "x",
            "[]",
            "null",
            r#"{"userinfo":[]}"#,
            r#"{"id_token":{"acr":"a"}}"#,
            r#"{"id_token":{"acr":{"essential":"yes"}}}"#,
            r#"{"id_token":{"acr":{"values":"a"}}}"#,
            &nested,
            &long,
        ] {
            assert_eq!(claims(odd), Err(Code::InvalidRequest), "{odd}");
        }
    }

    #[test]
    fn rfc_8707_2_1_an_unregistered_resource_is_an_invalid_target() {
        let request = judge(&[("resource", "https://API.example.org/")]).expect("a good request");
        assert_eq!(request.resources, ["https://api.example.org"]);
        let both = [
            ("resource", "https://api.example.org"),
            ("resource", "https://evil.example"),
        ];
        assert_eq!(judge(&both), Err(Code::InvalidTarget));
        let none = changed(|client| client.metadata.audiences.clear());
        assert_eq!(judge_for(&none, &both[..1]), Err(Code::InvalidTarget));
        assert!(judge_for(&none, &[]).is_ok());
    }

    #[test]
    fn rfc_9396_5_odd_authorization_details_are_refused() {
        let details = |text: &str| {
            let judged = judge(&[("authorization_details", text)]);
            judged.map(|request| request.authorization_details)
        };
        let good =
            r#"[{"type":"payment","actions":["pay"],"identifier":"a","amount":{"value":1}}]"#;
        assert_eq!(details(good), Ok(serde_json::from_str(good).ok()));
        for odd in [
            "x",
            "{}",
            "[]",
            "[1]",
            "[[]]",
            r#"[{"actions":[]}]"#,
            r#"[{"type":1}]"#,
            r#"[{"type":""}]"#,
            r#"[{"type":"a"},{}]"#,
            r#"[{"type":"a","actions":"pay"}]"#,
            r#"[{"type":"a","locations":[1]}]"#,
            r#"[{"type":"a","identifier":[]}]"#,
            r#"[{"type":"Payment"}]"#,
            r#"[{"type":"payment"},{"type":"b"}]"#,
        ] {
            assert_eq!(
                details(odd),
                Err(Code::InvalidAuthorizationDetails),
                "{odd}"
            );
        }
    }
}
