//! What policy demands of each act, by what is known of who acts and with what.

use domain::factor::MfaPolicy;

use super::model::{Model, Verdict, Way};

const ACCESS_LIVES: i64 = 900;
const PENDING_LIVES: i64 = 600;
const CEREMONY_LIVES: i64 = 300;
const FRESH: i64 = 900;
const LINK_LIVES: i64 = 1800;
const CODE_LIVES: i64 = 60;

// === impl Model ===

impl Model {
    /// What policy demands: two factors of whoever has bound one, and of everybody where it is required.
    pub fn needs_two(&self, user: usize) -> bool {
        let user = &self.users[user];
        user.has_factor() || self.policies[user.tenant] == MfaPolicy::Require
    }

    pub fn is_live(&self, access: usize, (tenant, now): (usize, i64)) -> Verdict {
        let access = &self.accesses[access];
        let session = &self.sessions[access.session];
        let is_here = self.users[session.user].tenant == tenant;
        let may = is_here && !session.is_over && now < access.made_at + ACCESS_LIVES;
        Verdict::of(may, !session.is_unsure)
    }

    /// Says whether a sign-in in progress goes on: nobody had it before, and the password is still that.
    pub fn goes_on(&self, pending: usize, place: (usize, i64)) -> bool {
        let pending_of = &self.pendings[pending];
        let user = &self.users[pending_of.user];
        let is_newest = pending_of.password_no == user.password_no;
        self.opens(pending, place) && is_newest && !pending_of.is_spent
    }

    /// Says whether it is looked at at all.
    pub fn opens(&self, pending: usize, (tenant, now): (usize, i64)) -> bool {
        let pending = &self.pendings[pending];
        let is_here = self.users[pending.user].tenant == tenant;
        is_here && now < pending.made_at + PENDING_LIVES
    }

    /// Says whether a question may be answered still: here, by the browser whose it is, if it is one's.
    pub fn is_answerable(
        &self,
        ceremony: usize,
        (tenant, now): (usize, i64),
        tab: Option<usize>,
    ) -> Verdict {
        let ceremony = &self.ceremonies[ceremony];
        let is_in_time = now < ceremony.made_at + CEREMONY_LIVES;
        let is_its = ceremony.tenant == tenant && ceremony.tab == tab;
        let may = is_its && is_in_time && !ceremony.is_spent;
        Verdict::of(may, !ceremony.is_touched)
    }

    /// Says whether whoever holds an access token may change factors: they proved a short while ago who
    /// they are, as well as the account can.
    pub fn may_change(&self, access: usize, place: (usize, i64)) -> Verdict {
        let live = self.is_live(access, place);
        let access = &self.accesses[access];
        let user = self.sessions[access.session].user;
        let proved = (access.proved_at, access.has_two);
        if self.is_fresh(user, proved, place.1) {
            live
        } else {
            Verdict::Never
        }
    }

    pub fn is_fresh(&self, user: usize, (proved_at, has_two): (i64, bool), now: i64) -> bool {
        let may_bind = self.policies[self.users[user].tenant] != MfaPolicy::Off;
        self.is_proved(user, (proved_at, has_two), now) && may_bind
    }

    /// Says whether it was proved a short while ago, as well as the account can.
    pub fn is_proved(&self, user: usize, (proved_at, has_two): (i64, bool), now: i64) -> bool {
        let is_enough = has_two || !self.users[user].has_factor();
        now - proved_at < FRESH && is_enough
    }

    /// Says whether a sign-in in progress may bind a first factor.
    pub fn may_bind(&self, pending: usize, place: (usize, i64)) -> bool {
        let user = &self.users[self.pendings[pending].user];
        let is_owed = !user.has_factor() && self.policies[user.tenant] == MfaPolicy::Require;
        self.goes_on(pending, place) && is_owed
    }

    pub fn judge_link(&self, link: usize, (tenant, now): (usize, i64)) -> Verdict {
        let link = &self.links[link];
        let is_here = self.users[link.user].tenant == tenant;
        let may = is_here && !link.is_dead && now < link.made_at + LINK_LIVES;
        Verdict::of(may, !link.is_unsure)
    }

    pub fn judge_authorization(&self, code: usize, client: usize, now: i64) -> Verdict {
        let code = &self.codes[code];
        let session = &self.sessions[code.session];
        let is_its = code.client == client && !code.is_spent && !session.is_over;
        let may = is_its && now < code.made_at + CODE_LIVES;
        Verdict::of(may, !session.is_unsure && !code.is_unsure)
    }

    pub fn judge_granted(&self, granted: usize, now: i64) -> Verdict {
        let granted = &self.granted[granted];
        let session = &self.sessions[granted.session];
        let may = !session.is_over && now < granted.made_at + ACCESS_LIVES;
        Verdict::of(may, !session.is_unsure && !granted.is_unsure)
    }

    /// Takes note that every sign-in of somebody ended, but one.
    pub fn end_all(&mut self, user: usize, but: Option<usize>) {
        for (place, session) in self.sessions.iter_mut().enumerate() {
            if session.user == user && Some(place) != but {
                session.is_over = true;
            }
        }
    }

    /// Takes note that mailed codes of somebody count no more.
    pub fn forget_recoveries(&mut self, user: usize) {
        let theirs = self.recoveries.iter_mut();
        theirs
            .filter(|one| one.user == user)
            .for_each(|one| one.is_dead = true);
    }

    /// Takes note that every second factor of somebody is gone, and every sign-in with them.
    pub fn lose_factors(&mut self, user: usize) {
        let of = &mut self.users[user];
        of.old_secrets.extend(of.waiting.take());
        for passkey in &mut of.passkeys {
            passkey.is_bound = false;
        }
        of.drop_app();
        of.succeeded(Way::App);
        self.forget_recoveries(user);
        self.end_all(user, None);
    }

    /// Takes note of another password: one that came by mail, where no sign-in is left.
    pub fn set_password(&mut self, user: usize, new: &str, but: Option<usize>) {
        let of = &mut self.users[user];
        if but.is_none() {
            (of.by_mail, of.is_proven) = (Some(true), true);
        } else if of.by_mail == Some(true) {
            of.by_mail = None;
        }
        of.set_password(new);
        self.end_all(user, but);
        for link in self.links.iter_mut().filter(|link| link.user == user) {
            link.is_unsure = true;
        }
    }
}
