//! Chance that can be had again: one number gives one walk.

/// A source of choices (`SplitMix64`).
pub struct Dice {
    state: u64,
    /// Whether what is likely is certain: then the newest of each is taken, and the right one shown.
    pub is_sure: bool,
}

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self {
            state: seed,
            is_sure: false,
        }
    }

    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of so many.
    pub fn below(&mut self, count: usize) -> usize {
        let count = u64::try_from(count.max(1)).expect("few");
        usize::try_from(self.next() % count).expect("few")
    }

    /// True so many times of a hundred.
    pub fn percent(&mut self, percent: usize) -> bool {
        if self.is_sure {
            return percent >= 50;
        }
        self.below(100) < percent
    }

    /// One of a list, if there is any.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        let place = self.below(list.len());
        list.get(place)
    }

    /// A place in a list; late ones more often, since they are more often of use.
    pub fn late(&mut self, count: usize) -> Option<usize> {
        if self.is_sure {
            return count.checked_sub(1);
        }
        let one = self.below(count);
        let place = if self.percent(70) {
            one.max(self.below(count)).max(self.below(count))
        } else {
            one
        };
        (count > 0).then_some(place)
    }
}
