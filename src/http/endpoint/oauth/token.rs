//! POST /oauth/token: the token endpoint (RFC 6749 §3.2). Flow: [`token`].

use domain::rejection::{OAuthCode, Refusal};
use http::HeaderMap;

use super::super::{Answer, Call, tokens};
use crate::flow::proof::Presented;
use crate::flow::token::token_exchange::{self, Shown};
use crate::flow::token::{
    AuthorizationCode, ClientAuth, ClientCredentials, DeviceCode, Grant, JwtBearer, Refresh,
    TokenExchange,
};
use crate::flow::token::{device_code, jwt_bearer, token};
use crate::http::client_authentication;
use crate::http::fields::Fields;
use crate::http::proof::{self, present};

/// Gives tokens for a grant.
pub(in crate::http) fn answer(mut call: Call) -> Answer {
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
    proof: Option<Presented>,
) -> Result<Grant, Refusal> {
    let client = client_authentication::take(headers, &mut fields)?;
    let grant_type = fields
        .optional_text("grant_type")
        .filter(|name| !name.is_empty());
    let grant = match grant_type.as_deref() {
        Some("authorization_code") => Grant::AuthorizationCode(AuthorizationCode {
            code: fields.secret("code"),
            redirect_uri: fields.optional_text("redirect_uri"),
            code_verifier: fields.optional_text("code_verifier"),
            client,
            resource: fields.texts_or_text("resource"),
            proof,
        }),
        Some("refresh_token") => parse_refresh(client, &mut fields, proof),
        Some("client_credentials") => Grant::ClientCredentials(ClientCredentials {
            client,
            scope: fields.optional_text("scope"),
            resource: fields.texts_or_text("resource"),
            proof,
        }),
        Some(device_code::GRANT) => Grant::DeviceCode(DeviceCode {
            device_code: fields.secret("device_code"),
            client,
            resource: fields.texts_or_text("resource"),
            proof,
        }),
        Some(token_exchange::GRANT) => parse_exchange(client, &mut fields, proof),
        Some(jwt_bearer::GRANT) => Grant::JwtBearer(JwtBearer {
            client,
            assertion: fields.secret("assertion"),
            scope: fields.optional_text("scope"),
            resource: fields.texts_or_text("resource"),
            proof,
        }),
        Some(_) => return Err(unsupported()),
        None => {
            fields.refuse("grant_type", "is required");
            parse_refresh(client, &mut fields, proof)
        }
    };
    fields.finish(grant)
}

/// Takes the fields of the grant `refresh_token` (RFC 6749 §6).
pub(in crate::http::endpoint) fn parse_refresh(
    client: ClientAuth,
    fields: &mut Fields,
    proof: Option<Presented>,
) -> Grant {
    Grant::Refresh(Refresh {
        refresh_token: fields.secret("refresh_token"),
        client,
        scope: fields.optional_text("scope"),
        resource: fields.texts_or_text("resource"),
        proof,
    })
}

/// Takes the fields of the grant of token exchange (RFC 8693 §2.1).
fn parse_exchange(client: ClientAuth, fields: &mut Fields, proof: Option<Presented>) -> Grant {
    Grant::TokenExchange(TokenExchange {
        client,
        subject: Shown {
            token: fields.secret("subject_token"),
            kind: fields.text("subject_token_type"),
        },
        actor: parse_actor(fields),
        requested_token_type: fields.optional_text("requested_token_type"),
        scope: fields.optional_text("scope"),
        resource: fields.texts_or_text("resource"),
        audience: fields.texts_or_text("audience"),
        proof,
    })
}

/// RFC 8693 §2.1: `actor_token_type` "is REQUIRED when the `actor_token` parameter is present in the
/// request but MUST NOT be included otherwise".
fn parse_actor(fields: &mut Fields) -> Option<Shown> {
    let token = fields.optional_secret("actor_token");
    match (token, fields.optional_text("actor_token_type")) {
        (Some(token), Some(kind)) => Some(Shown { token, kind }),
        (None, None) => None,
        (Some(_), None) => {
            fields.refuse("actor_token_type", "is required with actor_token");
            None
        }
        (None, Some(_)) => {
            fields.refuse("actor_token_type", "stands beside actor_token only");
            None
        }
    }
}

fn unsupported() -> Refusal {
    Refusal::oauth(
        OAuthCode::UnsupportedGrantType,
        "grant_type is authorization_code, refresh_token, client_credentials, or device_code, \
         token-exchange or jwt-bearer by its URN",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::form;

    fn read(body: &str) -> Result<Grant, Option<OAuthCode>> {
        let parameters = form::parse(body.as_bytes()).expect("a form");
        parse(&HeaderMap::new(), Fields::of_form(parameters, false), None).map_err(|r| r.oauth)
    }

    #[test]
    fn rfc_6749_6_and_4_4_the_grants_are_read() {
        let refresh = read("grant_type=refresh_token&refresh_token=x&scope=a");
        let Ok(Grant::Refresh(refresh)) = refresh else {
            panic!("{refresh:?}");
        };
        assert_eq!(refresh.scope.as_deref(), Some("a"));
        let body = "grant_type=client_credentials&resource=a&resource=b&unknown=1";
        let Ok(Grant::ClientCredentials(own)) = read(body) else {
            panic!("client_credentials");
        };
        assert_eq!((own.resource.len(), own.scope), (2, None));
        let body = "grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code=x";
        assert!(matches!(read(body), Ok(Grant::DeviceCode(_))));
    }

    #[test]
    fn rfc_7523_2_1_an_assertion_is_read_and_must_be_there() {
        let grant = "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer";
        let read_one = read(&format!("{grant}&assertion=x&resource=a&scope=b"));
        assert!(matches!(read_one, Ok(Grant::JwtBearer(_))));
        let refused = read(grant).err();
        assert_eq!(refused, Some(Some(OAuthCode::InvalidRequest)));
    }

    #[test]
    fn rfc_8693_2_1_an_exchange_is_read_and_an_actor_has_a_type() {
        let body = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token=x\
                    &subject_token_type=y&audience=a&resource=b&audience=c";
        let Ok(Grant::TokenExchange(exchange)) = read(body) else {
            panic!("token-exchange");
        };
        assert_eq!(exchange.resource, ["b"]);
        assert_eq!(exchange.audience, ["a", "c"]);
        assert!(exchange.actor.is_none());
        assert!(read(&format!("{body}&actor_token=x&actor_token_type=y")).is_ok());
        for half in ["&actor_token=x", "&actor_token_type=y"] {
            let refused = read(&format!("{body}{half}")).err();
            assert_eq!(refused, Some(Some(OAuthCode::InvalidRequest)), "{half}");
        }
    }

    #[test]
    fn rfc_6749_5_2_a_grant_we_do_not_have_is_said_so() {
        for name in ["password", "implicit", "REFRESH_TOKEN"] {
            let refused = read(&format!("grant_type={name}"));
            assert_eq!(refused.err(), Some(Some(OAuthCode::UnsupportedGrantType)));
        }
    }

    #[test]
    fn rfc_6749_5_2_a_missing_parameter_is_invalid_request() {
        for body in ["", "grant_type=", "grant_type=refresh_token"] {
            assert_eq!(
                read(body).err(),
                Some(Some(OAuthCode::InvalidRequest)),
                "{body}"
            );
        }
    }
}
