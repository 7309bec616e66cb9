//! One block from two: the compression function G (RFC 9106 §3.5), on the processor's vectors.
//!
//! A [`Mixer`] exists only where its instructions do, so that having one is the proof that calling
//! them is allowed. This is the one module with `unsafe` in it.

use std::arch::is_x86_feature_detected;
use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

use crate::block::Block;

mod avx2;
mod avx512;
#[cfg(test)]
mod tests;

/// The instructions that blocks are mixed with. They were found on this processor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mixer(Found);

#[derive(Debug, Clone, Copy)]
enum Found {
    Avx512,
    Avx2,
}

// === impl Mixer ===

impl Mixer {
    /// Gives what this processor has, the fastest first.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let avx512 = is_x86_feature_detected!("avx512f").then_some(Self(Found::Avx512));
        let avx2 = is_x86_feature_detected!("avx2").then_some(Self(Found::Avx2));
        avx512.into_iter().chain(avx2)
    }

    /// Names the instructions.
    pub(crate) const fn name(self) -> &'static str {
        match self.0 {
            Found::Avx512 => "AVX-512",
            Found::Avx2 => "AVX2",
        }
    }

    /// Mixes `before` and `reference` into `here`: in its place, or added to it if `over`
    /// (RFC 9106 §3.2, step 6).
    #[expect(
        unsafe_code,
        reason = "a function for instructions that not every processor has"
    )]
    pub(crate) fn mix(self, before: &Block, reference: &Block, here: &mut Block, over: bool) {
        match self.0 {
            // SAFETY: a mixer is made by `all` alone, which found AVX-512F on this processor.
            Found::Avx512 => unsafe { avx512::mix(before, reference, here, over) },
            // SAFETY: the same with AVX2.
            Found::Avx2 => unsafe { avx2::mix(before, reference, here, over) },
        }
    }

    /// Has a block fetched that is needed soon.
    #[expect(unsafe_code, reason = "the processor's hint takes a bare address")]
    pub(crate) fn fetch(block: &Block) {
        for line in block {
            // SAFETY: a hint reads nothing that a program could see, whatever the address; this one
            // is of a vector that we hold a reference to. SSE is part of every x86-64.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(line).cast()) };
        }
    }
}
