//! The account pages: what a person sees and changes of their own.
//!
//! A list has links; what changes something is a form on a page of its own, so that a page has one
//! form at most. `done` says what a form just did, after the redirect that follows it.

use askama::Template;

use super::super::when::When;
use super::super::{Frame, Page};
use super::Scope;

/// Who one is.
#[derive(Template)]
#[template(path = "page/account/overview.html")]
pub(in crate::http) struct Overview<'a> {
    pub(in crate::http) frame: &'a Frame,
    pub(in crate::http) csrf: &'a str,
    pub(in crate::http) done: &'a str,
    pub(in crate::http) name: &'a str,
    pub(in crate::http) email: &'a str,
    pub(in crate::http) is_proven: bool,
    /// Where another link to prove the address is asked for; empty: nowhere.
    pub(in crate::http) resend: &'a str,
    /// The accounts elsewhere that it is linked to.
    pub(in crate::http) links: &'a [LinkRow],
    pub(in crate::http) problem: &'a str,
    pub(in crate::http) details: &'a [String],
}

/// An account elsewhere.
pub(in crate::http) struct LinkRow {
    /// Who keeps it.
    pub(in crate::http) issuer: String,
    /// What it is called there.
    pub(in crate::http) subject: String,
    pub(in crate::http) since: When,
}

/// Changing the password.
#[derive(Template)]
#[template(path = "page/account/password.html")]
pub(in crate::http) struct ChangePassword<'a> {
    pub(in crate::http) frame: &'a Frame,
    pub(in crate::http) csrf: &'a str,
    pub(in crate::http) done: &'a str,
    /// Whose password it is, for managers of passwords.
    pub(in crate::http) email: &'a str,
    pub(in crate::http) min_length: usize,
    pub(in crate::http) problem: &'a str,
    pub(in crate::http) details: &'a [String],
}

/// What is bound beside the password.
#[derive(Template)]
#[template(path = "page/account/factors.html")]
pub(in crate::http) struct FactorList<'a> {
    pub(in crate::http) frame: &'a Frame,
    pub(in crate::http) done: &'a str,
    pub(in crate::http) passkeys: &'a [PasskeyRow<'a>],
    /// Since when there is an app.
    pub(in crate::http) app: Option<When>,
    pub(in crate::http) backup_codes: u32,
}

/// A passkey.
pub(in crate::http) struct PasskeyRow<'a> {
    pub(in crate::http) id: String,
    pub(in crate::http) name: &'a str,
    pub(in crate::http) created: When,
    pub(in crate::http) last_used: Option<When>,
    pub(in crate::http) is_synced: bool,
}

/// Giving a passkey another name.
#[derive(Template)]
#[template(path = "page/account/rename.html")]
pub(in crate::http) struct RenamePasskey<'a> {
    pub(in crate::http) frame: &'a Frame,
    pub(in crate::http) csrf: &'a str,
    pub(in crate::http) id: &'a str,
    pub(in crate::http) name: &'a str,
    pub(in crate::http) problem: &'a str,
    pub(in crate::http) details: &'a [String],
}

/// Where one is signed in.
#[derive(Template)]
#[template(path = "page/account/sessions.html")]
pub(in crate::http) struct SessionList<'a> {
    pub(in crate::http) frame: &'a Frame,
    pub(in crate::http) done: &'a str,
    pub(in crate::http) sessions: &'a [SessionRow],
}

/// A sign-in.
pub(in crate::http) struct SessionRow {
    pub(in crate::http) id: String,
    /// The device, in words.
    pub(in crate::http) device: String,
    pub(in crate::http) address: String,
    pub(in crate::http) created: When,
    pub(in crate::http) last_active: When,
    /// Whether it is the one that looks.
    pub(in crate::http) is_this: bool,
}

/// What was allowed whom.
#[derive(Template)]
#[template(path = "page/account/applications.html")]
pub(in crate::http) struct ApplicationList<'a> {
    pub(in crate::http) frame: &'a Frame,
    pub(in crate::http) done: &'a str,
    pub(in crate::http) applications: &'a [Application<'a>],
}

/// A client that was allowed something.
pub(in crate::http) struct Application<'a> {
    pub(in crate::http) name: &'a str,
    pub(in crate::http) scopes: Vec<Scope<'a>>,
    pub(in crate::http) since: When,
    /// Where it is taken back. Some clients are named by an address, so it is for the endpoint to write.
    pub(in crate::http) take_back: String,
}

/// What happened to the account.
#[derive(Template)]
#[template(path = "page/account/activity.html")]
pub(in crate::http) struct ActivityList<'a> {
    pub(in crate::http) frame: &'a Frame,
    pub(in crate::http) rows: &'a [ActivityRow<'a>],
    /// Where the page before it is; empty: nowhere.
    pub(in crate::http) older: &'a str,
}

/// Something that happened; what is empty is not told.
pub(in crate::http) struct ActivityRow<'a> {
    pub(in crate::http) what: &'a str,
    /// Which factor it is about.
    pub(in crate::http) factor: &'a str,
    pub(in crate::http) at: When,
    /// Who did it, if not the person.
    pub(in crate::http) by: &'a str,
    pub(in crate::http) address: &'a str,
    /// The device, in words.
    pub(in crate::http) device: String,
}

/// What is kept of a person.
#[derive(Template)]
#[template(path = "page/account/data.html")]
pub(in crate::http) struct OwnData<'a> {
    pub(in crate::http) frame: &'a Frame,
}

/// The question whether something is meant.
#[derive(Template)]
#[template(path = "page/account/confirm.html")]
pub(in crate::http) struct Confirm<'a> {
    pub(in crate::http) frame: &'a Frame,
    pub(in crate::http) csrf: &'a str,
    /// The place in the navigation that it belongs to, such as `/account/sessions`.
    pub(in crate::http) here: &'static str,
    pub(in crate::http) heading: &'a str,
    pub(in crate::http) text: &'a str,
    pub(in crate::http) action: &'a str,
    pub(in crate::http) fields: &'a [(&'a str, &'a str)],
    pub(in crate::http) button: &'a str,
    pub(in crate::http) back: &'a str,
}

// === impl Page: where each stands in the navigation ===

impl Page for Overview<'_> {
    fn here(&self) -> &'static str {
        "/account"
    }
}

impl Page for ChangePassword<'_> {
    fn runs_script(&self) -> bool {
        true
    }

    fn here(&self) -> &'static str {
        "/account/password"
    }
}

impl Page for FactorList<'_> {
    fn here(&self) -> &'static str {
        "/account/factors"
    }
}

impl Page for RenamePasskey<'_> {
    fn here(&self) -> &'static str {
        "/account/factors"
    }
}

impl Page for SessionList<'_> {
    fn here(&self) -> &'static str {
        "/account/sessions"
    }
}

impl Page for ApplicationList<'_> {
    fn here(&self) -> &'static str {
        "/account/applications"
    }
}

impl Page for ActivityList<'_> {
    fn here(&self) -> &'static str {
        "/account/activity"
    }
}

impl Page for OwnData<'_> {
    fn here(&self) -> &'static str {
        "/account/data"
    }
}

impl Page for Confirm<'_> {
    fn here(&self) -> &'static str {
        self.here
    }
}
