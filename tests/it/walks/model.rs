//! What is so, as far as anybody who saw every step can know: who has which password and factors, and what
//! each artefact was given for. It knows nothing of the service's own rules; what policy demands is said
//! here once more, and the service is held to it.

use std::collections::HashMap;

use domain::factor::MfaPolicy;

use super::ceremony::{Answered, Ceremony, Passkey};
use super::codes;
use crate::client::Person;

/// What policy says of a success: whether there may be one, and whether there must.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Never,
    Perhaps,
    Always,
}

/// A way in that is counted by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    Password,
    App,
    Backup,
    Recovery,
}

/// An app that shows codes.
pub struct App {
    pub secret: Vec<u8>,
    /// The last time step that opened something.
    pub taken: i64,
    /// The last time step that may have been taken by something that opened nothing.
    pub shown: i64,
}

#[derive(Clone)]
pub struct BackupCode {
    pub code: String,
    /// Whether it may have been spent on something that opened nothing.
    pub is_shown: bool,
}

/// Somebody with an account.
pub struct User {
    pub tenant: usize,
    pub email: String,
    pub id: String,
    pub password: String,
    /// How often it was replaced.
    pub password_no: usize,
    pub old_passwords: Vec<String>,
    pub app: Option<App>,
    /// The secret that waits for its first code.
    pub waiting: Option<Vec<u8>>,
    /// Secrets that were shown once and count no more.
    pub old_secrets: Vec<Vec<u8>>,
    pub passkeys: Vec<Passkey>,
    pub codes: Vec<BackupCode>,
    pub old_codes: Vec<String>,
    pub tries: HashMap<Way, u32>,
    /// How many links were asked for.
    pub mails: usize,
    /// How many codes were mailed.
    pub codes_mailed: usize,
    /// Whether the address is proven.
    pub is_proven: bool,
    /// Whether the password came by mail, where that is known.
    pub by_mail: Option<bool>,
}

/// A sign-in that is over.
pub struct Session {
    pub user: usize,
    pub is_over: bool,
    /// Whether it may have ended.
    pub is_unsure: bool,
    pub has_two: bool,
    /// When a factor was shown last, and when one that is had.
    pub proved_at: i64,
    pub had_at: Option<i64>,
    pub oldest: i64,
    /// The `sid` of its tokens.
    pub name: String,
}

pub struct Access {
    pub token: String,
    pub session: usize,
    pub made_at: i64,
    pub proved_at: i64,
    pub has_two: bool,
}

pub struct Refresh {
    pub token: String,
    pub session: usize,
    pub is_newest: bool,
}

/// A sign-in in progress: the password was shown.
pub struct Pending {
    pub token: String,
    pub user: usize,
    pub password_no: usize,
    pub made_at: i64,
    pub is_spent: bool,
}

/// A link to choose a new password.
pub struct Link {
    pub token: String,
    pub user: usize,
    pub made_at: i64,
    pub is_dead: bool,
    /// Whether something happened that may have ended it.
    pub is_unsure: bool,
}

/// A mailed code that lets go of every second factor.
pub struct Recovery {
    pub text: String,
    pub user: usize,
    pub made_at: i64,
    pub is_dead: bool,
}

pub struct Code {
    pub text: String,
    pub client: usize,
    pub session: usize,
    pub made_at: i64,
    pub has_two: bool,
    pub is_spent: bool,
    pub is_unsure: bool,
}

/// What an application was given.
pub struct Granted {
    pub access: String,
    pub session: usize,
    pub made_at: i64,
    pub is_unsure: bool,
}

/// An application.
pub struct Client {
    pub tenant: usize,
    pub id: String,
    pub secret: Option<String>,
    pub requires_two: bool,
}

#[derive(Default)]
pub struct Model {
    pub policies: Vec<MfaPolicy>,
    pub users: Vec<User>,
    pub sessions: Vec<Session>,
    pub accesses: Vec<Access>,
    pub refreshes: Vec<Refresh>,
    pub pendings: Vec<Pending>,
    pub ceremonies: Vec<Ceremony>,
    pub answers: Vec<Answered>,
    pub links: Vec<Link>,
    pub recoveries: Vec<Recovery>,
    pub codes: Vec<Code>,
    pub granted: Vec<Granted>,
    pub clients: Vec<Client>,
}

/// How many failures there may be before one has to wait.
const PATIENT: u32 = 5;

// === impl Verdict ===

impl Verdict {
    /// Never unless it may be, and perhaps where something stands in the way of certainty.
    pub fn of(may: bool, is_certain: bool) -> Self {
        match (may, is_certain) {
            (false, _) => Self::Never,
            (true, false) => Self::Perhaps,
            (true, true) => Self::Always,
        }
    }

    /// Says whether an answer is as policy demands.
    pub fn allows(self, passed: bool) -> bool {
        match self {
            Self::Never => !passed,
            Self::Perhaps => true,
            Self::Always => passed,
        }
    }
}

// === impl Session ===

impl Session {
    /// One that begins now, by a password or with a second factor beside it.
    pub fn new(user: usize, name: String, (now, has_two): (i64, bool)) -> Self {
        Self {
            user,
            is_over: false,
            is_unsure: false,
            has_two,
            proved_at: now,
            had_at: has_two.then_some(now),
            oldest: now,
            name,
        }
    }

    /// Says whether it began on a page, which tells no name.
    pub fn is_page(&self) -> bool {
        self.name.is_empty()
    }
}

// === impl Client ===

impl Client {
    pub fn again(&self) -> Self {
        Self {
            tenant: self.tenant,
            id: self.id.clone(),
            secret: self.secret.clone(),
            requires_two: self.requires_two,
        }
    }
}

// === impl User ===

impl User {
    pub fn new(tenant: usize, person: &Person) -> Self {
        Self {
            tenant,
            email: person.email.clone(),
            id: String::new(),
            password: person.password.clone(),
            password_no: 0,
            old_passwords: Vec::new(),
            app: None,
            waiting: None,
            old_secrets: Vec::new(),
            passkeys: Vec::new(),
            codes: Vec::new(),
            old_codes: Vec::new(),
            tries: HashMap::new(),
            mails: 0,
            codes_mailed: 0,
            is_proven: false,
            by_mail: Some(false),
        }
    }

    pub fn has_factor(&self) -> bool {
        self.app.is_some() || self.bound().count() > 0
    }

    pub fn bound(&self) -> impl Iterator<Item = &Passkey> {
        self.passkeys.iter().filter(|one| one.is_bound)
    }

    pub fn factors(&self) -> usize {
        self.bound().count() + usize::from(self.app.is_some())
    }

    /// Says whether the next look is certain to be granted.
    pub fn is_patient(&self, way: Way) -> bool {
        self.tries.get(&way).copied().unwrap_or(0) < PATIENT
    }

    pub fn failed(&mut self, way: Way) {
        *self.tries.entry(way).or_default() += 1;
    }

    pub fn succeeded(&mut self, way: Way) {
        self.tries.insert(way, 0);
    }

    /// After a lockout one more look is certain.
    pub fn waited(&mut self) {
        for tries in self.tries.values_mut() {
            *tries = (*tries).min(PATIENT - 1);
        }
    }

    /// Judges a code that is shown for this account.
    pub fn judge_code(&self, way: Way, code: &str, now: i64) -> Verdict {
        let patient = self.is_patient(way);
        match way {
            Way::Password => Verdict::of(self.password == code, patient),
            Way::App => {
                let Some(app) = &self.app else {
                    return Verdict::Never;
                };
                let steps = codes::steps(&app.secret, code, now);
                let may = steps.iter().any(|step| *step > app.taken);
                Verdict::of(may, patient && steps.iter().all(|step| *step > app.shown))
            }
            Way::Backup => {
                let found = self.codes.iter().find(|one| one.code == code);
                let may = found.is_some() && self.has_factor();
                Verdict::of(may, patient && found.is_some_and(|one| !one.is_shown))
            }
            // A mailed code is in the mail, and no code of the account.
            Way::Recovery => Verdict::Never,
        }
    }

    /// Takes note that a right code was looked at; `opened` says whether that gave anything.
    pub fn spend_code(&mut self, way: Way, code: &str, (now, opened): (i64, bool)) {
        if let (Way::App, Some(app)) = (way, &mut self.app) {
            let steps = codes::steps(&app.secret, code, now);
            let last = steps.into_iter().max().unwrap_or(0);
            app.shown = app.shown.max(last);
            if opened {
                app.taken = app.taken.max(last);
            }
        }
        if way == Way::Backup {
            let found = self.codes.iter().position(|one| one.code == code);
            match found {
                Some(place) if opened => self.old_codes.push(self.codes.remove(place).code),
                Some(place) => self.codes[place].is_shown = true,
                None => {}
            }
        }
    }

    /// Takes note that the app is bound by a code of its secret.
    pub fn bind_app(&mut self, secret: Vec<u8>, step: i64) {
        self.waiting = None;
        let (taken, shown) = (step, step);
        self.app = Some(App {
            secret,
            taken,
            shown,
        });
        self.succeeded(Way::App);
    }

    /// Takes note that the app is gone, and the codes with the last factor.
    pub fn drop_app(&mut self) {
        if let Some(app) = self.app.take() {
            self.old_secrets.push(app.secret);
        }
        self.drop_codes_with_the_last();
    }

    pub fn drop_codes_with_the_last(&mut self) {
        if !self.has_factor() {
            self.renew_codes(Vec::new());
        }
    }

    pub fn renew_codes(&mut self, new: Vec<String>) {
        let old = std::mem::take(&mut self.codes);
        self.old_codes.extend(old.into_iter().map(|one| one.code));
        let is_shown = false;
        let new = new.into_iter().map(|code| BackupCode { code, is_shown });
        self.codes = new.collect();
        self.succeeded(Way::Backup);
    }

    /// Says whether a mailed code is a second way to the account.
    pub fn may_recover(&self) -> Verdict {
        let may = self.by_mail != Some(true) && (self.is_proven || self.by_mail.is_none());
        Verdict::of(may, self.by_mail == Some(false))
    }

    pub fn set_password(&mut self, new: &str) {
        let old = std::mem::replace(&mut self.password, new.to_owned());
        self.old_passwords.push(old);
        self.password_no += 1;
        self.succeeded(Way::Password);
    }
}
