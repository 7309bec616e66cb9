//! The endpoints of the hosted pages; `http::page` holds what they have in common.
//!
//! A page that is posted to answers with a redirect (303), except when the person has to look at the
//! form again.

use domain::rejection::{Code, Refusal, Rejection};
use domain::secret::SecretText;
use http::StatusCode;

use super::Call;
use crate::flow::authorize::{Asked, Decision, Delivery, Step, decide};
use crate::flow::browser::Browser;
use crate::flow::device::AskedDevice;
use crate::flow::login::{AtBrowser, Login};
use crate::flow::login_ui;
use crate::flow::sign_in::demand_of;
use crate::http::form;
use crate::http::page::guard::{self, Guard};
use crate::http::page::{self, Frame, Leave, session, views};
use crate::http::render::Reply;

pub(in crate::http) mod account;
pub(in crate::http) mod authorize;
pub(in crate::http) mod bind;
pub(in crate::http) mod consent;
pub(in crate::http) mod device;
pub(in crate::http) mod passkey;
pub(in crate::http) mod password;
pub(in crate::http) mod recovery;
pub(in crate::http) mod register;
pub(in crate::http) mod restore;
pub(in crate::http) mod second_factor;
pub(in crate::http) mod sign_in;
pub(in crate::http) mod sign_out;
mod station;
pub(in crate::http) mod verify_email;

/// What a page is made with.
struct Desk {
    call: Call,
    guard: Guard,
    browser: Option<Browser>,
    asked: Option<Asked>,
    /// The device that the page is about instead.
    device: Option<AskedDevice>,
    /// The account page that the sign-in is for instead.
    account: Option<&'static str>,
    /// The sealed request or device, or the word for an account page, as it came.
    request: String,
}

/// What stands above a form that has to be looked at again.
#[derive(Default)]
struct Problem {
    text: String,
    details: Vec<String>,
}

/// Who may post: whoever has the page's token, or, to look, anyone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Posted {
    /// The request changes nothing.
    No,
    /// It comes with a form.
    Form,
}

// === impl Desk ===

impl Desk {
    /// Reads what the browser brings: its sign-in, and the request that the page is about.
    async fn open(mut call: Call, posted: Posted) -> Result<Self, Rejection> {
        let (flows, act) = (call.flows(), &call.act);
        let guard = Guard::new(flows, act, &call.headers);
        let browser = session::resume(flows, act, &call.headers).await?;
        let request = if posted == Posted::Form {
            let presented = call.fields.optional_text(guard::FIELD).unwrap_or_default();
            guard.check(call.flows(), &call.act, &presented)?;
            call.fields.optional_text("request")
        } else {
            query_of(&call, "request")?
        };
        let request = request.unwrap_or_default();
        let (flows, act) = (call.flows(), &call.act);
        let account = account::place_of(&request);
        let (asked, device) = match (request.as_str(), request.strip_prefix(device::MARK)) {
            _ if account.is_some() => (None, None),
            ("", _) => (None, None),
            (_, Some(sealed)) => {
                let device = AskedDevice::open(flows, act, guard.visitor(), sealed).await?;
                (None, Some(device))
            }
            (text, None) => (Some(Asked::open(flows, act, text).await?), None),
        };
        if let Some(asked) = &asked {
            call.act.prefer(&asked.request.ui_locales);
        }
        Ok(Self {
            call,
            guard,
            browser,
            asked,
            device,
            account,
            request,
        })
    }

    /// Names the client that the page is about, if it is about one.
    fn client_name(&self) -> &str {
        let asked = self.asked.as_ref().map(|asked| &asked.client);
        let client = asked.or_else(|| self.device.as_ref().map(|device| &device.client));
        client.map_or("", |client| client.name.as_str())
    }

    /// Takes a person who does not want to sign in back to where they came from, if they say so. A
    /// device waits on: whoever is not signed in decides nothing about it.
    async fn cancel(&mut self) -> Result<Option<Reply>, Rejection> {
        if self.call.fields.optional_text("decision").as_deref() != Some("cancel") {
            return Ok(None);
        }
        if self.device.is_some() {
            return Ok(Some(page::see_other(&format!(
                "{}/device",
                self.frame().base
            ))));
        }
        if let Some(path) = self.account {
            let base = self.frame().base;
            return Ok(Some(page::see_other(&format!("{base}{path}"))));
        }
        let Some(asked) = self.asked.clone() else {
            return Ok(None);
        };
        let (flows, act) = (self.call.flows(), &self.call.act);
        let step = decide(flows, act, asked, None, Decision::Deny).await?;
        self.follow(step).await.map(Some)
    }

    /// Sends a browser on that came to sign in here for an application, where the tenant signs people
    /// in on pages of its own.
    async fn elsewhere(&self) -> Result<Option<Reply>, Rejection> {
        let is_elsewhere = self.call.act.tenant.config.login_ui_url.is_some();
        match &self.asked {
            Some(asked) if is_elsewhere => {
                let step = Step::SignIn(Box::new(asked.clone()));
                self.follow(step).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Makes the message of a sign-in in this browser.
    async fn login(&self, email: String, password: SecretText) -> Result<Login, Rejection> {
        let (flows, act) = (self.call.flows(), &self.call.act);
        let resting = session::find_resting(flows, act, &self.call.headers).await?;
        Ok(Login {
            email,
            password,
            demand: demand_of(act, self.asked.as_ref()),
            at: Some(AtBrowser {
                visitor: self.guard.visitor().to_owned(),
                resting,
            }),
        })
    }

    /// Gives the address of a page about the same request.
    fn place(&self, path: &str) -> String {
        let base = self.frame().base;
        match self.request.as_str() {
            "" => format!("{base}{path}"),
            request => format!("{base}{path}?request={request}"),
        }
    }

    /// The same, with a parameter more.
    fn place_with(&self, path: &str, (name, value): (&str, &str)) -> String {
        let mark = if self.request.is_empty() { '?' } else { '&' };
        format!("{}{mark}{name}={value}", self.place(path))
    }

    /// Gives the address where whoever is signed in goes on.
    fn onward(&self) -> String {
        match self.request.as_str() {
            "" => self.place("/sign-in"),
            _ if self.account.is_some() => {
                format!("{}{}", self.frame().base, self.account.unwrap_or_default())
            }
            _ if self.device.is_some() => self.place("/device"),
            _ => self.place("/oauth/resume"),
        }
    }

    fn frame(&self) -> Frame {
        let wanted = self.asked.as_ref().map(|asked| &asked.request.ui_locales);
        let wanted = wanted.map_or(&[][..], Vec::as_slice);
        Frame::new(
            self.call.flows(),
            &self.call.act,
            &self.call.headers,
            wanted,
        )
    }

    fn token(&self) -> String {
        self.guard.token(self.call.flows(), &self.call.act)
    }

    /// Shows a page about the request.
    fn show(&self, status: StatusCode, frame: &Frame, page: &impl page::Page) -> Reply {
        let place = self.asked.as_ref().map(|asked| &asked.request.redirect_uri);
        let leave = Leave {
            posts_to: place.map(String::as_str),
            ..Leave::default()
        };
        let mut reply = page::show(status, frame, page, leave);
        self.guard.remember(&self.call.act, &mut reply);
        if let Some(browser) = &self.browser {
            let (flows, act) = (self.call.flows(), &self.call.act);
            session::keep(flows, act, browser.remembered(), &mut reply);
        }
        reply
    }

    /// Shows a sentence.
    fn say(&self, heading: &str, text: &str, link: Option<(&str, &str)>) -> Reply {
        let frame = self.frame();
        let (link, label) = link.unwrap_or_default();
        let page = views::Message {
            frame: &frame,
            heading,
            text,
            link,
            label,
        };
        self.show(StatusCode::OK, &frame, &page)
    }

    /// Does what comes next.
    async fn follow(&self, step: Step) -> Result<Reply, Rejection> {
        let (flows, act) = (self.call.flows(), &self.call.act);
        let visitor = self.guard.visitor();
        if let Some(place) = login_ui::place_of(flows, act, visitor, &step).await? {
            let mut reply = page::see_other(&place);
            self.guard.remember(act, &mut reply);
            return Ok(reply);
        }
        let base = self.frame().base;
        Ok(match step {
            Step::Answer(delivery) => self.deliver(&delivery),
            Step::SignIn(asked) | Step::AskAnyway(asked, _) => {
                let request = asked.seal(flows, act)?;
                page::see_other(&format!("{base}/sign-in?request={request}"))
            }
            Step::StepUp(asked) => {
                let request = asked.seal(flows, act)?;
                page::see_other(&format!("{base}/second-factor?request={request}"))
            }
            Step::Consent(asked, _) => {
                let request = asked.seal(flows, act)?;
                page::see_other(&format!("{base}/consent?request={request}"))
            }
        })
    }

    fn deliver(&self, delivery: &Delivery) -> Reply {
        let (action, fields) = match delivery {
            Delivery::Redirect { location } => return page::see_other(location),
            Delivery::Form { action, fields } => (action, fields),
        };
        let frame = self.frame();
        let fields: Vec<(&str, &str)> = fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let page = views::FormPost {
            frame: &frame,
            action,
            fields: &fields,
        };
        let leave = Leave {
            posts_to: Some(action),
            ..Leave::default()
        };
        page::show(StatusCode::OK, &frame, &page, leave)
    }
}

/// Reads a parameter of the query.
fn query_of(call: &Call, name: &str) -> Result<Option<String>, Refusal> {
    let query = call.query.as_deref().unwrap_or_default();
    let mut pairs = form::parse(query.as_bytes())?.into_iter();
    Ok(pairs
        .find(|(known, _)| known == name)
        .map(|(_, value)| value))
}

fn names(refusal: &Refusal, field: &str) -> bool {
    refusal.fields.iter().any(|wrong| wrong.field == field)
}

// === impl Problem ===

impl Problem {
    /// Says why a factor was refused.
    fn of_factor(rejection: Rejection, frame: &Frame, method: &str) -> Result<Self, Rejection> {
        let Rejection::Refused(refusal) = &rejection else {
            return Err(rejection);
        };
        if refusal.code == Code::Forbidden && method == "passkey" {
            return Ok(Self {
                text: frame.texts.factor.problem_authenticator.clone(),
                details: Vec::new(),
            });
        }
        let is_of_code = refusal.code == Code::Validation && names(refusal, "code");
        if refusal.code == Code::Unauthorized || is_of_code {
            let texts = &frame.texts.factor;
            let text = match method {
                "passkey" => &texts.problem_passkey,
                "recovery" => &texts.problem_recovery,
                _ => &texts.problem_code,
            };
            return Ok(Self {
                text: text.clone(),
                details: Vec::new(),
            });
        }
        Self::of(rejection, frame)
    }

    /// Says why a form was refused; anything but a refusal of the form itself is passed on.
    fn of(rejection: Rejection, frame: &Frame) -> Result<Self, Rejection> {
        let Rejection::Refused(refusal) = rejection else {
            return Err(rejection);
        };
        let text = match refusal.code {
            Code::Unauthorized => frame.texts.problem_wrong.clone(),
            Code::PasswordCompromised => frame.texts.problem_compromised.clone(),
            Code::Conflict => frame.texts.problem_taken.clone(),
            Code::RateLimited => {
                let wait = refusal.retry_after.unwrap_or_default();
                frame.texts.wait(wait.as_secs().saturating_add(1))
            }
            Code::Validation if names(&refusal, "token") => frame.texts.problem_token.clone(),
            Code::Validation if names(&refusal, "user_code") => frame.texts.problem_code.clone(),
            Code::Validation => frame.texts.problem_fields.clone(),
            _ => return Err(Rejection::Refused(refusal)),
        };
        let details = refusal.fields.iter();
        let details = details.filter(|wrong| wrong.field != "token" && wrong.field != "user_code");
        Ok(Self {
            text,
            details: details
                .map(|wrong| format!("{}: {}", wrong.field, wrong.message))
                .collect(),
        })
    }
}
