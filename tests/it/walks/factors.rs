//! Steps over JSON: binding an app, letting go of it, and backup codes.

use serde_json::{Value, json};

use super::codes;
use super::model::{Verdict, Way};
use super::sign_ins::{both, login};
use super::walker::Walk;
use crate::client::Client;

/// Who binds, as the request says it: by an access token, or in the middle of a sign-in.
#[derive(Clone, Copy)]
pub enum Binder {
    Access(usize),
    Pending(usize),
}

/// Draws who binds; gives whose account it is.
pub fn some_binder(walk: &mut Walk<'_>) -> Option<(Binder, usize)> {
    if let Some(pending) = walk.binding {
        return Some((Binder::Pending(pending), walk.model.pendings[pending].user));
    }
    let is_owed = |pending: &usize| {
        let home = walk.model.users[walk.model.pendings[*pending].user].tenant;
        walk.model.may_bind(*pending, walk.here(home))
    };
    let last = walk.model.pendings.len().checked_sub(1);
    let is_owed = last.as_ref().is_some_and(is_owed);
    let is_pending = walk.dice.percent(35) || is_owed && walk.dice.is_sure;
    let (pendings, accesses) = (walk.model.pendings.len(), walk.model.accesses.len());
    if is_pending && let Some(pending) = walk.dice.late(pendings) {
        return Some((Binder::Pending(pending), walk.model.pendings[pending].user));
    }
    let access = walk.dice.late(accesses)?;
    let session = walk.model.accesses[access].session;
    Some((Binder::Access(access), walk.model.sessions[session].user))
}

pub fn may_bind(walk: &Walk<'_>, binder: Binder, tenant: usize) -> Verdict {
    let place = walk.here(tenant);
    match binder {
        Binder::Access(access) => walk.model.may_change(access, place),
        Binder::Pending(pending) => Verdict::of(walk.model.may_bind(pending, place), true),
    }
}

/// The door, and the body, with what says who binds.
pub fn shown(
    walk: &Walk<'_>,
    (binder, tenant): (Binder, usize),
    mut body: Value,
) -> (Client, Value) {
    let door = walk.door(tenant);
    match binder {
        Binder::Access(access) => (door.bearer(&walk.model.accesses[access].token), body),
        Binder::Pending(pending) => {
            body["mfa_token"] = walk.model.pendings[pending].token.clone().into();
            (door, body)
        }
    }
}

/// Has a secret made for an app.
pub async fn set_up(walk: &mut Walk<'_>) {
    let Some((binder, user)) = some_binder(walk) else {
        return login(walk).await;
    };
    let home = walk.model.users[user].tenant;
    let tenant = walk.near(home);
    let is_free = walk.model.users[user].app.is_none();
    let mut verdict = both(may_bind(walk, binder, tenant), Verdict::of(is_free, true));
    if let Binder::Pending(pending) = binder
        && walk.model.pendings[pending].is_spent
        && verdict == Verdict::Never
    {
        // Nothing is bound by it yet; whether it counts still is asked when it is.
        verdict = Verdict::Perhaps;
    }
    let (door, body) = shown(walk, (binder, tenant), json!({}));
    let answer = door.post("/auth/mfa/setup", body).await;
    let passed = answer.status == 200;
    walk.judge("set up an app", verdict, (passed, &answer));
    if passed {
        let secret = codes::base32(&answer.field("secret"));
        let old = walk.model.users[user].waiting.replace(secret);
        walk.model.users[user].old_secrets.extend(old);
    }
}

/// Shows the first code of an app.
pub async fn confirm(walk: &mut Walk<'_>) {
    let Some((binder, user)) = some_binder(walk) else {
        return login(walk).await;
    };
    let now = walk.now();
    let of = &walk.model.users[user];
    let (home, waiting) = (of.tenant, of.waiting.clone());
    let tenant = walk.near(home);
    let right = waiting
        .as_ref()
        .map(|secret| codes::code(secret, now / codes::STEP));
    let code = match right {
        Some(code) if walk.dice.percent(80) => code,
        _ => walk.some_code(user, Way::App),
    };
    let now = walk.now();
    let of = &walk.model.users[user];
    let steps = of
        .waiting
        .as_ref()
        .map(|secret| codes::steps(secret, &code, now));
    let steps = steps.unwrap_or_default();
    let is_right = !steps.is_empty() && of.app.is_none();
    let verdict = both(may_bind(walk, binder, tenant), Verdict::of(is_right, true));
    let (door, body) = shown(walk, (binder, tenant), json!({ "code": code }));
    let answer = door.post("/auth/mfa/confirm", body).await;
    let passed = answer.status == 200;
    walk.judge("confirm an app", verdict, (passed, &answer));
    if passed {
        let of = &mut walk.model.users[user];
        let secret = of.waiting.clone().unwrap_or_default();
        of.bind_app(secret, steps.into_iter().max().unwrap_or(0));
        of.renew_codes(texts(&answer.json()["backup_codes"]));
        entered(walk, (binder, user), &answer).await;
    }
}

/// Takes note of the sign-in that a binding finished.
pub async fn entered(
    walk: &mut Walk<'_>,
    (binder, user): (Binder, usize),
    answer: &crate::client::Answer,
) {
    let Binder::Pending(pending) = binder else {
        let gives = answer.text.contains("access_token");
        return walk.sees_to(!gives, "who is signed in is given no tokens");
    };
    walk.model.pendings[pending].is_spent = true;
    walk.enter(user, answer, true).await;
}

pub fn texts(list: &Value) -> Vec<String> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(|one| one.as_str().map(str::to_owned))
        .collect()
}

/// Binds with the last sign-in in progress of somebody whose password was just replaced.
pub async fn bind_by_old(walk: &mut Walk<'_>, user: usize) {
    walk.binding = walk.model.pendings.iter().rposition(|one| one.user == user);
    if walk.binding.is_some() {
        let was_sure = std::mem::replace(&mut walk.dice.is_sure, true);
        set_up(walk).await;
        confirm(walk).await;
        walk.dice.is_sure = was_sure;
    }
    walk.binding = None;
}

/// Removes the app, or makes new backup codes, by showing a code.
pub async fn show_to_change(walk: &mut Walk<'_>) {
    let Some(access) = walk.dice.late(walk.model.accesses.len()) else {
        return login(walk).await;
    };
    let user = walk.model.sessions[walk.model.accesses[access].session].user;
    let way = if walk.dice.percent(65) {
        Way::App
    } else {
        Way::Backup
    };
    let code = walk.some_code(user, way);
    let is_removal = walk.dice.below(2) == 0;
    let (now, of) = (walk.now(), &walk.model.users[user]);
    let tenant = of.tenant;
    let is_required = walk.model.policies[tenant] == domain::factor::MfaPolicy::Require;
    let may = if is_removal {
        of.app.is_some() && !(is_required && of.factors() < 2)
    } else {
        of.has_factor()
    };
    let judged = of.judge_code(way, &code, now);
    let live = walk.model.is_live(access, walk.here(tenant));
    let verdict = both(both(live, judged), Verdict::of(may, true));
    let kind = if way == Way::Backup { "backup" } else { "totp" };
    let body = json!({ "code": code, "code_type": kind });
    let (path, what) = if is_removal {
        ("/auth/mfa/disable", "remove an app")
    } else {
        ("/auth/mfa/backup-codes", "make new backup codes")
    };
    let me = walk.door(tenant).bearer(&walk.model.accesses[access].token);
    let answer = me.post(path, body).await;
    let passed = answer.status == 200;
    walk.judge(what, verdict, (passed, &answer));
    walk.counted(user, way, passed);
    let of = &mut walk.model.users[user];
    if live != Verdict::Never && may && judged != Verdict::Never {
        of.spend_code(way, &code, (now, passed));
    }
    if passed && is_removal {
        of.drop_app();
    } else if passed {
        of.renew_codes(texts(&answer.json()["backup_codes"]));
    }
}
