//! Second factors: /auth/mfa/…. Flows: [`verify`], [`app`], [`codes`], [`status`].

use domain::factor::Factor;
use domain::rejection::{Refusal, Rejection};
use domain::secret::SecretText;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::super::{Answer, Call, tokens};
use super::webauthn::take_answered;
use crate::flow::mfa::{Binder, Status, app, codes, status};
use crate::flow::sign_in::factor::Shown;
use crate::flow::sign_in::verify::{Verify, verify};
use crate::flow::sign_in::{Owed, Progress, demand_of};
use crate::http::fields::Fields;
use crate::http::render::{self, Reply};
use crate::http::visitor::Visitor;

/// Goes on with a sign-in: `mfa_token,code,code_type` → 200 with a token pair.
pub(in crate::http) fn go_on(mut call: Call) -> Answer {
    Box::pin(async move {
        let mut fields = call.take_fields();
        let token = fields.secret("mfa_token");
        let shown = take_shown(&mut fields);
        let (token, shown) = fields.finish((token, shown))?;
        let message = Verify {
            token,
            visitor: None,
            demand: demand_of(&call.act, None),
            shown: shown.ok_or_else(nothing_shown)?,
        };
        let progress = verify(call.flows(), &call.act, message).await?;
        Ok(self::render(&progress))
    })
}

/// Begins to set up an app → 200 `{secret,uri,qr_svg}`.
pub(in crate::http) fn set_up(mut call: Call) -> Answer {
    Box::pin(async move {
        let mut fields = call.take_fields();
        let token = fields.optional_secret("mfa_token");
        let token = fields.finish(token)?;
        let binder = binder_of(&call, token).await?;
        let setup = app::set_up(call.flows(), &call.act, &binder).await?;
        let body = json!({
            "secret": setup.secret.expose(),
            "uri": setup.uri.expose(),
            "qr_svg": setup.qr_svg,
        });
        Ok(render::json(StatusCode::OK, &body))
    })
}

/// Binds the app by its first code: `code` → 200 `{backup_codes}`, with a token pair if a sign-in owed
/// it.
pub(in crate::http) fn confirm(mut call: Call) -> Answer {
    Box::pin(async move {
        let mut fields = call.take_fields();
        let token = fields.optional_secret("mfa_token");
        let code = fields.secret("code");
        let (token, code) = fields.finish((token, code))?;
        let binder = binder_of(&call, token).await?;
        let demand = demand_of(&call.act, None);
        let confirmed = app::confirm(call.flows(), &call.act, binder, (&code, demand)).await?;
        let mut body = match confirmed.progress.as_ref().map(view) {
            Some(Value::Object(members)) => members,
            _ => Map::new(),
        };
        let codes = texts(&confirmed.backup_codes);
        body.insert("backup_codes".to_owned(), codes);
        Ok(render::json(StatusCode::OK, &body))
    })
}

/// Removes the app of whoever shows a factor: `code,code_type` → 200.
pub(in crate::http) fn disable(mut call: Call) -> Answer {
    Box::pin(async move {
        let shown = parse_shown(call.take_fields())?;
        app::remove(call.flows(), &call.act, call.person()?.holder(), shown).await?;
        let text = "The app is removed. Its codes are worth nothing any more.";
        Ok(render::message(StatusCode::OK, text))
    })
}

/// Makes new backup codes for whoever shows a factor: `code,code_type` → 200 `{backup_codes}`.
pub(in crate::http) fn make_codes(mut call: Call) -> Answer {
    Box::pin(async move {
        let shown = parse_shown(call.take_fields())?;
        let made =
            codes::make_anew(call.flows(), &call.act, call.person()?.holder(), shown).await?;
        let body = json!({ "backup_codes": texts(&made) });
        Ok(render::json(StatusCode::OK, &body))
    })
}

/// Tells what is bound → 200 `{enabled,type,confirmed,passkeys,backup_codes_remaining}`.
pub(in crate::http) fn show(call: Call) -> Answer {
    Box::pin(async move {
        let status = status(call.flows(), &call.act, call.person()?.holder()).await?;
        Ok(render::json(StatusCode::OK, &view_status(status)))
    })
}

/// Renders where a sign-in stands.
pub(in crate::http) fn render(progress: &Progress) -> Reply {
    match progress {
        Progress::SignedIn(signed_in) => tokens::render(&signed_in.tokens),
        Progress::Owes(_) => render::json(StatusCode::OK, &view(progress)),
    }
}

pub(super) fn view(progress: &Progress) -> Value {
    match progress {
        Progress::SignedIn(signed_in) => tokens::view(&signed_in.tokens),
        Progress::Owes(owed) => view_owed(owed),
    }
}

fn view_owed(owed: &Owed) -> Value {
    let methods: Vec<&str> = owed.methods.iter().map(|one| word_of(*one)).collect();
    json!({
        "mfa_required": true,
        "mfa_token": owed.token.expose(),
        "binding_required": methods.is_empty(),
        "methods": methods,
    })
}

pub(in crate::http::endpoint) fn view_status(status: Status) -> Value {
    let kind = match (status.app, status.passkeys) {
        (Some(true), _) => Some("totp"),
        (_, 1..) => Some("passkey"),
        _ => None,
    };
    json!({
        "enabled": status.is_enabled,
        "type": kind,
        "confirmed": status.app == Some(true),
        "passkeys": status.passkeys,
        "backup_codes_remaining": status.backup_codes,
    })
}

/// Names a factor as callers do (CONTRACT §5).
const fn word_of(factor: Factor) -> &'static str {
    match factor {
        Factor::Password => "password",
        Factor::Totp => "totp",
        Factor::BackupCode => "backup",
        Factor::Passkey | Factor::VerifyingPasskey => "passkey",
    }
}

pub(super) fn texts(codes: &[SecretText]) -> Value {
    codes.iter().map(SecretText::expose).collect()
}

fn parse_shown(mut fields: Fields) -> Result<Shown, Refusal> {
    let shown = take_shown(&mut fields);
    fields.finish(shown)?.ok_or_else(nothing_shown)
}

/// Takes a code, or what a passkey signed.
fn take_shown(fields: &mut Fields) -> Option<Shown> {
    let kind = fields.optional_text("code_type");
    if let Some(answered) = take_answered(fields) {
        return Some(Shown::Passkey(answered));
    }
    let code = fields.optional_secret("code")?;
    match kind.as_deref() {
        None | Some("totp") => Some(Shown::Totp(code)),
        Some("backup") => Some(Shown::BackupCode(code)),
        Some(_) => {
            fields.refuse("code_type", "must be totp or backup");
            None
        }
    }
}

fn nothing_shown() -> Refusal {
    Refusal::field("code", "is missing")
}

/// Finds who binds: a person with an access token, or one whose sign-in owes it.
pub(super) async fn binder_of(call: &Call, token: Option<SecretText>) -> Result<Binder, Rejection> {
    let (flows, act) = (call.flows(), &call.act);
    match (&call.visitor, token) {
        (Visitor::Person(person), None) => Binder::person(flows, act, person).await,
        (_, Some(token)) => Binder::owing(flows, act, (&token, None), demand_of(act, None)).await,
        _ => Err(crate::flow::caller::invalid_token().into()),
    }
}
