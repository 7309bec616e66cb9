//! Steps over JSON: binding passkeys, naming and removing them, and signing in by them.

use serde_json::{Value, json};

use super::ceremony::{Asked, Ceremony, Passkey, begun, drawn, touched};
use super::factors::{entered, may_bind, shown, some_binder, texts};
use super::model::Verdict;
use super::sign_ins::{both, login};
use super::walker::Walk;
use crate::authenticator::Authenticator;

/// Takes note of what a program is to ask.
fn asked_of(
    walk: &mut Walk<'_>,
    (tenant, user): (usize, Option<usize>),
    is_binding: bool,
    told: &Value,
) {
    let asked = Asked {
        tenant,
        tab: None,
        user,
        is_binding,
    };
    let state = told["state"].as_str().unwrap_or_default().to_owned();
    begun(walk, asked, (told["options"].clone(), state));
}

/// Begins to bind a passkey.
pub async fn begin_binding(walk: &mut Walk<'_>) {
    let Some((binder, user)) = some_binder(walk) else {
        return login(walk).await;
    };
    let tenant = walk.model.users[user].tenant;
    let may = may_bind(walk, binder, tenant);
    let (door, body) = shown(walk, (binder, tenant), json!({}));
    let answer = door.post("/auth/webauthn/register/begin", body).await;
    let passed = answer.status == 200;
    let verdict = if may == Verdict::Never {
        Verdict::Perhaps
    } else {
        may
    };
    walk.judge("begin to bind a passkey", verdict, (passed, &answer));
    if passed {
        asked_of(walk, (tenant, Some(user)), true, &answer.json());
    }
}

/// Binds a passkey by some answer to some ceremony.
pub async fn bind(walk: &mut Walk<'_>) {
    let Some((asked, state)) = drawn(walk, |one| one.is_binding && one.tab.is_none()) else {
        return begin_binding(walk).await;
    };
    let Some((binder, user)) = some_binder(walk) else {
        return login(walk).await;
    };
    let tenant = walk.model.users[user].tenant;
    let mut device = Authenticator::new();
    let response = device.create(&walk.model.ceremonies[asked].options);
    let of = &walk.model.ceremonies[state];
    let is_its = of.is_binding && of.user == Some(user);
    let answerable = walk.model.is_answerable(state, walk.here(tenant), None);
    let may = both(may_bind(walk, binder, tenant), answerable);
    let verdict = both(may, Verdict::of(is_its && asked == state, true));
    let name = format!("Key {}", walk.step);
    let body = json!({ "name": name, "state": of.state, "response": response });
    let (door, body) = shown(walk, (binder, tenant), body);
    let answer = door.post("/auth/webauthn/register/finish", body).await;
    let passed = answer.status == 201;
    walk.judge("bind a passkey", verdict, (passed, &answer));
    touched(walk, state, (passed, response));
    if passed {
        let told = answer.json();
        let id = told["credential"]["id"].as_str().unwrap_or_default();
        let id = id.to_owned();
        let bound_at = walk.step;
        let of = &mut walk.model.users[user];
        of.passkeys.push(Passkey {
            device,
            id,
            name,
            is_bound: true,
            bound_at,
        });
        let made = texts(&told["backup_codes"]);
        if !made.is_empty() {
            of.renew_codes(made);
        }
        entered(walk, (binder, user), &answer).await;
    }
}

/// Removes some passkey by some access token.
pub async fn remove_passkey(walk: &mut Walk<'_>) {
    let Some(access) = walk.dice.late(walk.model.accesses.len()) else {
        return login(walk).await;
    };
    let user = walk.model.sessions[walk.model.accesses[access].session].user;
    let Some((owner, place)) = some_passkey(walk, user) else {
        return bind(walk).await;
    };
    let passkey = &walk.model.users[owner].passkeys[place];
    let (id, is_bound) = (passkey.id.clone(), passkey.is_bound);
    let of = &walk.model.users[user];
    let tenant = of.tenant;
    let is_required = walk.model.policies[tenant] == domain::factor::MfaPolicy::Require;
    let may = owner == user && is_bound && !(is_required && of.factors() < 2);
    let verdict = both(
        walk.model.may_change(access, walk.here(tenant)),
        Verdict::of(may, true),
    );
    let me = walk.door(tenant).bearer(&walk.model.accesses[access].token);
    let answer = me.delete(&format!("/auth/webauthn/credentials/{id}")).await;
    let passed = answer.status == 204;
    walk.judge("remove a passkey", verdict, (passed, &answer));
    if passed {
        let of = &mut walk.model.users[user];
        of.passkeys[place].is_bound = false;
        of.drop_codes_with_the_last();
    }
}

/// Draws a passkey: mostly of this person, else of anybody, and also one that was let go of.
fn some_passkey(walk: &mut Walk<'_>, user: usize) -> Option<(usize, usize)> {
    let other = walk.someone();
    let owner = if walk.dice.percent(70) { user } else { other };
    let place = walk.dice.late(walk.model.users[owner].passkeys.len())?;
    Some((owner, place))
}

/// Gives some passkey another name by some access token.
pub async fn rename(walk: &mut Walk<'_>) {
    let Some(access) = walk.dice.late(walk.model.accesses.len()) else {
        return login(walk).await;
    };
    let user = walk.model.sessions[walk.model.accesses[access].session].user;
    let Some((owner, place)) = some_passkey(walk, user) else {
        return bind(walk).await;
    };
    let tenant = walk.model.users[user].tenant;
    let passkey = &walk.model.users[owner].passkeys[place];
    let is_theirs = owner == user && passkey.is_bound;
    let live = walk.model.is_live(access, walk.here(tenant));
    let verdict = both(live, Verdict::of(is_theirs, true));
    let path = format!("/auth/webauthn/credentials/{}", passkey.id);
    let name = format!("Renamed {}", walk.step);
    let me = walk.door(tenant).bearer(&walk.model.accesses[access].token);
    let answer = me.patch(&path, json!({ "name": name })).await;
    let passed = answer.status == 200;
    walk.judge("rename a passkey", verdict, (passed, &answer));
    if passed {
        walk.model.users[owner].passkeys[place].name = name;
    }
}

/// Begins to ask for a passkey: anybody's, or of somebody in the middle of a sign-in.
pub async fn begin_showing(walk: &mut Walk<'_>) {
    let pending = walk.dice.late(walk.model.pendings.len());
    let pending = pending.filter(|_| walk.dice.percent(50));
    begin_for(walk, pending).await;
}

/// Begins to ask for a passkey in some sign-in in progress, or for anybody's.
pub async fn begin_for(walk: &mut Walk<'_>, pending: Option<usize>) {
    let user = pending.map(|pending| walk.model.pendings[pending].user);
    let tenant = user.map_or_else(|| walk.dice.below(2), |user| walk.model.users[user].tenant);
    let token = pending.map(|pending| walk.model.pendings[pending].token.clone());
    let body = token.map_or(json!({}), |token| json!({ "mfa_token": token }));
    let door = walk.door(tenant);
    let answer = door.post("/auth/webauthn/login/begin", body).await;
    let passed = answer.status == 200;
    let verdict = match (pending, user) {
        (Some(pending), Some(user)) => {
            let has_one = walk.model.users[user].bound().count() > 0;
            let opens = walk.model.goes_on(pending, walk.here(tenant));
            Verdict::of(true, has_one && opens)
        }
        _ => Verdict::Always,
    };
    walk.judge("begin to ask for a passkey", verdict, (passed, &answer));
    if passed {
        asked_of(walk, (tenant, user), false, &answer.json());
    }
}

/// Signs in, or goes on, by some passkey's answer to some ceremony.
pub async fn show_passkey(walk: &mut Walk<'_>) {
    let owner = walk.someone();
    let Some(device) = walk.dice.late(walk.model.users[owner].passkeys.len()) else {
        return bind(walk).await;
    };
    let waiting = walk
        .model
        .pendings
        .iter()
        .rposition(|one| one.user == owner);
    if walk.dice.percent(50) {
        let waiting = waiting.filter(|_| walk.dice.below(2) == 0);
        begin_for(walk, waiting).await;
    }
    // Sometimes what another was asked is answered.
    let is_foreign = walk.dice.percent(10);
    let is_fit = |one: &Ceremony| {
        let is_owners = one.user.is_none_or(|user| user == owner);
        !one.is_binding && one.tab.is_none() && (is_foreign || is_owners)
    };
    let Some((asked, state)) = drawn(walk, is_fit) else {
        return begin_showing(walk).await;
    };
    let verifies = walk.dice.percent(90);
    let passkey = &mut walk.model.users[owner].passkeys[device];
    passkey.device.verifies = verifies;
    let response = passkey.device.get(&walk.model.ceremonies[asked].options);
    let passkey = &walk.model.users[owner].passkeys[device];
    let (is_bound, bound_at) = (passkey.is_bound, passkey.bound_at);
    let of = &walk.model.ceremonies[state];
    let (whose, tenant, before) = (of.user, of.tenant, bound_at < of.step);
    let pending = (0..walk.model.pendings.len()).rev();
    let pending = pending
        .into_iter()
        .find(|one| Some(walk.model.pendings[*one].user) == whose);
    let pending = if walk.dice.percent(90) {
        pending
    } else {
        walk.dice.late(walk.model.pendings.len())
    };
    let user = pending.map(|pending| walk.model.pendings[pending].user);
    let is_its = !of.is_binding && of.user == user && of.tenant == walk.model.users[owner].tenant;
    let place = walk.here(tenant);
    let answerable = walk.model.is_answerable(state, place, None);
    let goes_on = pending.is_none_or(|pending| walk.model.goes_on(pending, place));
    let is_whole = pending.is_none();
    let is_theirs = user.is_none_or(|user| user == owner) && (verifies || !is_whole);
    let may = is_its && asked == state && is_bound && goes_on && is_theirs;
    let verdict = both(
        answerable,
        Verdict::of(may, (is_whole || before) && verifies),
    );
    let token = pending.map(|pending| walk.model.pendings[pending].token.clone());
    let body = json!({ "mfa_token": token, "state": of.state, "response": response });
    let answer = walk
        .door(tenant)
        .post("/auth/webauthn/login/finish", body)
        .await;
    let passed = answer.status == 200;
    let what = if is_whole {
        "sign in by a passkey"
    } else {
        "go on by a passkey"
    };
    walk.judge(what, verdict, (passed, &answer));
    touched(walk, state, (passed, response));
    if passed {
        if let Some(pending) = pending {
            walk.model.pendings[pending].is_spent = true;
        }
        walk.enter(owner, &answer, true).await;
    }
}
