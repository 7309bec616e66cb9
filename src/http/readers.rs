//! Everything that reads what a stranger wrote, each by its name: for the fuzzer (`fuzz/`) and for the
//! property tests of the same entry points.
//!
//! A reader must not panic, whatever it is given; and what it takes must be what it says: written again
//! it reads the same, and nothing that we sign is taken which we did not.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use domain::email::EmailAddress;
use domain::id::TenantId;
use domain::role::Pattern;
use domain::scope::ScopeSet;
use domain::secret::SecretBytes;
use domain::time::UnixMillis;
use http::header::{AUTHORIZATION, FORWARDED};
use http::{HeaderMap, HeaderName, HeaderValue};
use protocol::dpop::{Expected, NonceRule, Proof};
use protocol::jose::foreign::ForeignKeys;
use protocol::oauth::pkce::Challenge;
use protocol::oauth::redirect_uri;
use protocol::oauth::user_code::UserCode;
use protocol::opaque::{RandomToken, RefreshToken, SessionCookie};
use protocol::system_secrets::SystemSecrets;
use protocol::{client_assertion, seal};
use uuid::Uuid;

use super::path::PlainPath;
use super::{client_address, client_certificate, credential, form, json, paging};

/// A reader's name, and what shows it something.
pub type Reader = (&'static str, fn(&[u8]));

/// Every reader.
pub const READERS: [Reader; 16] = [
    ("form", read_form),
    ("json", read_json),
    ("path", read_path),
    ("forwarded", read_forwarded),
    ("credential", read_credential),
    ("client_certificate", read_client_certificate),
    ("cursor", read_cursor),
    ("opaque", read_opaque),
    ("redirect_uri", read_redirect_uri),
    ("scope", read_scope),
    ("proof", read_proof),
    ("assertion", read_assertion),
    ("key_set", read_key_set),
    ("passkey", read_passkey),
    ("phc", read_phc),
    ("words", read_words),
];

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn secrets() -> Option<SystemSecrets> {
    SystemSecrets::new(&[SecretBytes::new(vec![7; 32])]).ok()
}

fn headers(name: &HeaderName, bytes: &[u8]) -> HeaderMap {
    let lines = bytes.split(|byte| *byte == b'\n');
    let values = lines.filter_map(|line| HeaderValue::from_bytes(line).ok());
    values.map(|value| (name.clone(), value)).collect()
}

fn read_form(bytes: &[u8]) {
    let Ok(mut read) = form::parse(bytes) else {
        return;
    };
    let mut written = form_urlencoded::Serializer::new(String::new());
    written.extend_pairs(&read);
    // A name alone is nothing, written or not.
    read.retain(|(_, value)| !value.is_empty());
    let again = form::parse(written.finish().as_bytes());
    assert!(again.is_ok_and(|again| again == read));
}

fn read_json(bytes: &[u8]) {
    if json::parse(bytes).is_ok() {
        let known = serde_json::from_slice::<serde_json::Map<_, serde_json::Value>>(bytes);
        assert!(known.is_ok());
    }
}

fn read_path(bytes: &[u8]) {
    let Some(path) = text(bytes) else { return };
    if let Ok(plain) = PlainPath::parse(path) {
        let has_dots = plain.rest.split('/').any(|part| part == "..");
        assert!(!has_dots && path.contains(plain.rest.trim_matches('/')));
    }
}

fn read_forwarded(bytes: &[u8]) {
    let proxy = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let trusted = [ipnet::IpNet::from(proxy)];
    let stranger = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    for name in [FORWARDED, HeaderName::from_static("x-forwarded-for")] {
        let headers = headers(&name, bytes);
        client_address::find_client(&trusted, proxy, &headers);
        let found = client_address::find_client(&trusted, stranger, &headers);
        assert_eq!(found, stranger, "only a proxy is believed");
    }
}

fn read_credential(bytes: &[u8]) {
    let names = [AUTHORIZATION, HeaderName::from_static("x-api-key")];
    for name in names {
        let headers = headers(&name, bytes);
        if credential::read(&headers, "GET", "/userinfo").is_ok() {
            assert!(credential::is_there(&headers));
        }
    }
}

fn read_client_certificate(bytes: &[u8]) {
    let name = HeaderName::from_static("client-cert");
    client_certificate::forwarded(&headers(&name, bytes));
}

fn read_cursor(bytes: &[u8]) {
    let (Some(text), Some(secrets)) = (text(bytes), secrets()) else {
        return;
    };
    let list = paging::List {
        secrets: &secrets,
        tenant: TenantId::from_uuid(Uuid::nil()),
        plural: "users",
        bound: "",
    };
    assert!(
        list.page_after(Some(text)).is_err(),
        "nobody makes a cursor"
    );
}

fn read_opaque(bytes: &[u8]) {
    let (Some(text), Some(secrets)) = (text(bytes), secrets()) else {
        return;
    };
    let is_refused = RefreshToken::parse(&secrets, text).is_err()
        && SessionCookie::parse(&secrets, text).is_err()
        && RandomToken::ApiKey.parse(&secrets, text).is_err()
        && seal::open(&secrets, "a context", bytes).is_err();
    assert!(is_refused, "nobody makes what we sign");
}

fn read_redirect_uri(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let registered = ["http://127.0.0.1/cb", "https://app.example/cb"].map(str::to_owned);
    if redirect_uri::is_registered(&registered, text) {
        let is_loopback = text.starts_with("http://127.0.0.1") && text.ends_with("/cb");
        assert!(registered.iter().any(|one| one == text) || is_loopback);
    }
}

fn read_scope(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    if let Ok(scopes) = ScopeSet::parse(text) {
        let again = ScopeSet::parse(&scopes.to_string());
        assert!(again.is_ok_and(|again| again == scopes));
    }
}

fn read_proof(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let expected = Expected {
        method: "POST",
        uri: "https://auth.example/oauth/token",
        now: UnixMillis::from_seconds(1_700_000_000),
        window: Duration::from_mins(1),
        access_token: None,
        nonce: NonceRule::Optional,
    };
    let _judged = Proof::check(text, &expected);
}

fn read_assertion(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let _name = client_assertion::peek_client_id(text);
    let _name = protocol::assertion_grant::peek_issuer(text);
}

fn read_key_set(bytes: &[u8]) {
    if let Ok(value) = serde_json::from_slice(bytes) {
        let _keys = ForeignKeys::parse(&value);
    }
}

fn read_passkey(bytes: &[u8]) {
    let _answer = webauthn::Answer::parse(bytes);
}

fn read_phc(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    assert!(hashing::writes_what_it_reads(text), "{text}");
}

/// Short words of people and operators.
fn read_words(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    if let Ok(email) = EmailAddress::parse(text) {
        let again = EmailAddress::parse(email.as_str());
        assert!(again.is_ok_and(|again| again == email));
    }
    if let Ok(pattern) = Pattern::parse(text) {
        let again = Pattern::parse(pattern.as_str());
        assert!(again.is_ok_and(|again| again.as_str() == pattern.as_str()));
    }
    if let Ok(challenge) = Challenge::parse(text) {
        assert_eq!(challenge.as_str(), text, "taken as it is");
    }
    let _code = UserCode::parse(text);
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;

    /// What is kept of each reader's fare.
    fn corpus(name: &str) -> Vec<Vec<u8>> {
        let kept = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fuzz/corpus")
            .join(name);
        let files = fs::read_dir(kept).expect("a corpus");
        let files = files.map(|file| fs::read(file.expect("a file").path()).expect("bytes"));
        files.collect()
    }

    #[test]
    fn every_reader_bears_what_is_kept_for_it() {
        for (name, read) in READERS {
            let corpus = corpus(name);
            assert!(!corpus.is_empty(), "{name}");
            for bytes in &corpus {
                read(bytes);
            }
        }
    }

    proptest! {
        #[test]
        fn every_reader_bears_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            for (_, read) in READERS {
                read(&bytes);
            }
        }

        #[test]
        fn every_reader_bears_any_text(text in "\\PC{0,80}") {
            for (_, read) in READERS {
                read(text.as_bytes());
            }
        }

        /// What is nearly right: a kept one, with a part of it replaced by another's.
        #[test]
        fn every_reader_bears_what_is_nearly_right(
            which in any::<(Index, Index)>(),
            cut in any::<(Index, Index)>(),
            byte in any::<u8>(),
        ) {
            for (name, read) in READERS {
                let corpus = corpus(name);
                let (one, other) = (which.0.get(&corpus), which.1.get(&corpus));
                let mut spoilt = one[..cut.0.index(one.len() + 1)].to_vec();
                spoilt.push(byte);
                spoilt.extend_from_slice(&other[cut.1.index(other.len() + 1)..]);
                read(&spoilt);
            }
        }
    }
}
