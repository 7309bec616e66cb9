//! Where unpredictable bytes come from: always a parameter, never a global.

use std::sync::atomic::{AtomicU8, Ordering};

/// A source of bytes that nobody can predict.
///
/// The service uses the operating system's generator (in `protocol::entropy`); tests pass
/// [`Counting`] to be repeatable.
pub trait Random: Send + Sync + 'static {
    /// Fills the whole buffer.
    fn fill(&self, buffer: &mut [u8]);
}

impl dyn Random {
    /// Makes an array of random bytes.
    #[must_use]
    pub fn array<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}

/// Counts up instead of being random. For tests that want the same bytes each time.
#[derive(Debug, Default)]
pub struct Counting(AtomicU8);

impl Random for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill_with(|| self.0.fetch_add(1, Ordering::Relaxed));
    }
}
