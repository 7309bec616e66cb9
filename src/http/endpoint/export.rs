//! How everything that is kept of a person is written: one JSON document, to be kept as a file.
//!
//! `version` is raised when a member changes its meaning or goes; members may be added.

use domain::factor::Totp;
use domain::time::UnixMillis;
use domain::user::User;
use http::header::CONTENT_DISPOSITION;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::admin::users::identities;
use super::auth::{activity, consents, sessions, webauthn};
use super::user;
use crate::flow::Act;
use crate::flow::export::Export;
use crate::http::render::{self, Reply};

const VERSION: u32 = 1;
static AS_FILE: HeaderValue = HeaderValue::from_static("attachment; filename=\"account.json\"");

/// Renders it.
pub(super) fn render(export: &Export, act: &Act) -> Reply {
    let mut reply = render::json(StatusCode::OK, &view(export, act));
    let headers = reply.headers_mut();
    headers.insert(CONTENT_DISPOSITION, AS_FILE.clone());
    reply
}

fn view(export: &Export, act: &Act) -> Value {
    let passkeys = export.bound.passkeys.iter().map(webauthn::view);
    let activity: Vec<Value> = export.activity.iter().map(activity::view).collect();
    json!({
        "version": VERSION,
        "issuer": act.issuer,
        "tenant": act.tenant.slug,
        "exported_at": act.now.to_string(),
        "account": view_account(&export.user),
        "password": export.password_set_at.map(|at| json!({ "set_at": at.to_string() })),
        "second_factors": {
            "app": export.bound.totp.as_ref().map(view_app),
            "passkeys": passkeys.collect::<Vec<Value>>(),
            "backup_codes_remaining": export.bound.backup_codes,
        },
        "identities": export.identities.iter().map(identities::show).collect::<Vec<Value>>(),
        "sessions": sessions::view(&export.sessions).get("sessions"),
        "consents": consents::view(&export.allowed).get("consents"),
        "activity": activity,
        "activity_total": export.activity_total,
    })
}

fn view_account(user: &User) -> Value {
    let mut account = user::profile(user);
    if let Some(members) = account.as_object_mut() {
        members.insert("status".to_owned(), json!(user.status));
        members.insert("roles".to_owned(), json!(user.roles));
        let updated_at = user.updated_at.to_string();
        members.insert("updated_at".to_owned(), updated_at.into());
    }
    account
}

fn view_app(app: &Totp) -> Value {
    json!({
        "created_at": app.created_at.to_string(),
        "confirmed_at": app.confirmed_at.as_ref().map(UnixMillis::to_string),
    })
}
