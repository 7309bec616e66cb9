//! What one connection asks, again and again.

use crate::wire::Answer;

/// Writes requests and takes answers. What it asks with may have to be prepared, and that is not
/// measured: a code to redeem, a token that nobody has shown before.
pub(crate) trait Asker {
    /// Writes the next request; `false` when what was prepared is used up.
    fn ask(&mut self, out: &mut Vec<u8>) -> bool;

    /// Takes the answer. Says whether it is the one that was wanted.
    fn learn(&mut self, answer: &Answer<'_>) -> bool {
        answer.is_success()
    }

    /// Writes a request that prepares a later one; `false` when enough is prepared.
    fn prepare(&mut self, _out: &mut Vec<u8>) -> bool {
        false
    }

    /// Takes the answer of such a request. Says whether it is of use.
    fn keep(&mut self, _answer: &Answer<'_>) -> bool {
        true
    }
}

/// What was prepared: used in order, each once; for a ceiling the one sample, again and again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stock {
    items: Vec<String>,
    is_endless: bool,
}

/// How much of it one connection prepares at a time.
const ENOUGH: usize = 150;

// === impl Stock ===

impl Stock {
    /// Makes one that never ends.
    pub(crate) fn endless(sample: &str) -> Self {
        Self {
            items: vec![sample.to_owned()],
            is_endless: true,
        }
    }

    /// Says whether there is enough.
    pub(crate) fn is_full(&self) -> bool {
        self.is_endless || self.items.len() >= ENOUGH
    }

    /// Adds what was prepared, if anything was.
    pub(crate) fn add(&mut self, item: Option<&str>) -> bool {
        self.items.extend(item.map(str::to_owned));
        item.is_some()
    }

    /// Takes the next.
    pub(crate) fn take(&mut self) -> Option<String> {
        if self.is_endless {
            return self.items.first().cloned();
        }
        self.items.pop()
    }
}
