//! /account/factors: how a person signs in beside the password, and letting go of it. What is added is
//! bound on pages of its own. Flows: [`app`], [`codes`], [`bind`].

use domain::factor::Passkey;
use domain::id::PasskeyId;
use domain::secret::SecretText;
use http::StatusCode;

use super::{Asked, ask, done, done_of, fresh, signed_in, take_text};
use crate::flow::mfa::{self, Binder, app, codes};
use crate::flow::passkey::bind;
use crate::http::endpoint::page::{Desk, Posted, Problem};
use crate::http::endpoint::{Answer, Call, not_found};
use crate::http::page::Frame;
use crate::http::page::texts::account::Matter;
use crate::http::page::views::account as views;
use crate::http::page::views::factor::BackupCodes;
use crate::http::page::when::When;
use crate::http::render::Reply;

const HERE: &str = "/account/factors";
const WORD: &str = "account.factors";

/// Lists what is bound.
pub(in crate::http) fn list(call: Call) -> Answer {
    signed_in(call, (Posted::No, WORD), |desk, browser| async move {
        let bound = mfa::load(desk.call.flows(), &desk.call.act, browser.user.id).await?;
        let frame = desk.frame();
        let rows: Vec<_> = bound.passkeys.iter().map(|one| row(one, &frame)).collect();
        let app = bound.confirmed_totp().and_then(|app| app.confirmed_at);
        let page = views::FactorList {
            frame: &frame,
            done: frame.texts.account.done(&done_of(&desk)?),
            passkeys: &rows,
            app: app.map(|at| When::new(at, frame.texts)),
            backup_codes: bound.backup_codes,
        };
        Ok(desk.show(StatusCode::OK, &frame, &page))
    })
}

fn row<'a>(passkey: &'a Passkey, frame: &Frame) -> views::PasskeyRow<'a> {
    let last_used = passkey.last_used_at;
    views::PasskeyRow {
        id: passkey.id.to_string(),
        name: &passkey.name,
        created: When::new(passkey.created_at, frame.texts),
        last_used: last_used.map(|at| When::new(at, frame.texts)),
        is_synced: passkey.is_backed_up,
    }
}

/// Asks whether to remove the app.
pub(in crate::http) fn ask_remove_app(call: Call) -> Answer {
    ask_plainly(call, Matter::RemoveApp, "/account/factors/app/remove")
}

/// Removes the app of whoever proved lately who they are.
pub(in crate::http) fn remove_app(call: Call) -> Answer {
    fresh(call, (Posted::Form, WORD), |desk, _, fresh| async move {
        let binder = Binder::of(&desk.call.act, fresh)?;
        app::remove_of(desk.call.flows(), &desk.call.act, &binder).await?;
        Ok(done(&desk, HERE, Matter::RemoveApp.as_str()))
    })
}

/// Asks whether to make new backup codes.
pub(in crate::http) fn ask_codes(call: Call) -> Answer {
    ask_plainly(call, Matter::NewCodes, "/account/factors/codes")
}

/// Makes new backup codes, and shows them this once.
pub(in crate::http) fn make_codes(call: Call) -> Answer {
    fresh(call, (Posted::Form, WORD), |desk, _, fresh| async move {
        let binder = Binder::of(&desk.call.act, fresh)?;
        let made = codes::replace(desk.call.flows(), &desk.call.act, &binder.user).await?;
        let codes: Vec<&str> = made.iter().map(SecretText::expose).collect();
        let frame = desk.frame();
        let page = BackupCodes {
            frame: &frame,
            codes: &codes,
            onward: &format!("{}{HERE}", frame.base),
        };
        Ok(desk.show(StatusCode::OK, &frame, &page))
    })
}

fn ask_plainly(call: Call, matter: Matter, action: &'static str) -> Answer {
    fresh(call, (Posted::No, WORD), move |desk, _, fresh| async move {
        Binder::of(&desk.call.act, fresh)?;
        let asked = Asked {
            here: HERE,
            matter,
            about: "",
            action,
            fields: &[],
        };
        Ok(ask(&desk, &asked))
    })
}

/// Asks whether to remove a passkey.
pub(in crate::http) fn ask_remove_passkey(call: Call) -> Answer {
    fresh(call, (Posted::No, WORD), |desk, _, fresh| async move {
        let binder = Binder::of(&desk.call.act, fresh)?;
        let id: PasskeyId = desk.call.id()?;
        let found = binder.bound.passkeys.iter().find(|one| one.id == id);
        let asked = Asked {
            here: HERE,
            matter: Matter::RemovePasskey,
            about: &found.ok_or_else(not_found)?.name,
            action: &format!("{HERE}/passkeys/{id}/remove"),
            fields: &[],
        };
        Ok(ask(&desk, &asked))
    })
}

/// Removes a passkey of whoever proved lately who they are.
pub(in crate::http) fn remove_passkey(call: Call) -> Answer {
    fresh(call, (Posted::Form, WORD), |desk, _, fresh| async move {
        let binder = Binder::of(&desk.call.act, fresh)?;
        let id: PasskeyId = desk.call.id()?;
        bind::remove(desk.call.flows(), &desk.call.act, &binder, id).await?;
        Ok(done(&desk, HERE, Matter::RemovePasskey.as_str()))
    })
}

/// Shows the form for a passkey's name.
pub(in crate::http) fn show_rename(call: Call) -> Answer {
    signed_in(call, (Posted::No, WORD), |desk, browser| async move {
        let id: PasskeyId = desk.call.id()?;
        let (flows, act) = (desk.call.flows(), &desk.call.act);
        let passkeys = bind::list(flows, act, browser.holder()).await?;
        let found = passkeys.iter().find(|one| one.id == id);
        let name = &found.ok_or_else(not_found)?.name;
        Ok(rename_form(
            &desk,
            StatusCode::OK,
            (id, name),
            &Problem::default(),
        ))
    })
}

/// Gives a passkey another name.
pub(in crate::http) fn rename(call: Call) -> Answer {
    signed_in(call, (Posted::Form, WORD), |mut desk, browser| async move {
        let id: PasskeyId = desk.call.id()?;
        let name = take_text(&mut desk, "name")?;
        let (flows, act) = (desk.call.flows(), &desk.call.act);
        match bind::rename(flows, act, browser.holder(), (id, &name)).await {
            Ok(_) => Ok(done(&desk, HERE, "rename_passkey")),
            Err(rejection) => {
                let problem = Problem::of(rejection, &desk.frame())?;
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                Ok(rename_form(&desk, status, (id, &name), &problem))
            }
        }
    })
}

fn rename_form(
    desk: &Desk,
    status: StatusCode,
    (id, name): (PasskeyId, &str),
    problem: &Problem,
) -> Reply {
    let (frame, csrf) = (desk.frame(), desk.token());
    let page = views::RenamePasskey {
        frame: &frame,
        csrf: &csrf,
        id: &id.to_string(),
        name,
        problem: &problem.text,
        details: &problem.details,
    };
    desk.show(status, &frame, &page)
}
