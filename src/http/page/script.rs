//! What pages run: two small scripts, each in the page itself and named by its nonce.
//!
//! Neither is needed but for passkeys, which there are only by script: the forms are the same without.
//! A page that has none to run allows none, whatever got into it.

use askama::Template;

use super::views::factor::{
    BackupCodes, BindApp, BindFactor, BindPasskey, RecoverFactor, SecondFactor,
};
use super::views::{
    Consent, Device, DeviceConsent, Error, Forgotten, FormPost, Message, Register, Reset, Restore,
    SignIn, SignOut, SignedOut, Verify,
};

/// A page, and whether it runs something.
pub(in crate::http) trait Page: Template {
    /// Says whether a script of ours is in it.
    fn runs_script(&self) -> bool {
        false
    }

    /// Names its place in the navigation of the account pages; empty: it has none.
    fn here(&self) -> &'static str {
        ""
    }
}

/// Lets people see the password that they type.
pub(super) const SHOW_PASSWORD: &str = include_str!("../../../ui/static/show_password.js");
/// Asks the browser for a passkey.
pub(super) const PASSKEY: &str = include_str!("../../../ui/static/passkey.js");

// === impl Page for what runs something ===

impl Page for SignIn<'_> {
    fn runs_script(&self) -> bool {
        true
    }
}

impl Page for Register<'_> {
    fn runs_script(&self) -> bool {
        true
    }
}

impl Page for Reset<'_> {
    fn runs_script(&self) -> bool {
        true
    }
}

impl Page for FormPost<'_> {
    fn runs_script(&self) -> bool {
        true
    }
}

impl Page for SecondFactor<'_> {
    fn runs_script(&self) -> bool {
        self.method == "passkey"
    }
}

impl Page for BindPasskey<'_> {
    fn runs_script(&self) -> bool {
        true
    }
}

// === impl Page for what runs nothing ===

impl Page for BackupCodes<'_> {}
impl Page for BindApp<'_> {}
impl Page for BindFactor<'_> {}
impl Page for Consent<'_> {}
impl Page for Device<'_> {}
impl Page for DeviceConsent<'_> {}
impl Page for Error<'_> {}
impl Page for Forgotten<'_> {}
impl Page for Message<'_> {}
impl Page for RecoverFactor<'_> {}
impl Page for Restore<'_> {}
impl Page for SignOut<'_> {}
impl Page for SignedOut<'_> {}
impl Page for Verify<'_> {}
