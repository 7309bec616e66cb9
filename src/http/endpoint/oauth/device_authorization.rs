//! `POST /oauth/device_authorization`: a device begins to wait (RFC 8628 §3.1). Flow: [`begin`].

use domain::rejection::{Code, OAuthCode, Refusal};
use http::StatusCode;
use protocol::oauth::parameters::Parameters;
use serde::Serialize;

use super::super::{Answer, Call};
use crate::flow::device::{Begin, Begun, begin};
use crate::http::client_authentication;
use crate::http::render::{self, Reply};

#[derive(Serialize)]
struct Body<'a> {
    device_code: &'a str,
    user_code: &'a str,
    verification_uri: &'a str,
    verification_uri_complete: &'a str,
    expires_in: u64,
    interval: u64,
}

/// Lets a device wait.
pub(in crate::http) fn answer(mut call: Call) -> Answer {
    Box::pin(async move {
        let message = parse(&mut call)?;
        let begun = begin(call.flows(), &call.act, message).await?;
        Ok(render(&begun))
    })
}

fn parse(call: &mut Call) -> Result<Begin, Refusal> {
    let mut fields = call.take_fields();
    let client = client_authentication::take(&call.headers, &mut fields)?;
    let parameters = Parameters::collect(fields.into_pairs()).map_err(|error| Refusal {
        code: Code::BadRequest,
        ..Refusal::oauth(OAuthCode::InvalidRequest, error.to_string())
    })?;
    Ok(Begin { client, parameters })
}

fn render(begun: &Begun) -> Reply {
    let body = Body {
        device_code: begun.device_code.expose(),
        user_code: &begun.user_code,
        verification_uri: &begun.verification_uri,
        verification_uri_complete: &begun.verification_uri_complete,
        expires_in: begun.expires_in.as_secs(),
        interval: begun.interval.as_secs(),
    };
    render::json(StatusCode::OK, &body)
}
