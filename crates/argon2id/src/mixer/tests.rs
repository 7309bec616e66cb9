//! Tests of the block function against RFC 9106 §3.5 and §3.6 read word by word.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::block::{BLOCK_BYTES, WORDS, add_onto, load, zeros};

/// GB (RFC 9106 §3.6).
fn mix_four(words: &mut [u64; WORDS], [a, b, c, d]: [usize; 4]) {
    let product = |x: u64, y: u64| (x & 0xffff_ffff).wrapping_mul(y & 0xffff_ffff);
    for (x, y, z, right) in [(a, b, d, 32), (c, d, b, 24), (a, b, d, 16), (c, d, b, 63)] {
        let twice = product(words[x], words[y]).wrapping_mul(2);
        words[x] = words[x].wrapping_add(words[y]).wrapping_add(twice);
        words[z] = (words[z] ^ words[x]).rotate_right(right);
    }
}

/// P (RFC 9106 §3.6).
fn permute(words: &mut [u64; WORDS], v: [usize; 16]) {
    for four in [
        [0, 4, 8, 12],
        [1, 5, 9, 13],
        [2, 6, 10, 14],
        [3, 7, 11, 15],
        [0, 5, 10, 15],
        [1, 6, 11, 12],
        [2, 7, 8, 13],
        [3, 4, 9, 14],
    ] {
        mix_four(words, four.map(|word| v[word]));
    }
}

/// G (RFC 9106 §3.5).
fn compress(x: &[u64; WORDS], y: &[u64; WORDS]) -> [u64; WORDS] {
    let sum: [u64; WORDS] = std::array::from_fn(|word| x[word] ^ y[word]);
    let mut state = sum;
    for row in 0..8 {
        permute(&mut state, std::array::from_fn(|word| 16 * row + word));
    }
    for column in 0..8 {
        permute(
            &mut state,
            std::array::from_fn(|word| 16 * (word / 2) + 2 * column + word % 2),
        );
    }
    std::array::from_fn(|word| state[word] ^ sum[word])
}

fn block(words: &[u64; WORDS]) -> Block {
    let mut bytes = [0; BLOCK_BYTES];
    for (chunk, word) in bytes.chunks_exact_mut(8).zip(words) {
        chunk.copy_from_slice(&word.to_le_bytes());
    }
    let mut block = zeros();
    load(&mut block, &bytes);
    block
}

fn words(block: &Block) -> [u64; WORDS] {
    let mut bytes = [0; BLOCK_BYTES];
    add_onto(&mut bytes, block);
    let (chunks, _) = bytes.as_chunks();
    std::array::from_fn(|word| u64::from_le_bytes(chunks[word]))
}

fn any_words() -> impl Strategy<Value = [u64; WORDS]> {
    vec(any::<u64>(), WORDS).prop_map(|words| words.try_into().expect("as many"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 256 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_mixer_computes_what_the_standard_says(
        before in any_words(),
        reference in any_words(),
        old in any_words(),
    ) {
        let expected = compress(&before, &reference);
        for mixer in Mixer::all() {
            let mut here = block(&old);
            mixer.mix(&block(&before), &block(&reference), &mut here, false);
            prop_assert_eq!(words(&here), expected, "{}", mixer.name());
            let mut here = block(&old);
            mixer.mix(&block(&before), &block(&reference), &mut here, true);
            let over = std::array::from_fn(|word| expected[word] ^ old[word]);
            prop_assert_eq!(words(&here), over, "{}", mixer.name());
        }
    }
}

#[test]
fn zeros_mixed_with_zeros_are_zeros() {
    for mixer in Mixer::all() {
        let mut here = block(&[7; WORDS]);
        mixer.mix(&zeros(), &zeros(), &mut here, false);
        assert_eq!(words(&here), [0; WORDS], "{}", mixer.name());
        Mixer::fetch(&here);
    }
}
