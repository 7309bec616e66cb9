//! /console/sign-in, /console/callback, /console/sign-out, /console/signed-out: the way in and out. Flow:
//! [`console`].

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::rejection::{Code, OAuthCode, Rejection};
use domain::secret::SecretText;
use form_urlencoded::Serializer;
use http::StatusCode;

use super::Posted;
use super::guard::{check_token, token};
use super::places::{ENTRANCE, places_of};
use crate::flow::console::{self, Begin, Conclude};
use crate::http::endpoint::{Answer, Call};
use crate::http::form;
use crate::http::page::cookies::{self, Kind};
use crate::http::page::guard::FIELD;
use crate::http::page::sheet::{Form, Part, Sheet};
use crate::http::page::{self, Frame, Leave};
use crate::http::render::Reply;

/// The longest address that one comes back to.
const MAX_BACK: usize = 2048;

/// Sends a browser to sign in, and back to where it is.
pub(super) fn send(call: &Call, posted: Posted, anew: bool) -> Box<Reply> {
    let query = call.query.as_deref().filter(|_| posted != Posted::Form);
    let back = match query {
        Some(query) => format!("{}?{query}", call.path),
        None => call.path.clone(),
    };
    let mut asked = Serializer::new(String::new());
    asked.append_pair("back", &back);
    if anew {
        asked.append_pair("anew", "1");
    }
    let base = console::base_of(&call.flows().settings, &call.act.tenant);
    let place = format!("{base}/console/sign-in?{}", asked.finish());
    Box::new(page::see_other(&place))
}

/// Sends a browser to the public door, where people sign in.
pub(in crate::http) fn sign_in(call: Call) -> Answer {
    Box::pin(async move {
        let (flows, act) = (call.flows(), &call.act);
        let asked = form::parse(call.query.as_deref().unwrap_or_default().as_bytes())?;
        let find = |name: &str| asked.iter().find(|(known, _)| known == name);
        let back = find("back").map(|(_, back)| back.clone());
        let known = cookies::read(&call.headers, &act.tenant, Kind::ConsoleVisitor);
        let known = known.filter(|visitor| visitor.len() == 22);
        let is_new = known.is_none();
        let visitor = known.unwrap_or_else(|| URL_SAFE_NO_PAD.encode(flows.random.array::<16>()));
        let message = Begin {
            visitor: visitor.clone(),
            back: back
                .filter(|back| is_ours(back))
                .unwrap_or_else(|| ENTRANCE.to_owned()),
            anew: find("anew").is_some(),
        };
        let mut reply = page::see_other(&console::begin(flows, act, message)?);
        if is_new {
            cookies::set(&mut reply, &act.tenant, Kind::ConsoleVisitor, visitor);
        }
        Ok(reply)
    })
}

/// Takes a browser that comes back.
pub(in crate::http) fn callback(call: Call) -> Answer {
    Box::pin(async move {
        let (flows, act) = (call.flows(), &call.act);
        let brought = form::parse(call.query.as_deref().unwrap_or_default().as_bytes())?;
        let find = |name: &str| {
            let found = brought.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone())
        };
        if find("error").is_some() {
            let text = "You did not sign in. Nothing was changed.";
            return Ok(say(
                &call,
                (StatusCode::OK, ""),
                "You are not signed in",
                text,
            ));
        }
        let visitor = cookies::read(&call.headers, &act.tenant, Kind::ConsoleVisitor);
        let message = Conclude {
            visitor: visitor.unwrap_or_default(),
            state: find("state").unwrap_or_default(),
            code: SecretText::new(find("code").unwrap_or_default()),
            issuer: find("iss"),
        };
        let (cookie, back) = match console::conclude(flows, act, message).await {
            Ok(concluded) => concluded,
            Err(Rejection::Refused(refusal)) if refusal.code == Code::Forbidden => {
                let word = OAuthCode::InsufficientUserAuthentication.as_str();
                let text = "The console is for those who sign in with two factors.";
                let status = (StatusCode::FORBIDDEN, word);
                return Ok(say(&call, status, "One factor is not enough", text));
            }
            Err(rejection) => return Err(rejection),
        };
        let seated = console::resume(flows, act, Some(cookie.expose())).await?;
        let places = match &seated {
            Some(seated) => places_of(flows, act, seated).await?,
            None => Vec::new(),
        };
        if places.is_empty() {
            let word = OAuthCode::InsufficientScope.as_str();
            let text =
                "The console is for operators, and your account is none. Nothing was changed.";
            let status = (StatusCode::FORBIDDEN, word);
            return Ok(say(&call, status, "This is not for you", text));
        }
        let base = console::base_of(&flows.settings, &act.tenant);
        let mut reply = page::see_other(&format!("{base}{back}"));
        let value = cookie.expose().to_owned();
        cookies::set(&mut reply, &act.tenant, Kind::Console, value);
        Ok(reply)
    })
}

/// Asks whether to sign out.
pub(in crate::http) fn ask_sign_out(call: Call) -> Answer {
    Box::pin(async move {
        let (flows, act) = (call.flows(), &call.act);
        let cookie = cookies::read(&call.headers, &act.tenant, Kind::Console);
        let base = console::base_of(&flows.settings, &act.tenant);
        let Some(seated) = console::resume(flows, act, cookie.as_deref()).await? else {
            return Ok(page::see_other(&format!("{base}/console/signed-out")));
        };
        let frame = Frame::console(flows, act);
        let form = Form {
            action: call.path.clone(),
            csrf: token(flows, act, &call, &seated),
            button: "Sign out",
            ..Form::default()
        };
        let back = (ENTRANCE.to_owned(), "Back, and stay signed in".to_owned());
        let sheet = Sheet {
            frame: &frame,
            around: None,
            heading: "Sign out?",
            lead: "The sign-in ends here and wherever else you used it in this browser.",
            done: "",
            problem: "",
            details: &[],
            code: "",
            parts: &[Part::Form(form), Part::Acts(vec![back])],
        };
        Ok(page::show(StatusCode::OK, &frame, &sheet, Leave::default()))
    })
}

/// Signs out, here and wherever else this sign-in is used.
pub(in crate::http) fn sign_out(mut call: Call) -> Answer {
    Box::pin(async move {
        let presented = call.take_fields().optional_text(FIELD);
        let (flows, act) = (call.flows(), &call.act);
        let cookie = cookies::read(&call.headers, &act.tenant, Kind::Console);
        if let Some(seated) = console::resume(flows, act, cookie.as_deref()).await? {
            check_token(&call, &seated, presented.as_deref())?;
            console::leave(flows, act, &seated).await?;
        }
        let base = console::base_of(&flows.settings, &act.tenant);
        let mut reply = page::see_other(&format!("{base}/console/signed-out"));
        cookies::clear(&mut reply, &act.tenant, Kind::Console);
        Ok(reply)
    })
}

/// Says that nobody is signed in any more.
pub(in crate::http) fn signed_out(call: Call) -> Answer {
    Box::pin(async move {
        let text = "You are signed out, here and wherever else you used this sign-in.";
        Ok(say(&call, (StatusCode::OK, ""), "You are signed out", text))
    })
}

fn say(call: &Call, (status, code): (StatusCode, &str), heading: &str, text: &str) -> Reply {
    let frame = Frame::console(call.flows(), &call.act);
    let again = ("/console/sign-in?anew=1".to_owned(), "Sign in".to_owned());
    let sheet = Sheet {
        frame: &frame,
        around: None,
        heading,
        lead: text,
        done: "",
        problem: "",
        details: &[],
        code,
        parts: &[Part::Acts(vec![again])],
    };
    page::show(status, &frame, &sheet, Leave::default())
}

/// Says whether an address is a page of the console, and nothing but one.
fn is_ours(back: &str) -> bool {
    let path = back.split('?').next().unwrap_or_default();
    let rest = path.strip_prefix(ENTRANCE);
    let is_below = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let is_plain = back.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    is_below && is_plain && !path.contains("..") && back.len() <= MAX_BACK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_leads_back_to_the_console_alone() {
        for ours in [
            "/console",
            "/console/users?search=a%20b",
            "/console?hours=6",
        ] {
            assert!(is_ours(ours), "{ours}");
        }
        for other in [
            "",
            "/",
            "/consoles",
            "//evil.example/console",
            "https://evil.example/console",
            "/console/../admin",
            "/console\\x",
            "/console/a\r\nb",
            "/admin/users",
        ] {
            assert!(!is_ours(other), "{other}");
        }
    }
}
