//! An instant as a page shows it: plain, absolute, in UTC, for machines too (HTML §4.5.14, `time`).

use std::fmt;

use domain::time::UnixMillis;
use time::OffsetDateTime;

use super::texts::Texts;

/// An instant in words. It writes itself as an element, in which every character is ours.
pub(in crate::http) struct When {
    machine: String,
    words: String,
}

// === impl When ===

impl When {
    /// Puts an instant into the words of a language.
    pub(in crate::http) fn new(at: UnixMillis, texts: &Texts) -> Self {
        let machine = at.to_string();
        let parts = OffsetDateTime::from_unix_timestamp(at.as_seconds());
        let words = parts.map_or_else(|_| machine.clone(), |parts| write(parts, texts));
        Self { machine, words }
    }

    /// Gives the words alone, for a sentence.
    pub(in crate::http) fn words(&self) -> &str {
        &self.words
    }
}

fn write(at: OffsetDateTime, texts: &Texts) -> String {
    let month = usize::from(u8::from(at.month())).saturating_sub(1);
    let month = texts.account.months.get(month).map_or("", String::as_str);
    let time = format!("{:02}:{:02}", at.hour(), at.minute());
    texts
        .account
        .date
        .replace("{day}", &at.day().to_string())
        .replace("{month}", month)
        .replace("{year}", &at.year().to_string())
        .replace("{time}", &time)
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { machine, words } = self;
        write!(f, "<time datetime=\"{machine}\">{words}</time>")
    }
}

#[cfg(test)]
mod tests {
    use super::super::texts::choose;
    use super::*;

    #[test]
    fn an_instant_is_plain_and_absolute_in_every_language() {
        let say = |language: &str, millis| {
            let texts = choose(&[language.to_owned()], None, None);
            When::new(UnixMillis::from_millis(millis), texts).to_string()
        };
        assert_eq!(
            say("en", 1_795_909_205_000),
            "<time datetime=\"2026-11-28T23:40:05Z\">28 November 2026, 23:40 UTC</time>"
        );
        assert_eq!(
            say("de", 1_772_323_265_000),
            "<time datetime=\"2026-03-01T00:01:05Z\">1. März 2026, 00:01 UTC</time>"
        );
        assert!(say("en", i64::MAX).contains(">out of range<"), "no panic");
    }
}
