//! One-time codes as RFC 6238 says, written apart from the service's own.

use aws_lc_rs::hmac;

/// How long a code lasts, in seconds.
pub const STEP: i64 = 30;

/// The code of a time step (RFC 4226 §5.3).
pub fn code(secret: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    let start = usize::from(bytes[19] & 0x0f);
    let four: [u8; 4] = bytes[start..start + 4].try_into().expect("four bytes");
    let number = u32::from_be_bytes(four) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

/// The time steps, of those that are taken at an instant, that a code belongs to.
pub fn steps(secret: &[u8], shown: &str, now: i64) -> Vec<i64> {
    let present = now / STEP;
    let taken = present - 1..=present + 1;
    taken.filter(|step| code(secret, *step) == shown).collect()
}

/// Reads base32 without padding (RFC 4648 §6).
pub fn base32(text: &str) -> Vec<u8> {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits = text.bytes().flat_map(|letter| {
        let value = letters.iter().position(|one| *one == letter);
        let value = value.expect("base32");
        (0..5).rev().map(move |place| (value >> place & 1) == 1)
    });
    let bits: Vec<bool> = bits.collect();
    let byte = |bits: &[bool]| {
        bits.iter()
            .fold(0_u8, |byte, bit| byte << 1 | u8::from(*bit))
    };
    bits.chunks_exact(8).map(byte).collect()
}
