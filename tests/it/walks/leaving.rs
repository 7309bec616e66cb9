//! Steps over JSON: somebody deletes their account, nobody is let in, and the owner has it back.

use std::time::Duration;

use serde_json::json;

use super::endings::by_second_factor;
use super::model::Verdict;
use super::sign_ins::{both, login};
use super::walker::Walk;
use crate::client::Answer;

/// Deletes an account with some token; then it is tried for a while, and comes back to its owner.
pub async fn leave(walk: &mut Walk<'_>) {
    if walk.dice.percent(15) {
        return by_application(walk).await;
    }
    let Some(access) = walk.dice.late(walk.model.accesses.len()) else {
        return login(walk).await;
    };
    let of = &walk.model.accesses[access];
    let (token, proved) = (of.token.clone(), (of.proved_at, of.has_two));
    let user = walk.model.sessions[of.session].user;
    let home = walk.model.users[user].tenant;
    let tenant = walk.near(home);
    let place = walk.here(tenant);
    let is_proved = walk.model.is_proved(user, proved, place.1);
    let live = walk.model.is_live(access, place);
    let verdict = both(live, Verdict::of(is_proved, true));
    let answer = walk.door(tenant).bearer(&token).delete("/auth/me").await;
    let passed = answer.status == 202;
    walk.judge("delete an account", verdict, (passed, &answer));
    if passed {
        walk.model.end_all(user, None);
        look_in(walk, user).await;
        come_back(walk, user).await;
    }
}

/// No application deletes anybody's account.
async fn by_application(walk: &mut Walk<'_>) {
    let Some(granted) = walk.dice.late(walk.model.granted.len()) else {
        return;
    };
    let of = &walk.model.granted[granted];
    let tenant = walk.model.users[walk.model.sessions[of.session].user].tenant;
    let door = walk.door(tenant).bearer(&of.access);
    let answer = door.delete("/auth/me").await;
    let passed = answer.status == 202;
    walk.judge(
        "delete by an application",
        Verdict::Never,
        (passed, &answer),
    );
}

/// Whatever was given out before opens nothing.
async fn look_in(walk: &mut Walk<'_>, user: usize) {
    let door = walk.door(walk.model.users[user].tenant);
    let is_theirs = |session: usize| walk.model.sessions[session].user == user;
    let newest = walk.model.accesses.iter().rev();
    let newest = newest.filter(|one| is_theirs(one.session)).take(2);
    let accesses: Vec<_> = newest.map(|one| one.token.clone()).collect();
    let newest = walk.model.refreshes.iter().rev();
    let newest = newest.filter(|one| is_theirs(one.session)).take(2);
    let refreshes: Vec<_> = newest.map(|one| one.token.clone()).collect();
    for token in accesses {
        let answer = door.bearer(&token).get("/auth/me").await;
        judge_closed(walk, &answer);
    }
    for token in refreshes {
        let body = json!({ "refresh_token": token });
        let answer = door.post("/auth/token/refresh", body).await;
        judge_closed(walk, &answer);
    }
}

fn judge_closed(walk: &mut Walk<'_>, answer: &Answer) {
    let passed = answer.status == 200;
    let what = "use a deleted account";
    walk.judge(what, Verdict::Never, (passed, answer));
}

/// Has the account back by all that a sign-in asks of it, and by nothing less.
async fn come_back(walk: &mut Walk<'_>, user: usize) {
    let was_sure = std::mem::replace(&mut walk.dice.is_sure, true);
    walk.wait(Duration::from_mins(16));
    let of = &walk.model.users[user];
    let (door, has_factor) = (walk.door(of.tenant), of.has_factor());
    let stale = walk.model.pendings.iter().rev();
    let stale = stale.map(|one| one.token.clone()).next();
    restore(walk, user, (&stale.unwrap_or_default(), Verdict::Never)).await;
    let of = &walk.model.users[user];
    let body = json!({ "email": of.email, "password": of.password });
    let mut answer = door.post("/auth/login", body).await;
    if has_factor {
        walk.sees_to(answer.status == 200, "a factor is asked for as ever");
        let token = answer.field("mfa_token");
        restore(walk, user, (&token, Verdict::Never)).await;
        let shown = by_second_factor(walk, user, &token).await;
        answer = shown.unwrap_or(answer);
    }
    walk.sees_to(answer.status == 403, "nobody gets into a deleted account");
    let token = answer.field("restore_token");
    let answer = restore(walk, user, (&token, Verdict::Always)).await;
    if has_factor {
        walk.enter(user, &answer, true).await;
    } else {
        walk.go_on(user, &answer).await;
    }
    restore(walk, user, (&token, Verdict::Never)).await;
    walk.dice.is_sure = was_sure;
}

async fn restore(walk: &mut Walk<'_>, user: usize, (token, verdict): (&str, Verdict)) -> Answer {
    let door = walk.door(walk.model.users[user].tenant);
    let body = json!({ "restore_token": token });
    let answer = door.post("/auth/me/restore", body).await;
    let passed = answer.status == 200;
    walk.judge("restore an account", verdict, (passed, &answer));
    answer
}
