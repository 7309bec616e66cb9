//! What somebody in a walk shows: mostly what is right, else what is stale, another's, or nothing.

use std::time::Duration;

use super::codes;
use super::model::Way;
use super::walker::Walk;
use super::{factors, passkeys, sign_ins};

// === impl Walk ===

impl Walk<'_> {
    /// Has somebody bind factors in the plain way, or not.
    pub async fn enroll(&mut self, user: usize) {
        let (has_app, has_passkey) = (self.dice.percent(50), self.dice.percent(35));
        self.focus = Some(user);
        self.dice.is_sure = true;
        if has_app || has_passkey {
            sign_ins::login(self).await;
        }
        if has_app {
            factors::set_up(self).await;
            factors::confirm(self).await;
        }
        if has_passkey {
            passkeys::begin_binding(self).await;
            passkeys::bind(self).await;
        }
        self.focus = None;
        self.dice.is_sure = false;
    }

    /// A password that somebody may try: the right one, an old one, another's, or none.
    pub fn some_password(&mut self, user: usize) -> String {
        let other = self.someone();
        let (of, other) = (&self.model.users[user], &self.model.users[other]);
        let wrong = [
            of.old_passwords.last().unwrap_or(&other.password).clone(),
            other.password.clone(),
            "no password of anybody here".to_owned(),
        ];
        if self.dice.percent(75) {
            return of.password.clone();
        }
        self.dice.pick(&wrong).cloned().unwrap_or_default()
    }

    /// A code that somebody may show: mostly the right one, else a stale, a foreign, or none.
    pub fn some_code(&mut self, user: usize, way: Way) -> String {
        if self.dice.percent(65) {
            return self.right_code(user, way);
        }
        let other = self.someone();
        let now = self.now() / codes::STEP;
        let of = &self.model.users[user];
        let wrong: Vec<String> = if way == Way::App {
            let old = of.old_secrets.iter().chain(&of.waiting);
            let old = old.map(|secret| codes::code(secret, now));
            let stale = of.app.iter().map(|app| codes::code(&app.secret, app.taken));
            old.chain(stale).chain(["000000".to_owned()]).collect()
        } else {
            let old = of.old_codes.iter().cloned();
            old.chain(["bcdf-bcdf-bcdf-bcdf".to_owned()]).collect()
        };
        if self.dice.percent(40) {
            return self.right_code(other, way);
        }
        self.dice.pick(&wrong).cloned().unwrap_or_default()
    }

    /// The code that the owner would show, which may take a moment to come.
    pub fn right_code(&mut self, user: usize, way: Way) -> String {
        if way == Way::Backup {
            let codes = &self.model.users[user].codes;
            let code = codes.iter().find(|one| !one.is_shown);
            return code.map_or_else(|| "2222".to_owned(), |one| one.code.clone());
        }
        let Some(app) = &self.model.users[user].app else {
            return "111111".to_owned();
        };
        let present = self.now() / codes::STEP;
        let step = (present - 1..=present + 1).find(|step| *step > app.shown);
        if let Some(step) = step {
            return codes::code(&app.secret, step);
        }
        let code = codes::code(&app.secret, present + 2);
        self.wait(Duration::from_secs(30));
        code
    }
}
