//! Steps that show a passkey's answer which was taken before: the same once more, or to a new question.

use serde_json::json;

use super::account::binder;
use super::ceremony::{Asked, touched};
use super::factors::{shown, some_binder};
use super::model::Verdict;
use super::pages::{ask, leads_to, listed, owing};
use super::passkeys::{begin_for, show_passkey};
use super::walker::Walk;

/// Shows an answer again where it was taken.
pub async fn show_again(walk: &mut Walk<'_>) {
    // Most that were taken bound something; those that signed somebody in are of more interest.
    let is_showing = walk.dice.percent(60);
    let all = walk.model.answers.iter().enumerate();
    let fit: Vec<usize> = all
        .filter(|(_, one)| !is_showing || !walk.model.ceremonies[one.ceremony].is_binding)
        .map(|(place, _)| place)
        .collect();
    let Some(place) = walk.dice.late(fit.len()) else {
        return show_passkey(walk).await;
    };
    let of = &walk.model.answers[fit[place]];
    let ceremony = &walk.model.ceremonies[of.ceremony];
    let response = of.response.clone();
    let told = Told {
        asked: Asked {
            tenant: ceremony.tenant,
            tab: ceremony.tab,
            user: ceremony.user,
            is_binding: ceremony.is_binding,
        },
        state: ceremony.state.clone(),
        response,
    };
    match (told.asked.tab, told.asked.is_binding) {
        (None, true) => bind_again(walk, told).await,
        (None, false) => sign_in_again(walk, told).await,
        (Some(tab), _) => on_a_page(walk, tab, told).await,
    }
}

struct Told {
    asked: Asked,
    state: String,
    response: serde_json::Value,
}

async fn bind_again(walk: &mut Walk<'_>, told: Told) {
    let Some((who, user)) = some_binder(walk) else {
        return;
    };
    let tenant = walk.model.users[user].tenant;
    let body = json!({ "name": "Again", "state": told.state, "response": told.response });
    let (door, body) = shown(walk, (who, tenant), body);
    let answer = door.post("/auth/webauthn/register/finish", body).await;
    let passed = answer.status == 201;
    walk.judge(BIND, Verdict::Never, (passed, &answer));
}

async fn sign_in_again(walk: &mut Walk<'_>, mut told: Told) {
    let whose = told.asked.user;
    let pending = walk
        .model
        .pendings
        .iter()
        .rposition(|one| Some(one.user) == whose);
    let mut asked_anew = None;
    if walk.dice.percent(60) {
        let before = walk.model.ceremonies.len();
        begin_for(walk, pending.filter(|_| whose.is_some())).await;
        if let Some(new) = walk.model.ceremonies.get(before) {
            told.state.clone_from(&new.state);
            asked_anew = Some(before);
        }
    }
    let token = pending.map(|pending| walk.model.pendings[pending].token.clone());
    let body = json!({ "mfa_token": token, "state": told.state, "response": told.response });
    let door = walk.door(told.asked.tenant);
    let answer = door.post("/auth/webauthn/login/finish", body).await;
    let passed = answer.status == 200;
    walk.judge(SHOW, Verdict::Never, (passed, &answer));
    // A question counts once, also where the answer was wrong.
    if let Some(asked) = asked_anew {
        touched(walk, asked, (passed, told.response));
    }
}

async fn on_a_page(walk: &mut Walk<'_>, tab: usize, told: Told) {
    let response = told.response.to_string();
    let fields = [
        ("method", "passkey"),
        ("name", "Again"),
        ("state", told.state.as_str()),
        ("response", response.as_str()),
    ];
    if told.asked.is_binding {
        if binder(walk, tab).is_none() {
            return;
        }
        let page = ask(walk, tab, "/bind-passkey", Some(&fields)).await;
        let passed = !listed(&page).is_empty() || leads_to(&page, "/account/factors");
        return walk.judge(BIND, Verdict::Never, (passed, &page.answer));
    }
    if told.asked.user.is_none() {
        let page = ask(walk, tab, "/sign-in", Some(&fields)).await;
        let passed = leads_to(&page, "/account/factors");
        return walk.judge(SHOW, Verdict::Never, (passed, &page.answer));
    }
    // Whoever owes nothing is sent on, whatever they show.
    if owing(walk, tab).is_some_and(|(_, owed)| owed == Verdict::Always) {
        let page = ask(walk, tab, "/second-factor", Some(&fields)).await;
        let passed = leads_to(&page, "/account/factors");
        walk.judge(SHOW, Verdict::Never, (passed, &page.answer));
    }
}

/// What these are counted as.
pub const BIND: &str = "bind by an answer that was taken";
pub const SHOW: &str = "show an answer that was taken";
