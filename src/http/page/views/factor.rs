//! The pages on which a factor is shown or bound.
//!
//! `options` is what a passkey is asked for, as JSON, and `state` the sealed ceremony that its answer
//! belongs to; both stand in the page, and the answer comes back in the field `response`.

use askama::Template;

use super::super::Frame;

/// The second step of a sign-in.
#[derive(Template)]
#[template(path = "page/second_factor.html")]
pub(in crate::http) struct SecondFactor<'a> {
    pub(in crate::http) frame: &'a Frame,
    pub(in crate::http) csrf: &'a str,
    pub(in crate::http) request: &'a str,
    /// Which is asked for: `totp`, `backup` or `passkey`.
    pub(in crate::http) method: &'a str,
    /// The other ways, and where each is asked for.
    pub(in crate::http) others: &'a [(&'a str, String)],
    /// Where whoever lost all of them goes; empty: nowhere.
    pub(in crate::http) recover: &'a str,
    pub(in crate::http) options: &'a str,
    pub(in crate::http) state: &'a str,
    pub(in crate::http) problem: &'a str,
    pub(in crate::http) details: &'a [String],
}

/// Letting go of second factors that were lost.
#[derive(Template)]
#[template(path = "page/recover_factor.html")]
pub(in crate::http) struct RecoverFactor<'a> {
    pub(in crate::http) frame: &'a Frame,
    pub(in crate::http) csrf: &'a str,
    pub(in crate::http) request: &'a str,
    /// Whether a code was sent, and is asked for.
    pub(in crate::http) is_sent: bool,
    /// Where another code is asked for.
    pub(in crate::http) again: &'a str,
    /// Where the factors are asked for.
    pub(in crate::http) back: &'a str,
    pub(in crate::http) problem: &'a str,
    pub(in crate::http) details: &'a [String],
}

/// The question which second factor to bind.
#[derive(Template)]
#[template(path = "page/bind_factor.html")]
pub(in crate::http) struct BindFactor<'a> {
    pub(in crate::http) frame: &'a Frame,
    pub(in crate::http) csrf: &'a str,
    pub(in crate::http) request: &'a str,
    /// Whether this service knows what passkeys are bound to.
    pub(in crate::http) offers_passkeys: bool,
    pub(in crate::http) may_skip: bool,
}

/// Binding an authenticator app.
#[derive(Template)]
#[template(path = "page/bind_app.html")]
pub(in crate::http) struct BindApp<'a> {
    pub(in crate::http) frame: &'a Frame,
    pub(in crate::http) csrf: &'a str,
    pub(in crate::http) request: &'a str,
    /// What shows that this browser had the secret made.
    pub(in crate::http) setup: &'a str,
    /// A picture that we drew: it is not escaped.
    pub(in crate::http) qr_svg: &'a str,
    /// The same in letters, in groups.
    pub(in crate::http) secret: &'a str,
    pub(in crate::http) problem: &'a str,
    pub(in crate::http) details: &'a [String],
}

/// The backup codes, this once.
#[derive(Template)]
#[template(path = "page/backup_codes.html")]
pub(in crate::http) struct BackupCodes<'a> {
    pub(in crate::http) frame: &'a Frame,
    pub(in crate::http) codes: &'a [&'a str],
    /// Where it goes on from here.
    pub(in crate::http) onward: &'a str,
}

/// Binding a passkey.
#[derive(Template)]
#[template(path = "page/bind_passkey.html")]
pub(in crate::http) struct BindPasskey<'a> {
    pub(in crate::http) frame: &'a Frame,
    pub(in crate::http) csrf: &'a str,
    pub(in crate::http) request: &'a str,
    pub(in crate::http) options: &'a str,
    pub(in crate::http) state: &'a str,
    pub(in crate::http) name: &'a str,
    pub(in crate::http) problem: &'a str,
    pub(in crate::http) details: &'a [String],
}
