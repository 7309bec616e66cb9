//! What a hash costs (RFC 9106 §3.1), and the shape its memory has by that (§3.2).

use crate::Refused;

/// In how many slices a pass goes over the memory (RFC 9106 §3.4).
pub(crate) const SLICES: u32 = 4;

/// Memory, passes and lanes; checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameters {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

// === impl Parameters ===

impl Parameters {
    /// Checks them: at least eight KiB for each lane, one pass, one lane and at most 2²⁴ − 1.
    pub const fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, Refused> {
        if passes == 0 || lanes == 0 || lanes > 0x00ff_ffff || memory_kib / 8 < lanes {
            return Err(Refused::Outside);
        }
        Ok(Self {
            memory_kib,
            passes,
            lanes,
        })
    }

    /// Gives the memory as it was asked for.
    pub(crate) const fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// Gives how often the memory is gone over.
    pub(crate) const fn passes(self) -> u32 {
        self.passes
    }

    /// Gives the number of lanes.
    pub(crate) const fn lanes(self) -> u32 {
        self.lanes
    }

    /// Gives how many blocks a lane has of one slice.
    pub(crate) const fn segment(self) -> u32 {
        self.memory_kib / (SLICES * self.lanes)
    }

    /// Gives how many blocks a lane has.
    pub(crate) const fn lane(self) -> u32 {
        self.segment() * SLICES
    }

    /// Gives how many blocks there are: what was asked for, rounded down to whole segments.
    pub(crate) const fn blocks(self) -> u32 {
        self.lane() * self.lanes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_of_anything_is_refused() {
        for (memory_kib, passes, lanes) in [
            (7, 1, 1),
            (15, 1, 2),
            (8, 0, 1),
            (8, 1, 0),
            (u32::MAX, 1, 1 << 24),
        ] {
            let refused = Parameters::new(memory_kib, passes, lanes);
            assert_eq!(
                refused,
                Err(Refused::Outside),
                "{memory_kib} {passes} {lanes}"
            );
        }
        assert!(Parameters::new(8, 1, 1).is_ok());
    }

    #[test]
    fn memory_is_rounded_down_to_whole_segments() {
        let parameters = Parameters::new(47, 1, 2).expect("allowed");
        assert_eq!((parameters.segment(), parameters.lane()), (5, 20));
        assert_eq!(parameters.blocks(), 40);
        let most = Parameters::new(u32::MAX, 1, 1).expect("allowed");
        assert_eq!(most.blocks(), u32::MAX - 3);
    }
}
