//! /admin/oauth/auth/requests/{login,consent}: what a login interface of the tenant's own is asked, and
//! what it answers. Flows: [`login_ui`].

use domain::rejection::Refusal;
use http::StatusCode;
use serde_json::json;

use super::super::{Answer, Call};
use crate::flow::login_ui::{self, AcceptConsent, AcceptLogin, Reject, Stage};
use crate::http::fields::Fields;
use crate::http::paging::read_query;
use crate::http::render::{self, Reply};

mod shown;

/// Shows a login request.
pub(in crate::http) fn show_login(call: Call) -> Answer {
    show(call, Stage::Login)
}

/// Shows a consent request.
pub(in crate::http) fn show_consent(call: Call) -> Answer {
    show(call, Stage::Consent)
}

/// Takes who the person is.
pub(in crate::http) fn accept_login(mut call: Call) -> Answer {
    Box::pin(async move {
        let challenge = challenge_of(&call, Stage::Login)?;
        let message = parse_login(challenge, call.take_fields())?;
        let place = login_ui::accept_login(call.flows(), &call.act, message).await?;
        Ok(sent_to(&place))
    })
}

/// Takes what they allow.
pub(in crate::http) fn accept_consent(mut call: Call) -> Answer {
    Box::pin(async move {
        let challenge = challenge_of(&call, Stage::Consent)?;
        let message = parse_consent(challenge, call.take_fields())?;
        let place = login_ui::accept_consent(call.flows(), &call.act, message).await?;
        Ok(sent_to(&place))
    })
}

/// Takes that nobody signs in.
pub(in crate::http) fn reject_login(call: Call) -> Answer {
    reject(call, Stage::Login)
}

/// Takes that nothing is allowed.
pub(in crate::http) fn reject_consent(call: Call) -> Answer {
    reject(call, Stage::Consent)
}

fn show(call: Call, stage: Stage) -> Answer {
    Box::pin(async move {
        let challenge = challenge_of(&call, stage)?;
        let (flows, act) = (call.flows(), &call.act);
        let shown = login_ui::show(flows, act, stage, &challenge).await?;
        let body = shown::view(act, stage, &challenge, &shown);
        Ok(render::json(StatusCode::OK, &body))
    })
}

fn reject(mut call: Call, stage: Stage) -> Answer {
    Box::pin(async move {
        let challenge = challenge_of(&call, stage)?;
        let message = parse_reject(stage, challenge, call.take_fields())?;
        let place = login_ui::reject(call.flows(), &call.act, message).await?;
        Ok(sent_to(&place))
    })
}

fn sent_to(place: &str) -> Reply {
    render::json(StatusCode::OK, &json!({ "redirect_to": place }))
}

fn challenge_of(call: &Call, stage: Stage) -> Result<String, Refusal> {
    let mut query = read_query(call.query.as_deref())?;
    let challenge = query.text(stage.challenge_name());
    query.finish(challenge)
}

fn parse_login(challenge: String, mut fields: Fields) -> Result<AcceptLogin, Refusal> {
    let message = AcceptLogin {
        challenge,
        subject: fields.text("subject"),
        remember: fields.optional_flag("remember").unwrap_or(false),
        acr: fields.optional_text("acr"),
        amr: fields.optional_texts("amr").unwrap_or_default(),
    };
    fields.finish(message)
}

fn parse_consent(challenge: String, mut fields: Fields) -> Result<AcceptConsent, Refusal> {
    let scope = fields.optional_texts("grant_scope");
    if scope.is_none() {
        fields.refuse(
            "grant_scope",
            "must be an array, of nothing to grant nothing",
        );
    }
    let message = AcceptConsent {
        challenge,
        scope: scope.unwrap_or_default(),
        resources: fields.optional_texts("grant_access_token_audience"),
        remember: fields.optional_flag("remember").unwrap_or(false),
    };
    fields.finish(message)
}

fn parse_reject(stage: Stage, challenge: String, mut fields: Fields) -> Result<Reject, Refusal> {
    let message = Reject {
        stage,
        challenge,
        error: fields.optional_text("error"),
        description: fields.optional_text("error_description"),
    };
    fields.finish(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::json;

    fn fields(body: &str) -> Fields {
        Fields::of_json(json::parse(body.as_bytes()).expect("JSON"), true)
    }

    #[test]
    fn who_signs_in_is_named_and_what_is_granted_is_said() {
        let login = |body| parse_login(String::new(), fields(body));
        assert!(login(r#"{"subject":"x"}"#).is_ok_and(|message| !message.remember));
        assert!(login("{}").is_err());
        assert!(login(r#"{"subject":"x","remember_for":3600}"#).is_err());
        let consent = |body| parse_consent(String::new(), fields(body));
        assert!(consent("{}").is_err());
        assert!(consent(r#"{"grant_scope":[]}"#).is_ok_and(|message| message.scope.is_empty()));
    }
}
