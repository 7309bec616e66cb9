//! Every letter in every language, and what must hold of each.

use std::net::IpAddr;

use domain::factor::Factor;
use domain::id::TenantId;
use domain::mail::LetterBody;
use domain::random::Counting;
use domain::tenant::{Branding, Tenant, TenantConfig, TenantStatus};
use domain::time::UnixMillis;
use serde_json::{Value, json};

use super::words::{link_of, words_in};
use super::*;
use crate::language::LANGUAGES;

const ISSUER: &str = "https://auth.example.org/t/acme";
const TOKEN: &str = "qf_ot_abc";

/// One of each kind. A kind that is missing here fails `every_kind_of_letter_is_judged`.
fn every_letter() -> Vec<LetterBody> {
    let token = TOKEN.to_owned();
    vec![
        LetterBody::VerifyEmail {
            token: token.clone(),
        },
        LetterBody::ResetPassword { token },
        LetterBody::PasswordChanged,
        LetterBody::PasswordCompromised,
        LetterBody::AlreadyRegistered,
        LetterBody::FactorAdded {
            factor: Factor::Totp,
        },
        LetterBody::FactorRemoved {
            factor: Factor::VerifyingPasskey,
        },
        LetterBody::FactorsReset,
        LetterBody::FactorRecoveryCode {
            code: "bcdf-ghjk-mnpq-rtvw".to_owned(),
        },
        LetterBody::FactorsRecovered,
        LetterBody::BackupCodesMade,
        LetterBody::BackupCodeUsed { left: 7 },
        LetterBody::NewSignIn {
            address: Some(IpAddr::from([203, 0, 113, 7])),
            at: UnixMillis::from_millis(1_795_909_205_000),
        },
        LetterBody::AccountDeleted {
            erase_at: UnixMillis::from_millis(1_795_909_205_000),
        },
        LetterBody::AccountRestored,
        LetterBody::IdentityLinked {
            issuer: "https://idp.example".to_owned(),
        },
        LetterBody::IdentityUnlinked {
            issuer: "https://idp.example".to_owned(),
        },
    ]
}

/// What a letter of the test must tell beside its words, in English.
fn told(body: &LetterBody) -> Vec<&'static str> {
    match body {
        LetterBody::FactorAdded { .. } => vec!["What: Authenticator app"],
        LetterBody::FactorRemoved { .. } => vec!["What: Passkey"],
        LetterBody::FactorRecoveryCode { .. } => vec!["Code: bcdf-ghjk-mnpq-rtvw"],
        LetterBody::BackupCodeUsed { .. } => vec!["Codes that are left: 7"],
        LetterBody::NewSignIn { .. } => {
            vec!["Address: 203.0.113.7", "Time: 2026-11-28 23:40 UTC"]
        }
        LetterBody::IdentityLinked { .. } | LetterBody::IdentityUnlinked { .. } => {
            vec!["Provider: idp.example"]
        }
        LetterBody::AccountDeleted { .. } => vec!["Time: 2026-11-28 23:40 UTC"],
        _ => Vec::new(),
    }
}

fn letter(name: &str, language: Option<&str>, body: LetterBody) -> Letter {
    Letter {
        to: "ada@example.org".to_owned(),
        name: name.to_owned(),
        language: language.map(str::to_owned),
        body,
    }
}

fn write(name: &str, language: &str, body: LetterBody) -> Message {
    render(
        &Letterhead::plain(ISSUER),
        &letter(name, Some(language), body),
    )
}

/// Writes text as the template does.
fn escaped(text: &str) -> String {
    text.replace('&', "&#38;").replace('\'', "&#39;")
}

#[test]
fn every_kind_of_letter_is_judged() {
    let source = include_str!("../../../ui/texts/letters/en.json");
    let texts: Value = serde_json::from_str(source).expect("JSON");
    let texts = texts.as_object().expect("an object");
    let mut written: Vec<&String> = texts
        .iter()
        .filter(|(_, value)| value.get("subject").is_some())
        .map(|(kind, _)| kind)
        .collect();
    written.sort();
    let mut judged: Vec<String> = every_letter()
        .iter()
        .map(|body| {
            let body = serde_json::to_value(body).expect("JSON");
            body["letter"].as_str().expect("a kind").to_owned()
        })
        .collect();
    judged.sort();
    assert_eq!(judged.iter().collect::<Vec<_>>(), written);
}

#[test]
fn every_letter_says_all_of_it_in_every_language() {
    for language in LANGUAGES {
        let words = words_in(Some(language));
        for body in every_letter() {
            let (says, at) = (words.letter(&body), format!("{language} {body:?}"));
            let written = write("Ada", language, body.clone());
            assert_eq!(written.subject, says.subject, "{at}");
            let greeting = format!("{} Ada,", words.greeting);
            assert!(written.text.starts_with(&format!("{greeting}\n\n")), "{at}");
            assert!(
                written.html.contains(&format!("lang=\"{language}\"")),
                "{at}"
            );
            let paragraphs = says.before.iter().chain(&says.after).chain([&greeting]);
            for paragraph in paragraphs {
                assert!(written.text.contains(paragraph.as_str()), "{at}");
                assert!(written.html.contains(&escaped(paragraph)), "{at}");
            }
            let facts = words.facts(&body);
            assert_eq!(facts.len(), told(&body).len(), "{at}");
            for (name, value) in facts {
                assert!(
                    written.text.contains(&format!("\n{name}: {value}\n")),
                    "{at}"
                );
                assert!(
                    written.html.contains(name) && written.html.contains(&value),
                    "{at}"
                );
            }
            assert!(
                written.text.ends_with("\nQuantFlow Studio"),
                "{}",
                written.text
            );
            assert!(!written.text.contains("\n\n\n"), "{}", written.text);
            for text in [&written.subject, &written.text, &written.html] {
                assert!(!text.contains(['{', '}']), "{at}: {text}");
            }
        }
    }
}

#[test]
fn a_letter_tells_what_happened() {
    for body in every_letter() {
        let written = write("Ada", "en", body.clone());
        for fact in told(&body) {
            assert!(written.text.contains(fact), "{fact}: {}", written.text);
        }
    }
}

#[test]
fn no_language_says_what_another_says() {
    let [english, german] = LANGUAGES.map(|language| words_in(Some(language)));
    for body in every_letter() {
        let (here, there) = (english.letter(&body), german.letter(&body));
        assert_ne!(here.subject, there.subject);
        assert_ne!(here.before, there.before);
        assert_ne!(here.after, there.after);
        assert_eq!(here.link.is_empty(), there.link.is_empty(), "{body:?}");
        assert_eq!(here.link.is_empty(), link_of(&body).is_none(), "{body:?}");
    }
}

#[test]
fn a_link_begins_with_the_issuer_and_carries_the_token_and_a_notice_has_none() {
    for language in LANGUAGES {
        for body in every_letter() {
            let written = write("Ada", language, body.clone());
            let Some((page, token)) = link_of(&body) else {
                assert!(!written.text.contains("http"), "{}", written.text);
                assert!(!written.html.contains("http") && !written.html.contains("<a"));
                continue;
            };
            assert_eq!(token, TOKEN);
            let link = format!("{ISSUER}/{page}?token={TOKEN}");
            assert_eq!(written.text.matches("http").count(), 1, "{}", written.text);
            assert!(
                written.text.contains(&format!("\n{link}\n")),
                "{}",
                written.text
            );
            assert!(
                written.html.contains(&format!("href=\"{link}\"")),
                "{}",
                written.html
            );
            assert_eq!(written.html.matches("http").count(), 2, "{}", written.html);
        }
    }
}

#[test]
fn a_name_cannot_write_html_nor_turn_a_line_around() {
    let name = "<script>alert('x')</script>&\"\u{202e}\r\n";
    let written = write(name, "en", LetterBody::PasswordChanged);
    assert!(!written.html.contains("<script>") && written.html.contains("&#60;script&#62;"));
    assert!(
        written
            .text
            .starts_with("Hello <script>alert('x')</script>&\",\n\n"),
        "plain text shows it as it is: {}",
        written.text
    );
    let written = write("", "de", LetterBody::PasswordChanged);
    assert!(
        written.text.starts_with("Guten Tag,\n\n"),
        "{}",
        written.text
    );
}

fn branded(name: &str, branding: Branding) -> Message {
    let now = UnixMillis::from_millis(1);
    let tenant = Tenant {
        id: TenantId::generate(now, &Counting::default()),
        slug: "acme".to_owned(),
        name: name.to_owned(),
        status: TenantStatus::Active,
        config: TenantConfig {
            branding,
            ..TenantConfig::default()
        },
        version: 1,
        created_at: now,
        erase_at: None,
    };
    let head = Letterhead::of(&tenant, ISSUER.to_owned());
    let token = TOKEN.to_owned();
    render(
        &head,
        &letter("Ada", Some("de"), LetterBody::ResetPassword { token }),
    )
}

#[test]
fn a_letter_carries_its_tenants_name_picture_and_colour() {
    let written = branded(
        "Gärten <& Söhne>",
        Branding {
            logo_uri: Some("https://cdn.example/logo.svg".to_owned()),
            colour: Some("#ffee00".to_owned()),
            language: None,
        },
    );
    assert!(
        written.text.ends_with("\nGärten <& Söhne>"),
        "{}",
        written.text
    );
    let html = &written.html;
    assert!(
        html.contains("src=\"https://cdn.example/logo.svg\" alt=\"Gärten &#60;&#38; Söhne&#62;\""),
        "{html}"
    );
    assert!(
        html.contains("background-color:#ffee00;color:#000000"),
        "{html}"
    );
    assert!(!html.contains("QuantFlow"), "{html}");
}

#[test]
fn a_choice_that_is_not_acceptable_is_left_out_of_letters() {
    for (logo, colour) in [
        ("http://cdn.example/logo.svg", "#fff;}body{"),
        ("javascript:alert(1)", "red"),
    ] {
        let html = branded(
            "Gardens",
            Branding {
                logo_uri: Some(logo.to_owned()),
                colour: Some(colour.to_owned()),
                language: None,
            },
        )
        .html;
        assert!(!html.contains("<img") && !html.contains(colour), "{html}");
    }
}

#[test]
fn a_letter_sealed_before_languages_were_is_read_and_english() {
    let old =
        json!({ "to": "ada@example.org", "name": "Ada", "body": { "letter": "password_changed" } });
    let old: Letter = serde_json::from_value(old).expect("a letter");
    let written = render(&Letterhead::plain(ISSUER), &old);
    assert_eq!(written.subject, "Your password was changed");
}

#[test]
fn a_message_id_is_the_same_at_every_try() {
    let mail = MailId::generate(UnixMillis::from_millis(1), &Counting::default());
    let id = message_id(ISSUER, mail);
    assert_eq!(id, format!("<{mail}@auth.example.org>"));
    assert_eq!(id, message_id(ISSUER, mail));
}
