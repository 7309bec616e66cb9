//! The end of a walk: whatever happened, everybody gets into their own account by what is theirs, and
//! nobody has a sign-in there that was not seen to begin.

use std::collections::BTreeSet;

use serde_json::json;

use super::model::Way;
use super::walker::Walk;
use crate::auth::mfa::verify;
use crate::client::Answer;

/// Signs somebody in by what is theirs.
pub async fn get_in(walk: &mut Walk<'_>, user: usize) {
    let of = &walk.model.users[user];
    let (tenant, body) = (
        of.tenant,
        json!({ "email": of.email, "password": of.password }),
    );
    let answer = walk.door(tenant).post("/auth/login", body).await;
    walk.sees_to(
        answer.status == 200,
        "the right password is right in the end",
    );
    if !walk.model.needs_two(user) {
        walk.enter(user, &answer, false).await;
        return look_at_sessions(walk, user).await;
    }
    let token = answer.field("mfa_token");
    let Some(answer) = by_second_factor(walk, user, &token).await else {
        return;
    };
    walk.sees_to(
        answer.status == 200,
        "the owner's second factor is one in the end",
    );
    walk.enter(user, &answer, true).await;
    look_at_sessions(walk, user).await;
}

/// Shows a second factor; nothing where the first is still to be bound.
pub async fn by_second_factor(walk: &mut Walk<'_>, user: usize, token: &str) -> Option<Answer> {
    let door = walk.door(walk.model.users[user].tenant);
    if walk.model.users[user].app.is_some() {
        let code = walk.right_code(user, Way::App);
        let answer = verify(&door, token, ("totp", &code)).await;
        let shown = (walk.now(), true);
        walk.model.users[user].spend_code(Way::App, &code, shown);
        return Some(answer);
    }
    let of = &mut walk.model.users[user];
    let passkey = of.passkeys.iter_mut().find(|one| one.is_bound)?;
    let path = "/auth/webauthn/login/begin";
    let begun = door.post(path, json!({ "mfa_token": token })).await;
    let begun = begun.expect(200).json();
    passkey.device.verifies = true;
    let response = passkey.device.get(&begun["options"]);
    let body = json!({ "mfa_token": token, "state": begun["state"], "response": response });
    Some(door.post("/auth/webauthn/login/finish", body).await)
}

/// Holds the sign-ins that the service lists against those that were seen to begin.
async fn look_at_sessions(walk: &mut Walk<'_>, user: usize) {
    let Some(access) = walk.model.accesses.last() else {
        return;
    };
    let me = walk
        .door(walk.model.users[user].tenant)
        .bearer(&access.token);
    let listed = me.get("/auth/sessions").await.expect(200).json();
    let listed = listed["sessions"].as_array().into_iter().flatten();
    let listed: BTreeSet<&str> = listed.filter_map(|one| one["id"].as_str()).collect();
    let theirs = || walk.model.sessions.iter().filter(|one| one.user == user);
    let known = theirs().filter(|one| !one.is_page() && (!one.is_over || one.is_unsure));
    let known: BTreeSet<&str> = known.map(|one| one.name.as_str()).collect();
    let unknown = listed.iter().filter(|name| !known.contains(*name)).count();
    let on_pages = theirs()
        .filter(|one| one.is_page() && (!one.is_over || one.is_unsure))
        .count();
    walk.sees_to(
        unknown <= on_pages,
        "there is no sign-in that nobody saw begin",
    );
}
