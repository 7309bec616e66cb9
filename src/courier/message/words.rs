//! What each kind of letter says around its link. No word of it was chosen by a stranger.

use std::net::IpAddr;

use domain::factor::Factor;
use domain::mail::LetterBody;
use domain::time::UnixMillis;

/// What a letter says.
pub(super) struct Words {
    pub(super) subject: &'static str,
    pub(super) before: Vec<String>,
    pub(super) link: Option<Link>,
    pub(super) after: Vec<String>,
}

/// A link to a page of ours.
pub(super) struct Link {
    pub(super) page: &'static str,
    pub(super) label: &'static str,
    pub(super) token: String,
}

const IF_NOT_YOU: &str =
    "If it was not you, reset your password at once and tell your administrator.";

/// Writes the words of a letter.
pub(super) fn words(body: &LetterBody) -> Words {
    match body {
        LetterBody::VerifyEmail { token } => verify_email(token),
        LetterBody::ResetPassword { token } => reset_password(token),
        LetterBody::PasswordChanged => notice(
            "Your password was changed",
            "the password of your account was just changed, and your other sessions were ended.",
            IF_NOT_YOU,
        ),
        LetterBody::PasswordCompromised => notice(
            "Choose a new password",
            "others may know the password of your account. It signs nobody in any more, and your \
             sessions were ended. On the sign-in page, ask for a link to choose a new one.",
            "Use the new password nowhere else, and no more the old one where you used it too.",
        ),
        LetterBody::AlreadyRegistered => already_registered(),
        LetterBody::FactorAdded { factor } => notice(
            "A new way to sign in was set up",
            format!("{} was just set up for your account.", name_of(*factor)),
            IF_NOT_YOU,
        ),
        LetterBody::FactorRemoved { factor } => notice(
            "A way to sign in was removed",
            format!("{} was just removed from your account.", name_of(*factor)),
            IF_NOT_YOU,
        ),
        LetterBody::FactorsReset => notice(
            "Your second factors were removed",
            "an administrator removed every second factor of your account and ended your sessions. \
             Sign in with your password and set up a new one.",
            "If you did not ask for it, tell your administrator at once.",
        ),
        LetterBody::BackupCodesMade => notice(
            "You have new backup codes",
            "new backup codes were just made for your account. The old ones do not work any more.",
            IF_NOT_YOU,
        ),
        LetterBody::BackupCodeUsed { left } => notice(
            "A backup code was used",
            format!(
                "one of your backup codes was just used to prove who you are. Codes that are left: \
                 {left}."
            ),
            IF_NOT_YOU,
        ),
        LetterBody::NewSignIn { address, at } => new_sign_in(address.as_ref(), *at),
    }
}

fn verify_email(token: &str) -> Words {
    Words {
        subject: "Please confirm your e-mail address",
        before: owned(&["please confirm that this address is yours by opening this link:"]),
        link: Some(Link {
            page: "verify-email",
            label: "Confirm my address",
            token: token.to_owned(),
        }),
        after: owned(&[
            "The link works once and for 24 hours.",
            "If you did not create an account, ignore this message.",
        ]),
    }
}

fn reset_password(token: &str) -> Words {
    Words {
        subject: "Choose a new password",
        before: owned(&[
            "somebody, hopefully you, asked for a new password for your account. Choose it here:",
        ]),
        link: Some(Link {
            page: "reset-password",
            label: "Choose a new password",
            token: token.to_owned(),
        }),
        after: owned(&[
            "The link works once and for 30 minutes. A newer one replaces it.",
            "If it was not you, ignore this message: your password stays as it is.",
        ]),
    }
}

fn already_registered() -> Words {
    Words {
        after: owned(&[
            "Sign in with your password, or ask for a new one if you forgot it.",
            "If it was not you, ignore this message: nothing was changed.",
        ]),
        ..notice(
            "You already have an account",
            "somebody, hopefully you, tried to create an account with this address, which has one \
             already.",
            "",
        )
    }
}

fn new_sign_in(address: Option<&IpAddr>, at: UnixMillis) -> Words {
    let place = address.map(|address| format!(" from the address {address}"));
    let place = place.unwrap_or_default();
    notice(
        "A sign-in with a new device",
        format!(
            "somebody, hopefully you, signed in to your account with a device that was not used \
             before{place}, at {at}."
        ),
        IF_NOT_YOU,
    )
}

/// A letter that tells of something and links nowhere.
fn notice(subject: &'static str, told: impl Into<String>, after: &str) -> Words {
    Words {
        subject,
        before: vec![told.into()],
        link: None,
        after: owned(&[after]),
    }
}

fn owned(paragraphs: &[&str]) -> Vec<String> {
    paragraphs.iter().map(ToString::to_string).collect()
}

/// Names a factor at the beginning of a sentence that goes on from a greeting.
const fn name_of(factor: Factor) -> &'static str {
    match factor {
        Factor::Password => "a password",
        Factor::Totp => "an authenticator app",
        Factor::BackupCode => "a set of backup codes",
        Factor::Passkey | Factor::VerifyingPasskey => "a passkey",
    }
}
