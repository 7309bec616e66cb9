//! The block function on AVX2: thirty-two half vectors, of which the processor holds a quarter at a
//! time, so each is read and written twice.
//!
//! A half vector is a row's four words of one letter. Of a column it has two words, and of its
//! neighbour two: there a letter's four are in two half vectors, and what turns them against each
//! other works within the 128 bits that belong to one column.

use std::arch::x86_64::{
    __m256i, _mm256_add_epi64, _mm256_alignr_epi8, _mm256_mul_epu32, _mm256_permute4x64_epi64,
    _mm256_setr_epi8, _mm256_shuffle_epi8, _mm256_shuffle_epi32, _mm256_srli_epi64,
    _mm256_xor_si256,
};

use zerocopy::{FromZeros, transmute_mut, transmute_ref};

use crate::block::Block;

/// Two half vectors of one letter.
type Letter = [__m256i; 2];
/// A block: rows in pairs, letters, the two rows of the pair.
type Halves = [[Letter; 4]; 4];

/// See [`Mixer::mix`](super::Mixer::mix).
#[target_feature(enable = "avx2")]
pub(super) fn mix(before: &Block, reference: &Block, here: &mut Block, over: bool) {
    let before: &[__m256i; 32] = transmute_ref!(before);
    let reference: &[__m256i; 32] = transmute_ref!(reference);
    let here: &mut [__m256i; 32] = transmute_mut!(here);
    let mut halves = Halves::new_zeroed();
    let state: &mut [__m256i; 32] = transmute_mut!(&mut halves);
    let operands = before.iter().zip(reference);
    for ((state, here), (before, reference)) in state.iter_mut().zip(&mut *here).zip(operands) {
        *state = _mm256_xor_si256(*before, *reference);
        *here = if over {
            _mm256_xor_si256(*here, *state)
        } else {
            *state
        };
    }
    for rows in &mut halves {
        mix_rows(rows);
    }
    let [first, second, third, fourth] = &mut halves;
    let columns = first.iter_mut().zip(second).zip(third).zip(fourth);
    for (((a, b), c), d) in columns {
        let mut letters = [*a, *b, *c, *d];
        mix_columns(&mut letters);
        [*a, *b, *c, *d] = letters;
    }
    let state: &[__m256i; 32] = transmute_ref!(&halves);
    for (here, state) in here.iter_mut().zip(state) {
        *here = _mm256_xor_si256(*here, *state);
    }
}

/// Mixes two rows: their columns, then their diagonals, which are brought below each other by turning
/// a, c and d against b, which is the last to be ready.
#[inline]
#[target_feature(enable = "avx2")]
fn mix_rows(letters: &mut [Letter; 4]) {
    mix_quarters(letters);
    let [a, _, c, d] = letters;
    for ((a, c), d) in a.iter_mut().zip(c).zip(d) {
        *a = _mm256_permute4x64_epi64::<0b10_01_00_11>(*a);
        *c = _mm256_permute4x64_epi64::<0b00_11_10_01>(*c);
        *d = _mm256_permute4x64_epi64::<0b01_00_11_10>(*d);
    }
    mix_quarters(letters);
    let [a, _, c, d] = letters;
    for ((a, c), d) in a.iter_mut().zip(c).zip(d) {
        *a = _mm256_permute4x64_epi64::<0b00_11_10_01>(*a);
        *c = _mm256_permute4x64_epi64::<0b10_01_00_11>(*c);
        *d = _mm256_permute4x64_epi64::<0b01_00_11_10>(*d);
    }
}

/// Mixes two columns likewise; turning d by two only changes its half vectors' places.
#[inline]
#[target_feature(enable = "avx2")]
fn mix_columns(letters: &mut [Letter; 4]) {
    mix_quarters(letters);
    let [a, b, c, d] = *letters;
    *letters = [swap(turn(a)), b, turn(c), swap(d)];
    mix_quarters(letters);
    let [a, b, c, d] = *letters;
    *letters = [turn(a), b, swap(turn(c)), swap(d)];
}

/// Turns a letter's four words by one: 1 2, 3 0.
#[inline]
#[target_feature(enable = "avx2")]
fn turn([low, high]: Letter) -> Letter {
    [
        _mm256_alignr_epi8::<8>(high, low),
        _mm256_alignr_epi8::<8>(low, high),
    ]
}

/// Turns a letter's four words by two: 2 3, 0 1.
#[inline]
#[target_feature(enable = "avx2")]
fn swap([low, high]: Letter) -> Letter {
    [high, low]
}

/// The G of `BLAKE2b` with a multiplication in each addition (RFC 9106 §3.6), on all words of four letters.
#[inline]
#[target_feature(enable = "avx2")]
fn mix_quarters([a, b, c, d]: &mut [Letter; 4]) {
    add(a, b);
    for (d, a) in d.iter_mut().zip(&*a) {
        *d = _mm256_shuffle_epi32::<0b10_11_00_01>(_mm256_xor_si256(*d, *a));
    }
    add(c, d);
    for (b, c) in b.iter_mut().zip(&*c) {
        *b = right_by_bytes::<3>(_mm256_xor_si256(*b, *c));
    }
    add(a, b);
    for (d, a) in d.iter_mut().zip(&*a) {
        *d = right_by_bytes::<2>(_mm256_xor_si256(*d, *a));
    }
    add(c, d);
    for (b, c) in b.iter_mut().zip(&*c) {
        let sum = _mm256_xor_si256(*b, *c);
        *b = _mm256_xor_si256(_mm256_srli_epi64::<63>(sum), _mm256_add_epi64(sum, sum));
    }
}

/// Adds `y` to `x`, and twice the product of their lower halves.
#[inline]
#[target_feature(enable = "avx2")]
fn add(x: &mut Letter, y: &Letter) {
    for (x, y) in x.iter_mut().zip(y) {
        let product = _mm256_mul_epu32(*x, *y);
        let sum = _mm256_add_epi64(*x, *y);
        *x = _mm256_add_epi64(sum, _mm256_add_epi64(product, product));
    }
}

/// Turns every word right by two or three bytes.
#[inline]
#[target_feature(enable = "avx2")]
fn right_by_bytes<const BYTES: u8>(words: __m256i) -> __m256i {
    let order = if BYTES == 2 {
        _mm256_setr_epi8(
            2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9, 2, 3, 4, 5, 6, 7, 0, 1, 10, 11,
            12, 13, 14, 15, 8, 9,
        )
    } else {
        _mm256_setr_epi8(
            3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10, 3, 4, 5, 6, 7, 0, 1, 2, 11, 12,
            13, 14, 15, 8, 9, 10,
        )
    };
    _mm256_shuffle_epi8(words, order)
}
