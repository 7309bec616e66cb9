//! What was ever slipped past a redirect check, tried on ours.

use proptest::prelude::*;

use super::*;

const WEB: &str = "https://app.example.org/callback";
const QUERY: &str = "https://app.example.org/callback?tenant=a";
const NAMED: &str = "http://localhost:3000/callback";
const NATIVE: &str = "org.example.app:/callback";
const LOOPBACK: &str = "http://127.0.0.1/callback";
const LOOPBACK_PORT: &str = "http://127.0.0.1:8080/callback?x=1";
const LOOPBACK_6: &str = "http://[::1]/callback";
const ALL: [&str; 7] = [
    WEB,
    QUERY,
    NAMED,
    NATIVE,
    LOOPBACK,
    LOOPBACK_PORT,
    LOOPBACK_6,
];

/// What is tried at the end of every registered URI.
const TAILS: [&str; 30] = [
    "/",
    "//",
    "/.",
    "/..",
    "/../",
    "/..;/",
    "/%2e%2e/",
    "/..%2f",
    "/x",
    ";",
    ";/",
    "?",
    "??",
    "#",
    "#x",
    "?x",
    "&x=1",
    "%00",
    "%0d%0a",
    "\0",
    "\t",
    "\n",
    "\r\n",
    " ",
    "%20",
    ".",
    "@evil.example",
    ":80",
    "\\",
    "\u{200b}",
];

/// What is tried in place of a part of a registered URI.
const SWAPS: [(&str, &str); 62] = [
    ("https://", "http://"),
    ("https://", "HTTPS://"),
    ("https://", "https:///"),
    ("https://", "https:/"),
    ("https://", "https:"),
    ("https://", "//"),
    ("https://", "https:\\\\"),
    ("https://", "https://user@"),
    ("https://", "https://user:password@"),
    ("https://", "https://@"),
    ("https://", "https://evil.example@"),
    ("https://", "https://evil.example\\@"),
    ("https://", "https://evil.example/"),
    ("https://", "https://evil.example#@"),
    ("https://", "https://evil.example?"),
    ("https://", "https://evil.example%2f@"),
    ("https://", "https://evil.example,"),
    ("https://", " https://"),
    ("https://", "\thttps://"),
    ("https://", "ht\ttps://"),
    ("https://", "javascript://"),
    ("https://", "data:text/html,https://"),
    ("app.example.org", "APP.example.org"),
    ("app.example.org", "app.example.org."),
    ("app.example.org", "app.example.org:443"),
    ("app.example.org", "app.example.org:"),
    ("app.example.org", "app.example.org:8443"),
    ("app.example.org", "app.example.org:443@evil.example"),
    ("app.example.org", "app.example.org.evil.example"),
    ("app.example.org", "app.example.org@evil.example"),
    ("app.example.org", "app.example.org\\.evil.example"),
    ("app.example.org", "app.example.org%2eevil.example"),
    ("app.example.org", "app.example.org%00.evil.example"),
    ("app.example.org", "evil.app.example.org"),
    ("app.example.org", "evilapp.example.org"),
    ("app.example.org", "app.example.com"),
    ("app.example.org", "app.exаmple.org"),
    ("app.example.org", "app.xn--exmple-4nf.org"),
    ("app.example.org", "app.ｅxample.org"),
    ("app.example.org", "app。example。org"),
    ("app.example.org", "app.example%2eorg"),
    ("app.example.org", "app%2eexample.org"),
    ("app.example.org", "[app.example.org]"),
    ("app.example.org", "*.example.org"),
    ("app.example.org", "app.example.org\u{ff0f}x"),
    ("/callback", "/Callback"),
    ("/callback", "//callback"),
    ("/callback", "/./callback"),
    ("/callback", "/x/../callback"),
    ("/callback", "/x/..;/callback"),
    ("/callback", "/callback/../callback"),
    ("/callback", "/callback/../../evil"),
    ("/callback", "/callback/%2e%2e/evil"),
    ("/callback", "/callback%2f..%2fevil"),
    ("/callback", "/%63allback"),
    ("/callback", "/callbac%6b"),
    ("/callback", "/callback%23"),
    ("/callback", "\\callback"),
    ("/callback", "/call\tback"),
    ("/callback", "/callbac"),
    ("/callback", ""),
    ("?tenant=a", "?tenant=a&tenant=b"),
];

/// Loopback addresses in other words, and what is no port.
const LOOPBACK_SWAPS: [(&str, &str); 36] = [
    ("127.0.0.1", "localhost"),
    ("127.0.0.1", "127.0.0.2"),
    ("127.0.0.1", "127.1"),
    ("127.0.0.1", "2130706433"),
    ("127.0.0.1", "0x7f000001"),
    ("127.0.0.1", "0177.0.0.1"),
    ("127.0.0.1", "0.0.0.0"),
    ("127.0.0.1", "127.0.0.1."),
    ("127.0.0.1", "127.0.0.1.evil.example"),
    ("127.0.0.1", "127.0.0.1:80.evil.example"),
    ("127.0.0.1", "127.0.0.1:80@evil.example"),
    ("127.0.0.1", "127.0.0.1@evil.example"),
    ("127.0.0.1", "127.0.0.1:80:80"),
    ("127.0.0.1", "127.0.0.1:"),
    ("127.0.0.1", "127.0.0.1:0"),
    ("127.0.0.1", "127.0.0.1:080"),
    ("127.0.0.1", "127.0.0.1:+80"),
    ("127.0.0.1", "127.0.0.1:-1"),
    ("127.0.0.1", "127.0.0.1:65536"),
    ("127.0.0.1", "127.0.0.1:99999999999999999999"),
    ("127.0.0.1", "127.0.0.1:80 "),
    ("127.0.0.1", "127.0.0.1:8０"),
    ("127.0.0.1", "127.0.0.1:80\\"),
    ("127.0.0.1", "127.0.0.1:80#"),
    ("127.0.0.1", "127.0.0.1:80;"),
    ("127.0.0.1", "127.0.0.1:80%2f"),
    ("127.0.0.1", "user@127.0.0.1"),
    ("127.0.0.1", "127.0.0.1:80/.."),
    ("127.0.0.1", "[::1]"),
    ("127.0.0.1", "[::ffff:127.0.0.1]"),
    ("[::1]", "[0:0:0:0:0:0:0:1]"),
    ("[::1]", "::1"),
    ("[::1]", "[::1]:80@evil.example"),
    ("[::1]", "[::1%25lo]"),
    ("[::1]", "[::2]"),
    ("http://", "https://"),
];

fn all() -> Vec<String> {
    ALL.iter().map(ToString::to_string).collect()
}

/// Every mutant of every registered URI, after the URI that it was made from.
fn mutants() -> Vec<(&'static str, String)> {
    let mut made = Vec::new();
    for uri in ALL {
        let mut add = |mutant: String| made.push((uri, mutant));
        for tail in TAILS {
            add(format!("{uri}{tail}"));
        }
        for (part, other) in SWAPS.iter().chain(&LOOPBACK_SWAPS) {
            if uri.contains(part) {
                add(uri.replacen(part, other, 1));
            }
        }
        add(uri.to_uppercase());
        add(format!("{uri},{uri}"));
        add(format!("{uri} {uri}"));
    }
    made
}

#[test]
fn rfc_9700_2_1_redirect_uris_are_compared_byte_for_byte() {
    let tried = mutants();
    assert!(tried.len() > 350, "{} mutants", tried.len());
    for (uri, mutant) in tried {
        assert!(!is_registered(&[uri.to_owned()], &mutant), "{mutant:?}");
    }
    for uri in ALL {
        assert!(is_registered(&all(), uri), "{uri}");
        assert!(!is_registered(&[], uri), "{uri}");
    }
}

#[test]
fn rfc_9700_2_1_no_single_byte_may_be_lost_or_changed() {
    for uri in [WEB, QUERY, NAMED, NATIVE] {
        for position in 0..uri.len() {
            let (before, after) = (&uri[..position], &uri[position + 1..]);
            assert!(!is_registered(&all(), &format!("{before}{after}")));
            assert!(!is_registered(&all(), &format!("{before}~{after}")));
        }
    }
}

#[test]
fn rfc_8252_7_3_the_port_of_a_loopback_address_may_vary() {
    for port in ["", ":1", ":80", ":8080", ":51004", ":65535"] {
        let four = format!("http://127.0.0.1{port}/callback");
        let query = format!("http://127.0.0.1{port}/callback?x=1");
        let six = format!("http://[::1]{port}/callback");
        for uri in [four, query, six] {
            assert!(is_registered(&all(), &uri), "{uri}");
        }
    }
}

#[test]
fn rfc_8252_8_3_the_port_of_localhost_may_not_vary() {
    for port in ["", ":80", ":3001"] {
        let uri = format!("http://localhost{port}/callback");
        assert!(!is_registered(&all(), &uri), "{uri}");
    }
}

#[test]
fn a_longer_host_that_was_registered_is_no_loopback_address() {
    let registered = ["http://127.0.0.1.evil.example/callback".to_owned()];
    let presented = "http://127.0.0.1:80.evil.example/callback";
    assert!(!is_registered(&registered, presented));
}

proptest! {
    #[test]
    fn no_text_is_registered_by_chance(text in ".{0,80}") {
        prop_assert!(!is_registered(&all(), &text));
        let after_address = format!("http://127.0.0.1:{text}");
        prop_assert!(!is_registered(&[WEB.to_owned()], &after_address));
    }
}
