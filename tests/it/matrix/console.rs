//! Every page of the console against operators who are allowed less, and cookies that are worth nothing.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;

use super::table::{Line, lines};
use super::{furnish, nothing};
use crate::admin::rbac::allow;
use crate::browser::{Browser, Page};
use crate::cases;
use crate::console::{Office, is_sent_to_sign_in};
use crate::house::House;

cases![
    who_reads_everything_changes_nothing_on_any_page,
    who_looks_after_another_area_opens_no_page,
    a_cookie_of_another_tenant_or_of_an_ended_sign_in_opens_no_page,
];

/// The ways in and out, which are for anybody.
const DOOR: [&str; 4] = ["sign-in", "callback", "sign-out", "signed-out"];

/// Every page that somebody has to be signed in for.
fn pages() -> Vec<Line> {
    let is_page = |line: &Line| line.path.starts_with("/console") && !DOOR.contains(&line.area());
    let pages: Vec<Line> = lines().into_iter().filter(is_page).collect();
    assert!(pages.len() > 60, "the pages were not found");
    pages
}

async fn ask(browser: &mut Browser, line: &Line, (base, token): (&str, &str)) -> Page {
    let path = format!("{base}{}", line.path_of(&nothing()));
    match line.method {
        Method::GET => browser.open(&path).await,
        _ => browser.post(&path, &[("csrf", token)]).await,
    }
}

async fn who_reads_everything_changes_nothing_on_any_page(house: House) {
    allow(&house, "reader", "admin:*", "read").await;
    let mut office = Office::closed(&house, "eve", "reader").await;
    office.enter("/console").await.expect(200);
    let (token, pages) = (office.token().await, pages());
    let posted = pages.iter().filter(|line| line.method == Method::POST);
    let deeds: BTreeSet<&str> = posted.map(|line| line.path.as_str()).collect();
    for line in &pages {
        let page = ask(&mut office.admin, line, ("", &token)).await;
        if deeds.contains(&*line.path) {
            page.expect_error(403, "insufficient_scope");
            continue;
        }
        // What is named is not there.
        let status = if line.path.contains('{') { 404 } else { 200 };
        assert_eq!(page.answer.status.as_u16(), status, "{line:?}");
    }
}

async fn who_looks_after_another_area_opens_no_page(house: House) {
    for (role, area, name) in [
        ("helpdesk", "users", "ada"),
        ("registrar", "clients", "bob"),
    ] {
        allow(&house, role, &format!("admin:{area}"), "*").await;
        let mut office = Office::closed(&house, name, role).await;
        office.enter("/console").await.expect(200);
        let token = office.token().await;
        let is_other = |line: &Line| line.path != "/console" && line.area() != area;
        for line in pages().into_iter().filter(is_other) {
            let page = ask(&mut office.admin, &line, ("", &token)).await;
            page.expect_error(403, "insufficient_scope");
        }
    }
}

async fn a_cookie_of_another_tenant_or_of_an_ended_sign_in_opens_no_page(house: House) {
    furnish(&house).await;
    let mut cookies = Vec::new();
    for slug in ["globex", "acme"] {
        let mut office = Office::within(&house, slug, "boss").await;
        let page = office.enter(&format!("/t/{slug}/console")).await;
        page.expect(200);
        let cookie = office.admin.cookie(&format!("__Host-console-{slug}"));
        cookies.push(cookie.expect("a sign-in").to_owned());
        if slug == "acme" {
            let access = office.owner.login().await.access;
            let me = office.owner.person.public.bearer(&access);
            me.post("/auth/logout/all", json!({})).await.expect(200);
        }
    }
    for cookie in cookies {
        let mut browser = Browser::new(&house.stranger());
        browser.set_cookie("__Host-console-acme", &cookie);
        for line in pages() {
            let page = ask(&mut browser, &line, ("/t/acme", "")).await;
            assert!(
                is_sent_to_sign_in(&page),
                "{line:?}: {}",
                page.answer.status
            );
        }
    }
}
