//! What a letter says, as plain text and as HTML.
//!
//! The words are those of the language that was chosen when it was written; name, picture and colour are
//! the tenant's. The HTML brings no colours of its own but the tenant's, so that it can be read on any
//! ground, and fetches nothing but the tenant's picture, which is the same for everybody.

use askama::Template;
use domain::id::MailId;
use domain::mail::Letter;
use url::Url;

use super::letterhead::Letterhead;

#[cfg(test)]
mod tests;
mod words;

use words::{Fact, link_of, words_in};

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
    logo: Option<&'a str>,
    /// The tenant's colour, and what reads well on it.
    colours: Option<(String, &'static str)>,
}

#[derive(Template)]
#[template(path = "mail/letter.txt")]
struct Text<'a> {
    letter: Filled<'a>,
}

#[derive(Clone, Copy)]
struct Filled<'a> {
    lang: &'a str,
    subject: &'a str,
    greeting: &'a str,
    name: &'a str,
    before: &'a [String],
    facts: &'a [Fact<'a>],
    link: Option<&'a str>,
    label: &'a str,
    copy_link: &'a str,
    after: &'a [String],
    signature: &'a str,
}

/// Writes a letter. Links begin with the tenant's issuer and nothing else.
#[must_use]
pub fn render(head: &Letterhead, letter: &Letter) -> Message {
    let (words, body) = (words_in(letter.language.as_deref()), &letter.body);
    let says = words.letter(body);
    let (name, signature) = (plain(&letter.name), plain(&head.brand.name));
    let facts = words.facts(body);
    let link = link_of(body).map(|(page, token)| format!("{}/{page}?token={token}", head.issuer));
    let letter = Filled {
        lang: &words.lang,
        subject: &says.subject,
        greeting: &words.greeting,
        name: &name,
        before: &says.before,
        facts: &facts,
        link: link.as_deref(),
        label: &says.link,
        copy_link: &words.copy_link,
        after: &says.after,
        signature: &signature,
    };
    let html = Html {
        letter,
        logo: head.brand.logo.as_deref(),
        colours: head.brand.colours(),
    };
    Message {
        subject: says.subject.clone(),
        // Writing into a string does not fail.
        text: Text { letter }.render().unwrap_or_default(),
        html: html.render().unwrap_or_default(),
    }
}

/// Gives a name without what is no letter of it. Accounts have no control characters in theirs; a line
/// break could begin a header of its own, and a mark of direction could turn around what follows it.
pub(super) fn plain(name: &str) -> String {
    let is_mark = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    name.chars()
        .filter(|c| !c.is_control() && !is_mark(*c))
        .collect()
}

/// Makes a mail's `Message-ID` (RFC 5322 §3.6.4): the same at every try.
#[must_use]
pub fn message_id(issuer: &str, mail: MailId) -> String {
    let host = Url::parse(issuer)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned));
    format!("<{mail}@{}>", host.as_deref().unwrap_or("localhost"))
}
