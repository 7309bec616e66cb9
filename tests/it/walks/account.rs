//! Steps in browsers: changing how one signs in on the pages, and cookies that are another's.

use domain::factor::MfaPolicy;

use super::codes;
use super::model::{Verdict, Way};
use super::pages::{ask, entered, goes_on, is_in, leads_to, listed, opens, sign_in};
use super::sign_ins::{both, new_password};
use super::walker::Walk;

/// Says who may change factors in a browser, and whether they may.
pub fn binder(walk: &Walk<'_>, tab: usize) -> Option<(usize, Verdict)> {
    if let Some(progress) = opens(walk, tab) {
        let of = &walk.model.users[progress.user];
        let is_required = walk.model.policies[of.tenant] == MfaPolicy::Require;
        let may = Verdict::of(!of.has_factor() && is_required, true);
        return Some((progress.user, both(goes_on(walk, progress), may)));
    }
    fresh(walk, tab)
}

/// The same, for whoever is signed in.
pub fn fresh(walk: &Walk<'_>, tab: usize) -> Option<(usize, Verdict)> {
    let session = &walk.model.sessions[walk.tabs[tab].session?.0];
    let shown_at = match session.had_at {
        Some(at) if walk.model.users[session.user].has_factor() => at.min(session.proved_at),
        _ => session.proved_at,
    };
    let is_fresh = walk
        .model
        .is_fresh(session.user, (shown_at, session.has_two), walk.now());
    Some((
        session.user,
        both(is_in(walk, tab), Verdict::of(is_fresh, true)),
    ))
}

/// Sets up an app on the pages.
pub async fn bind_app(walk: &mut Walk<'_>, tab: usize) {
    let Some((user, may)) = binder(walk, tab) else {
        return sign_in(walk, tab).await;
    };
    let is_pending = opens(walk, tab).is_some();
    let is_free = walk.model.users[user].app.is_none();
    let may = both(may, Verdict::of(is_free, true));
    let page = ask(walk, tab, "/bind-factor", Some(&[("method", "totp")])).await;
    let begun = leads_to(&page, "/bind-app");
    walk.judge("set up an app on a page", may, (begun, &page.answer));
    if !begun {
        return;
    }
    let place = page.location().to_owned();
    let page = walk.tabs[tab].browser.open(&place).await;
    let secret = page.answer.text.split("<code id=\"secret\">").nth(1);
    let secret = secret
        .and_then(|rest| rest.split('<').next())
        .unwrap_or_default();
    walk.sees_to(
        !secret.is_empty(),
        "the secret is shown to whom it was made for",
    );
    let secret = codes::base32(&secret.replace(' ', ""));
    let right = codes::code(&secret, walk.now() / codes::STEP);
    let old = walk.model.users[user].waiting.replace(secret.clone());
    walk.model.users[user].old_secrets.extend(old);
    let code = if walk.dice.percent(80) {
        right
    } else {
        walk.some_code(user, Way::App)
    };
    let now = walk.now();
    let steps = codes::steps(&secret, &code, now);
    let may = binder(walk, tab).map_or(Verdict::Never, |(_, may)| may);
    let verdict = both(may, Verdict::of(!steps.is_empty() && is_free, true));
    let page = walk.tabs[tab]
        .browser
        .submit(&page, &[("code", &code)])
        .await;
    let made = listed(&page);
    let passed = page.answer.status == 200 && !made.is_empty();
    walk.judge("confirm an app on a page", verdict, (passed, &page.answer));
    if passed {
        let of = &mut walk.model.users[user];
        of.bind_app(secret, steps.into_iter().max().unwrap_or(0));
        of.renew_codes(made);
        if is_pending {
            entered(walk, tab, user, (true, Some(now))).await;
        }
    }
}

/// Says whether somebody must keep what is left of their factors.
pub fn is_last(walk: &Walk<'_>, user: usize) -> bool {
    let of = &walk.model.users[user];
    walk.model.policies[of.tenant] == MfaPolicy::Require && of.factors() < 2
}

/// Lets go of the app, or has new backup codes made, on the account's pages.
pub async fn change_factors(walk: &mut Walk<'_>, tab: usize) {
    let Some((user, may)) = fresh(walk, tab) else {
        return sign_in(walk, tab).await;
    };
    let of = &walk.model.users[user];
    let may_go = !is_last(walk, user);
    let (has_app, has_factor) = (of.app.is_some(), of.has_factor());
    if walk.dice.below(2) == 0 {
        let verdict = both(may, Verdict::of(has_app && may_go, true));
        let page = ask(walk, tab, "/account/factors/app/remove", Some(&[])).await;
        let passed = leads_to(&page, "/account/factors?");
        walk.judge("remove an app on a page", verdict, (passed, &page.answer));
        if passed {
            walk.model.users[user].drop_app();
        }
        return;
    }
    let verdict = both(may, Verdict::of(has_factor, true));
    let page = ask(walk, tab, "/account/factors/codes", Some(&[])).await;
    let made = listed(&page);
    let passed = page.answer.status == 200 && !made.is_empty();
    let what = "make new backup codes on a page";
    walk.judge(what, verdict, (passed, &page.answer));
    if passed {
        walk.model.users[user].renew_codes(made);
    }
}

/// Chooses a new password with some link, or by the old one, on a page.
pub async fn passwords(walk: &mut Walk<'_>, tab: usize) {
    let tenant = walk.tabs[tab].tenant;
    if walk.dice.percent(40)
        && let Some(link) = walk.dice.late(walk.model.links.len())
    {
        let user = walk.model.links[link].user;
        let new = new_password(walk);
        let verdict = walk.model.judge_link(link, walk.here(tenant));
        let token = walk.model.links[link].token.clone();
        let fields = [("token", token.as_str()), ("password", new.as_str())];
        let page = ask(walk, tab, "/reset-password", Some(&fields)).await;
        let passed = page.answer.status == 200;
        walk.judge("reset on a page", verdict, (passed, &page.answer));
        if passed {
            walk.model.links[link].is_dead = true;
            walk.model.set_password(user, &new, None);
        }
        return;
    }
    let Some((session, _)) = walk.tabs[tab].session else {
        return sign_in(walk, tab).await;
    };
    let user = walk.model.sessions[session].user;
    let (old, new) = (walk.some_password(user), new_password(walk));
    let now = walk.now();
    let judged = walk.model.users[user].judge_code(Way::Password, &old, now);
    let verdict = both(is_in(walk, tab), judged);
    let fields = [
        ("old_password", old.as_str()),
        ("new_password", new.as_str()),
    ];
    let page = ask(walk, tab, "/account/password", Some(&fields)).await;
    let passed = leads_to(&page, "/account/password?");
    walk.judge(
        "change a password on a page",
        verdict,
        (passed, &page.answer),
    );
    walk.counted(user, Way::Password, passed);
    if passed {
        walk.model.set_password(user, &new, Some(session));
    }
}

/// Takes another browser's cookies, of the sign-in or of the one in progress; or signs out.
pub async fn swap(walk: &mut Walk<'_>, tab: usize) {
    let other = walk.dice.below(walk.tabs.len());
    let tenant = walk.tabs[tab].tenant;
    if walk.dice.percent(30) {
        let page = ask(walk, tab, "/oauth/logout", None).await;
        if page.answer.text.contains("<form") {
            let page = walk.tabs[tab]
                .browser
                .submit(&page, &[("decision", "logout")])
                .await;
            walk.judge(
                "sign out on a page",
                Verdict::Always,
                (page.answer.status == 200, &page.answer),
            );
        }
        if let Some((session, _)) = walk.tabs[tab].session.take() {
            walk.model.sessions[session].is_unsure = true;
        }
        return;
    }
    if other == tab || walk.tabs[other].tenant != tenant {
        return;
    }
    if walk.dice.percent(50) {
        let Some(held) = walk.tabs[other].held() else {
            return;
        };
        walk.note("takes another browser's sign-in");
        let (session, seen_at) = (walk.tabs[other].session, walk.tabs[other].seen_at);
        let name = walk.tabs[tab].cookie();
        let of = &mut walk.tabs[tab];
        of.browser.set_cookie(name, &held);
        (of.session, of.seen_at) = (session, seen_at);
    } else {
        let name = ["__Host-sign-in", "__Host-sign-in-acme"][tenant];
        let Some(held) = walk.tabs[other].browser.cookie(name).map(str::to_owned) else {
            return;
        };
        walk.note("takes another browser's sign-in in progress");
        walk.tabs[tab].browser.set_cookie(name, &held);
        // It is not this browser's, so it is nothing.
        walk.tabs[tab].progress = None;
    }
}
