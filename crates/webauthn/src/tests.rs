//! Judges passkeys: by a soft authenticator, good and bad, and by the standard's own vectors.

use domain::random::Random;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use device::{AT, BE, BS, Device, UP, UV, packed, text};

mod device;
mod registrations;
mod sign_ins;
mod vectors;

const HANDLE: &[u8] = b"handle of ada 01";

struct Dice;

impl Random for Dice {
    fn fill(&self, buffer: &mut [u8]) {
        aws_lc_rs::rand::fill(buffer).expect("random bytes");
    }
}

fn party() -> RelyingParty {
    let origin = Url::parse("https://example.org").expect("an origin");
    RelyingParty::new("example.org", "Example", &[origin]).expect("a party")
}

fn ada() -> Account<'static> {
    Account {
        handle: HANDLE,
        name: "ada@example.org",
        display_name: "Ada",
    }
}

fn begin(exclude: &[Vec<u8>]) -> (Value, Registration) {
    let begun = party().begin_registration(&Dice, ada(), exclude, None);
    begun.expect("begins")
}

/// Binds a passkey with these flags.
fn bind(device: &Device, flags: u8) -> NewPasskey {
    let (options, state) = begin(&[]);
    let mut created = device.create(&options);
    created.flags = flags | AT;
    let answer = created.render(device);
    let bound = party().finish_registration(&state, &answer, None);
    bound.expect("is bound")
}

fn known(passkey: &NewPasskey) -> Known<'_> {
    Known {
        credential: &passkey.credential,
        handle: HANDLE,
    }
}

#[test]
fn webauthn_7_1_a_passkey_is_bound_and_said_to_be_what_it_is() {
    let device = Device::new();
    for flags in [UP, UP | UV, UP | UV | BE, UP | UV | BE | BS] {
        let bound = bind(&device, flags);
        assert_eq!(bound.credential_id, device.id);
        assert_eq!(bound.is_user_verified, flags & UV != 0);
        assert_eq!(bound.is_backup_eligible, flags & BE != 0);
        assert_eq!(bound.is_backed_up, flags & BS != 0);
        assert_eq!(bound.sign_count, 0);
    }
}

#[test]
fn webauthn_7_2_a_passkey_is_the_whole_sign_in() {
    let device = Device::new();
    let mut bound = bind(&device, UP | UV | BE);
    for counter in [0, 1, 2, 9] {
        let (options, state) = party().begin_sign_in(&Dice).expect("begins");
        let state = SignIn::from_bytes(&state.to_bytes().expect("writes")).expect("reads");
        let mut got = device.get(&options, counter, HANDLE);
        got.flags = UP | UV | BE | BS;
        let answer = Answer::parse(&got.render(&device)).expect("an answer");
        assert_eq!(answer.credential_id(), device.id);
        let shown = party().finish_sign_in(&state, &answer, known(&bound));
        let shown = shown.expect("is shown");
        assert_eq!((shown.sign_count, &*shown.handle), (counter, HANDLE));
        assert!(shown.is_user_verified && shown.is_backed_up);
        bound.credential = shown.credential;
    }
}

#[test]
fn webauthn_7_2_a_passkey_is_a_second_factor_and_need_not_verify() {
    let (device, other) = (Device::new(), Device::new());
    let both = [bind(&other, UP), bind(&device, UP)];
    let kept: Vec<Value> = both.iter().map(|one| one.credential.clone()).collect();
    let (options, state) = party()
        .begin_second_factor(&Dice, HANDLE, &kept)
        .expect("begins");
    let listed = options["allowCredentials"].as_array().expect("a list");
    assert_eq!(listed.len(), 2);
    let state = SignIn::from_bytes(&state.to_bytes().expect("writes")).expect("reads");
    for handle in [None, Some(HANDLE.to_vec())] {
        let mut got = device.get(&options, 1, HANDLE);
        (got.flags, got.handle) = (UP, handle);
        let answer = Answer::parse(&got.render(&device)).expect("an answer");
        let shown = party().finish_sign_in(&state, &answer, known(&both[1]));
        assert!(!shown.expect("is shown").is_user_verified);
    }
}

#[test]
fn webauthn_5_4_the_options_ask_for_a_discoverable_passkey_and_no_attestation() {
    let (options, state) = begin(&[vec![1; 16]]);
    assert_eq!(options["rp"]["id"], "example.org");
    assert_eq!(options["user"]["id"], device::encode(HANDLE));
    assert_eq!(options["attestation"], "none");
    let selection = &options["authenticatorSelection"];
    assert_eq!(selection["residentKey"], "required");
    assert_eq!(selection["requireResidentKey"], true);
    assert_eq!(selection["userVerification"], "preferred");
    let excluded = &options["excludeCredentials"][0]["id"];
    assert_eq!(*excluded, device::encode(&[1; 16]));
    let offered = options["pubKeyCredParams"].as_array().expect("a list");
    let algorithms: Vec<_> = offered.iter().map(|one| one["alg"].as_i64()).collect();
    assert_eq!(algorithms, [Some(-7), Some(-35), Some(-257)]);
    let bytes = state.to_bytes().expect("writes");
    assert!(Registration::from_bytes(&bytes).is_ok());
    assert!(SignIn::from_bytes(&bytes).is_err(), "of another ceremony");
}

#[test]
fn webauthn_5_5_a_whole_sign_in_demands_verification_and_names_no_account() {
    let (options, state) = party().begin_sign_in(&Dice).expect("begins");
    assert_eq!(options["userVerification"], "required");
    assert_eq!(options["rpId"], "example.org");
    let listed = options["allowCredentials"].as_array();
    assert!(listed.is_none_or(Vec::is_empty));
    let bytes = state.to_bytes().expect("writes");
    assert!(Registration::from_bytes(&bytes).is_err());
}

#[test]
fn webauthn_13_4_3_every_challenge_is_new_and_has_32_bytes() {
    let (one, two) = (begin(&[]).0, begin(&[]).0);
    assert_ne!(one["challenge"], two["challenge"]);
    let challenge = one["challenge"].as_str().expect("a text");
    assert_eq!(URL_SAFE_NO_PAD.decode(challenge).expect("bytes").len(), 32);
}

#[test]
fn webauthn_6_5_1_an_id_may_have_1023_bytes_and_no_more() {
    for (length, is_bound) in [(1, true), (1023, true), (1024, false), (4096, false)] {
        let (device, (options, state)) = (Device::new(), begin(&[]));
        let mut created = device.create(&options);
        created.id = vec![7; length];
        let answer = created.render(&device);
        let bound = party().finish_registration(&state, &answer, None);
        assert_eq!(bound.is_ok(), is_bound, "{length}");
    }
}

#[test]
fn webauthn_8_2_a_self_signed_statement_is_taken_for_none_and_not_on_a_list() {
    let (device, (options, state)) = (Device::new(), begin(&[]));
    let mut created = device.create(&options);
    created.format = text("packed");
    created.statement = |device, message| packed(0x26, &device.sign(message));
    let answer = created.render(&device);
    let finish = |list| party().finish_registration(&state, &answer, list);
    assert!(finish(None).is_ok());
    assert_eq!(finish(Some(&vectors::list())), Err(Problem::NotAllowed));
    // And neither is what shows no statement at all.
    let (options, state) = begin(&[]);
    let answer = device.create(&options).render(&device);
    let bound = party().finish_registration(&state, &answer, Some(&vectors::list()));
    assert_eq!(bound, Err(Problem::NotAllowed));
}

#[test]
fn a_relying_party_has_origins_of_its_own_domain_over_tls_or_on_this_machine() {
    for (id, origin, fits) in [
        ("example.org", "https://example.org", true),
        ("example.org", "https://auth.example.org:8443", true),
        ("localhost", "http://localhost:8080", true),
        ("auth.localhost", "http://auth.localhost", true),
        ("example.org", "http://example.org", false),
        ("example.org", "https://badexample.org", false),
        ("example.org", "https://example.com", false),
        ("auth.example.org", "https://example.org", false),
        ("", "https://example.org", false),
        ("127.0.0.1", "https://127.0.0.1", false),
    ] {
        let origins = [Url::parse(origin).expect("a URL")];
        assert_eq!(
            RelyingParty::new(id, "n", &origins).is_ok(),
            fits,
            "{id} {origin}"
        );
    }
    assert!(RelyingParty::new("example.org", "n", &[]).is_err());
}

#[test]
fn a_list_without_a_root_or_a_model_or_with_no_certificate_is_none() {
    let model = uuid::Uuid::from_bytes([7; 16]);
    assert!(AllowList::new(&[], &[model]).is_err());
    assert!(AllowList::new(&["-----BEGIN CERTIFICATE-----"], &[model]).is_err());
    assert!(AllowList::new(&[&vectors::root()], &[]).is_err());
}

/// Each bit once and each length once: chance would meet a name that is spelt otherwise too seldom.
#[test]
fn no_bit_changed_or_byte_cut_is_accepted() {
    let (device, (options, state)) = (Device::new(), begin(&[]));
    let mut created = device.create(&options);
    created.format = text("packed");
    created.statement = |device, message| packed(0x26, &device.sign(message));
    let object = created.object(&device, &created.said.with(r#","crossOrigin":false"#));
    let mut is_bound = |object: &[u8]| {
        created.object = Some(object.to_vec());
        let answer = created.render(&device);
        party().finish_registration(&state, &answer, None).is_ok()
    };
    assert!(is_bound(&object));
    for place in 0..object.len() {
        assert!(!is_bound(&object[..place]), "cut at {place}");
        for bit in 0..8 {
            let mut changed = object.clone();
            changed[place] ^= 1 << bit;
            assert!(!is_bound(&changed), "bit {bit} of byte {place}");
        }
    }
}

proptest! {
    #[test]
    fn no_text_is_an_answer(text in ".{0,200}") {
        let (_, state) = begin(&[]);
        prop_assert!(party().finish_registration(&state, text.as_bytes(), None).is_err());
        prop_assert!(Answer::parse(text.as_bytes()).is_err());
    }
}
