//! Steps over JSON: every second factor is lost, and a mailed code lets go of them.

use serde_json::json;

use super::model::{Recovery, Verdict, Way};
use super::sign_ins::{both, login};
use super::walker::Walk;
use crate::client::Person;

/// How long a mailed code is good, in seconds.
const LIVES: i64 = 600;
/// How many codes one may be sure to be mailed.
const SURE: usize = 4;

/// Has a code mailed to whoever is in the middle of some sign-in.
pub async fn ask(walk: &mut Walk<'_>) {
    let Some(pending) = walk.dice.late(walk.model.pendings.len()) else {
        return login(walk).await;
    };
    let user = walk.model.pendings[pending].user;
    let home = walk.model.users[user].tenant;
    let tenant = walk.near(home);
    let verdict = judge_asking(walk, pending, walk.here(tenant));
    let body = json!({ "mfa_token": walk.model.pendings[pending].token });
    let answer = walk.door(tenant).post("/auth/mfa/recovery", body).await;
    let passed = answer.status == 202;
    walk.judge("ask for a recovery code", verdict, (passed, &answer));
    if passed {
        receive(walk, user).await;
    }
}

fn judge_asking(walk: &Walk<'_>, pending: usize, place: (usize, i64)) -> Verdict {
    let sign_in = &walk.model.pendings[pending];
    let of = &walk.model.users[sign_in.user];
    let is_newest = sign_in.password_no == of.password_no;
    let may = walk.model.opens(pending, place) && is_newest && of.has_factor();
    // Whether it was finished is asked when a code is shown; a letter is mailed nonetheless.
    let is_certain = !sign_in.is_spent && of.codes_mailed < SURE;
    both(of.may_recover(), Verdict::of(may, is_certain))
}

/// Takes the code out of the mail.
async fn receive(walk: &mut Walk<'_>, user: usize) {
    let of = &mut walk.model.users[user];
    of.codes_mailed += 1;
    let person = Person {
        email: of.email.clone(),
        password: String::new(),
        public: walk.door(walk.model.users[user].tenant),
    };
    let letter = walk.place.house.letter(&person, "factor_recovery_code");
    let text = letter.await;
    walk.sees_to(text.is_some(), "the code is in the mail");
    walk.model.forget_recoveries(user);
    let made_at = walk.now();
    walk.model.recoveries.push(Recovery {
        text: text.unwrap_or_default(),
        user,
        made_at,
        is_dead: false,
    });
}

/// Shows some mailed code in some sign-in.
pub async fn recover(walk: &mut Walk<'_>) {
    let Some(code) = walk.dice.late(walk.model.recoveries.len()) else {
        return ask(walk).await;
    };
    let owner = walk.model.recoveries[code].user;
    let theirs = walk
        .model
        .pendings
        .iter()
        .rposition(|one| one.user == owner);
    let any = walk.dice.late(walk.model.pendings.len());
    let drawn = if walk.dice.percent(75) { theirs } else { any };
    let Some(pending) = drawn.or(any) else {
        return login(walk).await;
    };
    let user = walk.model.pendings[pending].user;
    let home = walk.model.users[user].tenant;
    let tenant = walk.near(home);
    let place = walk.here(tenant);
    let of = &walk.model.recoveries[code];
    let is_right = of.user == user && !of.is_dead && place.1 < of.made_at + LIVES;
    let may = is_right && walk.model.goes_on(pending, place);
    let person = &walk.model.users[user];
    let verdict = Verdict::of(may && person.has_factor(), person.is_patient(Way::Recovery));
    let verdict = both(person.may_recover(), verdict);
    let token = walk.model.pendings[pending].token.clone();
    let body = json!({ "mfa_token": token, "code": of.text });
    let door = walk.door(tenant);
    let answer = door.post("/auth/mfa/recovery/confirm", body).await;
    let passed = answer.status == 200;
    walk.judge("recover", verdict, (passed, &answer));
    walk.counted(user, Way::Recovery, passed);
    if passed {
        walk.model.lose_factors(user);
        walk.model.pendings[pending].is_spent = true;
        let made_at = walk.model.pendings[pending].made_at;
        let before = walk.model.pendings.len();
        walk.go_on(user, &answer).await;
        // What goes on ends when the sign-in that it goes on from would have.
        for next in walk.model.pendings.iter_mut().skip(before) {
            next.made_at = made_at;
        }
    }
}
