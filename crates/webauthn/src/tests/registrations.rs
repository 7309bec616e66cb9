//! Bad registrations: each is good but for one thing, and signed as it is.

use super::device::{AT, BS, Created, Device, ED, UP, UV};
use super::*;
use Problem::{AlreadyBound, Malformed, Refused};

mod objects;

/// What is wrong, what is said of it, and how it is done.
type Row = (&'static str, Problem, fn(&mut Created, &Device));

/// What the browser says (§5.8.1).
const SAID: &[Row] = &[
    ("another host", Refused, |c, _| {
        origin(c, "https://example.com");
    }),
    ("another port", Refused, |c, _| {
        origin(c, "https://example.org:8443");
    }),
    ("the port that goes without saying", Refused, |c, _| {
        origin(c, "https://example.org:443");
    }),
    ("without TLS", Refused, |c, _| {
        origin(c, "http://example.org");
    }),
    ("a host below", Refused, |c, _| {
        origin(c, "https://www.example.org");
    }),
    ("a host that ends alike", Refused, |c, _| {
        origin(c, "https://badexample.org");
    }),
    ("a host that begins alike", Refused, |c, _| {
        origin(c, "https://example.org.bad.net");
    }),
    ("reduced to its host", Refused, |c, _| {
        origin(c, "example.org");
    }),
    ("with a path", Refused, |c, _| {
        origin(c, "https://example.org/");
    }),
    ("with a user", Refused, |c, _| {
        origin(c, "https://ada@example.org");
    }),
    ("in capitals", Refused, |c, _| {
        origin(c, "https://EXAMPLE.org");
    }),
    ("opaque", Refused, |c, _| origin(c, "null")),
    ("no origin", Refused, |c, _| origin(c, "")),
    ("an app", Refused, |c, _| {
        origin(c, "android:apk-key-hash:xyz");
    }),
    ("the type of a sign-in", Refused, |c, _| {
        c.said.kind = "webauthn.get".to_owned();
    }),
    ("the type of a payment", Refused, |c, _| {
        c.said.kind = "payment.get".to_owned();
    }),
    ("no type", Refused, |c, _| c.said.kind = String::new()),
    ("a foreign challenge", Refused, |c, _| {
        c.said.challenge = super::device::encode(&[1; 32]);
    }),
    ("an empty challenge", Refused, |c, _| {
        c.said.challenge = String::new();
    }),
    ("half a challenge", Refused, |c, _| {
        c.said.challenge.truncate(22);
    }),
    ("a padded challenge", Refused, |c, _| {
        c.said.challenge.push('=');
    }),
    ("in a frame of others", Refused, |c, _| {
        more(c, r#","crossOrigin":true"#);
    }),
    ("below another page", Refused, |c, _| {
        more(c, r#","topOrigin":"https://example.org""#);
    }),
    ("bound to TLS", Refused, |c, _| {
        more(c, r#","tokenBinding":{"status":"present","id":"eA"}"#);
    }),
    ("a binding that is none", Malformed, |c, _| {
        more(c, r#","tokenBinding":"none""#);
    }),
    ("two origins", Malformed, |c, _| {
        more(c, r#","origin":"https://example.org""#);
    }),
    ("two types", Malformed, |c, _| {
        more(c, r#","type":"webauthn.create""#);
    }),
    ("two answers to crossOrigin", Malformed, |c, _| {
        more(c, r#","crossOrigin":false,"crossOrigin":false"#);
    }),
    ("a word for crossOrigin", Malformed, |c, _| {
        more(c, r#","crossOrigin":"false""#);
    }),
    ("not JSON", Malformed, |c, _| {
        c.said.json = Some(b"type=webauthn.create".to_vec());
    }),
    ("nothing", Malformed, |c, _| c.said.json = Some(Vec::new())),
    ("an array", Malformed, |c, _| {
        c.said.json = Some(b"[]".to_vec());
    }),
    ("an object without members", Malformed, |c, _| {
        c.said.json = Some(b"{}".to_vec());
    }),
    ("a mark of the byte order", Malformed, |c, _| {
        c.said.json = Some([b"\xef\xbb\xbf", &c.said.with("")[..]].concat());
    }),
    ("something behind it", Malformed, |c, _| {
        c.said.json = Some([&c.said.with("")[..], b"{}"].concat());
    }),
    ("bytes that are no text", Malformed, |c, _| {
        c.said.json = Some(
            c.said
                .with(r#","x":"y""#)
                .iter()
                .map(|b| if *b == b'y' { 0xff } else { *b })
                .collect(),
        );
    }),
];

/// What the authenticator says (§6.1).
const DATA: &[Row] = &[
    ("another domain", Refused, |c, _| {
        c.rp = "example.com".to_owned();
    }),
    ("the hash of the origin", Refused, |c, _| {
        c.rp = "https://example.org".to_owned();
    }),
    ("nobody there", Refused, |c, _| c.flags = UV | AT),
    ("backed up though it cannot be", Malformed, |c, _| {
        c.flags |= BS;
    }),
    ("no credential", Malformed, |c, _| c.flags = UP | UV),
    ("a credential not announced", Malformed, |c, _| {
        let key = c.key.clone();
        (c.flags, c.tail) = (UP | UV, key);
    }),
    ("a byte behind it", Malformed, |c, _| c.tail = vec![0]),
    ("extensions not announced", Malformed, |c, _| {
        c.tail = vec![0xa0];
    }),
    ("extensions announced and missing", Malformed, |c, _| {
        c.flags |= ED;
    }),
    ("extensions that are no map", Malformed, |c, _| {
        c.flags |= ED;
        c.tail = vec![0x80];
    }),
    ("extensions and a byte behind them", Malformed, |c, _| {
        c.flags |= ED;
        c.tail = vec![0xa0, 0];
    }),
    ("empty", Malformed, |c, _| c.data = Some(Vec::new())),
    ("36 bytes", Malformed, |c, _| c.data = Some(vec![0; 36])),
    ("an id of no length", Malformed, |c, _| {
        c.id_length = Some(0);
    }),
    ("an id longer than there is", Malformed, |c, _| {
        c.id_length = Some(1023);
    }),
    ("an id of 65,535 bytes", Malformed, |c, _| {
        c.id_length = Some(u16::MAX);
    }),
    ("an id shorter than it is", Malformed, |c, _| {
        c.id_length = Some(16);
    }),
];

/// What is around it (§5.1).
const ENVELOPE: &[Row] = &[
    ("an id that is another's", Malformed, |c, _| {
        c.envelope = |v| v["id"] = "AAAA".into();
    }),
    ("an id that is not in the data", Malformed, |c, _| {
        c.envelope = |v| {
            (v["id"], v["rawId"]) = ("AAAA".into(), "AAAA".into());
        }
    }),
    ("a padded id", Malformed, |c, _| {
        c.envelope = |v| v["rawId"] = "AA==".into();
    }),
    ("no id", Malformed, |c, _| {
        c.envelope = |v| v["id"] = Value::Null;
    }),
    ("a password", Malformed, |c, _| {
        c.envelope = |v| v["type"] = "password".into();
    }),
    ("no response", Malformed, |c, _| {
        c.envelope = |v| v["response"] = Value::Null;
    }),
    ("an answer to a sign-in", Malformed, |c, _| {
        c.envelope = |v| {
            v["response"]["attestationObject"] = Value::Null;
        }
    }),
    (
        "data of the browser that is no base64url",
        Malformed,
        |c, _| {
            c.envelope = |v| {
                v["response"]["clientDataJSON"] = "+/+/".into();
            }
        },
    ),
    ("an array", Malformed, |c, _| {
        c.envelope = |v| *v = serde_json::json!([]);
    }),
];

fn origin(created: &mut Created, origin: &str) {
    created.said.origin = origin.to_owned();
}

fn more(created: &mut Created, more: &str) {
    created.said.json = Some(created.said.with(more));
}

#[test]
fn webauthn_7_1_no_bad_registration_is_taken() {
    let mut count = 0;
    let mut wrong = Vec::new();
    for (name, problem, spoil) in [SAID, DATA, objects::KEY, objects::OBJECT, ENVELOPE].concat() {
        let (device, (options, state)) = (Device::new(), begin(&[]));
        let mut created = device.create(&options);
        spoil(&mut created, &device);
        let answer = created.render(&device);
        let bound = party().finish_registration(&state, &answer, None);
        if bound.as_ref().err() != Some(&problem) {
            wrong.push((name, bound.map(|_| ())));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(count >= 100, "{count}");
}

#[test]
fn webauthn_7_1_an_answer_to_one_ceremony_is_none_to_another() {
    let (device, (options, first), (_, second)) = (Device::new(), begin(&[]), begin(&[]));
    let answer = device.create(&options).render(&device);
    let bound = party().finish_registration(&second, &answer, None);
    assert_eq!(bound, Err(Refused));
    assert!(party().finish_registration(&first, &answer, None).is_ok());
}

#[test]
fn webauthn_5_4_what_is_bound_already_is_not_bound_again() {
    let device = Device::new();
    let (options, state) = begin(&[vec![1; 16], device.id.clone()]);
    let answer = device.create(&options).render(&device);
    let state = Registration::from_bytes(&state.to_bytes().expect("writes")).expect("reads");
    let bound = party().finish_registration(&state, &answer, None);
    assert_eq!(bound, Err(AlreadyBound));
}
