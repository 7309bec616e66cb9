//! The token response (RFC 6749 §5.1), which several endpoints give.

use domain::secret::SecretText;
use http::header::PRAGMA;
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::Value;

use crate::flow::token::TokenReply;
use crate::http::render::{self, Reply};

#[derive(Serialize)]
struct Body<'a> {
    access_token: &'a str,
    token_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_token_type: Option<&'static str>,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_details: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
}

/// Renders tokens. RFC 6749 §5.1: never cached, also by caches of HTTP/1.0.
pub(super) fn render(reply: &TokenReply) -> Reply {
    let mut reply = render::json(StatusCode::OK, &body_of(reply));
    let headers = reply.headers_mut();
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    reply
}

/// Gives tokens as members of a larger answer.
pub(super) fn view(reply: &TokenReply) -> Value {
    serde_json::to_value(body_of(reply)).unwrap_or_default()
}

fn body_of(reply: &TokenReply) -> Body<'_> {
    Body {
        access_token: &reply.access,
        token_type: reply.kind,
        issued_token_type: reply.issued,
        expires_in: reply.expires_in.as_secs(),
        refresh_token: reply.refresh.as_ref().map(SecretText::expose),
        scope: reply.scope.to_string(),
        authorization_details: reply.details.as_ref(),
        id_token: reply.id_token.as_deref(),
        user_id: reply.user.map(|user| user.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::scope::ScopeSet;
    use http_body_util::BodyExt;
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn rfc_6749_5_1_what_was_not_given_is_left_out() {
        let mut reply = TokenReply {
            issued: None,
            access: "qf_at_x".to_owned(),
            kind: "Bearer",
            id_token: None,
            refresh: None,
            expires_in: Duration::from_mins(15),
            scope: ScopeSet::parse("a b").expect("a scope"),
            details: None,
            user: None,
        };
        let mut expected = json!({
            "access_token": "qf_at_x", "token_type": "Bearer", "expires_in": 900, "scope": "a b",
        });
        assert_eq!(body(render(&reply)).await, expected);
        reply.refresh = Some(SecretText::new("qf_rt_x".to_owned()));
        expected["refresh_token"] = json!("qf_rt_x");
        assert_eq!(body(render(&reply)).await, expected);
    }

    async fn body(reply: Reply) -> Value {
        let bytes = reply
            .into_body()
            .collect()
            .await
            .expect("a body")
            .to_bytes();
        serde_json::from_slice(&bytes).expect("JSON")
    }
}
