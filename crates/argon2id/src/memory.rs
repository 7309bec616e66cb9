//! Where the blocks of a hash are: kept from one hash to the next, on huge pages if there are any.
//!
//! A fresh 19 MiB for every hash would be paid for in page faults and handed back to the system
//! between two sign-ins. And Argon2id jumps about in it: on pages of four KiB nearly every block it
//! reads is a page whose address the processor has to look up first. Linux gives pages of two MiB to
//! whoever asks for them, unless they are switched off; then, and elsewhere, the ordinary ones do.
//!
//! It still holds the blocks of the last hash, which are worth as much to a reader of our memory as
//! the password that was in it a moment before; the next hash overwrites them.

#[cfg(target_arch = "x86_64")]
use memmap2::{MmapMut, MmapOptions};
#[cfg(target_arch = "x86_64")]
use zerocopy::FromBytes;

#[cfg(target_arch = "x86_64")]
use crate::block::{BLOCK_BYTES, Block};

/// The memory of one hash at a time. Empty until the first.
#[derive(Default)]
pub struct Memory {
    #[cfg(target_arch = "x86_64")]
    mapping: Option<Mapping>,
    portable: Vec<argon2::Block>,
}

/// Memory from the system: `bytes` of it from `start` on.
#[cfg(target_arch = "x86_64")]
struct Mapping {
    all: MmapMut,
    start: usize,
    bytes: usize,
}

/// The size of a huge page on this processor.
#[cfg(target_arch = "x86_64")]
const HUGE_PAGE: usize = 2 << 20;

// === impl Memory ===

impl Memory {
    /// Gives how many bytes it holds.
    #[must_use]
    pub fn bytes(&self) -> usize {
        #[cfg(target_arch = "x86_64")]
        let mapped = self.mapping.as_ref().map_or(0, |mapping| mapping.bytes);
        #[cfg(not(target_arch = "x86_64"))]
        let mapped = 0;
        mapped + size_of_val(self.portable.as_slice())
    }

    /// Gives so many blocks, with whatever is in them; `None` if the system has none.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn blocks(&mut self, count: u32) -> Option<&mut [Block]> {
        let bytes = usize::try_from(count).ok()?.checked_mul(BLOCK_BYTES)?;
        if self.mapping.as_ref().map(|mapping| mapping.bytes) != Some(bytes) {
            // Also smaller again after a hash with greater parameters. The old goes first: there is
            // never more than one.
            self.mapping = None;
            self.mapping = Mapping::new(bytes);
        }
        let mapping = self.mapping.as_mut()?;
        let end = mapping.start.checked_add(bytes)?;
        let bytes = mapping.all.get_mut(mapping.start..end)?;
        <[Block]>::mut_from_bytes(bytes).ok()
    }

    /// Gives so many blocks to the `argon2` crate.
    pub(crate) fn portable(&mut self, count: usize) -> &mut [argon2::Block] {
        if self.portable.len() != count {
            self.portable = Vec::new();
            self.portable.resize(count, argon2::Block::new());
        }
        &mut self.portable
    }
}

// === impl Mapping ===

#[cfg(target_arch = "x86_64")]
impl Mapping {
    fn new(bytes: usize) -> Option<Self> {
        let slack = if bytes < HUGE_PAGE { 0 } else { HUGE_PAGE };
        let all = MmapOptions::new()
            .len(bytes.checked_add(slack)?)
            .map_anon()
            .ok()?;
        // What lies before and behind is address space that is never touched.
        let start = all.as_ptr().align_offset(HUGE_PAGE).min(slack);
        let mapping = Self { all, start, bytes };
        mapping.ask_for_huge_pages();
        Some(mapping)
    }

    /// Asks for as many as are filled whole. Not getting them is no reason not to hash.
    #[cfg(target_os = "linux")]
    fn ask_for_huge_pages(&self) {
        let whole = self.bytes - self.bytes % HUGE_PAGE;
        if whole > 0 && !cfg!(miri) {
            let advice = memmap2::Advice::HugePage;
            let _ = self.all.advise_range(advice, self.start, whole);
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn ask_for_huge_pages(&self) {}
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    #[test]
    fn it_is_as_large_as_was_asked_for_last() {
        let mut memory = Memory::default();
        for count in [8, 4096, 8] {
            assert_eq!(
                memory.blocks(count).map(|blocks| blocks.len()),
                Some(usize::try_from(count).expect("fits"))
            );
        }
        assert_eq!(memory.bytes(), 8 * BLOCK_BYTES);
        let huge = memory.blocks(4096).expect("given");
        assert!(huge.as_ptr().is_aligned());
        assert_eq!(huge.as_ptr().addr() % HUGE_PAGE, 0);
    }

    #[test]
    fn what_the_system_does_not_have_is_none() {
        assert!(Mapping::new(1 << 60).is_none());
        assert!(Mapping::new(usize::MAX).is_none());
    }
}
