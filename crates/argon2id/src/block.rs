//! A block: 1024 bytes, kept as the vectors it is computed in.
//!
//! RFC 9106 §3.5 sees a block as eight rows of sixteen words, mixes each row, and then each of eight
//! columns that are two words wide. If a vector holds two words of two neighbouring columns in two
//! neighbouring rows, both steps find their words without moving any between vectors: a row's and a
//! column's quarters are always whole registers. So the words lie in memory in that order:
//! [`place`] says where. Only a block's first filling, its last reading and the addresses of the
//! first half pass need to know; mixing, adding and copying do not.

use std::arch::x86_64::__m512i;

use zerocopy::{FromZeros, transmute_mut, transmute_ref};

/// How many bytes a block has.
pub(crate) const BLOCK_BYTES: usize = 1024;
/// How many words a block has.
pub(crate) const WORDS: usize = 128;

/// A block. AVX2 sees the same bytes as vectors of half the width.
pub(crate) type Block = [__m512i; 16];

/// Gives a block of zeros.
pub(crate) fn zeros() -> Block {
    Block::new_zeroed()
}

/// Gives the words, in the order they lie in.
pub(crate) fn words(block: &Block) -> &[u64; WORDS] {
    transmute_ref!(block)
}

/// Gives the words to be written, in the order they lie in.
pub(crate) fn words_mut(block: &mut Block) -> &mut [u64; WORDS] {
    transmute_mut!(block)
}

/// Says where a word of the standard's block lies.
///
/// A word's number is, bit by bit, `rrr kkk p`: row, column, which of two. The lowest bit of the row
/// changes places with the two highest of the column: `rr kk r k p`. The first word stays the first.
pub(crate) const fn place(word: usize) -> usize {
    (word & 0b110_0011) | (word & 0b000_1100) << 1 | (word & 0b001_0000) >> 2
}

/// Reads a block as the standard writes it.
pub(crate) fn load(block: &mut Block, bytes: &[u8; BLOCK_BYTES]) {
    let (chunks, _) = bytes.as_chunks::<8>();
    let to = words_mut(block);
    for (word, chunk) in chunks.iter().enumerate() {
        if let Some(to) = to.get_mut(place(word)) {
            *to = u64::from_le_bytes(*chunk);
        }
    }
}

/// Adds a block, in the standard's writing, onto `bytes`.
pub(crate) fn add_onto(bytes: &mut [u8; BLOCK_BYTES], block: &Block) {
    let (chunks, _) = bytes.as_chunks_mut::<8>();
    let from = words(block);
    for (word, chunk) in chunks.iter_mut().enumerate() {
        if let Some(from) = from.get(place(word)) {
            *chunk = (u64::from_le_bytes(*chunk) ^ from).to_le_bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_a_place_of_its_own() {
        let mut places: Vec<_> = (0..WORDS).map(place).collect();
        assert_eq!(places[0], 0);
        places.sort_unstable();
        assert!(places.into_iter().eq(0..WORDS));
    }

    #[test]
    fn what_is_loaded_is_read_back() {
        let bytes: [u8; BLOCK_BYTES] =
            std::array::from_fn(|byte| u8::try_from(byte % 251).expect("fits"));
        let (mut block, mut sum) = (zeros(), [0; BLOCK_BYTES]);
        load(&mut block, &bytes);
        add_onto(&mut sum, &block);
        assert_eq!(sum, bytes);
        add_onto(&mut sum, &block);
        assert_eq!(sum, [0; BLOCK_BYTES]);
    }
}
