//! /account/sessions: where a person is signed in, and signing out there. Flow: [`sessions`].

use domain::id::SessionId;
use domain::rejection::Rejection;
use domain::session::Session;
use http::StatusCode;

use super::{Asked, ask, done, done_of, signed_in};
use crate::flow::sessions::{self, EndSession};
use crate::http::endpoint::page::Posted;
use crate::http::endpoint::{Answer, Call, not_found};
use crate::http::page::device::describe;
use crate::http::page::texts::Texts;
use crate::http::page::texts::account::Matter;
use crate::http::page::views::account as views;
use crate::http::page::when::When;

const HERE: &str = "/account/sessions";
const WORD: &str = "account.sessions";

/// Lists where the person is signed in.
pub(in crate::http) fn list(call: Call) -> Answer {
    signed_in(call, (Posted::No, WORD), |desk, browser| async move {
        let (flows, act) = (desk.call.flows(), &desk.call.act);
        let own = sessions::list(flows, act, browser.holder()).await?;
        let frame = desk.frame();
        let row = |session: &Session| row(session, own.current, frame.texts);
        let rows: Vec<views::SessionRow> = own.sessions.iter().map(row).collect();
        let page = views::SessionList {
            frame: &frame,
            done: frame.texts.account.done(&done_of(&desk)?),
            sessions: &rows,
        };
        Ok(desk.show(StatusCode::OK, &frame, &page))
    })
}

fn row(session: &Session, current: Option<SessionId>, texts: &Texts) -> views::SessionRow {
    let address = session.address.map(|address| address.to_string());
    views::SessionRow {
        id: session.id.to_string(),
        device: describe(session.user_agent.as_deref(), texts),
        address: address.unwrap_or_default(),
        created: When::new(session.created_at, texts),
        last_active: When::new(session.last_active_at, texts),
        is_this: current == Some(session.id),
    }
}

/// Asks whether to sign out there.
pub(in crate::http) fn ask_end(call: Call) -> Answer {
    signed_in(call, (Posted::No, WORD), |desk, browser| async move {
        let id: SessionId = desk.call.id()?;
        let (flows, act) = (desk.call.flows(), &desk.call.act);
        let own = sessions::list(flows, act, browser.holder()).await?;
        let found = own.sessions.iter().find(|session| session.id == id);
        let found = found.ok_or_else(not_found)?;
        let device = describe(found.user_agent.as_deref(), desk.frame().texts);
        let asked = Asked {
            here: HERE,
            matter: Matter::EndSession,
            about: &device,
            action: &format!("{HERE}/{id}/end"),
            fields: &[],
        };
        Ok(ask(&desk, &asked))
    })
}

/// Signs out there.
pub(in crate::http) fn end(call: Call) -> Answer {
    signed_in(call, (Posted::Form, WORD), |desk, browser| async move {
        let session: SessionId = desk.call.id()?;
        let (flows, act) = (desk.call.flows(), &desk.call.act);
        let message = EndSession { session };
        sessions::end_session(flows, act, browser.holder(), message).await?;
        Ok(done(&desk, HERE, Matter::EndSession.as_str()))
    })
}

/// Asks whether to sign out everywhere else.
pub(in crate::http) fn ask_end_others(call: Call) -> Answer {
    signed_in(call, (Posted::No, WORD), |desk, _| async move {
        let asked = Asked {
            here: HERE,
            matter: Matter::EndOthers,
            about: "",
            action: "/account/sessions/end-others",
            fields: &[],
        };
        Ok(ask(&desk, &asked))
    })
}

/// Signs out everywhere else.
pub(in crate::http) fn end_others(call: Call) -> Answer {
    signed_in(call, (Posted::Form, WORD), |desk, browser| async move {
        let (flows, act) = (desk.call.flows(), &desk.call.act);
        let ended: Result<(), Rejection> = sessions::end_others(flows, act, browser.holder()).await;
        ended?;
        Ok(done(&desk, HERE, Matter::EndOthers.as_str()))
    })
}
