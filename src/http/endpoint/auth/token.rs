//! POST /auth/token: any grant, as JSON or as a form; POST /auth/token/refresh: the grant
//! `refresh_token` by another name. Flow: [`token`].

use domain::rejection::Refusal;
use http::HeaderMap;

use super::super::{Answer, Call, oauth, tokens};
use crate::flow::proof::Presented;
use crate::flow::token::{Grant, token};
use crate::http::client_authentication;
use crate::http::fields::Fields;
use crate::http::proof::{self, present};

/// Gives tokens for a grant.
pub(in crate::http) fn answer(call: Call) -> Answer {
    oauth::token::answer(call)
}

/// Gives the next token pair for a refresh token.
pub(in crate::http) fn refresh(mut call: Call) -> Answer {
    Box::pin(async move {
        let fields = call.take_fields();
        let presented = present(&call.headers, "POST", &call.path)?;
        let grant = parse(&call.headers, fields, presented)?;
        let reply = token(call.flows(), &call.act, grant).await?;
        let mut reply = tokens::render(&reply);
        proof::offer_nonce(call.flows(), &call.act, &call.headers, &mut reply);
        Ok(reply)
    })
}

fn parse(
    headers: &HeaderMap,
    mut fields: Fields,
    presented: Option<Presented>,
) -> Result<Grant, Refusal> {
    let client = client_authentication::take(headers, &mut fields)?;
    let named = fields.optional_text("grant_type");
    if named.is_some_and(|name| name != "refresh_token") {
        fields.refuse("grant_type", "is refresh_token here");
    }
    let grant = oauth::token::parse_refresh(client, &mut fields, presented);
    fields.finish(grant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::json;

    #[test]
    fn the_alias_takes_the_grant_it_is_named_after_and_no_other() {
        let read = |body: &str| {
            let object = json::parse(body.as_bytes()).expect("JSON");
            parse(&HeaderMap::new(), Fields::of_json(object, false), None)
        };
        assert!(matches!(
            read(r#"{"refresh_token":"x"}"#),
            Ok(Grant::Refresh(_))
        ));
        assert!(read(r#"{"refresh_token":"x","grant_type":"refresh_token"}"#).is_ok());
        assert!(read(r#"{"refresh_token":"x","grant_type":"password"}"#).is_err());
        assert!(read("{}").is_err());
    }
}
