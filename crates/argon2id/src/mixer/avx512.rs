//! The block function on AVX-512: a block is sixteen registers, four times four.
//!
//! In each row of registers lie two rows of the block, a quarter of both in each register; in each
//! column of registers four columns of the block likewise. So mixing the block's rows takes a column
//! of registers for each of the letters a, b, c, d of the G of `BLAKE2b`, and mixing its columns a row.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi64, _mm512_mul_epu32, _mm512_permutex_epi64, _mm512_permutexvar_epi64,
    _mm512_ror_epi64, _mm512_setr_epi64, _mm512_shuffle_i64x2, _mm512_xor_si512,
};

use zerocopy::transmute;

use crate::block::{self, Block};

/// Four registers of one letter: independent of each other, so that the processor is never idle.
type Letter = [__m512i; 4];

/// See [`Mixer::mix`](super::Mixer::mix).
#[target_feature(enable = "avx512f")]
pub(super) fn mix(before: &Block, reference: &Block, here: &mut Block, over: bool) {
    let mut state = block::zeros();
    let mut sum = block::zeros();
    for (((state, sum), before), reference) in
        state.iter_mut().zip(&mut sum).zip(before).zip(reference)
    {
        *state = _mm512_xor_si512(*before, *reference);
        *sum = *state;
    }
    if over {
        for (sum, here) in sum.iter_mut().zip(&*here) {
            *sum = _mm512_xor_si512(*sum, *here);
        }
    }
    let mut letters: [Letter; 4] = transpose(transmute!(state));
    mix_rows(&mut letters);
    letters = transpose(letters);
    mix_columns(&mut letters);
    let state: Block = transmute!(letters);
    for ((here, sum), state) in here.iter_mut().zip(sum).zip(state) {
        *here = _mm512_xor_si512(sum, state);
    }
}

/// Gives registers other names; no instruction comes of it.
#[inline]
#[target_feature(enable = "avx512f")]
#[expect(clippy::large_types_passed_by_value, reason = "registers, not memory")]
fn transpose(registers: [Letter; 4]) -> [Letter; 4] {
    let [
        [a0, b0, c0, d0],
        [a1, b1, c1, d1],
        [a2, b2, c2, d2],
        [a3, b3, c3, d3],
    ] = registers;
    [
        [a0, a1, a2, a3],
        [b0, b1, b2, b3],
        [c0, c1, c2, c3],
        [d0, d1, d2, d3],
    ]
}

/// Mixes each row: its columns, then its diagonals. They are brought below each other by turning
/// a, c and d against b, which is the last to be ready.
#[inline]
#[target_feature(enable = "avx512f")]
fn mix_rows(letters: &mut [Letter; 4]) {
    mix_quarters(letters);
    let [a, _, c, d] = letters;
    for ((a, c), d) in a.iter_mut().zip(c).zip(d) {
        *a = _mm512_permutex_epi64::<0b10_01_00_11>(*a);
        *c = _mm512_permutex_epi64::<0b00_11_10_01>(*c);
        *d = _mm512_permutex_epi64::<0b01_00_11_10>(*d);
    }
    mix_quarters(letters);
    let [a, _, c, d] = letters;
    for ((a, c), d) in a.iter_mut().zip(c).zip(d) {
        *a = _mm512_permutex_epi64::<0b00_11_10_01>(*a);
        *c = _mm512_permutex_epi64::<0b10_01_00_11>(*c);
        *d = _mm512_permutex_epi64::<0b01_00_11_10>(*d);
    }
}

/// Mixes each column likewise. A register holds words 0, 1 of two columns in its lower half and
/// words 2, 3 of both in its upper.
#[inline]
#[target_feature(enable = "avx512f")]
fn mix_columns(letters: &mut [Letter; 4]) {
    let forth = _mm512_setr_epi64(1, 4, 3, 6, 5, 0, 7, 2);
    let back = _mm512_setr_epi64(5, 0, 7, 2, 1, 4, 3, 6);
    mix_quarters(letters);
    let [a, _, c, d] = letters;
    for ((a, c), d) in a.iter_mut().zip(c).zip(d) {
        *a = _mm512_permutexvar_epi64(back, *a);
        *c = _mm512_permutexvar_epi64(forth, *c);
        *d = _mm512_shuffle_i64x2::<0b01_00_11_10>(*d, *d);
    }
    mix_quarters(letters);
    let [a, _, c, d] = letters;
    for ((a, c), d) in a.iter_mut().zip(c).zip(d) {
        *a = _mm512_permutexvar_epi64(forth, *a);
        *c = _mm512_permutexvar_epi64(back, *c);
        *d = _mm512_shuffle_i64x2::<0b01_00_11_10>(*d, *d);
    }
}

/// The G of `BLAKE2b` with a multiplication in each addition (RFC 9106 §3.6), on all words of four letters.
#[inline]
#[target_feature(enable = "avx512f")]
fn mix_quarters([a, b, c, d]: &mut [Letter; 4]) {
    step::<32>(a, b, d);
    step::<24>(c, d, b);
    step::<16>(a, b, d);
    step::<63>(c, d, b);
}

/// Adds `y` to `x`, twice the product of their lower halves too, and turns what `z` is then.
#[inline]
#[target_feature(enable = "avx512f")]
fn step<const RIGHT: i32>(x: &mut Letter, y: &Letter, z: &mut Letter) {
    for ((x, y), z) in x.iter_mut().zip(y).zip(z) {
        let product = _mm512_mul_epu32(*x, *y);
        let sum = _mm512_add_epi64(*x, *y);
        *x = _mm512_add_epi64(sum, _mm512_add_epi64(product, product));
        *z = _mm512_ror_epi64::<RIGHT>(_mm512_xor_si512(*z, *x));
    }
}
