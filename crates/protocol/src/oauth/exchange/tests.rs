//! Judges the rules of token exchange by RFC 8693.

use std::time::Duration;

use domain::time::UnixMillis;
use serde_json::{Value, json};

use super::*;
use crate::access_token::Expected;
use crate::jose::verify::VerifyingKey;
use crate::mutants::Original;

const ISSUER: &str = "https://auth.example";
const API: &str = "https://api.example";
const FILES: &str = "https://files.example";
const NOW: i64 = 1_700_000_000;

fn claims_of(own: &Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "sub": "u", "aud": ISSUER, "client_id": "client_web", "iat": NOW,
        "exp": NOW + 900, "jti": "j", "scope": "read", "tid": "t", "client_type": "user",
        "roles": ["user"], "sid": "s",
    });
    let members = claims.as_object_mut().expect("an object");
    members.extend(own.as_object().expect("an object").clone());
    claims
}

fn token(own: &Value) -> AccessClaims {
    serde_json::from_value(claims_of(own)).expect("complete claims")
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// How a client stands to a token that is for `aud`.
fn stands(client_id: &str, own: &[&str], aud: &Value) -> Result<Standing, Unexchangeable> {
    let exchanger = Exchanger {
        client_id,
        own_resources: &owned(own),
        audiences: &[],
        issuer: ISSUER,
    };
    exchanger.standing(&token(&json!({ "aud": aud })), Proved::default())
}

#[test]
fn rfc_8693_2_1_a_token_is_exchanged_by_its_client_or_by_whom_it_is_for() {
    let agent = |own: &[&str], aud: Value| stands("client_agent", own, &aud);
    assert_eq!(stands("client_web", &[], &json!(API)), Ok(Standing::Holder));
    assert_eq!(agent(&[API], json!(API)), Ok(Standing::Recipient));
    assert_eq!(agent(&[API], json!([FILES, API])), Ok(Standing::Recipient));
    assert_eq!(agent(&[], json!(ISSUER)), Ok(Standing::Bringer));
    for own in [&[][..], &[FILES], &["https://api.example.evil"]] {
        assert_eq!(agent(own, json!(API)), Err(Unexchangeable::NotTheirs));
    }
    assert_eq!(agent(&[], json!([])), Err(Unexchangeable::NotTheirs));
}

#[test]
fn rfc_9449_6_a_bound_token_needs_its_key_or_the_resource_that_saw_it() {
    let prove = |client_id, own: &[&str], cnf: Value, proved| {
        let exchanger = Exchanger {
            client_id,
            own_resources: &owned(own),
            audiences: &[],
            issuer: ISSUER,
        };
        exchanger.standing(&token(&json!({ "cnf": cnf })), proved)
    };
    let judge = |client_id, own: &[&str], cnf, jkt| {
        let certificate = None;
        prove(client_id, own, cnf, Proved { jkt, certificate })
    };
    let key = || json!({ "jkt": "k" });
    for client in ["client_web", "client_agent"] {
        assert!(judge(client, &[], key(), Some("k")).is_ok());
        for jkt in [None, Some("other"), Some("")] {
            assert_eq!(
                judge(client, &[], key(), jkt),
                Err(Unexchangeable::Unproved)
            );
        }
    }
    let certificate = judge("client_web", &[], json!({ "x5t#S256": "k" }), Some("k"));
    assert_eq!(certificate, Err(Unexchangeable::Unproved));
    let both = || json!({ "jkt": "k", "x5t#S256": "c" });
    for (jkt, certificate, is_proved) in [
        (Some("k"), Some("c"), true),
        (Some("k"), None, false),
        (None, Some("c"), false),
        (Some("c"), Some("k"), false),
    ] {
        let judged = prove("client_web", &[], both(), Proved { jkt, certificate });
        assert_eq!(judged.is_ok(), is_proved, "{jkt:?} {certificate:?}");
    }
    let nothing = judge("client_web", &[], json!({}), Some("k"));
    assert_eq!(nothing, Err(Unexchangeable::Unproved));
    let recipient = judge("client_agent", &[ISSUER], key(), None);
    assert_eq!(recipient, Ok(Standing::Recipient));
}

/// What a client that is registered for `registered` gets for a token that is for `aud`.
fn choose(
    standing: Standing,
    registered: &[&str],
    aud: &Value,
    wanted: &[&str],
) -> Result<Audience, InvalidTarget> {
    let exchanger = Exchanger {
        client_id: "client_agent",
        own_resources: &[],
        audiences: &owned(registered),
        issuer: ISSUER,
    };
    let token = token(&json!({ "aud": aud }));
    exchanger.choose_audience(&token, standing, wanted.iter().copied())
}

fn one(name: &str) -> Audience {
    Audience::One(name.to_owned())
}

#[test]
fn rfc_8693_1_1_its_holder_gets_a_token_for_less_and_nothing_else() {
    let both = json!([API, FILES]);
    let choose = |wanted: &[&str]| choose(Standing::Holder, &[API, ISSUER], &both, wanted);
    assert_eq!(choose(&[]), Ok(Audience::Many(owned(&[API, FILES]))));
    assert_eq!(choose(&["https://FILES.example/"]), Ok(one(FILES)));
    assert_eq!(choose(&[ISSUER]), Err(InvalidTarget));
    assert_eq!(choose(&["https://evil.example"]), Err(InvalidTarget));
}

#[test]
fn rfc_8693_2_2_2_a_resource_goes_on_to_what_it_is_registered_for() {
    let choose = |wanted: &[&str]| choose(Standing::Recipient, &[FILES], &json!(API), wanted);
    assert_eq!(choose(&[]), Ok(one(FILES)));
    assert_eq!(choose(&[FILES]), Ok(one(FILES)));
    assert_eq!(choose(&[API]), Err(InvalidTarget));
    assert_eq!(choose(&[FILES, API]), Err(InvalidTarget));
}

#[test]
fn what_was_not_for_us_never_becomes_so() {
    for standing in [Standing::Recipient, Standing::Bringer] {
        for registered in [&[][..], &[ISSUER], &["https://AUTH.example/"]] {
            let chosen = choose(standing, registered, &json!(API), &[]);
            assert_eq!(chosen, Err(InvalidTarget), "{registered:?}");
            let asked = choose(standing, registered, &json!(API), &[ISSUER]);
            assert_eq!(asked, Err(InvalidTarget), "{registered:?}");
        }
        assert_eq!(choose(standing, &[], &json!(ISSUER), &[]), Ok(one(ISSUER)));
        let first = choose(standing, &[FILES, ISSUER], &json!(ISSUER), &[]);
        assert_eq!(first, Ok(one(ISSUER)), "what it was for before the first");
    }
}

#[test]
fn rfc_8693_4_1_five_act_for_one_another_and_no_sixth() {
    let mut chain = None;
    for number in 1..=MAX_DEPTH {
        let next = ActingParty::before(&format!("client_{number}"), chain.as_ref());
        chain = Some(next.expect("not too deep"));
    }
    let chain = chain.expect("five");
    let subjects: Vec<&str> = chain.subjects().collect();
    assert_eq!(subjects.first(), Some(&"client_5"), "the present one first");
    assert_eq!((subjects.last(), subjects.len()), (Some(&"client_1"), 5));
    let sixth = ActingParty::before("client_6", Some(&chain));
    assert_eq!(sixth, Err(Unexchangeable::TooDeep));
}

#[test]
fn rfc_8693_4_1_the_chain_is_nested_in_the_token() {
    let first = ActingParty::before("client_a", None).expect("one");
    let both = ActingParty::before("client_b", Some(&first)).expect("two");
    let expected = json!({ "sub": "client_b", "act": { "sub": "client_a" } });
    assert_eq!(serde_json::to_value(&both).expect("JSON"), expected);
}

#[test]
fn rfc_8725_no_mutant_of_an_exchanged_token_is_accepted() {
    let act = json!({ "sub": "client_b", "act": { "sub": "client_a" } });
    let original = Original {
        header: json!({ "alg": "set", "typ": "at+jwt", "kid": "set" }),
        claims: claims_of(&json!({ "act": act, "parents": ["p"] })),
        judged: &["iss", "sub", "client_id", "iat", "exp", "jti", "tid", "act"],
    };
    let expected = Expected {
        issuer: ISSUER,
        tenant: "t",
        now: UnixMillis::from_seconds(NOW),
        longest: Duration::from_mins(15),
    };
    original.check_mutants(|text, pair| {
        let key = VerifyingKey::new(pair.algorithm(), pair.public_jwk()).expect("verifies");
        let find = |kid: &str| (kid == pair.kid()).then_some(&key);
        // Without `act` it would be another token: one with which nobody acts for anybody.
        AccessClaims::accept(text, expected, find).is_ok_and(|claims| claims.act.is_some())
    });
}
