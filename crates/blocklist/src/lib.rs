//! Floor 1: the built-in list of common passwords (NIST SP 800-63B-4 §3.1.1.2).
//!
//! Half a million passwords that people really used are kept as a binary fuse filter: 2.3 bytes an
//! entry, embedded in the program and read where it lies. A listed password is always recognised; one
//! in 65,536 others is taken for listed and refused with the same words, which costs its owner a
//! second thought.
//!
//! Entries are compared as NFKC in lower case, by the first 64 bits of their SHA-256. Where the list
//! comes from, its licence, and how the filter is made again: `README.md` beside this file.

use aws_lc_rs::digest::{SHA256, digest};
use protocol::password::Blocklist;
use xorf::{BinaryFuse16, BinaryFuse16Ref, DmaSerializable, Filter, FilterRef};

/// The shortest password that the list holds, in code points: shorter ones are refused for their
/// length (NIST SP 800-63B-4 §3.1.1.2 allows eight at the least).
pub const SHORTEST: usize = 8;

/// Bytes at an address that 16-bit words may be read from.
#[repr(align(2))]
struct Aligned<T: ?Sized>(T);

static COMMON: &Aligned<[u8]> = &Aligned(*include_bytes!("../common.bin"));

/// The built-in list of common passwords.
pub struct Common(BinaryFuse16Ref<'static>);

// === impl Common ===

impl Common {
    /// Opens the embedded filter. Nothing is copied.
    #[must_use]
    pub fn new() -> Self {
        let (fingerprints, descriptor) = COMMON.0.split_at(fingerprint_bytes());
        Self(BinaryFuse16Ref::from_dma(descriptor, fingerprints))
    }
}

impl Default for Common {
    fn default() -> Self {
        Self::new()
    }
}

impl Blocklist for Common {
    /// Says whether the password is listed, or is a listed one several times over: so `password`
    /// does not become a good password by being typed twice.
    fn contains(&self, folded: &str) -> bool {
        self.0.contains(&key(folded)) || repeated(folded).any(|piece| self.0.contains(&key(piece)))
    }
}

/// Gives what the filter knows a folded password by.
#[must_use]
pub fn key(folded: &str) -> u64 {
    digest(&SHA256, folded.as_bytes())
        .as_ref()
        .first_chunk()
        .map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// Gives every shorter text of which `text` is a whole number of copies.
fn repeated(text: &str) -> impl Iterator<Item = &str> {
    let length = text.len();
    (SHORTEST..=length / 2).filter_map(move |piece| {
        let piece = text.get(..piece).filter(|_| length.is_multiple_of(piece))?;
        let copies = text.as_bytes().chunks_exact(piece.len());
        copies
            .into_iter()
            .all(|copy| copy == piece.as_bytes())
            .then_some(piece)
    })
}

/// The fingerprints come first in the file, so that they are aligned as the file is.
fn fingerprint_bytes() -> usize {
    COMMON.0.len() - BinaryFuse16::DESCRIPTOR_LEN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_passwords_are_listed_whatever_their_case_was() {
        let list = Common::new();
        for password in [
            "password",
            "12345678",
            "passwordpassword",
            "qwertyuiop",
            "iloveyou1",
        ] {
            assert!(list.contains(password), "{password}");
        }
    }

    #[test]
    fn a_listed_password_typed_several_times_is_listed() {
        let list = Common::new();
        assert!(list.contains("iloveyou1iloveyou1iloveyou1"));
        assert!(!list.contains("iloveyou1iloveyou1iloveyou"));
    }

    #[test]
    fn at_most_one_in_some_ten_thousand_others_is_taken_for_listed() {
        let list = Common::new();
        let wrong = (0..200_000)
            .filter(|n| list.contains(&format!("a quiet garden in the rain {n}")))
            .count();
        assert!(wrong < 20, "{wrong} of 200,000; 3 are expected");
    }

    #[test]
    fn the_filter_holds_at_least_the_promised_hundred_thousand() {
        let entries = Common::new().0.len() * 8 / 9;
        assert!(entries > 400_000, "{entries}");
    }

    #[test]
    fn texts_of_any_script_and_length_are_judged_without_a_panic() {
        let list = Common::new();
        for text in ["", "é", "🦀🦀🦀🦀🦀🦀🦀🦀", &"ü".repeat(500)] {
            let _ = list.contains(text);
        }
    }
}
