//! Argon2id (RFC 9106), version 0x13, as fast as the processor allows.
//!
//! A sign-in costs what its hash costs, so this is where a service that signs people in spends its
//! time. Three things make it cheaper here, and none of them changes a bit of the result:
//!
//! - the block function (RFC 9106 §3.5) on AVX-512 or AVX2, whichever the processor has; everywhere
//!   else the `argon2` crate computes the hash;
//! - a [`Memory`] that the caller keeps between hashes, on huge pages where the system gives them;
//! - [`Kernel::hash_together`], which computes several hashes in turn on one thread, block by block:
//!   while one waits for a block from memory, another is mixed. One alone waits each time.
//!
//! ```text
//!   lib         what a caller sees: Kernel, Input, Job
//!   parameters  what a hash costs, and the shape of its memory
//!   blake       the start and the end: H0 and H' (§3.2, §3.3), over BLAKE2b
//!   fill        the middle: which block is made of which (§3.4)
//!   mixer       one block from two (§3.5, §3.6), on the processor's vectors
//!   block       how a block lies in memory
//!   memory      where the blocks of a hash are
//!   portable    the `argon2` crate in our words
//! ```
//!
//! What Argon2id promises about timing holds as it stands: in the first half of the first pass no
//! address and no branch depends on the password, after that the addresses do, as the standard wants
//! it. Nothing here adds another. Memory keeps the blocks of the last hash until the next; what is
//! derived from a password outside of it is wiped.

mod blake;
#[cfg(target_arch = "x86_64")]
mod block;
#[cfg(target_arch = "x86_64")]
mod fill;
mod memory;
#[cfg(target_arch = "x86_64")]
mod mixer;
mod parameters;
mod portable;

pub use memory::Memory;
pub use parameters::Parameters;

/// How many hashes [`Kernel::hash_together`] computes in turn at the most; more are taken after each
/// other. Which number is best depends on the processor: `cargo bench -p argon2id` shows each.
pub const TOGETHER: usize = 3;

/// The longest associated data: what the `argon2` crate takes.
pub const ASSOCIATED_DATA_BYTES: usize = 32;

/// Why there is no hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A length or a parameter is outside what Argon2id allows (RFC 9106 §3.1).
    #[error("outside what Argon2id allows")]
    Outside,
    /// The system gave no memory.
    #[error("no memory for a hash")]
    NoMemory,
}

/// What is hashed; lengths are checked.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    password: &'a [u8],
    salt: &'a [u8],
    secret: &'a [u8],
    associated_data: &'a [u8],
}

/// One hash of several: what is hashed, where its blocks are, and where the tag goes.
pub struct Job<'a> {
    /// What is hashed.
    pub input: Input<'a>,
    /// Its memory, its own.
    pub memory: &'a mut Memory,
    /// Where the tag is written to, from 4 bytes on.
    pub tag: &'a mut [u8],
}

/// A way to compute Argon2id on this machine.
#[derive(Debug, Clone, Copy)]
pub struct Kernel(Way);

#[derive(Debug, Clone, Copy)]
enum Way {
    #[cfg(target_arch = "x86_64")]
    Vectors(mixer::Mixer),
    Portable,
}

// === impl Input ===

impl<'a> Input<'a> {
    /// Takes a password and its salt, of at least eight bytes.
    pub fn new(password: &'a [u8], salt: &'a [u8]) -> Result<Self, Refused> {
        let longest = usize::try_from(u32::MAX).unwrap_or(usize::MAX);
        if password.len() > longest || !(8..=longest).contains(&salt.len()) {
            return Err(Refused::Outside);
        }
        Ok(Self {
            password,
            salt,
            secret: &[],
            associated_data: &[],
        })
    }

    /// Adds a secret (RFC 9106 §3.1, K) and associated data (X, at most [`ASSOCIATED_DATA_BYTES`]).
    pub fn with(self, secret: &'a [u8], associated_data: &'a [u8]) -> Result<Self, Refused> {
        let longest = usize::try_from(u32::MAX).unwrap_or(usize::MAX);
        if secret.len() > longest || associated_data.len() > ASSOCIATED_DATA_BYTES {
            return Err(Refused::Outside);
        }
        Ok(Self {
            secret,
            associated_data,
            ..self
        })
    }
}

// === impl Kernel ===

impl Kernel {
    /// Gives the fastest for this processor.
    #[must_use]
    pub fn best() -> Self {
        Self::all().next().unwrap_or(Self(Way::Portable))
    }

    /// Gives every kernel that runs here, the fastest first.
    pub fn all() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let vectors = mixer::Mixer::all().map(|mixer| Self(Way::Vectors(mixer)));
        #[cfg(not(target_arch = "x86_64"))]
        let vectors = std::iter::empty();
        vectors.chain([Self(Way::Portable)])
    }

    /// Names the instructions it runs on.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Way::Vectors(mixer) => mixer.name(),
            Way::Portable => "portable",
        }
    }

    /// Says whether several hashes together cost less here than one after the other.
    #[must_use]
    pub const fn interleaves(self) -> bool {
        !matches!(self.0, Way::Portable)
    }

    /// Hashes `input` into `tag`. Blocks the thread for as long as the parameters ask for.
    ///
    /// # Errors
    /// [`Refused::Outside`] if the tag is shorter than four bytes, [`Refused::NoMemory`].
    pub fn hash(
        self,
        parameters: Parameters,
        input: Input<'_>,
        memory: &mut Memory,
        tag: &mut [u8],
    ) -> Result<(), Refused> {
        self.hash_together(parameters, &mut [Job { input, memory, tag }])
    }

    /// Computes every job, [`TOGETHER`] of them in turn.
    ///
    /// # Errors
    /// As [`hash`](Self::hash); no tag means anything then.
    pub fn hash_together(
        self,
        parameters: Parameters,
        jobs: &mut [Job<'_>],
    ) -> Result<(), Refused> {
        for few in jobs.chunks_mut(TOGETHER) {
            match self.0 {
                #[cfg(target_arch = "x86_64")]
                Way::Vectors(mixer) => fill::hash(mixer, parameters, few)?,
                Way::Portable => portable::hash(parameters, few)?,
            }
        }
        Ok(())
    }
}
