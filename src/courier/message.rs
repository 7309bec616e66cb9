//! What a letter says, as plain text and as HTML.

use askama::Template;
use domain::id::MailId;
use domain::mail::Letter;
use url::Url;

mod words;

use words::words;

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
    before: &'a [String],
    link: Option<&'a str>,
    label: &'a str,
    after: &'a [String],
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
        before: &words.before,
        link: link.as_deref(),
        label: words.link.as_ref().map_or("", |link| link.label),
        after: &words.after,
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

#[cfg(test)]
mod tests {
    use domain::mail::LetterBody;
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
