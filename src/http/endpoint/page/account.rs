//! /account: what a person sees of their own account, and changes. GET, POST /account are the name, GET,
//! POST /account/password the password; the rest is in the children. Flows:
//! [`update_me`], [`change_password`].
//!
//! Whoever is not signed in signs in and comes back; so does whoever changes how they sign in and did not
//! prove a short while ago who they are, as well as the account can.

use domain::identity::ExternalIdentity;
use domain::rejection::{OAuthCode, Refusal, Rejection};
use domain::secret::SecretText;
use http::StatusCode;

use super::{Desk, Posted, Problem, query_of};
use crate::flow::admin::users::identities;
use crate::flow::browser::Browser;
use crate::flow::fresh::Fresh;
use crate::flow::new_password::least_length;
use crate::flow::password::{ChangePassword, change_password};
use crate::flow::profile::{UpdateMe, update_me};
use crate::http::endpoint::{Answer, Call};
use crate::http::page::texts::account::Matter;
use crate::http::page::views::account as views;
use crate::http::page::when::When;
use crate::http::page::{self, Frame};
use crate::http::render::Reply;

pub(in crate::http) mod activity;
pub(in crate::http) mod applications;
pub(in crate::http) mod data;
pub(in crate::http) mod factors;
pub(in crate::http) mod sessions;

/// The pages that a sign-in may lead back to, by the word that stands for a request then.
const PLACES: [(&str, &str); 7] = [
    ("account", "/account"),
    ("account.password", "/account/password"),
    ("account.factors", "/account/factors"),
    ("account.sessions", "/account/sessions"),
    ("account.applications", "/account/applications"),
    ("account.activity", "/account/activity"),
    ("account.data", "/account/data"),
];

/// Gives the page that a word stands for; nothing for any other text.
pub(super) fn place_of(word: &str) -> Option<&'static str> {
    let known = PLACES.iter().find(|(known, _)| *known == word);
    known.map(|(_, path)| *path)
}

/// Shows the name and the address.
pub(in crate::http) fn show(call: Call) -> Answer {
    signed_in(call, (Posted::No, "account"), |desk, browser| async move {
        overview(&desk, &browser, (StatusCode::OK, &Problem::default())).await
    })
}

/// Saves another name.
pub(in crate::http) fn save(call: Call) -> Answer {
    signed_in(
        call,
        (Posted::Form, "account"),
        |mut desk, browser| async move {
            let name = take_text(&mut desk, "name")?;
            let (flows, act) = (desk.call.flows(), &desk.call.act);
            let message = UpdateMe { name: Some(name) };
            match update_me(flows, act, browser.holder(), message).await {
                Ok(_) => Ok(done(&desk, "/account", "name")),
                Err(rejection) => {
                    let problem = Problem::of(rejection, &desk.frame())?;
                    let look = (StatusCode::UNPROCESSABLE_ENTITY, &problem);
                    overview(&desk, &browser, look).await
                }
            }
        },
    )
}

async fn overview(
    desk: &Desk,
    browser: &Browser,
    (status, problem): (StatusCode, &Problem),
) -> Result<Reply, Rejection> {
    let (frame, csrf) = (desk.frame(), desk.token());
    let (flows, act) = (desk.call.flows(), &desk.call.act);
    let links = identities::own(flows, act, browser.user.id).await?;
    let links: Vec<_> = links.into_iter().map(|one| link_row(one, &frame)).collect();
    let page = views::Overview {
        frame: &frame,
        csrf: &csrf,
        done: frame.texts.account.done(&done_of(desk)?),
        name: &browser.user.name,
        email: browser.user.email.as_str(),
        is_proven: browser.user.email_verified,
        resend: "",
        links: &links,
        problem: &problem.text,
        details: &problem.details,
    };
    Ok(desk.show(status, &frame, &page))
}

fn link_row(identity: ExternalIdentity, frame: &Frame) -> views::LinkRow {
    views::LinkRow {
        issuer: identity.issuer,
        subject: identity.subject,
        since: When::new(identity.created_at, frame.texts),
    }
}

/// Shows the form for another password.
pub(in crate::http) fn show_password(call: Call) -> Answer {
    signed_in(
        call,
        (Posted::No, "account.password"),
        |desk, browser| async move { password(&desk, &browser, (StatusCode::OK, &Problem::default())) },
    )
}

/// Changes the password of whoever knows the old one; other sign-ins end.
pub(in crate::http) fn save_password(call: Call) -> Answer {
    signed_in(
        call,
        (Posted::Form, "account.password"),
        |mut desk, browser| async move {
            let message = parse_password(&mut desk)?;
            let (flows, act) = (desk.call.flows(), &desk.call.act);
            match change_password(flows, act, browser.holder(), message).await {
                Ok(()) => Ok(done(&desk, "/account/password", "password")),
                Err(rejection) => {
                    let problem = Problem::of(rejection, &desk.frame())?;
                    let look = (StatusCode::UNPROCESSABLE_ENTITY, &problem);
                    password(&desk, &browser, look)
                }
            }
        },
    )
}

fn parse_password(desk: &mut Desk) -> Result<ChangePassword, Refusal> {
    let mut fields = desk.call.take_fields();
    let old: Option<SecretText> = fields.optional_secret("old_password");
    let new = fields.optional_secret("new_password");
    fields.finish(ChangePassword {
        old: old.unwrap_or_default(),
        new: new.unwrap_or_default(),
    })
}

fn password(
    desk: &Desk,
    browser: &Browser,
    (status, problem): (StatusCode, &Problem),
) -> Result<Reply, Rejection> {
    let (frame, csrf) = (desk.frame(), desk.token());
    let page = views::ChangePassword {
        frame: &frame,
        csrf: &csrf,
        done: frame.texts.account.done(&done_of(desk)?),
        email: browser.user.email.as_str(),
        min_length: least_length(desk.call.flows(), &desk.call.act),
        problem: &problem.text,
        details: &problem.details,
    };
    Ok(desk.show(status, &frame, &page))
}

/// Opens a page for whoever is signed in; everybody else signs in, and comes back to where `word` leads.
fn signed_in<Page, Shown>(call: Call, (posted, word): (Posted, &'static str), page: Page) -> Answer
where
    Page: FnOnce(Desk, Browser) -> Shown + Send + 'static,
    Shown: Future<Output = Result<Reply, Rejection>> + Send,
{
    Box::pin(async move {
        let desk = Desk::open(call, posted).await?;
        match desk.browser.clone().filter(Browser::stays) {
            Some(browser) => page(desk, browser).await,
            None => Ok(sign_in(&desk, word)),
        }
    })
}

/// Opens a page for whoever proved lately who they are, as well as the account can; everybody else does
/// so first, and comes back.
fn fresh<Page, Shown>(call: Call, (posted, word): (Posted, &'static str), page: Page) -> Answer
where
    Page: FnOnce(Desk, Browser, Fresh) -> Shown + Send + 'static,
    Shown: Future<Output = Result<Reply, Rejection>> + Send,
{
    signed_in(call, (posted, word), move |desk, browser| async move {
        match Fresh::browser(desk.call.flows(), &desk.call.act, &browser).await {
            Ok(fresh) => page(desk, browser, fresh).await,
            Err(Rejection::Refused(refusal))
                if refusal.oauth == Some(OAuthCode::InsufficientUserAuthentication) =>
            {
                Ok(sign_in(&desk, word))
            }
            Err(rejection) => Err(rejection),
        }
    })
}

fn sign_in(desk: &Desk, word: &str) -> Reply {
    page::see_other(&format!("{}/sign-in?request={word}", desk.frame().base))
}

/// Sends the browser to a page that says what was done.
fn done(desk: &Desk, path: &str, word: &str) -> Reply {
    page::see_other(&format!("{}{path}?done={word}", desk.frame().base))
}

/// Reads what was just done.
fn done_of(desk: &Desk) -> Result<String, Refusal> {
    Ok(query_of(&desk.call, "done")?.unwrap_or_default())
}

fn take_text(desk: &mut Desk, name: &'static str) -> Result<String, Refusal> {
    let mut fields = desk.call.take_fields();
    let text = fields.optional_text(name).unwrap_or_default();
    fields.finish(text)
}

/// What is asked before something is done.
struct Asked<'a> {
    here: &'static str,
    matter: Matter,
    about: &'a str,
    action: &'a str,
    fields: &'a [(&'a str, &'a str)],
}

/// Asks whether something is meant.
fn ask(desk: &Desk, asked: &Asked<'_>) -> Reply {
    let (frame, csrf) = (desk.frame(), desk.token());
    let question = frame.texts.account.question(asked.matter);
    let page = views::Confirm {
        frame: &frame,
        csrf: &csrf,
        here: asked.here,
        heading: &question.heading,
        text: &question.about(asked.about),
        action: &format!("{}{}", frame.base, asked.action),
        fields: asked.fields,
        button: &question.button,
        back: &format!("{}{}", frame.base, asked.here),
    };
    desk.show(StatusCode::OK, &frame, &page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_leads_back_to_known_places_alone() {
        assert_eq!(place_of("account.factors"), Some("/account/factors"));
        for text in ["", "account.", "account/../x", "//evil.example", "Account"] {
            assert_eq!(place_of(text), None, "{text}");
        }
    }
}
