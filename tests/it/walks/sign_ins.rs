//! Steps over JSON: signing in, what a sign-in gives, passwords, and endings.

use std::time::Duration;

use domain::factor::MfaPolicy;
use serde_json::json;

use super::model::{Link, Verdict, Way};
use super::walker::Walk;
use crate::client::{Person, Tokens};

/// Shows a password, right or wrong, here or elsewhere.
pub async fn login(walk: &mut Walk<'_>) {
    let user = walk.someone();
    let password = walk.some_password(user);
    let of = &walk.model.users[user];
    let (home, email, now) = (of.tenant, of.email.clone(), walk.now());
    let tenant = walk.near(home);
    let verdict = if tenant == home {
        walk.model.users[user].judge_code(Way::Password, &password, now)
    } else {
        Verdict::Never
    };
    let body = json!({ "email": email, "password": password });
    let answer = walk.door(tenant).post("/auth/login", body).await;
    let passed = answer.status == 200;
    walk.judge("login", verdict, (passed, &answer));
    walk.counted(user, Way::Password, passed);
    if passed {
        walk.go_on(user, &answer).await;
    }
}

/// Goes on with some sign-in by some code.
pub async fn verify(walk: &mut Walk<'_>) {
    let Some(pending) = walk.dice.late(walk.model.pendings.len()) else {
        return login(walk).await;
    };
    let user = walk.model.pendings[pending].user;
    let way = if walk.dice.percent(65) {
        Way::App
    } else {
        Way::Backup
    };
    let code = walk.some_code(user, way);
    let home = walk.model.users[user].tenant;
    let tenant = walk.near(home);
    let (place, now) = (walk.here(tenant), walk.now());
    let judged = walk.model.users[user].judge_code(way, &code, now);
    let verdict = if walk.model.goes_on(pending, place) {
        judged
    } else {
        Verdict::Never
    };
    let (kind, what) = match way {
        Way::Backup => ("backup", "verify by a backup code"),
        _ => ("totp", "verify by a code"),
    };
    let token = walk.model.pendings[pending].token.clone();
    let body = json!({ "mfa_token": token, "code": code, "code_type": kind });
    let answer = walk.door(tenant).post("/auth/mfa/verify", body).await;
    let passed = answer.status == 200;
    walk.judge(what, verdict, (passed, &answer));
    walk.counted(user, way, passed);
    if walk.model.opens(pending, place) && judged != Verdict::Never {
        walk.model.users[user].spend_code(way, &code, (now, passed));
    }
    if passed {
        walk.model.pendings[pending].is_spent = true;
        walk.enter(user, &answer, true).await;
    }
}

/// Registers an address that is taken, with a password of one's own.
pub async fn register(walk: &mut Walk<'_>) {
    let user = walk.someone();
    let of = &walk.model.users[user];
    let password = "a stranger's own long passphrase";
    let body = json!({ "email": of.email, "password": password, "name": "Some Body" });
    let answer = walk.door(of.tenant).post("/auth/register", body).await;
    walk.judge(
        "register what is taken",
        Verdict::Never,
        (answer.status == 201, &answer),
    );
    walk.sees_to(answer.status == 409, "it is said that it is taken");
}

/// Asks for a link to choose a new password.
pub async fn ask_for_link(walk: &mut Walk<'_>) {
    let user = walk.someone();
    let of = &mut walk.model.users[user];
    if of.mails >= 4 {
        return;
    }
    of.mails += 1;
    let (tenant, email) = (of.tenant, of.email.clone());
    let public = walk.door(tenant);
    let person = Person {
        email,
        password: String::new(),
        public,
    };
    walk.note("asks for a link");
    let token = walk.place.house.reset_token(&person).await;
    let links = walk.model.links.iter_mut();
    links
        .filter(|link| link.user == user)
        .for_each(|link| link.is_dead = true);
    let made_at = walk.now();
    walk.model.links.push(Link {
        token,
        user,
        made_at,
        is_dead: false,
        is_unsure: false,
    });
}

/// Chooses a new password with some link.
pub async fn reset(walk: &mut Walk<'_>) {
    let Some(link) = walk.dice.late(walk.model.links.len()) else {
        return ask_for_link(walk).await;
    };
    let user = walk.model.links[link].user;
    let home = walk.model.users[user].tenant;
    let tenant = walk.near(home);
    let verdict = walk.model.judge_link(link, walk.here(tenant));
    let new = new_password(walk);
    let body = json!({ "token": walk.model.links[link].token, "new_password": new });
    let path = "/auth/password/reset/confirm";
    let answer = walk.door(tenant).post(path, body).await;
    let passed = answer.status == 200;
    walk.judge("reset", verdict, (passed, &answer));
    walk.sees_to(
        !answer.text.contains("token\":"),
        "a reset gives no session",
    );
    if passed {
        walk.model.links[link].is_dead = true;
        walk.model.set_password(user, &new, None);
        super::factors::bind_by_old(walk, user).await;
    }
}

pub fn new_password(walk: &mut Walk<'_>) -> String {
    let number = walk.dice.next();
    // Two in one millisecond would be one to whoever looks when it was set.
    walk.wait(Duration::from_millis(2));
    format!("rain over quiet gardens {number:x}")
}

/// Changes a password with some access token and some old password.
pub async fn change_password(walk: &mut Walk<'_>) {
    let Some(access) = walk.dice.late(walk.model.accesses.len()) else {
        return login(walk).await;
    };
    let session = walk.model.accesses[access].session;
    let user = walk.model.sessions[session].user;
    let tenant = walk.model.users[user].tenant;
    let old = walk.some_password(user);
    let live = walk.model.is_live(access, walk.here(tenant));
    let now = walk.now();
    let judged = walk.model.users[user].judge_code(Way::Password, &old, now);
    let verdict = both(live, judged);
    let new = new_password(walk);
    let body = json!({ "old_password": old, "new_password": new });
    let me = walk.door(tenant).bearer(&walk.model.accesses[access].token);
    let answer = me.put("/auth/me/password", body).await;
    let passed = answer.status == 200;
    walk.judge("change a password", verdict, (passed, &answer));
    walk.counted(user, Way::Password, passed);
    if passed {
        walk.model.set_password(user, &new, Some(session));
        super::factors::bind_by_old(walk, user).await;
    }
}

/// Both of two.
pub fn both(one: Verdict, other: Verdict) -> Verdict {
    match (one, other) {
        (Verdict::Never, _) | (_, Verdict::Never) => Verdict::Never,
        (Verdict::Always, Verdict::Always) => Verdict::Always,
        _ => Verdict::Perhaps,
    }
}

/// Presents some refresh token.
pub async fn refresh(walk: &mut Walk<'_>) {
    let Some(refresh) = walk.dice.late(walk.model.refreshes.len()) else {
        return login(walk).await;
    };
    let (session, is_newest) = {
        let of = &walk.model.refreshes[refresh];
        (of.session, of.is_newest)
    };
    let user = walk.model.sessions[session].user;
    let home = walk.model.users[user].tenant;
    let tenant = walk.near(home);
    let of = &walk.model.sessions[session];
    let may = tenant == home && !of.is_over;
    let verdict = Verdict::of(may, is_newest && !of.is_unsure);
    let body = json!({ "refresh_token": walk.model.refreshes[refresh].token });
    let answer = walk.door(tenant).post("/auth/token/refresh", body).await;
    let passed = answer.status == 200;
    walk.judge("refresh", verdict, (passed, &answer));
    if tenant == home && !is_newest {
        // Who shows an old one ends the session, or is given the newest once more.
        walk.model.sessions[session].is_unsure = true;
    }
    if passed {
        for one in &mut walk.model.refreshes {
            one.is_newest &= one.session != session;
        }
        let tokens = Tokens::of(&answer);
        let told = crate::oauth::world::claims(&tokens.access);
        let of = &walk.model.sessions[session];
        let proved = (of.proved_at, of.has_two);
        walk.sees_to(
            told["sid"] == of.name.as_str(),
            "a refresh stays in its session",
        );
        walk.sees_to(
            (told["acr"] == super::walker::AAL2) == of.has_two,
            "and as strong",
        );
        walk.keep(session, &tokens, proved);
    }
}

/// Asks who somebody is, by some access token.
pub async fn me(walk: &mut Walk<'_>) {
    let Some(access) = walk.dice.late(walk.model.accesses.len()) else {
        return login(walk).await;
    };
    let user = walk.model.sessions[walk.model.accesses[access].session].user;
    let home = walk.model.users[user].tenant;
    let tenant = walk.near(home);
    let verdict = walk.model.is_live(access, walk.here(tenant));
    let me = walk.door(tenant).bearer(&walk.model.accesses[access].token);
    let answer = me.get("/auth/me").await;
    let passed = answer.status == 200;
    walk.judge("use a token", verdict, (passed, &answer));
    if passed {
        let is_theirs = answer.field("email") == walk.model.users[user].email;
        walk.sees_to(is_theirs, "a token is its person's");
    }
}

/// Signs out: here, everywhere, or some session by its name.
pub async fn logout(walk: &mut Walk<'_>) {
    let Some(access) = walk.dice.late(walk.model.accesses.len()) else {
        return login(walk).await;
    };
    let session = walk.model.accesses[access].session;
    let user = walk.model.sessions[session].user;
    let tenant = walk.model.users[user].tenant;
    let live = walk.model.is_live(access, walk.here(tenant));
    let me = walk.door(tenant).bearer(&walk.model.accesses[access].token);
    match walk.dice.below(3) {
        0 => {
            let answer = me.post("/auth/logout", json!({})).await;
            walk.judge("sign out", live, (answer.status == 200, &answer));
            walk.model.sessions[session].is_over |= answer.status == 200;
        }
        1 if walk.dice.percent(30) => {
            let answer = me.post("/auth/logout/all", json!({})).await;
            walk.judge("sign out everywhere", live, (answer.status == 200, &answer));
            if answer.status == 200 {
                walk.model.end_all(user, None);
            }
        }
        _ => {
            let other = walk.dice.below(walk.model.sessions.len());
            let of = &walk.model.sessions[other];
            let is_theirs = of.user == user && !of.is_over && !of.is_page();
            if of.is_page() {
                return;
            }
            let verdict = both(live, Verdict::of(is_theirs, !of.is_unsure));
            let path = format!("/auth/sessions/{}", of.name);
            let answer = me.delete(&path).await;
            let passed = answer.status.is_success();
            walk.judge("end a session", verdict, (passed, &answer));
            walk.model.sessions[other].is_over |= passed;
        }
    }
}

/// Lets time pass, or a tenant demand something else.
pub async fn wait(walk: &mut Walk<'_>) {
    let minutes = [1, 4, 6, 11, 16, 16, 31, 61];
    if walk.dice.percent(35) {
        let tenant = walk.dice.below(2);
        let policies = [MfaPolicy::Off, MfaPolicy::Offer, MfaPolicy::Require];
        let policy = policies[walk.dice.below(3)];
        return walk.choose_policy(tenant, policy).await;
    }
    let minutes = walk.dice.pick(&minutes).copied().unwrap_or(1);
    walk.wait(Duration::from_mins(minutes));
}
