//! Authorization requests that a client signed (JAR, RFC 9101; FAPI 2.0 Message Signing §5.3).
//!
//! [`check`] judges a request object passed by value or fetched, and gives its parameters as texts,
//! as though they had come in a query: `claims` and `authorization_details` as JSON, numbers in
//! digits. Only `resource` may be a list of texts (RFC 8707 §2). The parameters outside the object do
//! not count any more, but for `client_id`, which the caller compares (RFC 9101 §6.3).
//!
//! An object has an end, an hour ahead at most, and a beginning not longer ago than that, so a leaked
//! one does not stay good. One that could pass for a client assertion is refused (RFC 9101 §10.8).

use std::time::Duration;

use domain::time::UnixMillis;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::access_token::Audience;
pub use crate::jose::foreign::Expected;
use crate::jose::times::{NumericDate, Times};
use crate::jose::verify::{BadToken, Typ};

/// How long a request object may be good, and how long ago that may have begun.
pub const MAX_LIFETIME: Duration = Duration::from_hours(1);

const TYPE: Typ = Typ::AbsentOr(&["JWT", "oauth-authz-req+jwt"]);

/// The request object is not accepted: `invalid_request_object`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRequestObject {
    /// Not a token signed with the client's keys.
    #[error("the request object is not accepted: {0}")]
    Token(#[from] BadToken),
    /// Signed by the client, with claims that are not accepted.
    #[error("{0}")]
    Claims(&'static str),
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    sub: Option<Value>,
    #[serde(flatten)]
    times: Times,
    #[serde(flatten)]
    parameters: Map<String, Value>,
}

/// Judges a request object (RFC 9101 §4, §6.1, §6.2) and gives its parameters.
///
/// # Errors
/// See [`BadRequestObject`].
pub fn check(text: &str, expected: &Expected<'_>) -> Result<Map<String, Value>, BadRequestObject> {
    let verified = expected
        .keys
        .verify::<Claims>(text, TYPE, expected.algorithms)?;
    let claims = verified.claims;
    claims.check_parties(expected)?;
    claims.check_times(expected.now)?;
    read_parameters(claims.parameters, expected.client_id)
}

// === impl Claims ===

impl Claims {
    fn check_parties(&self, expected: &Expected<'_>) -> Result<(), BadRequestObject> {
        if self.iss != expected.client_id {
            return Err(BadRequestObject::Claims("iss must be the client's id"));
        }
        if !self.aud.contains(expected.issuer) {
            return Err(BadRequestObject::Claims("aud must contain the issuer"));
        }
        // With this it would be an assertion that authenticates the client (RFC 9101 §10.8).
        if self
            .sub
            .as_ref()
            .is_some_and(|sub| sub == expected.client_id)
        {
            return Err(BadRequestObject::Claims("sub must not be the client's id"));
        }
        Ok(())
    }

    fn check_times(&self, now: UnixMillis) -> Result<(), BadRequestObject> {
        let exp = self.times.exp.map(NumericDate::at);
        let exp = exp.ok_or(BadRequestObject::Claims("exp is missing"))?;
        let begin = self.times.nbf.map_or(now, NumericDate::at);
        if begin < now - MAX_LIFETIME {
            return Err(BadRequestObject::Claims("nbf is more than an hour ago"));
        }
        if exp > begin + MAX_LIFETIME {
            return Err(BadRequestObject::Claims("it lasts more than an hour"));
        }
        self.times
            .check(now)
            .map_err(|_| BadRequestObject::Claims("expired or not yet valid"))
    }
}

fn read_parameters(
    mut claims: Map<String, Value>,
    client_id: &str,
) -> Result<Map<String, Value>, BadRequestObject> {
    // One object does not lead to another (RFC 9101 §4).
    if claims.contains_key("request") || claims.contains_key("request_uri") {
        return Err(BadRequestObject::Claims(
            "request and request_uri must not be in a request object",
        ));
    }
    if claims.get("client_id").is_some_and(|id| id != client_id) {
        return Err(BadRequestObject::Claims("client_id is another client's"));
    }
    claims.remove("jti");
    claims
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| read_parameter(&name, value).map(|value| (name, value)))
        .collect()
}

fn read_parameter(name: &str, value: Value) -> Result<Value, BadRequestObject> {
    match value {
        Value::String(_) => Ok(value),
        Value::Array(ref list) if name == "resource" => {
            if list.iter().all(Value::is_string) {
                Ok(value)
            } else {
                Err(BadRequestObject::Claims("resource must be texts"))
            }
        }
        _ => Ok(Value::String(value.to_string())),
    }
}

#[cfg(test)]
mod tests;
