//! Steps of applications: asking a browser's person, trading codes, using what was given.

use domain::factor::MfaPolicy;

use super::model::{Code, Granted, Verdict};
use super::pages::is_in;
use super::sign_ins::{both, login};
use super::walker::{AAL2, TENANTS, Walk};
use crate::client::Tokens;
use crate::oauth::world::{CALLBACK, Registered, VERIFIER, ask, claims, parameter};

/// Says whether an application may be given a code in a browser.
fn may_have(walk: &Walk<'_>, tab: usize, client: usize) -> Verdict {
    let Some((session, _)) = walk.tabs[tab].session else {
        return Verdict::Never;
    };
    let of = &walk.model.sessions[session];
    let is_its = walk.model.clients[client].tenant == walk.tabs[tab].tenant;
    // A factor that was bound since is asked for at the next sign-in; what is required, at once.
    let is_required = walk.model.policies[walk.tabs[tab].tenant] == MfaPolicy::Require;
    let needs_two = is_required || walk.model.clients[client].requires_two;
    both(
        is_in(walk, tab),
        Verdict::of(is_its && (of.has_two || !needs_two), true),
    )
}

/// Has an application ask in a browser; allows it, or keeps the page for later.
pub async fn authorize(walk: &mut Walk<'_>, tab: usize) {
    if walk.dice.percent(20) && walk.tabs[tab].kept.is_some() {
        return allow_kept(walk, tab).await;
    }
    if is_in(walk, tab) == Verdict::Never && walk.dice.percent(60) {
        super::pages::sign_in(walk, tab).await;
    }
    let tenant = walk.tabs[tab].tenant;
    let client = 2 * tenant + walk.dice.below(2);
    let of = &walk.model.clients[client];
    let registered = Registered {
        id: of.id.clone(),
        secret: None,
    };
    let before = may_have(walk, tab, client);
    let path = format!("{}{}", walk.tabs[tab].base(), ask(&registered, &[]));
    let now = walk.now();
    let tab_of = &mut walk.tabs[tab];
    let page = tab_of.browser.open(&path).await;
    let mut page = tab_of.browser.follow(page).await;
    if before != Verdict::Never {
        tab_of.seen_at = now;
    }
    let has_form = page.location().is_empty() && page.answer.text.contains("<form");
    let is_consent = has_form && page.form().0.ends_with("/consent");
    if is_consent && walk.dice.percent(25) {
        walk.tabs[tab].kept = Some((page, client));
        return;
    }
    if is_consent {
        page = walk.tabs[tab]
            .browser
            .submit(&page, &[("decision", "allow")])
            .await;
    }
    given(walk, (tab, client), (before, &page)).await;
}

/// Answers a page that was shown earlier, perhaps to somebody else.
async fn allow_kept(walk: &mut Walk<'_>, tab: usize) {
    let Some((page, client)) = walk.tabs[tab].kept.take() else {
        return;
    };
    let may = match may_have(walk, tab, client) {
        // The request may be too old.
        Verdict::Always => Verdict::Perhaps,
        verdict => verdict,
    };
    let page = walk.tabs[tab]
        .browser
        .submit(&page, &[("decision", "allow")])
        .await;
    given(walk, (tab, client), (may, &page)).await;
}

async fn given(
    walk: &mut Walk<'_>,
    (tab, client): (usize, usize),
    (verdict, page): (Verdict, &crate::browser::Page),
) {
    let sent = page.location();
    let code = sent
        .starts_with(CALLBACK)
        .then(|| parameter(sent, "code"))
        .flatten();
    walk.judge(
        "give an application a code",
        verdict,
        (code.is_some(), &page.answer),
    );
    let (Some(code), Some((session, _))) = (code, walk.tabs[tab].session) else {
        return;
    };
    let made_at = walk.now();
    walk.model.codes.push(Code {
        text: code,
        client,
        session,
        made_at,
        has_two: walk.model.sessions[session].has_two,
        is_spent: false,
        is_unsure: false,
    });
    if walk.dice.percent(60) {
        redeem(walk).await;
        userinfo(walk).await;
    }
}

/// Trades some code, as some application, with a right verifier or a wrong one.
pub async fn redeem(walk: &mut Walk<'_>) {
    let Some(place) = walk.dice.late(walk.model.codes.len()) else {
        return login(walk).await;
    };
    let its = walk.model.codes[place].client;
    let client = if walk.dice.percent(90) {
        its
    } else {
        walk.dice.below(4)
    };
    let is_verified = walk.dice.percent(90);
    let verifier = if is_verified {
        VERIFIER
    } else {
        "another-verifier-that-nobody-made-a-challenge-of"
    };
    let judged = walk.model.judge_authorization(place, client, walk.now());
    let verdict = if is_verified { judged } else { Verdict::Never };
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", walk.model.codes[place].text.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", verifier),
    ];
    let of = &walk.model.clients[client];
    let pair = format!("{}:{}", of.id, of.secret.clone().unwrap_or_default());
    let basic = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, pair);
    let door = walk
        .door(of.tenant)
        .with("authorization", format!("Basic {basic}"));
    let answer = door.form("/oauth/token", &fields).await;
    let passed = answer.status == 200;
    walk.judge("trade a code", verdict, (passed, &answer));
    let code = &mut walk.model.codes[place];
    let session = code.session;
    if passed {
        code.is_spent = true;
        let (tokens, has_two) = (Tokens::of(&answer), code.has_two);
        let told = claims(&tokens.access);
        let user = &walk.model.users[walk.model.sessions[session].user];
        walk.sees_to(
            told["sub"] == user.id.as_str(),
            "an application is told who allowed it",
        );
        walk.sees_to(
            (told["acr"] == AAL2) == has_two,
            "and how well they proved it",
        );
        let made_at = walk.now();
        walk.model.granted.push(Granted {
            access: tokens.access,
            session,
            made_at,
            is_unsure: false,
        });
    } else {
        // A second trade ends the sign-in that the code came of; a wrong one may or may not spend it.
        walk.model.sessions[session].is_unsure |= code.is_spent;
        code.is_unsure = true;
        let granted = walk.model.granted.iter_mut();
        granted
            .filter(|one| one.session == session)
            .for_each(|one| one.is_unsure = true);
    }
}

/// Asks, as an application, who somebody is.
pub async fn userinfo(walk: &mut Walk<'_>) {
    let Some(place) = walk.dice.late(walk.model.granted.len()) else {
        return;
    };
    let verdict = walk.model.judge_granted(place, walk.now());
    let of = &walk.model.granted[place];
    let user = &walk.model.users[walk.model.sessions[of.session].user];
    let (email, tenant) = (user.email.clone(), user.tenant);
    let answer = walk.door(tenant).bearer(&of.access).get("/userinfo").await;
    let passed = answer.status == 200;
    walk.judge("use an application's token", verdict, (passed, &answer));
    if passed {
        let is_theirs = answer.field("email") == email;
        walk.sees_to(
            is_theirs,
            &format!("it is of somebody else in {}", TENANTS[tenant]),
        );
    }
}
