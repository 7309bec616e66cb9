//! A device in words: what its `User-Agent` says of browser and system.
//!
//! The header says what its sender likes. It helps a person to know their own devices again and proves
//! nothing; what we do not know is shown as it calls itself.

use super::texts::Texts;

/// What gives a browser away, the more telling first: most claim to be others too.
const BROWSERS: [(&str, &str); 9] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Safari/", "Safari"),
];

/// What gives a system away, the more telling first.
const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
];

/// The most that is shown of a name that we do not know.
const MAX_NAME: usize = 40;

/// Puts a device into words.
pub(in crate::http) fn describe(user_agent: Option<&str>, texts: &Texts) -> String {
    let text = user_agent.unwrap_or_default().trim();
    match (find(&BROWSERS, text), find(&SYSTEMS, text)) {
        (Some(browser), Some(system)) => texts.account.browser_on(browser, system),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => match own_name(text) {
            "" => texts.account.device_unknown.clone(),
            name => name.to_owned(),
        },
    }
}

fn find(known: &[(&str, &'static str)], text: &str) -> Option<&'static str> {
    let found = known.iter().find(|(sign, _)| text.contains(sign));
    found.map(|(_, name)| *name)
}

/// Gives the first product that it names itself (RFC 9110 §10.1.5), without its version.
fn own_name(text: &str) -> &str {
    let name = text.split([' ', '/']).next().unwrap_or_default();
    match name.char_indices().nth(MAX_NAME) {
        Some((end, _)) => name.get(..end).unwrap_or_default(),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::super::texts::choose;
    use super::*;

    #[test]
    fn a_device_is_said_in_words_and_a_strange_one_as_it_calls_itself() {
        let say = |text: &str| describe(Some(text), choose(&["en".to_owned()], None, None));
        let mozilla = "Mozilla/5.0 ";
        for (agent, words) in [
            (
                "(X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox on Linux",
            ),
            (
                "(Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
                "Chrome on Windows",
            ),
            (
                "(Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
                "Edge on Windows",
            ),
            (
                "(iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 Version/26.0 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "(Linux; Android 16; K) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
        ] {
            assert_eq!(say(&format!("{mozilla}{agent}")), words);
        }
        assert_eq!(say("curl/8.5.0"), "curl");
        assert_eq!(say(&"ä".repeat(300)).chars().count(), MAX_NAME);
        let german = choose(&["de".to_owned()], None, None);
        assert_eq!(describe(None, german), "Unbekanntes Gerät");
        assert_eq!(
            describe(Some("Mozilla/5.0 (Macintosh) Firefox/140.0"), german),
            "Firefox unter macOS"
        );
    }
}
