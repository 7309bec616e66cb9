//! GET, POST /consent: whether a client may have what it asks for. Flow: [`authorize`].

use domain::authorization::AuthorizationRequest;
use domain::client::Client;
use domain::rejection::{Code, Refusal};
use http::StatusCode;
use serde_json::Value;
use url::Url;

use super::authorize::no_request;
use super::{Desk, Posted};
use crate::flow::authorize::{self, Asked, Decision, Step};
use crate::flow::browser::Browser;
use crate::flow::clients::is_url;
use crate::flow::lifetimes;
use crate::http::endpoint::{Answer, Call};
use crate::http::page::texts::Texts;
use crate::http::page::views::{self, Fact, Scope};
use crate::http::render::Reply;

/// Shows what is asked for, if there is still something to decide.
pub(in crate::http) fn show(call: Call) -> Answer {
    Box::pin(async move {
        let desk = Desk::open(call, Posted::No).await?;
        let asked = desk.asked.clone().ok_or_else(no_request)?;
        let (flows, act) = (desk.call.flows(), &desk.call.act);
        match authorize::go_on(flows, act, asked, desk.browser.as_ref()).await? {
            Step::Consent(asked, browser) if act.tenant.config.consent_ui_url.is_none() => {
                Ok(page(&desk, &asked, &browser))
            }
            step => desk.follow(step).await,
        }
    })
}

/// Does what the person decided.
pub(in crate::http) fn submit(call: Call) -> Answer {
    Box::pin(async move {
        let mut desk = Desk::open(call, Posted::Form).await?;
        let asked = desk.asked.clone().ok_or_else(no_request)?;
        let decision = match desk.call.fields.optional_text("decision").as_deref() {
            Some("allow") => Decision::Allow,
            Some("deny" | "cancel") => Decision::Deny,
            _ => return Err(Refusal::new(Code::BadRequest, "decision is allow or deny").into()),
        };
        let (flows, act) = (desk.call.flows(), &desk.call.act);
        let browser = desk.browser.as_ref();
        let step = authorize::decide(flows, act, asked, browser, decision).await?;
        desk.follow(step).await
    })
}

fn page(desk: &Desk, asked: &Asked, browser: &Browser) -> Reply {
    let (frame, csrf) = (desk.frame(), desk.token());
    let (request, client) = (&asked.request, &asked.client);
    let disclosed = asked.disclosed();
    let scopes: Vec<Scope<'_>> = disclosed
        .iter()
        .map(|name| Scope {
            text: frame.texts.scope(name),
            name,
        })
        .collect();
    let max_age = lifetimes::of_tokens(desk.call.flows(), &desk.call.act).refresh_max_age;
    let days = max_age.as_secs().div_ceil(86_400);
    let page = views::Consent {
        frame: &frame,
        csrf: &csrf,
        request: &desk.request,
        client: &client.name,
        email: browser.user.email.as_str(),
        is_local: is_local(&request.redirect_uri),
        scopes: &scopes,
        facts: &facts(frame.texts, client, request, days),
    };
    desk.show(StatusCode::OK, &frame, &page)
}

/// Says who the developer is, where the answer goes, for which resources and for how long.
fn facts<'a>(
    texts: &'a Texts,
    client: &Client,
    request: &AuthorizationRequest,
    days: u64,
) -> Vec<Fact<'a>> {
    let developer = developer_of(client);
    let days = request.scope.contains("offline_access").then_some(days);
    let resources = request.resources.join(", ");
    // Whoever allows a detail is to have seen all of it (RFC 9396 §9).
    let details = request.authorization_details.as_ref();
    let details = details.and_then(Value::as_array).into_iter().flatten();
    [
        (&texts.fact_developer, developer),
        (&texts.fact_redirect, place_of(&request.redirect_uri)),
        (&texts.fact_resources, resources),
        (&texts.fact_lifetime, texts.lifetime(days)),
    ]
    .into_iter()
    .chain(details.map(|detail| (&texts.fact_details, detail.to_string())))
    .filter(|(_, text)| !text.is_empty())
    .map(|(term, text)| Fact { term, text })
    .collect()
}

/// Names who made a client: an operator says so, or the place where the client describes itself. What a
/// client says of itself anywhere else tells nobody anything.
fn developer_of(client: &Client) -> String {
    let metadata = &client.metadata;
    match &metadata.client_uri {
        _ if is_url(&client.id) => place_of(&client.id),
        Some(page) if !metadata.is_self_registered => page.clone(),
        _ => String::new(),
    }
}

/// Names the place of a redirect URI for people: its host, or the scheme of an application's own.
fn place_of(redirect_uri: &str) -> String {
    let Ok(url) = Url::parse(redirect_uri) else {
        return redirect_uri.to_owned();
    };
    url.host_str()
        .map_or_else(|| format!("{}:", url.scheme()), str::to_owned)
}

/// Says whether the answer goes to a program on the person's own device, which anybody's program
/// could pretend to be.
fn is_local(redirect_uri: &str) -> bool {
    let Ok(url) = Url::parse(redirect_uri) else {
        return true;
    };
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_told_the_host_and_warned_of_their_own_device() {
        assert_eq!(place_of("https://app.example/cb?x"), "app.example");
        assert_eq!(place_of("com.example.app:/cb"), "com.example.app:");
        for local in [
            "http://127.0.0.1:1/cb",
            "http://[::1]/cb",
            "com.example:/cb",
        ] {
            assert!(is_local(local), "{local}");
        }
        assert!(!is_local("https://app.example/cb"));
    }
}
