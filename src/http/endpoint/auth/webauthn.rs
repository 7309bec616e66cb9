//! Passkeys: /auth/webauthn/…. Flows: [`bind`], [`mod@show`].

use domain::factor::Passkey;
use domain::id::PasskeyId;
use domain::rejection::Refusal;
use domain::secret::SecretText;
use domain::time::UnixMillis;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::super::{Answer, Call};
use super::mfa::{self, binder_of, texts};
use crate::flow::passkey::bind::{self, BindPasskey};
use crate::flow::passkey::show::{self, SignInByPasskey};
use crate::flow::passkey::{Answered, Begun};
use crate::flow::sign_in::factor::Shown;
use crate::flow::sign_in::verify::{Verify, verify};
use crate::flow::sign_in::{SignIn, demand_of};
use crate::http::fields::Fields;
use crate::http::render::{self, Reply};

/// Begins to bind a passkey → 200 `{options,state}`.
pub(in crate::http) fn begin_binding(mut call: Call) -> Answer {
    Box::pin(async move {
        let token = take_token(call.take_fields())?;
        let binder = binder_of(&call, token).await?;
        let begun = bind::begin(call.flows(), &call.act, &binder, None)?;
        Ok(render_begun(&begun))
    })
}

/// Binds it: `name,state,response` → 201, with a token pair if a sign-in owed it.
pub(in crate::http) fn finish_binding(mut call: Call) -> Answer {
    Box::pin(async move {
        let mut fields = call.take_fields();
        let token = fields.optional_secret("mfa_token");
        let name = fields.text("name");
        let answered = take_answered(&mut fields);
        let (token, name, answered) = fields.finish((token, name, answered))?;
        let binder = binder_of(&call, token).await?;
        let message = BindPasskey {
            answered: answered.ok_or_else(nothing_answered)?,
            name,
            demand: demand_of(&call.act, None),
        };
        let bound = bind::finish(call.flows(), &call.act, binder, message).await?;
        let mut body = match bound.progress.as_ref().map(mfa::view) {
            Some(Value::Object(members)) => members,
            _ => Map::new(),
        };
        body.insert("credential".to_owned(), view(&bound.passkey));
        body.insert("backup_codes".to_owned(), texts(&bound.backup_codes));
        Ok(render::json(StatusCode::CREATED, &body))
    })
}

/// Begins to ask for a passkey: any, as a whole sign-in; one of the account's with `mfa_token` → 200
/// `{options,state}`.
pub(in crate::http) fn begin_sign_in(mut call: Call) -> Answer {
    Box::pin(async move {
        let token = take_token(call.take_fields())?;
        let (flows, act) = (call.flows(), &call.act);
        let begun = match token {
            None => show::begin_sign_in(flows, act, None)?,
            Some(token) => {
                let sign_in = SignIn::open(flows, act, token.expose(), None)?;
                let (user, bound) = sign_in.load(flows, act).await?;
                show::begin_second_factor(flows, act, (user.id, &bound), None)?
            }
        };
        Ok(render_begun(&begun))
    })
}

/// Signs in: `state,response`, and `mfa_token` if it is the second factor → 200 with a token pair.
pub(in crate::http) fn finish_sign_in(mut call: Call) -> Answer {
    Box::pin(async move {
        let mut fields = call.take_fields();
        let token = fields.optional_secret("mfa_token");
        let answered = take_answered(&mut fields);
        let (token, answered) = fields.finish((token, answered))?;
        let answered = answered.ok_or_else(nothing_answered)?;
        let (flows, act) = (call.flows(), &call.act);
        let demand = demand_of(act, None);
        let progress = match token {
            None => show::sign_in(flows, act, SignInByPasskey { answered, demand }).await?,
            Some(token) => {
                let message = Verify {
                    token,
                    visitor: None,
                    demand,
                    shown: Shown::Passkey(answered),
                };
                verify(flows, act, message).await?
            }
        };
        Ok(mfa::render(&progress))
    })
}

/// Lists one's own passkeys → 200 `{credentials}`.
pub(in crate::http) fn list(call: Call) -> Answer {
    Box::pin(async move {
        let passkeys = bind::list(call.flows(), &call.act, call.person()?.holder()).await?;
        let shown: Vec<Value> = passkeys.iter().map(view).collect();
        Ok(render::json(
            StatusCode::OK,
            &json!({ "credentials": shown }),
        ))
    })
}

/// Tells of one of one's own passkeys → 200.
pub(in crate::http) fn show(call: Call) -> Answer {
    Box::pin(async move {
        let id: PasskeyId = call.id()?;
        let passkeys = bind::list(call.flows(), &call.act, call.person()?.holder()).await?;
        let found = passkeys.iter().find(|one| one.id == id);
        let found = found.ok_or_else(super::super::not_found)?;
        Ok(render::json(StatusCode::OK, &view(found)))
    })
}

/// Gives a passkey another name: `name` → 200.
pub(in crate::http) fn rename(mut call: Call) -> Answer {
    Box::pin(async move {
        let mut fields = call.take_fields();
        let name = fields.text("name");
        let name = fields.finish(name)?;
        let which = (call.id()?, name.as_str());
        let renamed = bind::rename(call.flows(), &call.act, call.person()?.holder(), which).await?;
        Ok(render::json(StatusCode::OK, &view(&renamed)))
    })
}

/// Removes a passkey of whoever signed in freshly → 204.
pub(in crate::http) fn remove(call: Call) -> Answer {
    Box::pin(async move {
        let id = call.id()?;
        let binder = binder_of(&call, None).await?;
        bind::remove(call.flows(), &call.act, &binder, id).await?;
        Ok(render::empty(StatusCode::NO_CONTENT))
    })
}

fn take_token(mut fields: Fields) -> Result<Option<SecretText>, Refusal> {
    let token = fields.optional_secret("mfa_token");
    fields.finish(token)
}

/// Takes what a browser answered.
pub(super) fn take_answered(fields: &mut Fields) -> Option<Answered> {
    let state = fields.optional_secret("state");
    let response = fields.optional_object("response");
    Some(Answered {
        state: state?,
        response: response?.to_string().into_bytes(),
        visitor: None,
    })
}

fn nothing_answered() -> Refusal {
    Refusal::field("response", "and state must be there")
}

fn render_begun(begun: &Begun) -> Reply {
    let body = json!({ "options": begun.options, "state": begun.state.expose() });
    render::json(StatusCode::OK, &body)
}

/// Shows a passkey to its owner.
pub(in crate::http::endpoint) fn view(passkey: &Passkey) -> Value {
    json!({
        "id": passkey.id,
        "name": passkey.name,
        "backup_eligible": passkey.is_backup_eligible,
        "backed_up": passkey.is_backed_up,
        "created_at": passkey.created_at.to_string(),
        "last_used_at": passkey.last_used_at.as_ref().map(UnixMillis::to_string),
    })
}
