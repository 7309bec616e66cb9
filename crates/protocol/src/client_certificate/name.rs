//! Distinguished names in the form of a string (RFC 4514).
//!
//! A name is read strictly: short names of attributes as RFC 4514 §3 has them and a few that client
//! certificates are made with, any other attribute by its object identifier and the `#` form. Two names
//! are the same if they have the same parts in the same order, letter for letter: an authority that
//! gives out names which differ in case alone has given them to two.

use x509_parser::asn1_rs::{Any, FromDer};
use x509_parser::x509::{AttributeTypeAndValue, RelativeDistinguishedName, X509Name};

/// The attributes that have a short name (RFC 4514 §3, RFC 4519 §2.31, RFC 2985 §5.2.1, X.520).
const SHORT: [(&str, &str); 12] = [
    ("CN", "2.5.4.3"),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("C", "2.5.4.6"),
    ("STREET", "2.5.4.9"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    ("serialNumber", "2.5.4.5"),
    ("organizationIdentifier", "2.5.4.97"),
    ("emailAddress", "1.2.840.113549.1.9.1"),
];

/// What must not stand in a value as it is (RFC 4514 §3).
const FORBIDDEN: [u8; 6] = [b'"', b'+', b';', b'<', b'>', 0];

/// What may follow a backslash as itself (RFC 4514 §3).
const ESCAPABLE: [u8; 10] = [b'"', b'+', b',', b';', b'<', b'>', b' ', b'#', b'=', b'\\'];

/// A distinguished name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DistinguishedName {
    /// Its parts in the order of a certificate, which is the other way round than in the string.
    parts: Vec<Vec<Attribute>>,
}

/// One attribute of a part, of which there are rarely several.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Attribute {
    kind: String,
    value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Text(String),
    /// The DER of the value.
    Encoded(Vec<u8>),
}

// === impl DistinguishedName ===

impl DistinguishedName {
    /// Reads a name; `None` if it is none, or empty.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts: Vec<_> = split(text, ',')
            .into_iter()
            .map(|part| split(part.trim_start_matches(' '), '+'))
            .map(|part| part.into_iter().map(Attribute::parse).collect())
            .collect::<Option<_>>()?;
        parts.reverse();
        Some(Self { parts })
    }

    /// Says whether a certificate's name is this one.
    pub(super) fn is(&self, name: &X509Name<'_>) -> bool {
        let presented: Vec<_> = name.iter().collect();
        presented.len() == self.parts.len()
            && presented
                .into_iter()
                .zip(&self.parts)
                .all(|(presented, part)| is_part(part, presented))
    }
}

/// Parts are sets: the order of their attributes does not matter.
fn is_part(part: &[Attribute], presented: &RelativeDistinguishedName<'_>) -> bool {
    presented.iter().count() == part.len()
        && presented
            .iter()
            .all(|one| part.iter().any(|attribute| attribute.is(one)))
        && part
            .iter()
            .all(|attribute| presented.iter().any(|one| attribute.is(one)))
}

// === impl Attribute ===

impl Attribute {
    fn parse(text: &str) -> Option<Self> {
        let (kind, value) = text.split_once('=')?;
        let short = SHORT
            .iter()
            .find(|(short, _)| short.eq_ignore_ascii_case(kind));
        let value = match value.strip_prefix('#') {
            Some(hex) => Value::Encoded(decode_hex(hex)?),
            // RFC 4514 §2.4: only a short name may have its value as text.
            None => Value::Text(short.and_then(|_| unescape(value))?),
        };
        let kind = short.map_or(kind, |(_, number)| number);
        let is_number = |arc: &str| !arc.is_empty() && arc.bytes().all(|b| b.is_ascii_digit());
        kind.split('.').all(is_number).then(|| Self {
            kind: kind.to_owned(),
            value,
        })
    }

    fn is(&self, presented: &AttributeTypeAndValue<'_>) -> bool {
        self.kind == presented.attr_type().to_id_string() && self.value.is(presented)
    }
}

// === impl Value ===

impl Value {
    fn is(&self, presented: &AttributeTypeAndValue<'_>) -> bool {
        match self {
            Self::Text(text) => presented.as_str().is_ok_and(|other| other == text),
            Self::Encoded(der) => match Any::from_der(der) {
                Ok(([], any)) => {
                    let other = presented.attr_value();
                    any.class() == other.class()
                        && any.tag() == other.tag()
                        && any.data == other.data
                }
                _ => false,
            },
        }
    }
}

/// Splits at a separator that no backslash stands before.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut is_escaped = false;
    text.split(|letter| {
        let splits = letter == separator && !is_escaped;
        is_escaped = letter == '\\' && !is_escaped;
        splits
    })
    .collect()
}

/// Reads a value: neither empty nor with an unescaped space at either end.
fn unescape(text: &str) -> Option<String> {
    if text.is_empty() || text.starts_with(' ') {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut is_last_bare_space = false;
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        is_last_bare_space = byte == b' ';
        match byte {
            b'\\' => bytes.push(read_escaped(&mut rest)?),
            byte if FORBIDDEN.contains(&byte) => return None,
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes)
        .ok()
        .filter(|_| !is_last_bare_space)
}

fn read_escaped(rest: &mut impl Iterator<Item = u8>) -> Option<u8> {
    let first = rest.next()?;
    if ESCAPABLE.contains(&first) {
        return Some(first);
    }
    hex_pair(first, rest.next()?)
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let bytes: Vec<u8> = pairs
        .iter()
        .map(|[high, low]| hex_pair(*high, *low))
        .collect::<Option<_>>()?;
    (!bytes.is_empty()).then_some(bytes)
}

fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let digit = |byte| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}
