//! Bad keys and attestation objects.

use super::super::device::{Created, Device, Signer, bytes, key, packed, text};
use super::Row;
use crate::Problem::{Malformed, Refused};

/// The key (§6.5.1.1).
pub(super) const KEY: &[Row] = &[
    ("an algorithm not asked for", Refused, |c, _| {
        c.key[4] = 0x27;
    }),
    ("ES512 with a key for ES256", Refused, |c, _| {
        drop(c.key.splice(4..5, [0x38, 0x23]));
    }),
    ("SHA-1", Refused, |c, _| {
        drop(c.key.splice(4..5, [0x39, 0xff, 0xfe]));
    }),
    ("ES384 with a key for ES256", Refused, |c, _| {
        drop(c.key.splice(4..5, [0x38, 0x22]));
    }),
    ("no such algorithm", Refused, |c, _| c.key[4] = 0x18 - 8),
    ("an Edwards key by its type", Malformed, |c, _| c.key[2] = 1),
    ("an RSA key by its type", Malformed, |c, _| c.key[2] = 3),
    ("a symmetric key", Refused, |c, _| c.key[2] = 4),
    ("a curve that is not its own", Refused, |c, _| c.key[6] = 2),
    ("no such curve", Refused, |c, _| c.key[6] = 9),
    ("a point off the curve", Refused, |c, d| {
        c.key = key(d.x(), d.x());
    }),
    ("the point at nothing", Refused, |c, _| {
        c.key = key(&[0; 32], &[0; 32]);
    }),
    ("a short coordinate", Refused, |c, d| {
        c.key = key(&d.x()[1..], d.y());
    }),
    ("a long coordinate", Refused, |c, d| {
        c.key = key(d.x(), &[d.y(), &[0]].concat());
    }),
    ("a coordinate as a sign", Refused, |c, d| {
        c.key = [&key(d.x(), d.y())[..43], &[0xf5]].concat();
    }),
    ("a parameter too many", Malformed, |c, d| {
        c.key = key(d.x(), d.y());
        c.key[0] = 0xa6;
        c.key.extend_from_slice(&[0x23, 0]);
    }),
    ("a parameter too few", Malformed, |c, _| {
        c.key[0] = 0xa4;
        c.key.truncate(42);
    }),
    ("two algorithms", Malformed, |c, _| {
        c.key[0] = 0xa6;
        drop(c.key.splice(5..5, [3, 0x26]));
    }),
    ("keys out of order", Malformed, |c, _| {
        drop(c.key.splice(1..5, [3, 0x26, 1, 2]));
    }),
    ("a number longer than need be", Malformed, |c, _| {
        drop(c.key.splice(2..3, [0x18, 2]));
    }),
    ("a map without an end", Malformed, |c, _| {
        c.key[0] = 0xbf;
        c.key.push(0xff);
    }),
    ("keys that are texts", Refused, |c, _| {
        c.key = [&[0xa1][..], &text("kty"), &[2]].concat();
    }),
    ("an array", Malformed, |c, _| c.key = vec![0x82, 1, 2]),
    ("a map in a map", Refused, |c, _| {
        c.key = vec![0xa1, 1, 0xa1, 1, 2];
    }),
    ("nested without end", Malformed, |c, _| {
        c.key = vec![0x81; 20_000];
    }),
    ("an array of 2^64 items", Malformed, |c, _| {
        c.key = [&[0x9b][..], &[0xff; 8]].concat();
    }),
    ("a map of 2^32 items", Malformed, |c, _| {
        c.key = [&[0xba][..], &[0xff; 4]].concat();
    }),
    ("2^63 bytes", Malformed, |c, _| {
        c.key = [&[0x5b, 0x7f][..], &[0xff; 7]].concat();
    }),
    ("a tag", Malformed, |c, _| {
        c.key = [&[0xd8, 0x18][..], &bytes(&c.key)].concat();
    }),
];

/// The attestation object (§6.5.4, §8).
pub(super) const OBJECT: &[Row] = &[
    ("empty", Malformed, |c, _| c.object = Some(Vec::new())),
    ("not a map", Malformed, |c, _| c.object = Some(vec![0x80])),
    ("a map of nothing", Malformed, |c, _| {
        c.object = Some(vec![0xa0]);
    }),
    ("nested without end", Malformed, |c, _| {
        c.object = Some(vec![0x81; 60_000]);
    }),
    ("2^64 members", Malformed, |c, _| {
        c.object = Some([&[0xbb][..], &[0xff; 8]].concat());
    }),
    ("a byte behind it", Malformed, |c, d| {
        alter(c, d, |object| object.push(0));
    }),
    ("cut", Malformed, |c, d| {
        alter(c, d, |object| object.truncate(100));
    }),
    ("a format twice", Malformed, |c, d| {
        alter(c, d, |object| {
            object[0] = 0xa4;
            drop(object.splice(1..1, [text("fmt"), text("none")].concat()));
        });
    }),
    ("an unknown member twice", Malformed, |c, d| {
        alter(c, d, |object| {
            object[0] = 0xa5;
            drop(object.splice(1..1, [text("x"), vec![1], text("x"), vec![1]].concat()));
        });
    }),
    ("no format", Malformed, |c, d| {
        alter(c, d, |object| object[2] = b'x');
    }),
    ("a format that is bytes", Malformed, |c, _| {
        c.format = bytes(b"none");
    }),
    ("a format that nobody knows", Refused, |c, _| {
        c.format = text("trust-me");
    }),
    ("a format in capitals", Refused, |c, _| {
        c.format = text("NONE");
    }),
    ("a statement of none", Malformed, |c, _| {
        c.statement = |d, m| packed(0x26, &d.sign(m));
    }),
    ("a statement that is an array", Malformed, |c, _| {
        c.statement = |_, _| vec![0x80];
    }),
    ("an empty packed statement", Refused, |c, _| {
        c.format = text("packed");
    }),
    ("a packed signature of another key", Refused, |c, _| {
        by(c, |_, m| packed(0x26, &Device::new().sign(m)));
    }),
    ("a packed signature of something else", Refused, |c, _| {
        by(c, |d, m| packed(0x26, &d.sign(&m[1..])));
    }),
    ("an empty packed signature", Refused, |c, _| {
        by(c, |_, _| packed(0x26, &[]));
    }),
    ("another packed algorithm", Refused, |c, _| {
        by(c, |d, m| packed(0x27, &d.sign(m)));
    }),
    ("a packed signature that is text", Refused, |c, _| {
        by(c, |_, _| {
            [vec![0xa2], text("alg"), vec![0x26], text("sig"), text("x")].concat()
        });
    }),
    ("a packed certificate that is none", Refused, |c, _| {
        by(c, |d, m| {
            let mut statement = packed(0x26, &d.sign(m));
            statement[0] = 0xa3;
            [statement, text("x5c"), vec![0x81], bytes(b"no")].concat()
        });
    }),
    ("no packed certificates in a list", Refused, |c, _| {
        by(c, |d, m| {
            let mut statement = packed(0x26, &d.sign(m));
            statement[0] = 0xa3;
            [statement, text("x5c"), vec![0x80]].concat()
        });
    }),
    ("an empty TPM statement", Refused, |c, _| {
        c.format = text("tpm");
    }),
    ("an empty U2F statement", Refused, |c, _| {
        c.format = text("fido-u2f");
    }),
    ("an empty Android statement", Refused, |c, _| {
        c.format = text("android-key");
    }),
    ("SafetyNet", Refused, |c, _| {
        c.format = text("android-safetynet");
    }),
    ("an empty Apple statement", Refused, |c, _| {
        c.format = text("apple");
    }),
    ("data that is text", Malformed, |c, d| {
        alter(c, d, |object| {
            let place = object.len() - 4;
            object.truncate(place - 170);
            object.extend_from_slice(&text("authData"));
        });
    }),
];

fn by(created: &mut Created, statement: Signer) {
    (created.format, created.statement) = (text("packed"), statement);
}

fn alter(created: &mut Created, device: &Device, how: impl FnOnce(&mut Vec<u8>)) {
    let mut object = created.object(device, &created.said.with(r#","crossOrigin":false"#));
    how(&mut object);
    created.object = Some(object);
}
