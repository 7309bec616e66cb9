//! What each page shows: one struct a template.

use askama::Template;

use super::Frame;

pub(in crate::http) mod account;
pub(in crate::http) mod factor;
#[cfg(test)]
mod tests;

/// The sign-in.
#[derive(Template)]
#[template(path = "page/sign_in.html")]
pub(in crate::http) struct SignIn<'a> {
    pub(in crate::http) frame: &'a Frame,
    pub(in crate::http) csrf: &'a str,
    pub(in crate::http) request: &'a str,
    pub(in crate::http) client: &'a str,
    pub(in crate::http) email: &'a str,
    /// What a passkey is asked for, as JSON; empty: none is.
    pub(in crate::http) options: &'a str,
    /// The sealed ceremony that its answer belongs to.
    pub(in crate::http) state: &'a str,
    pub(in crate::http) problem: &'a str,
    pub(in crate::http) details: &'a [String],
}

/// The registration.
#[derive(Template)]
#[template(path = "page/register.html")]
pub(in crate::http) struct Register<'a> {
    pub(in crate::http) frame: &'a Frame,
    pub(in crate::http) csrf: &'a str,
    pub(in crate::http) request: &'a str,
    pub(in crate::http) name: &'a str,
    pub(in crate::http) email: &'a str,
    pub(in crate::http) min_length: usize,
    pub(in crate::http) problem: &'a str,
    pub(in crate::http) details: &'a [String],
}

/// The question whether a client may have what it asks for.
#[derive(Template)]
#[template(path = "page/consent.html")]
pub(in crate::http) struct Consent<'a> {
    pub(in crate::http) frame: &'a Frame,
    pub(in crate::http) csrf: &'a str,
    pub(in crate::http) request: &'a str,
    pub(in crate::http) client: &'a str,
    pub(in crate::http) email: &'a str,
    pub(in crate::http) is_local: bool,
    pub(in crate::http) scopes: &'a [Scope<'a>],
    pub(in crate::http) facts: &'a [Fact<'a>],
}

/// The question which device is meant.
#[derive(Template)]
#[template(path = "page/device.html")]
pub(in crate::http) struct Device<'a> {
    pub(in crate::http) frame: &'a Frame,
    pub(in crate::http) csrf: &'a str,
    pub(in crate::http) user_code: &'a str,
    pub(in crate::http) problem: &'a str,
    pub(in crate::http) details: &'a [String],
}

/// The question whether a device may have what it asks for.
#[derive(Template)]
#[template(path = "page/device_consent.html")]
pub(in crate::http) struct DeviceConsent<'a> {
    pub(in crate::http) frame: &'a Frame,
    pub(in crate::http) csrf: &'a str,
    pub(in crate::http) request: &'a str,
    pub(in crate::http) client: &'a str,
    pub(in crate::http) email: &'a str,
    pub(in crate::http) user_code: &'a str,
    pub(in crate::http) scopes: &'a [Scope<'a>],
    pub(in crate::http) facts: &'a [Fact<'a>],
}

/// The question whether a deleted account is wanted back.
#[derive(Template)]
#[template(path = "page/restore.html")]
pub(in crate::http) struct Restore<'a> {
    pub(in crate::http) frame: &'a Frame,
    pub(in crate::http) csrf: &'a str,
    pub(in crate::http) request: &'a str,
    /// When it is erased, in a sentence.
    pub(in crate::http) text: &'a str,
}

/// A scope, in words and by its name.
pub(in crate::http) struct Scope<'a> {
    pub(in crate::http) text: &'a str,
    pub(in crate::http) name: &'a str,
}

/// Something else to know.
pub(in crate::http) struct Fact<'a> {
    pub(in crate::http) term: &'a str,
    pub(in crate::http) text: String,
}

/// The question whether to sign out.
#[derive(Template)]
#[template(path = "page/sign_out.html")]
pub(in crate::http) struct SignOut<'a> {
    pub(in crate::http) frame: &'a Frame,
    pub(in crate::http) csrf: &'a str,
    pub(in crate::http) logout: &'a str,
    pub(in crate::http) client: &'a str,
    pub(in crate::http) email: &'a str,
}

/// The sign-in has ended; the browser tells clients of it on this page.
#[derive(Template)]
#[template(path = "page/signed_out.html")]
pub(in crate::http) struct SignedOut<'a> {
    pub(in crate::http) frame: &'a Frame,
    pub(in crate::http) place: &'a str,
    pub(in crate::http) frames: &'a [String],
}

/// Asking for a link to choose a new password.
#[derive(Template)]
#[template(path = "page/forgotten.html")]
pub(in crate::http) struct Forgotten<'a> {
    pub(in crate::http) frame: &'a Frame,
    pub(in crate::http) csrf: &'a str,
    pub(in crate::http) problem: &'a str,
    pub(in crate::http) details: &'a [String],
}

/// Choosing a new password.
#[derive(Template)]
#[template(path = "page/reset.html")]
pub(in crate::http) struct Reset<'a> {
    pub(in crate::http) frame: &'a Frame,
    pub(in crate::http) csrf: &'a str,
    pub(in crate::http) token: &'a str,
    pub(in crate::http) min_length: usize,
    pub(in crate::http) problem: &'a str,
    pub(in crate::http) details: &'a [String],
}

/// Confirming an address: a form, because programs that check mails follow links.
#[derive(Template)]
#[template(path = "page/verify.html")]
pub(in crate::http) struct Verify<'a> {
    pub(in crate::http) frame: &'a Frame,
    pub(in crate::http) csrf: &'a str,
    pub(in crate::http) token: &'a str,
    pub(in crate::http) problem: &'a str,
    pub(in crate::http) details: &'a [String],
}

/// A sentence, and perhaps where to go on.
#[derive(Template)]
#[template(path = "page/message.html")]
pub(in crate::http) struct Message<'a> {
    pub(in crate::http) frame: &'a Frame,
    pub(in crate::http) heading: &'a str,
    pub(in crate::http) text: &'a str,
    pub(in crate::http) link: &'a str,
    pub(in crate::http) label: &'a str,
}

/// Why nothing came of a request.
#[derive(Template)]
#[template(path = "page/error.html")]
pub(in crate::http) struct Error<'a> {
    pub(in crate::http) frame: &'a Frame,
    pub(in crate::http) text: &'a str,
    pub(in crate::http) code: &'a str,
    pub(in crate::http) reference: &'a str,
}

/// An answer that the browser posts to the client (OAuth 2.0 Form Post Response Mode §2).
#[derive(Template)]
#[template(path = "page/form_post.html")]
pub(in crate::http) struct FormPost<'a> {
    pub(in crate::http) frame: &'a Frame,
    pub(in crate::http) action: &'a str,
    pub(in crate::http) fields: &'a [(&'a str, &'a str)],
}
