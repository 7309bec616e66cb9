//! The endpoints of the operators' console, below `/console` on the admin door.
//!
//! A page asks the same flow as the JSON endpoint of the same thing, and is opened by the same demand:
//! [`require_operator`](allowed::require_operator) of the area, reading or writing. Who is not signed in is
//! sent to sign in and comes back. What changes something is a [`Deed`]: a page of its own that asks, and a
//! form that does it, for whoever proved lately who they are; it ends with a redirect (303), or with the
//! question again and what was wrong.

use std::future::Future;
use std::pin::Pin;

use domain::rejection::{Code, OAuthCode, Refusal, Rejection};
use domain::time::UnixMillis;
use form_urlencoded::Serializer;
use http::StatusCode;

use super::{Answer, Call};
use crate::flow::allowed::{self, Access};
use crate::flow::console::{self, Seated};
use crate::flow::{Act, Flows};
use crate::http::form;
use crate::http::page::cookies::{self, Kind as CookieKind};
use crate::http::page::guard::FIELD;
use crate::http::page::sheet::{Around, Form, Input, Part, Sheet};
use crate::http::page::when::When;
use crate::http::page::{self, Frame, Leave};
use crate::http::render::{self, Dialect, Reply};
use crate::http::visitor::Visitor;

pub(in crate::http) mod api_keys;
pub(in crate::http) mod audit;
pub(in crate::http) mod clients;
pub(in crate::http) mod door;
mod guard;
mod instants;
pub(in crate::http) mod keys;
pub(in crate::http) mod overview;
mod places;
pub(in crate::http) mod roles;
pub(in crate::http) mod tenants;
pub(in crate::http) mod tree;
mod twice;
pub(in crate::http) mod users;
mod words;

use guard::{check_token, token};
use places::{ENTRANCE, place_of, places_of};

/// What a page is made with: who looks at it, judged at this moment.
struct Seat {
    call: Call,
    frame: Frame,
    around: Around,
    seated: Seated,
    /// What a form brought, or a query.
    given: Vec<(String, String)>,
    /// Which showing of its form was sent.
    once: Option<String>,
}

/// What a page is about.
#[derive(Default)]
struct Shown<'a> {
    heading: &'a str,
    lead: &'a str,
    problem: &'a str,
    details: &'a [String],
    code: &'a str,
    parts: Vec<Part>,
}

/// What is asked before something is done.
struct Question {
    heading: String,
    text: String,
    inputs: Vec<Input>,
    button: &'static str,
    is_danger: bool,
}

/// What became of it.
enum Done {
    /// The browser goes on to a page, which says it by this word.
    Go(String, &'static str),
    /// Something is shown this once.
    Once(String, Vec<Part>),
}

type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T, Rejection>> + Send + 'a>>;

/// Something that changes something.
struct Deed {
    area: &'static str,
    ask: for<'a> fn(&'a Seat) -> Later<'a, Question>,
    act: for<'a> fn(&'a Seat) -> Later<'a, Done>,
}

/// Whether a page changes something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Posted {
    /// It shows.
    No,
    /// It asks before something is changed.
    Asks,
    /// It changes something.
    Form,
}

/// Makes the two endpoints of a deed.
macro_rules! deeds {
    ($($ask:ident $act:ident $deed:ident),+ $(,)?) => {
        $(
            /// Asks whether it is meant.
            pub(in crate::http) fn $ask(call: $crate::http::endpoint::Call) -> $crate::http::endpoint::Answer {
                $crate::http::endpoint::console::ask(call, &$deed)
            }

            /// Does it.
            pub(in crate::http) fn $act(call: $crate::http::endpoint::Call) -> $crate::http::endpoint::Answer {
                $crate::http::endpoint::console::act(call, &$deed)
            }
        )+
    };
}
use deeds;

/// Opens a page of an area that shows something.
fn look(call: Call, area: &'static str, page: for<'a> fn(&'a Seat) -> Later<'a, Reply>) -> Answer {
    Box::pin(async move {
        match enter(call, area, Posted::No).await? {
            Ok(seat) => page(&seat).await,
            Err(reply) => Ok(*reply),
        }
    })
}

/// Opens the page that asks before something is done.
fn ask(call: Call, deed: &'static Deed) -> Answer {
    Box::pin(async move {
        match enter(call, deed.area, Posted::Asks).await? {
            Ok(seat) => {
                let question = (deed.ask)(&seat).await?;
                Ok(seat.ask(StatusCode::OK, question, "", &[]))
            }
            Err(reply) => Ok(*reply),
        }
    })
}

/// Does it, or asks again and says what was wrong.
fn act(call: Call, deed: &'static Deed) -> Answer {
    Box::pin(async move {
        match enter(call, deed.area, Posted::Form).await? {
            Ok(mut seat) => twice::answer(&mut seat, deed).await,
            Err(reply) => Ok(*reply),
        }
    })
}

async fn carry_out(seat: &Seat, deed: &Deed) -> Result<Reply, Rejection> {
    let refusal = match (deed.act)(seat).await {
        Ok(Done::Go(path, word)) => {
            let base = &seat.frame.base;
            let mark = if path.contains('?') { '&' } else { '?' };
            return Ok(page::see_other(&format!("{base}{path}{mark}done={word}")));
        }
        Ok(Done::Once(heading, parts)) => {
            let shown = Shown {
                heading: &heading,
                parts,
                ..Shown::default()
            };
            return Ok(seat.show(StatusCode::OK, &shown));
        }
        Err(Rejection::Refused(refusal)) if refusal.code != Code::NotFound => refusal,
        Err(rejection) => return Err(rejection),
    };
    let question = (deed.ask)(seat).await?;
    let (status, problem, details) = told(refusal);
    Ok(seat.ask(status, question, &problem, &details))
}

/// Puts what was wrong into words, with the status that says so.
fn told(refusal: Refusal) -> (StatusCode, String, Vec<String>) {
    let details = refusal.fields.iter();
    let details = details.map(|wrong| format!("{}: {}", wrong.field, wrong.message));
    let (details, hint) = (details.collect(), refusal.hint.clone().into_owned());
    let (status, _) = render::words_of(&Rejection::Refused(refusal), Dialect::FirstParty);
    (status, hint, details)
}

/// Finds who looks, and whether they may; a reply sends everybody else on, or away.
async fn enter(
    mut call: Call,
    area: &'static str,
    posted: Posted,
) -> Result<Result<Seat, Box<Reply>>, Rejection> {
    let (flows, act) = (call.flows(), &call.act);
    let cookie = cookies::read(&call.headers, &act.tenant, CookieKind::Console);
    let Some(seated) = console::resume(flows, act, cookie.as_deref()).await? else {
        return Ok(Err(door::send(&call, posted, false)));
    };
    if posted != Posted::Form && seated.is_waning(act) {
        return Ok(Err(door::send(&call, posted, false)));
    }
    let csrf = token(flows, act, &call, &seated);
    let mut given = take_given(&mut call, &seated, posted)?;
    let once = twice::take(&mut given);
    let access = match posted {
        Posted::No => Access::Read,
        Posted::Asks | Posted::Form => Access::Write,
    };
    let places = places_of(call.flows(), &call.act, &seated).await?;
    let entered =
        allowed::require_operator(call.flows(), &call.act, &seated.caller, (area, access));
    let entered = entered.await;
    let around = Around {
        who: name_of(&call, &seated).await?,
        csrf,
        places,
        here: place_of(area),
    };
    let frame = Frame::console(call.flows(), &call.act);
    let mut seat = Seat {
        call,
        frame,
        around,
        seated,
        given,
        once,
    };
    match entered {
        Ok(powers) => {
            seat.call.act.may_appoint = powers.may_appoint();
            seat.call.visitor = Visitor::Operator(powers);
        }
        Err(Rejection::Refused(_)) => return Ok(Err(Box::new(seat.refuse(posted)))),
        Err(failed) => return Err(failed),
    }
    if posted != Posted::No && !seat.seated.is_fresh(&seat.call.act) {
        return Ok(Err(door::send(&seat.call, posted, true)));
    }
    seat.call.act.origin.actor = seat.seated.caller.actor();
    // It is the operator's, not that of the person who is told of what they do.
    seat.call.act.language = None;
    Ok(Ok(seat))
}

/// Takes what a form of ours brought, or a query.
fn take_given(
    call: &mut Call,
    seated: &Seated,
    posted: Posted,
) -> Result<Vec<(String, String)>, Refusal> {
    if posted != Posted::Form {
        return form::parse(call.query.as_deref().unwrap_or_default().as_bytes());
    }
    let mut given = call.take_fields().into_pairs();
    let presented = given.iter().position(|(name, _)| name == FIELD);
    let presented = presented.map(|at| given.remove(at).1);
    check_token(call, seated, presented.as_deref())?;
    Ok(given)
}

async fn name_of(call: &Call, seated: &Seated) -> Result<String, Rejection> {
    let (flows, act) = (call.flows(), &call.act);
    let user = seated.person()?.user;
    let found = flows
        .accounts
        .load(act.tenant.id, user, act.deadline)
        .await?;
    Ok(found.map_or_else(String::new, |user| user.email.as_str().to_owned()))
}

// === impl Seat ===

impl Seat {
    fn flows(&self) -> &Flows {
        self.call.flows()
    }

    fn act(&self) -> &Act {
        &self.call.act
    }

    /// Gives what was filled in or asked for under a name; nothing if that is empty.
    fn given(&self, name: &str) -> Option<String> {
        let found = self.given.iter().find(|(known, _)| known == name);
        let text = found.map(|(_, value)| value.trim().to_owned());
        text.filter(|text| !text.is_empty())
    }

    /// Says whether it is a whole form that came, which carries the version that it shows: what is empty counts as
    /// absent, and in such a form was emptied.
    fn is_whole(&self) -> bool {
        self.given("version").is_some()
    }

    /// Gives the words or lines that were filled in under a name.
    fn given_list(&self, name: &str) -> Vec<String> {
        let text = self.given(name).unwrap_or_default();
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// Says when something was.
    fn when(&self, at: UnixMillis) -> When {
        When::new(at, self.frame.texts)
    }

    /// Gives the address of the page that follows in a list, narrowed by the same.
    fn further(&self, here: &str, names: &[&str], cursor: &str) -> String {
        let narrowed = self.narrowed(here, names);
        let mark = if narrowed.contains('?') { '&' } else { '?' };
        format!("{narrowed}{mark}cursor={cursor}")
    }

    /// Gives the address of a page, narrowed by what this one is narrowed by under these names.
    fn narrowed(&self, here: &str, names: &[&str]) -> String {
        let mut query = Serializer::new(String::new());
        for name in names {
            if let Some(value) = self.given(name) {
                query.append_pair(name, &value);
            }
        }
        match query.finish() {
            query if query.is_empty() => here.to_owned(),
            query => format!("{here}?{query}"),
        }
    }

    /// Shows a page.
    fn show(&self, status: StatusCode, shown: &Shown<'_>) -> Reply {
        let done = self.given("done").unwrap_or_default();
        let sheet = Sheet {
            frame: &self.frame,
            around: Some(&self.around),
            heading: shown.heading,
            lead: shown.lead,
            done: words::of_deed(&done),
            problem: shown.problem,
            details: shown.details,
            code: shown.code,
            parts: &shown.parts,
        };
        page::show(status, &self.frame, &sheet, Leave::default())
    }

    /// Asks, with what was filled in before.
    fn ask(
        &self,
        status: StatusCode,
        question: Question,
        problem: &str,
        details: &[String],
    ) -> Reply {
        let kept = |input: Input| match self.given(input.name) {
            Some(value) if !input.is_secret() => input.with(value),
            _ => input,
        };
        let form = Form {
            action: self.call.path.clone(),
            csrf: self.around.csrf.clone(),
            once: twice::draw(self),
            inputs: question.inputs.into_iter().map(kept).collect(),
            button: question.button,
            is_danger: question.is_danger,
        };
        let back = (
            self.around.here.to_owned(),
            "Back, and change nothing".to_owned(),
        );
        let shown = Shown {
            heading: &question.heading,
            lead: &question.text,
            problem,
            details,
            parts: vec![Part::Form(form), Part::Acts(vec![back])],
            ..Shown::default()
        };
        self.show(status, &shown)
    }

    /// Says that this is not theirs to see. Whoever opens the console goes to the first place that is.
    fn refuse(&self, posted: Posted) -> Reply {
        let is_entrance = self.call.path == ENTRANCE && posted == Posted::No;
        match self.around.places.first() {
            Some(place) if is_entrance => {
                return page::see_other(&format!("{}{}", self.frame.base, place.path));
            }
            _ => {}
        }
        let shown = Shown {
            heading: "This is not yours to do",
            lead: "Your roles do not allow it. Whoever looks after roles can change that.",
            code: OAuthCode::InsufficientScope.as_str(),
            ..Shown::default()
        };
        self.show(StatusCode::FORBIDDEN, &shown)
    }
}
