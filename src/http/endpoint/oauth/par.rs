//! POST /oauth/par: pushing an authorization request (RFC 9126). Flow: [`push`].

use domain::rejection::{Code, OAuthCode, Refusal, Rejection};
use http::StatusCode;
use protocol::oauth::parameters::Parameters;
use serde::Serialize;

use super::super::{Answer, Call};
use crate::flow::authorize::{Push, push};
use crate::flow::proof;
use crate::http::client_authentication;
use crate::http::proof::{offer_nonce, present};
use crate::http::render;

#[derive(Serialize)]
struct Body<'a> {
    request_uri: &'a str,
    expires_in: u64,
}

/// Keeps a request and names it.
pub(in crate::http) fn answer(mut call: Call) -> Answer {
    Box::pin(async move {
        let message = parse(&mut call).await?;
        let pushed = push(call.flows(), &call.act, message).await?;
        let body = Body {
            request_uri: pushed.request_uri.expose(),
            expires_in: pushed.expires_in.as_secs(),
        };
        let mut reply = render::json(StatusCode::CREATED, &body);
        offer_nonce(call.flows(), &call.act, &call.headers, &mut reply);
        Ok(reply)
    })
}

async fn parse(call: &mut Call) -> Result<Push, Rejection> {
    let mut fields = call.take_fields();
    let client = client_authentication::take(&call.headers, &mut fields)?;
    let mut pairs = fields.into_pairs();
    // The client's name is part of the request, however it was proved.
    if let Some(id) = client.id() {
        pairs.retain(|(name, _)| name != "client_id");
        pairs.push(("client_id".to_owned(), id.to_owned()));
    }
    let parameters = Parameters::collect(pairs).map_err(|error| Refusal {
        code: Code::BadRequest,
        ..Refusal::oauth(OAuthCode::InvalidRequest, error.to_string())
    })?;
    let (flows, act) = (call.flows(), &call.act);
    let presented = present(&call.headers, "POST", &call.path)?;
    let bound = proof::Bound::prove(flows, act, None, presented.as_ref()).await?;
    Ok(Push {
        client,
        parameters,
        dpop_jkt: bound.jkt().map(str::to_owned),
    })
}
