//! POST /admin/tokens/introspect and /admin/tokens/revoke: any token of the tenant's. Flows: [`tokens`].

use domain::rejection::Refusal;
use domain::secret::SecretText;
use http::StatusCode;
use protocol::introspection::ActiveToken;
use serde_json::{Value, json};

use super::super::{Answer, Call};
use crate::flow::admin::tokens;
use crate::flow::judged::Judged;
use crate::http::fields::Fields;
use crate::http::render;

/// Says what a token comes to, and why.
pub(in crate::http) fn introspect(mut call: Call) -> Answer {
    Box::pin(async move {
        let token = parse(call.take_fields())?;
        let judged = tokens::introspect(call.flows(), &call.act, token).await?;
        Ok(render::json(StatusCode::OK, &view(&judged)))
    })
}

/// Revokes a token; says whether there was one to revoke.
pub(in crate::http) fn revoke(mut call: Call) -> Answer {
    Box::pin(async move {
        let token = parse(call.take_fields())?;
        let revoked = tokens::revoke(call.flows(), &call.act, token).await?;
        Ok(render::json(StatusCode::OK, &json!({ "revoked": revoked })))
    })
}

fn parse(mut fields: Fields) -> Result<SecretText, Refusal> {
    let token = fields.secret("token");
    if token.expose().is_empty() {
        fields.refuse("token", "must not be empty");
    }
    fields.finish(token)
}

fn view(judged: &Judged) -> Value {
    let (reason, token) = match judged {
        Judged::Active(token) => (None, Some(token)),
        Judged::Inactive(why, token) => (Some(why.as_str()), token.as_ref()),
    };
    json!({
        "active": reason.is_none(),
        "reason": reason,
        "kind": token.map(|token| kind(token)),
        "token": token,
    })
}

/// Names the kind of a token: a refresh token is not presented to anybody else.
const fn kind(token: &ActiveToken) -> &'static str {
    match token.token_type {
        Some(_) => "access_token",
        None => "refresh_token",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::judged::Inactive;

    #[test]
    fn what_is_not_ours_shows_nothing_but_why() {
        let shown = view(&Judged::Inactive(Inactive::Foreign, None));
        let expected = json!({ "active": false, "reason": "foreign", "kind": null, "token": null });
        assert_eq!(shown, expected);
    }

    #[test]
    fn what_is_revoked_shows_what_it_was() {
        let token = ActiveToken {
            client_id: "client_x".to_owned(),
            ..ActiveToken::default()
        };
        let shown = view(&Judged::Inactive(Inactive::Revoked, Some(Box::new(token))));
        assert_eq!(shown["reason"], "revoked");
        assert_eq!(shown["kind"], "refresh_token");
        assert_eq!(shown["token"]["client_id"], "client_x");
    }
}
