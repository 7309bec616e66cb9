//! Several owners of one kind, each for its share of the keys.

use std::fmt;
use std::num::NonZeroUsize;

use super::Handle;

/// One handle for each shard. The same key always finds the same shard of this process, so two
/// messages about one key are handled one after the other.
pub struct Shards<M> {
    first: Handle<M>,
    rest: Box<[Handle<M>]>,
}

// === impl Shards ===

impl<M: Send + 'static> Shards<M> {
    /// Makes `count` handles with `credits` each.
    #[must_use]
    pub fn new(name: &'static str, count: NonZeroUsize, credits: usize) -> Self {
        Self {
            first: Handle::new(name, credits),
            rest: (1..count.get())
                .map(|_| Handle::new(name, credits))
                .collect(),
        }
    }

    /// Gives the shard of a key, chosen by bits of it that are spread evenly (the key's random
    /// bits, or a hash of it).
    #[must_use]
    pub fn of(&self, bits: u64) -> &Handle<M> {
        let count = u64::try_from(self.count()).unwrap_or(u64::MAX);
        let index = usize::try_from(bits % count).unwrap_or(0);
        index
            .checked_sub(1)
            .and_then(|index| self.rest.get(index))
            .unwrap_or(&self.first)
    }

    /// Gives every shard in order, to make one child spec for each.
    pub fn iter(&self) -> impl Iterator<Item = &Handle<M>> {
        std::iter::once(&self.first).chain(self.rest.iter())
    }

    /// Gives how many shards there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.rest.len().saturating_add(1)
    }

    /// Gives how many messages are queued or in work in all shards together.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.iter().map(Handle::depth).sum()
    }
}

impl<M> Clone for Shards<M> {
    fn clone(&self) -> Self {
        Self {
            first: self.first.clone(),
            rest: self.rest.clone(),
        }
    }
}

impl<M> fmt::Debug for Shards<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shards")
            .field("of", &self.first)
            .field("count", &self.rest.len().saturating_add(1))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn shards(count: usize) -> Shards<()> {
        Shards::new("some", NonZeroUsize::new(count).unwrap(), 1)
    }

    #[test]
    fn a_key_always_finds_the_same_shard_and_every_shard_is_found() {
        let shards = shards(3);
        let in_order: Vec<_> = shards.iter().collect();
        for bits in 0..9_u8 {
            let expected = in_order[usize::from(bits % 3)];
            assert!(Arc::ptr_eq(&shards.of(bits.into()).0, &expected.0));
        }
    }

    #[test]
    fn a_single_shard_takes_every_key() {
        let shards = shards(1);
        assert_eq!((shards.count(), shards.iter().count()), (1, 1));
        assert!(Arc::ptr_eq(&shards.of(u64::MAX).0, &shards.of(0).0));
    }
}
