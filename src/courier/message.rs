//! What a letter says, as plain text and as HTML.

use askama::Template;
use domain::id::MailId;
use domain::mail::{Letter, LetterBody};
use url::Url;

/// A letter, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub text: String,
    /// The same, in HTML.
    pub html: String,
}

/// What a kind of letter says around its link.
struct Words {
    subject: &'static str,
    before: &'static [&'static str],
    link: Option<Link>,
    after: &'static [&'static str],
}

/// A link to a page of ours.
struct Link {
    page: &'static str,
    label: &'static str,
    token: String,
}

#[derive(Template)]
#[template(path = "mail/letter.html")]
struct Html<'a> {
    letter: Filled<'a>,
}

#[derive(Template)]
#[template(path = "mail/letter.txt")]
struct Text<'a> {
    letter: Filled<'a>,
}

#[derive(Clone, Copy)]
struct Filled<'a> {
    subject: &'a str,
    name: &'a str,
    before: &'a [&'a str],
    link: Option<&'a str>,
    label: &'a str,
    after: &'a [&'a str],
    signature: &'a str,
}

const SIGNATURE: &str = "QuantFlow Studio";

/// Writes a letter. Links begin with `issuer` and nothing else.
#[must_use]
pub fn render(issuer: &str, letter: &Letter) -> Message {
    let (words, name) = (words(&letter.body), plain_name(letter));
    let link = words
        .link
        .as_ref()
        .map(|link| format!("{issuer}/{}?token={}", link.page, link.token));
    let letter = Filled {
        subject: words.subject,
        name: &name,
        before: words.before,
        link: link.as_deref(),
        label: words.link.as_ref().map_or("", |link| link.label),
        after: words.after,
        signature: SIGNATURE,
    };
    Message {
        subject: words.subject.to_owned(),
        // Writing into a string does not fail.
        text: Text { letter }.render().unwrap_or_default(),
        html: Html { letter }.render().unwrap_or_default(),
    }
}

/// Gives the person's name without control characters. Accounts have none in theirs; a line break
/// could begin a header of its own.
pub(super) fn plain_name(letter: &Letter) -> String {
    letter.name.chars().filter(|c| !c.is_control()).collect()
}

/// Makes a mail's `Message-ID` (RFC 5322 §3.6.4): the same at every try.
#[must_use]
pub fn message_id(issuer: &str, mail: MailId) -> String {
    let host = Url::parse(issuer)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned));
    format!("<{mail}@{}>", host.as_deref().unwrap_or("localhost"))
}

fn words(body: &LetterBody) -> Words {
    match body {
        LetterBody::VerifyEmail { token } => Words {
            subject: "Please confirm your e-mail address",
            before: &["please confirm that this address is yours by opening this link:"],
            link: Some(Link {
                page: "verify-email",
                label: "Confirm my address",
                token: token.clone(),
            }),
            after: &[
                "The link works once and for 24 hours.",
                "If you did not create an account, ignore this message.",
            ],
        },
        LetterBody::ResetPassword { token } => Words {
            subject: "Choose a new password",
            before: &[
                "somebody, hopefully you, asked for a new password for your account. Choose it here:",
            ],
            link: Some(Link {
                page: "reset-password",
                label: "Choose a new password",
                token: token.clone(),
            }),
            after: &[
                "The link works once and for 30 minutes. A newer one replaces it.",
                "If it was not you, ignore this message: your password stays as it is.",
            ],
        },
        LetterBody::PasswordChanged => Words {
            subject: "Your password was changed",
            before: &[
                "the password of your account was just changed, and your other sessions were ended.",
            ],
            link: None,
            after: &["If it was not you, reset your password at once and tell your administrator."],
        },
        LetterBody::AlreadyRegistered => Words {
            subject: "You already have an account",
            before: &[
                "somebody, hopefully you, tried to create an account with this address, which has one \
                 already.",
            ],
            link: None,
            after: &[
                "Sign in with your password, or ask for a new one if you forgot it.",
                "If it was not you, ignore this message: nothing was changed.",
            ],
        },
    }
}

#[cfg(test)]
mod tests {
    use domain::random::Counting;
    use domain::time::UnixMillis;

    use super::*;

    const ISSUER: &str = "https://auth.example.org/t/acme";

    fn letter(name: &str, body: LetterBody) -> Message {
        let letter = Letter {
            to: "ada@example.org".to_owned(),
            name: name.to_owned(),
            body,
        };
        render(ISSUER, &letter)
    }

    #[test]
    fn a_link_begins_with_the_issuer_and_carries_the_token() {
        let token = "qf_ot_abc".to_owned();
        let reset = letter(
            "Ada",
            LetterBody::ResetPassword {
                token: token.clone(),
            },
        );
        let link = format!("{ISSUER}/reset-password?token=qf_ot_abc");
        assert!(
            reset.text.contains(&link) && reset.html.contains(&link),
            "{}",
            reset.html
        );
        let verify = letter("Ada", LetterBody::VerifyEmail { token });
        assert!(
            verify
                .text
                .contains(&format!("{ISSUER}/verify-email?token=qf_ot_abc"))
        );
    }

    #[test]
    fn a_name_cannot_write_html() {
        let written = letter(
            "<script>alert('x')</script>&\"",
            LetterBody::PasswordChanged,
        );
        assert!(!written.html.contains("<script>") && written.html.contains("&#60;script&#62;"));
        assert!(
            written.text.contains("<script>"),
            "plain text shows it as it is"
        );
    }

    #[test]
    fn a_notice_has_no_link() {
        for body in [LetterBody::PasswordChanged, LetterBody::AlreadyRegistered] {
            let written = letter("Ada", body);
            assert!(!written.text.contains("http") && !written.html.contains("<a"));
            assert!(written.text.starts_with("Hello Ada,\n"), "{}", written.text);
        }
    }

    #[test]
    fn a_message_id_is_the_same_at_every_try() {
        let mail = MailId::generate(UnixMillis::from_millis(1), &Counting::default());
        let id = message_id(ISSUER, mail);
        assert_eq!(id, format!("<{mail}@auth.example.org>"));
        assert_eq!(id, message_id(ISSUER, mail));
    }
}
