//! Steps in browsers: the same acts on the hosted pages, with forms that were kept, and cookies that are
//! another's.

use super::model::{Session, Verdict, Way};
use super::sign_ins::both;
use super::walker::Walk;
use crate::browser::{Browser, Page};
use crate::client::Client;

/// A browser at one tenant, and what it was given.
pub struct Tab {
    pub browser: Browser,
    pub tenant: usize,
    /// The sign-in that its cookie names, and which proof of it.
    pub session: Option<(usize, i64)>,
    /// When it was last given the cookie.
    pub seen_at: i64,
    /// A sign-in in progress, begun here.
    pub progress: Option<Progress>,
    /// A page that asks what an application may have, and was not answered yet.
    pub kept: Option<(Page, usize)>,
}

#[derive(Clone, Copy)]
pub struct Progress {
    pub user: usize,
    password_no: usize,
    made_at: i64,
}

/// Where every sign-in leads back to.
const REQUEST: (&str, &str) = ("request", "account.factors");
const IDLE: i64 = 3_600;
const DAY: i64 = 86_400;
const PENDING_LIVES: i64 = 600;

// === impl Tab ===

impl Tab {
    pub fn new(door: &Client, tenant: usize) -> Self {
        Self {
            browser: Browser::new(door),
            tenant,
            session: None,
            seen_at: 0,
            progress: None,
            kept: None,
        }
    }

    pub fn base(&self) -> &'static str {
        ["", "/t/acme"][self.tenant]
    }

    pub fn cookie(&self) -> &'static str {
        ["__Host-session", "__Host-session-acme"][self.tenant]
    }

    /// What a form of this browser carries now.
    async fn token(&mut self) -> String {
        let place = format!("{}/sign-in?request=account.factors", self.base());
        let (_, hidden) = self.browser.open(&place).await.form();
        let csrf = hidden.into_iter().find(|(name, _)| name == "csrf");
        csrf.expect("a token").1
    }

    pub fn held(&self) -> Option<String> {
        self.browser.cookie(self.cookie()).map(str::to_owned)
    }
}

/// Opens a page, or sends a form with what every form carries.
pub async fn ask(
    walk: &mut Walk<'_>,
    tab: usize,
    path: &str,
    fields: Option<&[(&str, &str)]>,
) -> Page {
    let now = walk.now();
    let of = &mut walk.tabs[tab];
    let (path, before) = (format!("{}{path}", of.base()), of.held());
    let page = match fields {
        None => of.browser.open(&path).await,
        Some(own) => {
            let csrf = of.token().await;
            let all = [("csrf", csrf.as_str()), REQUEST].into_iter();
            let all = all.chain(own.iter().copied()).collect::<Vec<_>>();
            of.browser.post(&path, &all).await
        }
    };
    if before != of.held() {
        of.seen_at = now;
    }
    page
}

/// Says whether a browser is signed in.
pub fn is_in(walk: &Walk<'_>, tab: usize) -> Verdict {
    let (of, now) = (&walk.tabs[tab], walk.now());
    let Some((session, proof)) = of.session else {
        return Verdict::Never;
    };
    let session = &walk.model.sessions[session];
    let is_fresh = now - of.seen_at < IDLE && now - session.oldest < DAY;
    let may = is_fresh && !session.is_over && session.proved_at == proof;
    Verdict::of(may && of.held().is_some(), !session.is_unsure)
}

/// Says whose browser was idle while what was had there counts still.
fn rests(walk: &Walk<'_>, tab: usize, user: usize) -> Option<i64> {
    let (of, now) = (&walk.tabs[tab], walk.now());
    let (session, _) = of.session?;
    let session = &walk.model.sessions[session];
    let is_resting = now - of.seen_at >= IDLE && now - session.oldest < DAY;
    let is_theirs = session.user == user && !session.is_over;
    session.had_at.filter(|_| is_resting && is_theirs)
}

/// The sign-in in progress that a browser brings. While there is one, it is that which goes on.
pub fn opens(walk: &Walk<'_>, tab: usize) -> Option<Progress> {
    let progress = walk.tabs[tab].progress?;
    (walk.now() < progress.made_at + PENDING_LIVES).then_some(progress)
}

/// Says whether it goes on: the password is still that.
pub fn goes_on(walk: &Walk<'_>, progress: Progress) -> Verdict {
    let user = &walk.model.users[progress.user];
    Verdict::of(progress.password_no == user.password_no, true)
}

/// Takes note of a session that a page began, and asks a page whose it is.
pub async fn entered(
    walk: &mut Walk<'_>,
    tab: usize,
    user: usize,
    (has_two, had_at): (bool, Option<i64>),
) {
    let now = walk.now();
    walk.sees_to(
        has_two || !walk.model.needs_two(user),
        "nobody is signed in with less",
    );
    let mut session = Session::new(user, String::new(), (now, has_two));
    session.had_at = had_at;
    session.oldest = had_at.unwrap_or(now).min(now);
    walk.model.sessions.push(session);
    walk.tabs[tab].session = Some((walk.model.sessions.len() - 1, now));
    walk.tabs[tab].seen_at = now;
    walk.tabs[tab].progress = None;
    let page = ask(walk, tab, "/account", None).await;
    let email = &walk.model.users[user].email;
    walk.sees_to(
        page.answer.text.contains(email.as_str()),
        "the page is the person's",
    );
}

pub fn leads_to(page: &Page, path: &str) -> bool {
    page.answer.status == 303 && page.location().contains(path)
}

/// Reads the backup codes that a page shows.
pub fn listed(page: &Page) -> Vec<String> {
    let items = page.answer.text.split("<li><code>").skip(1);
    items
        .filter_map(|item| item.split('<').next().map(str::to_owned))
        .collect()
}

/// Signs in by a password on the page.
pub async fn sign_in(walk: &mut Walk<'_>, tab: usize) {
    let tenant = walk.tabs[tab].tenant;
    let user = walk.someone();
    let password = walk.some_password(user);
    let (of, now) = (&walk.model.users[user], walk.now());
    let email = of.email.clone();
    let verdict = if of.tenant == tenant {
        of.judge_code(Way::Password, &password, now)
    } else {
        Verdict::Never
    };
    let rested = rests(walk, tab, user);
    let fields = [("email", email.as_str()), ("password", password.as_str())];
    let page = ask(walk, tab, "/sign-in", Some(&fields)).await;
    let owes = leads_to(&page, "/second-factor") || leads_to(&page, "/bind-factor");
    let is_in = leads_to(&page, "/account/factors");
    walk.judge("sign in on a page", verdict, (owes || is_in, &page.answer));
    walk.counted(user, Way::Password, owes || is_in);
    if owes {
        walk.sees_to(
            walk.model.needs_two(user),
            "nobody owes what policy does not demand",
        );
        let of = &walk.model.users[user];
        walk.sees_to(
            leads_to(&page, "/bind-factor") != of.has_factor(),
            "who has one shows it",
        );
        let (password_no, made_at) = (of.password_no, now);
        walk.tabs[tab].progress = Some(Progress {
            user,
            password_no,
            made_at,
        });
    }
    if is_in {
        let has_two = rested.is_some() && walk.model.users[user].has_factor();
        entered(walk, tab, user, (has_two, rested.filter(|_| has_two))).await;
    }
}

/// Shows a code on the page that asks for one.
pub async fn second_factor(walk: &mut Walk<'_>, tab: usize) {
    let Some((user, owed)) = owing(walk, tab) else {
        return sign_in(walk, tab).await;
    };
    if owed == Verdict::Never || !walk.model.users[user].has_factor() {
        return sign_in(walk, tab).await;
    }
    let way = if walk.dice.percent(65) {
        Way::App
    } else {
        Way::Backup
    };
    let code = walk.some_code(user, way);
    let progress = opens(walk, tab);
    let now = walk.now();
    let judged = walk.model.users[user].judge_code(way, &code, now);
    let kind = if way == Way::Backup { "backup" } else { "totp" };
    let fields = [("method", kind), ("code", code.as_str())];
    let page = ask(walk, tab, "/second-factor", Some(&fields)).await;
    let passed = leads_to(&page, "/account/factors");
    let what = if progress.is_some() {
        "go on on a page"
    } else {
        "strengthen on a page"
    };
    walk.judge(what, both(owed, judged), (passed, &page.answer));
    walk.counted(user, way, passed);
    if judged != Verdict::Never {
        walk.model.users[user].spend_code(way, &code, (now, passed));
    }
    if passed {
        proved(walk, tab, user).await;
    }
}

/// Says who owes a second factor in a browser, and whether they do.
pub fn owing(walk: &Walk<'_>, tab: usize) -> Option<(usize, Verdict)> {
    if let Some(progress) = opens(walk, tab) {
        return Some((progress.user, goes_on(walk, progress)));
    }
    let of = &walk.model.sessions[walk.tabs[tab].session?.0];
    let owes = Verdict::of(!of.has_two, true);
    Some((of.user, both(is_in(walk, tab), owes)))
}

/// Takes note that a second factor was shown: the sign-in is over, or the one that was is stronger.
pub async fn proved(walk: &mut Walk<'_>, tab: usize, user: usize) {
    let now = walk.now();
    if opens(walk, tab).is_some() {
        return entered(walk, tab, user, (true, Some(now))).await;
    }
    if let Some((session, _)) = walk.tabs[tab].session {
        let of = &mut walk.model.sessions[session];
        (of.has_two, of.proved_at, of.had_at) = (true, now, Some(now));
        walk.tabs[tab].session = Some((session, now));
        walk.tabs[tab].seen_at = now;
    }
}
