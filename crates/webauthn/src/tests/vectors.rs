//! The test vectors of the standard (§16), in `vectors.json` as they stand there.
//!
//! Those of §16.4 and §16.5 are of pages in frames of others, which ours never are; those of §16.9 and
//! §16.11 of algorithms that we do not offer. They are refused. The others are taken, byte for byte.

use serde::Deserialize;
use serde_json::json;

use super::device::encode;
use super::*;
use Problem::{NotAllowed, NotVerified, Refused};

#[derive(Deserialize)]
struct Vector {
    section: String,
    credential_id: String,
    registration: Created,
    authentication: Option<Got>,
}

#[derive(Deserialize)]
struct Created {
    challenge: String,
    client_data: String,
    attestation_object: String,
}

#[derive(Deserialize)]
struct Got {
    challenge: String,
    client_data: String,
    authenticator_data: String,
    signature: String,
}

/// §16.1: the root of the vectors' attestations.
const ROOT: &str = "30820207308201ada003020102021100ed7f905d8bd0b414d1784913170a90b6300a06082a8648ce3d0403023062311e301c06035504030c15576562417574686e207465737420766563746f7273310c300a060355040a0c0357334331253023060355040b0c1c41757468656e74696361746f72204174746573746174696f6e204341310b30090603550406130241413020170d3234303130313030303030305a180f33303234303130313030303030305a3062311e301c06035504030c15576562417574686e207465737420766563746f7273310c300a060355040a0c0357334331253023060355040b0c1c41757468656e74696361746f72204174746573746174696f6e204341310b30090603550406130241413059301306072a8648ce3d020106082a8648ce3d030107034200043269300e5ff7b699015f70cf80a8763bf705bc2e2af0c1b39cff718b7c35880ca30f319078d91b03389a006fdfc8a1dcd84edfa07d30aa13474a248a0dab5baaa3423040300f0603551d130101ff040530030101ff300e0603551d0f0101ff040403020106301d0603551d0e0416041445aff715b0dd786741fee996ebc16547a3931b1e300a06082a8648ce3d04030203480030450220483063b6bb08dcc83da33a02c11d2f42203176893554d138c614a36908724cc8022100f5ef2c912d4500b3e2f5b591d0622491e9f220dfd1f9734ec484bb7e90887663";

fn unhex(text: &str) -> Vec<u8> {
    let digit = |place: usize| u8::from_str_radix(&text[place..place + 2], 16);
    let places = (0..text.len()).step_by(2);
    places
        .map(|place| digit(place).expect("hexadecimal"))
        .collect()
}

pub(super) fn root() -> String {
    pem::encode(&pem::Pem::new("CERTIFICATE", unhex(ROOT)))
}

/// A list with the model of §16.7 on it.
pub(super) fn list() -> AllowList {
    let model = uuid::uuid!("876ca4f5-2071-c3e9-b255-09ef2cdf7ed6");
    AllowList::new(&[&root()], &[model]).expect("a list")
}

fn vector(section: &str) -> Vector {
    let all: Vec<Vector> = serde_json::from_str(include_str!("vectors.json")).expect("vectors");
    let found = all.into_iter().find(|one| one.section == section);
    found.expect("the vector")
}

/// Puts a vector's challenge where ours was.
fn with_challenge(state: &[u8], kind: &str, challenge: &str) -> Vec<u8> {
    let mut state: Value = serde_json::from_slice(state).expect("a state");
    state[kind]["challenge"] = encode(&unhex(challenge)).into();
    state.to_string().into_bytes()
}

fn register(vector: &Vector, allowed: Option<&AllowList>) -> Result<NewPasskey, Problem> {
    let (_, state) = party().begin_registration(&Dice, ada(), &[], allowed)?;
    let challenge = &vector.registration.challenge;
    let state = with_challenge(&state.to_bytes()?, "registration", challenge);
    let id = encode(&unhex(&vector.credential_id));
    let answer = json!({
        "id": id,
        "rawId": id,
        "type": "public-key",
        "clientExtensionResults": {},
        "response": {
            "clientDataJSON": encode(&unhex(&vector.registration.client_data)),
            "attestationObject": encode(&unhex(&vector.registration.attestation_object)),
        },
    });
    let state = Registration::from_bytes(&state)?;
    party().finish_registration(&state, answer.to_string().as_bytes(), allowed)
}

/// Shows a vector's passkey as a second factor: its vectors say no user handle.
fn show(vector: &Vector, credential: &Value) -> Result<Shown, Problem> {
    let got = vector.authentication.as_ref().expect("an authentication");
    let passkeys = std::slice::from_ref(credential);
    let (_, state) = party().begin_second_factor(&Dice, HANDLE, passkeys)?;
    let state = with_challenge(&state.to_bytes()?, "sign_in", &got.challenge);
    let id = encode(&unhex(&vector.credential_id));
    let answer = json!({
        "id": id,
        "rawId": id,
        "type": "public-key",
        "clientExtensionResults": {},
        "response": {
            "clientDataJSON": encode(&unhex(&got.client_data)),
            "authenticatorData": encode(&unhex(&got.authenticator_data)),
            "signature": encode(&unhex(&got.signature)),
            "userHandle": null,
        },
    });
    let answer = Answer::parse(answer.to_string().as_bytes())?;
    let known = Known {
        credential,
        handle: HANDLE,
    };
    party().finish_sign_in(&SignIn::from_bytes(&state)?, &answer, known)
}

#[test]
fn webauthn_16_the_vectors_of_what_we_offer_are_taken() {
    for section in ["16.2", "16.7", "16.8"] {
        let vector = vector(section);
        let bound = register(&vector, None);
        let bound = bound.unwrap_or_else(|problem| panic!("{section}: {problem}"));
        assert_eq!(bound.credential_id, unhex(&vector.credential_id));
        let shown = show(&vector, &bound.credential);
        let shown = shown.unwrap_or_else(|problem| panic!("{section}: {problem}"));
        assert_eq!(shown.credential_id, bound.credential_id);
        assert_eq!(shown.sign_count, 0);
    }
}

#[test]
fn webauthn_16_3_what_was_bound_with_verification_is_not_shown_without() {
    let vector = vector("16.3");
    let mut bound = register(&vector, None).expect("is bound");
    assert!(bound.is_user_verified && bound.is_backed_up);
    assert_eq!(show(&vector, &bound.credential), Err(NotVerified));
    // It is good but for that.
    bound.credential["user_verified"] = false.into();
    let shown = show(&vector, &bound.credential).expect("is shown");
    assert!(!shown.is_user_verified && !shown.is_backed_up);
}

#[test]
fn webauthn_16_4_what_was_made_in_a_frame_of_others_is_refused() {
    for section in ["16.4", "16.5"] {
        let mut vector = vector(section);
        assert_eq!(register(&vector, None), Err(Refused), "{section}");
        // Nothing signs what was said at a registration without attestation: bind it all the same.
        let said = json!({
            "type": "webauthn.create",
            "challenge": encode(&unhex(&vector.registration.challenge)),
            "origin": "https://example.org",
        });
        let hex = |byte: u8| format!("{byte:02x}");
        vector.registration.client_data = said.to_string().bytes().map(hex).collect();
        let bound = register(&vector, None).expect("is bound");
        assert_eq!(show(&vector, &bound.credential), Err(Refused), "{section}");
    }
}

#[test]
fn webauthn_16_9_the_vectors_of_algorithms_not_offered_are_refused() {
    for section in ["16.9", "16.11"] {
        assert_eq!(register(&vector(section), None), Err(Refused), "{section}");
    }
}

#[test]
fn webauthn_7_1_with_a_list_only_its_models_are_bound_and_only_by_its_roots() {
    let listed = vector("16.7");
    assert!(register(&listed, Some(&list())).is_ok());
    // Whoever is there is verified; the vector of another model is not.
    assert_eq!(register(&vector("16.8"), Some(&list())), Err(NotVerified));
    // The same model by another root, and another model on the list.
    let model = uuid::uuid!("876ca4f5-2071-c3e9-b255-09ef2cdf7ed6");
    let foreign = rcgen::generate_simple_self_signed(vec!["example.com".to_owned()]);
    let foreign = foreign.expect("a certificate").cert.pem();
    let foreign = AllowList::new(&[&foreign], &[model]).expect("a list");
    assert_eq!(register(&listed, Some(&foreign)), Err(NotAllowed));
    let other = AllowList::new(&[&root()], &[uuid::Uuid::from_bytes([7; 16])]);
    let other = other.expect("a list");
    assert_eq!(register(&listed, Some(&other)), Err(NotAllowed));
    // And a model that says it is another is found out by its certificate's or data's signature.
    let mut forged = listed;
    let object = &mut forged.registration.attestation_object;
    *object = object.replace("876ca4f52071c3e9", "876ca4f52071c3e8");
    assert_eq!(register(&forged, Some(&list())), Err(Refused));
}
