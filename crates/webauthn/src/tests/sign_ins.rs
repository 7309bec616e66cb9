//! Bad sign-ins: each is good but for one thing, and signed as it is.

use super::device::{AT, BE, BS, Device, ED, Got, UP, UV, encode};
use super::*;
use Problem::{Copied, Malformed, NotVerified, Refused};

/// What is wrong, what is said of it, and how it is done.
type Row = (&'static str, Problem, fn(&mut Got));

/// What is refused of every sign-in. The passkey has counted to five, and cannot be backed up.
const EVERY: &[Row] = &[
    ("another host", Refused, |g| {
        origin(g, "https://example.com");
    }),
    ("another port", Refused, |g| {
        origin(g, "https://example.org:8443");
    }),
    ("the port that goes without saying", Refused, |g| {
        origin(g, "https://example.org:443");
    }),
    ("without TLS", Refused, |g| origin(g, "http://example.org")),
    ("a host below", Refused, |g| {
        origin(g, "https://www.example.org");
    }),
    ("reduced to its host", Refused, |g| origin(g, "example.org")),
    ("with a path", Refused, |g| {
        origin(g, "https://example.org/");
    }),
    ("with a user", Refused, |g| {
        origin(g, "https://ada@example.org");
    }),
    ("opaque", Refused, |g| origin(g, "null")),
    ("the type of a registration", Refused, |g| {
        g.said.kind = "webauthn.create".to_owned();
    }),
    ("the type of a payment", Refused, |g| {
        g.said.kind = "payment.get".to_owned();
    }),
    ("a foreign challenge", Refused, |g| {
        g.said.challenge = encode(&[1; 32]);
    }),
    ("an empty challenge", Refused, |g| {
        g.said.challenge = String::new();
    }),
    ("half a challenge", Refused, |g| {
        g.said.challenge.truncate(22);
    }),
    ("in a frame of others", Refused, |g| {
        more(g, r#","crossOrigin":true"#);
    }),
    ("below another page", Refused, |g| {
        more(g, r#","topOrigin":"https://example.org""#);
    }),
    ("bound to TLS", Refused, |g| {
        more(g, r#","tokenBinding":{"status":"present","id":"eA"}"#);
    }),
    ("two challenges", Malformed, |g| {
        let twice = format!(r#","challenge":"{}""#, g.said.challenge);
        more(g, &twice);
    }),
    ("not JSON", Malformed, |g| {
        g.said.json = Some(b"webauthn.get".to_vec());
    }),
    ("a mark of the byte order", Malformed, |g| {
        g.said.json = Some([b"\xef\xbb\xbf", &g.said.with("")[..]].concat());
    }),
    ("another domain", Refused, |g| {
        g.rp = "example.com".to_owned();
    }),
    ("the hash of the origin", Refused, |g| {
        g.rp = "https://example.org".to_owned();
    }),
    ("nobody there", Refused, |g| g.flags = UV),
    ("bound with verification, shown without", NotVerified, |g| {
        g.flags = UP;
    }),
    ("now it can be backed up", Refused, |g| g.flags |= BE),
    ("now it is backed up", Refused, |g| g.flags |= BE | BS),
    ("backed up though it cannot be", Malformed, |g| {
        g.flags |= BS;
    }),
    ("a counter that stays", Copied, |g| g.counter = 5),
    ("a counter that goes back", Copied, |g| g.counter = 4),
    ("a counter at nought again", Copied, |g| g.counter = 0),
    ("a credential announced and missing", Malformed, |g| {
        g.flags |= AT;
    }),
    ("a credential where none belongs", Malformed, |g| {
        g.flags |= AT;
        g.tail = [
            &[7; 16][..],
            &[0, 1, 7],
            &super::device::key(&[1; 32], &[1; 32]),
        ]
        .concat();
    }),
    ("extensions announced and missing", Malformed, |g| {
        g.flags |= ED;
    }),
    ("extensions not announced", Malformed, |g| {
        g.tail = vec![0xa0];
    }),
    ("extensions with a key twice", Malformed, |g| {
        g.flags |= ED;
        g.tail = vec![0xa2, 0x61, b'x', 1, 0x61, b'x', 1];
    }),
    ("extensions nested without end", Malformed, |g| {
        g.flags |= ED;
        g.tail = vec![0x81; 20_000];
    }),
    ("extensions of 2^64 items", Malformed, |g| {
        g.flags |= ED;
        g.tail = [&[0xbb][..], &[0xff; 8]].concat();
    }),
    ("a byte behind it", Malformed, |g| g.tail = vec![0]),
    ("36 bytes", Malformed, |g| g.data = Some(vec![0; 36])),
    ("no data", Malformed, |g| g.data = Some(Vec::new())),
    ("a signature of another key", Refused, |g| {
        g.signature = |_, m| Device::new().sign(m);
    }),
    ("a signature of something else", Refused, |g| {
        g.signature = |d, m| d.sign(&m[1..]);
    }),
    ("half a signature", Refused, |g| {
        g.signature = |d, m| d.sign(m)[..30].to_vec();
    }),
    ("no signature", Refused, |g| g.signature = |_, _| Vec::new()),
    ("a signature of nought", Refused, |g| {
        g.signature = |_, _| vec![0x30, 6, 2, 1, 0, 2, 1, 0];
    }),
    ("a signature and a byte", Refused, |g| {
        g.signature = |d, m| [d.sign(m), vec![0]].concat();
    }),
    ("a signature that is not DER", Refused, |g| {
        g.signature = |_, _| vec![1; 64];
    }),
    ("another handle", Refused, |g| {
        g.handle = Some(b"handle of bob 01".to_vec());
    }),
    ("an empty handle", Refused, |g| g.handle = Some(Vec::new())),
    ("half a handle", Refused, |g| {
        g.handle = Some(HANDLE[..8].to_vec());
    }),
    ("an id that is another's", Malformed, |g| {
        g.envelope = |v| v["id"] = "AAAA".into();
    }),
    ("another passkey", Refused, |g| {
        g.envelope = |v| {
            (v["id"], v["rawId"]) = ("AAAA".into(), "AAAA".into());
        }
    }),
    ("no id", Malformed, |g| {
        g.envelope = |v| (v["id"], v["rawId"]) = ("".into(), "".into());
    }),
    ("an id of 1,024 bytes", Malformed, |g| {
        g.envelope = |v| {
            let id = encode(&[7; 1024]);
            (v["id"], v["rawId"]) = (id.clone().into(), id.into());
        }
    }),
    ("a password", Malformed, |g| {
        g.envelope = |v| v["type"] = "password".into();
    }),
    ("a signature that is no base64url", Malformed, |g| {
        g.envelope = |v| {
            v["response"]["signature"] = "+/+/".into();
        }
    }),
    ("no response", Malformed, |g| {
        g.envelope = |v| v["response"] = Value::Null;
    }),
];

fn origin(got: &mut Got, origin: &str) {
    got.said.origin = origin.to_owned();
}

fn more(got: &mut Got, more: &str) {
    got.said.json = Some(got.said.with(more));
}

/// A passkey that was bound with verification and has counted to five.
fn counted(device: &Device) -> Value {
    let mut bound = bind(device, UP | UV).credential;
    bound["counter"] = 5.into();
    bound
}

fn finish(
    state: &SignIn,
    answer: &[u8],
    credential: &Value,
    handle: &[u8],
) -> Result<Shown, Problem> {
    let known = Known { credential, handle };
    party().finish_sign_in(state, &Answer::parse(answer)?, known)
}

#[test]
fn webauthn_7_2_no_bad_sign_in_is_taken_as_the_whole_or_as_a_second_factor() {
    let device = Device::new();
    let credential = counted(&device);
    let whole = party().begin_sign_in(&Dice);
    let second = party().begin_second_factor(&Dice, HANDLE, std::slice::from_ref(&credential));
    let mut wrong = Vec::new();
    for (which, begun) in [("whole", whole), ("second", second)] {
        let (options, state) = begun.expect("begins");
        let good = device.get(&options, 6, HANDLE).render(&device);
        assert!(
            finish(&state, &good, &credential, HANDLE).is_ok(),
            "{which}"
        );
        for (name, problem, spoil) in EVERY {
            let mut got = device.get(&options, 6, HANDLE);
            spoil(&mut got);
            let shown = finish(&state, &got.render(&device), &credential, HANDLE);
            if shown.as_ref().err() != Some(problem) {
                wrong.push((which, name, shown.map(|_| ())));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(EVERY.len() >= 50);
}

#[test]
fn webauthn_7_2_a_whole_sign_in_says_whose_passkey_it_is_and_verifies() {
    let device = Device::new();
    let credential = bind(&device, UP).credential;
    let (options, state) = party().begin_sign_in(&Dice).expect("begins");
    let try_it = |flags, handle: Option<&[u8]>| {
        let mut got = device.get(&options, 1, HANDLE);
        (got.flags, got.handle) = (flags, handle.map(<[u8]>::to_vec));
        finish(&state, &got.render(&device), &credential, HANDLE).map(|_| ())
    };
    assert_eq!(try_it(UP | UV, Some(HANDLE)), Ok(()));
    assert_eq!(try_it(UP | UV, None), Err(Refused));
    assert_eq!(try_it(UP, Some(HANDLE)), Err(NotVerified));
}

#[test]
fn webauthn_7_2_the_passkey_of_another_is_no_second_factor() {
    let (device, other) = (Device::new(), Device::new());
    let (mine, theirs) = (counted(&device), counted(&other));
    let begun = party().begin_second_factor(&Dice, HANDLE, &[mine]);
    let (options, state) = begun.expect("begins");
    // Their passkey, said to be theirs, said to be mine, and with nothing said.
    for handle in [
        Some(b"handle of bob 01".to_vec()),
        Some(HANDLE.to_vec()),
        None,
    ] {
        let mut got = other.get(&options, 6, HANDLE);
        got.handle = handle;
        let answer = got.render(&other);
        for owner in [b"handle of bob 01", HANDLE] {
            assert_eq!(finish(&state, &answer, &theirs, owner), Err(Refused));
        }
    }
}

#[test]
fn webauthn_7_2_a_passkey_is_judged_by_its_own_key() {
    let (device, other) = (Device::new(), Device::new());
    let (mine, theirs) = (counted(&device), counted(&other));
    let (options, state) = party().begin_sign_in(&Dice).expect("begins");
    let answer = device.get(&options, 6, HANDLE).render(&device);
    assert_eq!(finish(&state, &answer, &theirs, HANDLE), Err(Refused));
    assert_eq!(
        finish(&state, &answer, &Value::Null, HANDLE),
        Err(Problem::Broken)
    );
    assert!(finish(&state, &answer, &mine, HANDLE).is_ok());
}

#[test]
fn webauthn_7_2_an_answer_to_one_ceremony_is_none_to_another() {
    let device = Device::new();
    let credential = counted(&device);
    let (options, _) = party().begin_sign_in(&Dice).expect("begins");
    let (_, another) = party().begin_sign_in(&Dice).expect("begins");
    let answer = device.get(&options, 6, HANDLE).render(&device);
    assert_eq!(finish(&another, &answer, &credential, HANDLE), Err(Refused));
}

#[test]
fn a_second_factor_needs_a_passkey_that_reads() {
    let begin = |passkeys: &[Value]| party().begin_second_factor(&Dice, HANDLE, passkeys).err();
    assert_eq!(begin(&[]), Some(Problem::Broken));
    assert_eq!(begin(&[Value::Null]), Some(Problem::Broken));
}
