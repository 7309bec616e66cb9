//! What the library lets through, and we do not.
//!
//! Each check says which paragraph it answers. They run before the library's own; what passes here is
//! still to be judged by it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_cbor_2::{Deserializer, Value};

use crate::Problem;

/// What a browser says that it was asked (§5.8.1). Members that we do not know are ignored, as the
/// standard demands; those that we know come once.
#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin")]
    cross_origin: Option<bool>,
    #[serde(rename = "topOrigin")]
    top_origin: Option<serde_json::Value>,
    #[serde(rename = "tokenBinding")]
    token_binding: Option<TokenBinding>,
}

#[derive(Deserialize)]
struct TokenBinding {
    status: String,
}

/// The bytes before attested credential data: hash, flags, counter (§6.1).
const FIXED: usize = 37;
const FLAGS_AT: usize = 32;
const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
const HAS_CREDENTIAL: u8 = 0x40;
const HAS_EXTENSIONS: u8 = 0x80;
const AAGUID_BYTES: usize = 16;
/// Names of algorithms and curves (RFC 9053 §2.1, §7.1).
const ES256: i128 = -7;
const ES384: i128 = -35;
const P256: i128 = 1;
const P384: i128 = 2;
/// §7.1, step 25.
const MAX_CREDENTIAL_ID: usize = 1023;

/// Checks the name of a credential: `id` is `rawId` in base64url, and it is a public key (§5.1).
pub(crate) fn check_envelope(id: &str, raw_id: &[u8], kind: &str) -> Result<(), Problem> {
    let is_named = URL_SAFE_NO_PAD.encode(raw_id) == id;
    if is_named && kind == "public-key" && (1..=MAX_CREDENTIAL_ID).contains(&raw_id.len()) {
        Ok(())
    } else {
        Err(Problem::Malformed)
    }
}

/// Checks what a browser says that it was asked (§7.1, steps 5 to 12; §7.2, steps 9 to 14).
pub(crate) fn check_client_data(
    json: &[u8],
    kind: &str,
    origins: &[String],
) -> Result<(), Problem> {
    let data: ClientData = serde_json::from_slice(json).map_err(|_| Problem::Malformed)?;
    // Browsers write origins in one way only. Parsing them first would make others the same.
    let is_ours = origins.contains(&data.origin);
    // We are in no frame of others, so neither of the two is expected.
    let is_framed = data.cross_origin == Some(true) || data.top_origin.is_some();
    // Token binding was never in use here (Level 2, §7.1, step 10).
    let is_bound = data
        .token_binding
        .is_some_and(|binding| binding.status == "present");
    // One challenge has one spelling (§7.1, step 8): no padding, no stray bits.
    let is_spelt = URL_SAFE_NO_PAD.decode(&data.challenge).is_ok();
    if data.kind == kind && is_ours && !is_framed && !is_bound && is_spelt {
        Ok(())
    } else {
        Err(Problem::Refused)
    }
}

/// Checks an attestation object, and gives the id of the credential in it.
///
/// Nothing follows it, nothing is in it twice, no length is indefinite: then it is as long as it is when
/// written anew. Browsers put it together, in whatever order (§6.5.4). A statement of the format `none`
/// is empty (§8.7).
pub(crate) fn check_attestation_object(bytes: &[u8]) -> Result<Vec<u8>, Problem> {
    let object: Value = serde_cbor_2::from_slice(bytes).map_err(|_| Problem::Malformed)?;
    let anew = serde_cbor_2::to_vec(&object).map_err(|_| Problem::Malformed)?;
    let Value::Map(members) = object else {
        return Err(Problem::Malformed);
    };
    if anew.len() != bytes.len() {
        return Err(Problem::Malformed);
    }
    let member = |name: &str| members.get(&Value::Text(name.to_owned()));
    // The library takes a name written as bytes for the text, so all three are asked for here.
    let Some(Value::Text(format)) = member("fmt") else {
        return Err(Problem::Malformed);
    };
    let Some(Value::Map(statement)) = member("attStmt") else {
        return Err(Problem::Malformed);
    };
    if format == "none" && !statement.is_empty() {
        return Err(Problem::Malformed);
    }
    let Some(Value::Bytes(data)) = member("authData") else {
        return Err(Problem::Malformed);
    };
    check_authenticator_data(data)?.ok_or(Problem::Malformed)
}

/// Checks that authenticator data for a sign-in names no credential (§6.1, AT).
pub(crate) fn check_assertion_data(data: &[u8]) -> Result<(), Problem> {
    match check_authenticator_data(data)? {
        None => Ok(()),
        Some(_) => Err(Problem::Malformed),
    }
}

/// Checks authenticator data to its last byte (§6.1), and gives the id of the credential in it.
fn check_authenticator_data(data: &[u8]) -> Result<Option<Vec<u8>>, Problem> {
    let (fixed, mut rest) = data.split_at_checked(FIXED).ok_or(Problem::Malformed)?;
    let flags = *fixed.get(FLAGS_AT).ok_or(Problem::Malformed)?;
    // What cannot be backed up is not backed up (§6.1.3).
    if flags & BACKED_UP != 0 && flags & BACKUP_ELIGIBLE == 0 {
        return Err(Problem::Malformed);
    }
    let mut credential = None;
    if flags & HAS_CREDENTIAL != 0 {
        let (id, after) = split_credential(rest)?;
        (credential, rest) = (Some(id.to_vec()), after);
    }
    if flags & HAS_EXTENSIONS != 0 {
        let (extensions, after) = split_cbor(rest)?;
        let Value::Map(_) = extensions else {
            return Err(Problem::Malformed);
        };
        rest = after;
    }
    rest.is_empty()
        .then_some(credential)
        .ok_or(Problem::Malformed)
}

/// Splits attested credential data off (§6.5.1), and gives the credential's id.
fn split_credential(data: &[u8]) -> Result<(&[u8], &[u8]), Problem> {
    let (_, rest) = data
        .split_at_checked(AAGUID_BYTES)
        .ok_or(Problem::Malformed)?;
    let (length, rest) = rest.split_first_chunk().ok_or(Problem::Malformed)?;
    let length = usize::from(u16::from_be_bytes(*length));
    if !(1..=MAX_CREDENTIAL_ID).contains(&length) {
        return Err(Problem::Malformed);
    }
    let (id, rest) = rest.split_at_checked(length).ok_or(Problem::Malformed)?;
    let (key, rest) = split_cbor(rest)?;
    check_key(&key)?;
    Ok((id, rest))
}

/// Checks that a key says what it is and nothing optional beside (§6.5.1.1), and that an elliptic one is
/// on the curve of its algorithm (§5.8.5).
fn check_key(key: &Value) -> Result<(), Problem> {
    let Value::Map(parameters) = key else {
        return Err(Problem::Malformed);
    };
    let number = |label| match parameters.get(&Value::Integer(label)) {
        Some(Value::Integer(number)) => Some(*number),
        _ => None,
    };
    let (kind, algorithm, curve) = (number(1), number(3), number(-1));
    let expected = match kind {
        // kty, alg, crv, x; or kty, alg, n, e.
        Some(1 | 3) => 4,
        // kty, alg, crv, x, y.
        Some(2) => 5,
        _ => return Err(Problem::Refused),
    };
    if parameters.len() != expected {
        return Err(Problem::Malformed);
    }
    let fits = match algorithm {
        Some(ES256) => curve == Some(P256),
        Some(ES384) => curve == Some(P384),
        _ => true,
    };
    fits.then_some(()).ok_or(Problem::Refused)
}

/// Splits one value off, which is in the canonical form of CTAP2 (§2, all CBOR): no key twice, no number
/// longer than it need be, nothing of indefinite length, keys in order.
fn split_cbor(data: &[u8]) -> Result<(Value, &[u8]), Problem> {
    let mut reader = Deserializer::from_slice(data);
    let value = Value::deserialize(&mut reader).map_err(|_| Problem::Malformed)?;
    let (read, rest) = data
        .split_at_checked(reader.byte_offset())
        .ok_or(Problem::Malformed)?;
    let anew = serde_cbor_2::to_vec(&value).map_err(|_| Problem::Malformed)?;
    if anew == read {
        Ok((value, rest))
    } else {
        Err(Problem::Malformed)
    }
}
