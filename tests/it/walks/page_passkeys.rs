//! Steps in browsers: binding a passkey on the pages, signing in by it, showing it as a second factor,
//! naming it, and letting go of it.

use super::account::{binder, fresh, is_last};
use super::ceremony::{Asked, Passkey, begun, drawn, touched};
use super::model::Verdict;
use super::pages::{ask, entered, is_in, leads_to, listed, opens, owing, proved, sign_in};
use super::sign_ins::both;
use super::walker::Walk;
use crate::authenticator::Authenticator;
use crate::browser::Page;
use crate::pages::passkeys::options;

/// Takes note of what a page asks, if it asks for a passkey.
fn note(walk: &mut Walk<'_>, tab: usize, page: &Page, (is_binding, user): (bool, Option<usize>)) {
    if !page.answer.text.contains("data-options=\"") {
        return;
    }
    let (_, hidden) = page.form();
    let state = hidden.into_iter().find(|(name, _)| name == "state");
    let asked = Asked {
        tenant: walk.tabs[tab].tenant,
        tab: Some(tab),
        user,
        is_binding,
    };
    let state = state.expect("a state").1;
    begun(walk, asked, (options(page), state));
}

/// Binds a passkey by some answer to some question of some page.
pub async fn bind(walk: &mut Walk<'_>, tab: usize) {
    let Some((user, may)) = binder(walk, tab) else {
        return sign_in(walk, tab).await;
    };
    let page = ask(walk, tab, "/bind-factor", Some(&[("method", "passkey")])).await;
    let may_begin = leads_to(&page, "/bind-passkey");
    let what = "begin to bind a passkey on a page";
    walk.judge(what, may, (may_begin, &page.answer));
    if may_begin {
        let place = page.location().to_owned();
        let page = walk.tabs[tab].browser.open(&place).await;
        note(walk, tab, &page, (true, Some(user)));
    }
    let asked = drawn(walk, |one| one.is_binding && one.tab.is_some());
    if let Some(asked) = asked {
        finish_binding(walk, tab, asked).await;
    }
}

async fn finish_binding(walk: &mut Walk<'_>, tab: usize, (asked, state): (usize, usize)) {
    let Some((user, may)) = binder(walk, tab) else {
        return;
    };
    let is_pending = opens(walk, tab).is_some();
    let mut device = Authenticator::new();
    let response = device.create(&walk.model.ceremonies[asked].options);
    let of = &walk.model.ceremonies[state];
    let is_its = of.is_binding && of.user == Some(user) && asked == state;
    let place = walk.here(walk.tabs[tab].tenant);
    let answerable = walk.model.is_answerable(state, place, Some(tab));
    let verdict = both(both(may, answerable), Verdict::of(is_its, true));
    let name = format!("Page {}", walk.step);
    let (text, sealed) = (response.to_string(), of.state.clone());
    let fields = [
        ("state", sealed.as_str()),
        ("response", text.as_str()),
        ("name", name.as_str()),
    ];
    let page = ask(walk, tab, "/bind-passkey", Some(&fields)).await;
    let made = listed(&page);
    let is_shown = page.answer.status == 200 && !made.is_empty();
    let passed = is_shown || leads_to(&page, "/account/factors");
    let what = "bind a passkey on a page";
    walk.judge(what, verdict, (passed, &page.answer));
    touched(walk, state, (passed, response));
    if !passed {
        return;
    }
    let bound_at = walk.step;
    let of = &mut walk.model.users[user];
    of.passkeys.push(Passkey {
        device,
        id: String::new(),
        name,
        is_bound: true,
        bound_at,
    });
    if !made.is_empty() {
        of.renew_codes(made);
    }
    if is_pending {
        let now = walk.now();
        entered(walk, tab, user, (true, Some(now))).await;
    }
    find_name(walk, tab, user).await;
}

/// Finds what the service calls the passkey that was just bound.
async fn find_name(walk: &mut Walk<'_>, tab: usize, user: usize) {
    let page = ask(walk, tab, "/account/factors", None).await;
    let rows = page.answer.text.split("/account/factors/passkeys/").skip(1);
    let mut ids = rows.filter_map(|row| row.split('/').next());
    let known = |id: &&str| {
        let all = &walk.model.users[user].passkeys;
        all.iter().all(|one| one.id != *id)
    };
    let id = ids.find(known).map(str::to_owned);
    walk.sees_to(id.is_some(), "a passkey that was bound is listed");
    if let Some(new) = walk.model.users[user].passkeys.last_mut() {
        new.id = id.unwrap_or_default();
    }
}

/// Shows some passkey as a second factor on the page that asks for one.
pub async fn show(walk: &mut Walk<'_>, tab: usize) {
    let owed = owing(walk, tab).filter(|(_, owed)| *owed != Verdict::Never);
    let Some((user, owed)) = owed else {
        return sign_in(walk, tab).await;
    };
    if walk.model.users[user].passkeys.is_empty() {
        return bind(walk, tab).await;
    }
    if walk.dice.percent(70) {
        let path = "/second-factor?method=passkey&request=account.factors";
        let page = ask(walk, tab, path, None).await;
        note(walk, tab, &page, (false, Some(user)));
    }
    let Some((asked, state)) = drawn(walk, |one| !one.is_binding && one.tab.is_some()) else {
        return;
    };
    let owner = if walk.dice.percent(70) {
        user
    } else {
        walk.someone()
    };
    let Some(device) = walk.dice.late(walk.model.users[owner].passkeys.len()) else {
        return;
    };
    let verifies = walk.dice.percent(90);
    let passkey = &mut walk.model.users[owner].passkeys[device];
    passkey.device.verifies = verifies;
    let response = passkey.device.get(&walk.model.ceremonies[asked].options);
    let (is_bound, bound_at) = (passkey.is_bound, passkey.bound_at);
    let of = &walk.model.ceremonies[state];
    let is_its = !of.is_binding && of.user == Some(user) && asked == state;
    let place = walk.here(walk.tabs[tab].tenant);
    let answerable = walk.model.is_answerable(state, place, Some(tab));
    let is_sure = bound_at < of.step && verifies;
    let may = Verdict::of(is_its && is_bound && owner == user, is_sure);
    let verdict = both(both(owed, answerable), may);
    let (text, sealed) = (response.to_string(), of.state.clone());
    let fields = [
        ("method", "passkey"),
        ("state", sealed.as_str()),
        ("response", text.as_str()),
    ];
    let is_pending = opens(walk, tab).is_some();
    let page = ask(walk, tab, "/second-factor", Some(&fields)).await;
    // Whoever owes nothing any more, since every factor was lost, is sent on as they are, and gets nothing.
    let is_given = page.answer.headers.contains_key("set-cookie");
    let passed = is_given && leads_to(&page, "/account/factors");
    let what = if is_pending {
        "go on by a passkey on a page"
    } else {
        "strengthen by a passkey on a page"
    };
    walk.judge(what, verdict, (passed, &page.answer));
    touched(walk, state, (passed, response));
    if passed {
        proved(walk, tab, user).await;
    }
}

/// Signs in by some passkey on the page, whose question was this browser's or another's.
pub async fn sign_in_by_one(walk: &mut Walk<'_>, tab: usize) {
    let owner = some_owner(walk, tab);
    let Some(device) = walk.dice.late(walk.model.users[owner].passkeys.len()) else {
        return bind(walk, tab).await;
    };
    let asker = if walk.dice.below(100) < 75 {
        tab
    } else {
        beside(walk, tab)
    };
    let page = ask(walk, asker, "/sign-in?request=account.factors", None).await;
    note(walk, asker, &page, (false, None));
    let Some((asked, state)) = drawn(walk, |one| !one.is_binding && one.tab.is_some()) else {
        return;
    };
    let verifies = walk.dice.percent(90);
    let passkey = &mut walk.model.users[owner].passkeys[device];
    passkey.device.verifies = verifies;
    let response = passkey.device.get(&walk.model.ceremonies[asked].options);
    let is_bound = passkey.is_bound;
    let of = &walk.model.ceremonies[state];
    let is_its = !of.is_binding && of.user.is_none() && asked == state;
    let place = walk.here(walk.tabs[tab].tenant);
    let is_here = walk.model.users[owner].tenant == place.0;
    let answerable = walk.model.is_answerable(state, place, Some(tab));
    let may = is_its && is_bound && is_here && verifies;
    let verdict = both(answerable, Verdict::of(may, true));
    let (text, sealed) = (response.to_string(), of.state.clone());
    let fields = [("state", sealed.as_str()), ("response", text.as_str())];
    let page = ask(walk, tab, "/sign-in", Some(&fields)).await;
    let passed = leads_to(&page, "/account/factors");
    let what = "sign in by a passkey on a page";
    walk.judge(what, verdict, (passed, &page.answer));
    touched(walk, state, (passed, response));
    if passed {
        let now = walk.now();
        entered(walk, tab, owner, (true, Some(now))).await;
    }
}

/// Draws whose passkey is shown: mostly of somebody here who has one.
fn some_owner(walk: &mut Walk<'_>, tab: usize) -> usize {
    let (anybody, tenant) = (walk.someone(), walk.tabs[tab].tenant);
    let all = walk.model.users.iter().enumerate();
    let here: Vec<usize> = all
        .filter(|(_, of)| of.tenant == tenant && !of.passkeys.is_empty())
        .map(|(user, _)| user)
        .collect();
    let drawn = walk.dice.pick(&here).copied();
    drawn
        .filter(|_| walk.dice.below(100) < 80)
        .unwrap_or(anybody)
}

/// Draws another browser: of the same tenant, where there is one.
fn beside(walk: &mut Walk<'_>, tab: usize) -> usize {
    let tenant = walk.tabs[tab].tenant;
    let all = walk.tabs.iter().enumerate();
    let others: Vec<usize> = all
        .filter(|(other, of)| *other != tab && of.tenant == tenant)
        .map(|(other, _)| other)
        .collect();
    let drawn = walk.dice.pick(&others).copied();
    drawn.unwrap_or_else(|| walk.dice.below(walk.tabs.len()))
}

/// Draws a passkey: mostly of this person, else of anybody, and also one that was let go of.
fn some_passkey(walk: &mut Walk<'_>, user: usize) -> Option<(usize, usize)> {
    let owner = if walk.dice.percent(70) {
        user
    } else {
        walk.someone()
    };
    let place = walk.dice.late(walk.model.users[owner].passkeys.len())?;
    Some((owner, place))
}

/// Lets go of some passkey.
pub async fn remove(walk: &mut Walk<'_>, tab: usize) {
    let Some((user, may)) = fresh(walk, tab) else {
        return sign_in(walk, tab).await;
    };
    let Some((owner, place)) = some_passkey(walk, user) else {
        return bind(walk, tab).await;
    };
    let passkey = &walk.model.users[owner].passkeys[place];
    let is_theirs = owner == user && passkey.is_bound && !is_last(walk, user);
    let verdict = both(may, Verdict::of(is_theirs, true));
    let path = format!("/account/factors/passkeys/{}/remove", passkey.id);
    let page = ask(walk, tab, &path, Some(&[])).await;
    let passed = leads_to(&page, "/account/factors?");
    let what = "remove a passkey on a page";
    walk.judge(what, verdict, (passed, &page.answer));
    if passed {
        let of = &mut walk.model.users[user];
        of.passkeys[place].is_bound = false;
        of.drop_codes_with_the_last();
    }
}

/// Gives some passkey another name.
pub async fn rename(walk: &mut Walk<'_>, tab: usize) {
    let Some((session, _)) = walk.tabs[tab].session else {
        return sign_in(walk, tab).await;
    };
    let user = walk.model.sessions[session].user;
    let Some((owner, place)) = some_passkey(walk, user) else {
        return bind(walk, tab).await;
    };
    let passkey = &walk.model.users[owner].passkeys[place];
    let is_theirs = owner == user && passkey.is_bound;
    let verdict = both(is_in(walk, tab), Verdict::of(is_theirs, true));
    let path = format!("/account/factors/passkeys/{}/rename", passkey.id);
    let name = format!("Renamed {}", walk.step);
    let page = ask(walk, tab, &path, Some(&[("name", name.as_str())])).await;
    let passed = leads_to(&page, "/account/factors?");
    let what = "rename a passkey on a page";
    walk.judge(what, verdict, (passed, &page.answer));
    if passed {
        walk.model.users[owner].passkeys[place].name = name;
    }
}
