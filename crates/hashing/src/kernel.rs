//! Computing Argon2id, in memory that is kept: our words for the kernel in `crates/argon2id`.
//!
//! Each hashing thread keeps a memory of its own, which does for one hash at a time, until it is told to let
//! go of it. Hashes that are computed together take a spare one each for as long.

use std::cell::RefCell;
use std::iter::once;
use std::sync::LazyLock;

use argon2id::{Input, Job, Kernel, Memory, Parameters};

use crate::phc::{Cost, OUTPUT_BYTES};

/// The parameters are outside what Argon2 allows, or the system has no memory for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("outside what Argon2id allows, or no memory for it")]
pub(crate) struct Refused;

/// A hash.
pub(crate) type Output = [u8; OUTPUT_BYTES];

/// What is hashed, and its salt.
pub(crate) type Text<'a> = (&'a [u8], &'a [u8]);

/// How many hashes are computed together at the most. Two cost a tenth to a fifth less than one after
/// the other; a third gained nothing on a processor with 32 KiB of nearest cache (`docs/HASHING.md`),
/// and everybody waits longer for it.
const TOGETHER: usize = 2;

/// The fastest for this processor.
static KERNEL: LazyLock<Kernel> = LazyLock::new(Kernel::best);

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::default();
}

/// Says how many hashes cost less together than one after the other.
pub(crate) fn together() -> usize {
    if KERNEL.interleaves() { TOGETHER } else { 1 }
}

/// Gives the memory that this thread keeps back to the system.
pub(crate) fn let_go() {
    drop(MEMORY.take());
}

/// Gives how many bytes this thread keeps.
#[cfg(test)]
pub(crate) fn kept() -> usize {
    MEMORY.with_borrow(Memory::bytes)
}

/// Hashes every text, each but the first in one of the spare memories. Blocks the thread for as long
/// as the cost asks for.
pub(crate) fn hash(
    cost: Cost,
    texts: &[Text<'_>],
    spares: &mut [Memory],
) -> Vec<Result<Output, Refused>> {
    match hash_together(cost, texts, spares) {
        Ok(outputs) => outputs.into_iter().map(Ok).collect(),
        // One that is refused must not take the others with it, nor must memory that there is not.
        Err(_) if texts.len() > 1 => texts.iter().map(|text| hash_alone(cost, *text)).collect(),
        Err(refused) => vec![Err(refused)],
    }
}

fn hash_alone(cost: Cost, text: Text<'_>) -> Result<Output, Refused> {
    let outputs = hash_together(cost, &[text], &mut [])?;
    outputs.first().copied().ok_or(Refused)
}

fn hash_together(
    cost: Cost,
    texts: &[Text<'_>],
    spares: &mut [Memory],
) -> Result<Vec<Output>, Refused> {
    let parameters = Parameters::new(cost.memory_kib, cost.time, cost.parallelism);
    let parameters = parameters.map_err(|_| Refused)?;
    let mut outputs = vec![[0; OUTPUT_BYTES]; texts.len()];
    MEMORY.with_borrow_mut(|own| {
        let mut jobs = Vec::with_capacity(texts.len());
        let places = once(own).chain(spares).zip(&mut outputs);
        for ((password, salt), (memory, tag)) in texts.iter().zip(places) {
            let input = Input::new(password, salt).map_err(|_| Refused)?;
            jobs.push(Job { input, memory, tag });
        }
        // A text without a memory would be left with an output of zeros.
        if jobs.len() < texts.len() {
            return Err(Refused);
        }
        let hashed = KERNEL.hash_together(parameters, &mut jobs);
        hashed.map_err(|_| Refused)
    })?;
    Ok(outputs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Cost = Cost {
        memory_kib: 64,
        time: 1,
        parallelism: 1,
    };
    const SALT: &[u8] = b"0123456789abcdef";

    /// Computed by the reference implementation: `argon2 somesalt -id -t 2 -k 65536 -p 1`.
    #[test]
    fn the_reference_implementations_vector() {
        let cost = Cost {
            memory_kib: 65_536,
            time: 2,
            parallelism: 1,
        };
        let expected = [
            0x09, 0x31, 0x61, 0x15, 0xd5, 0xcf, 0x24, 0xed, 0x5a, 0x15, 0xa3, 0x1a, 0x3b, 0xa3,
            0x26, 0xe5, 0xcf, 0x32, 0xed, 0xc2, 0x47, 0x02, 0x98, 0x7c, 0x02, 0xb6, 0x56, 0x6f,
            0x61, 0x91, 0x3c, 0xf7,
        ];
        assert_eq!(hash_alone(cost, (b"password", b"somesalt")), Ok(expected));
    }

    #[test]
    fn memory_left_by_another_hash_changes_nothing() {
        let fresh = hash_alone(SMALL, (b"one", SALT));
        let larger = Cost {
            memory_kib: 128,
            ..SMALL
        };
        assert!(hash_alone(larger, (b"two", SALT)).is_ok());
        assert!(hash_alone(SMALL, (b"three", SALT)).is_ok());
        assert_eq!(hash_alone(SMALL, (b"one", SALT)), fresh);
    }

    #[test]
    fn impossible_parameters_are_refused() {
        for cost in [
            Cost { time: 0, ..SMALL },
            Cost {
                memory_kib: 1,
                ..SMALL
            },
        ] {
            assert_eq!(hash_alone(cost, (b"x", SALT)), Err(Refused));
        }
        assert_eq!(hash_alone(SMALL, (b"x", b"short")), Err(Refused));
    }

    #[test]
    fn together_each_is_what_it_is_alone() {
        let texts: [Text<'_>; 3] = [(b"one", SALT), (b"two", SALT), (b"three", b"another salt")];
        let alone = texts.map(|text| hash_alone(SMALL, text));
        assert_eq!(
            hash(SMALL, &texts, &mut <[Memory; 2]>::default()),
            alone.to_vec()
        );
        // Without a memory for each they are hashed all the same, one after the other.
        assert_eq!(hash(SMALL, &texts, &mut []), alone.to_vec());
    }

    #[test]
    fn one_that_is_refused_does_not_take_the_others_with_it() {
        let texts: [Text<'_>; 2] = [(b"one", b"short"), (b"two", SALT)];
        let hashed = hash(SMALL, &texts, &mut [Memory::default()]);
        let expected = vec![Err(Refused), hash_alone(SMALL, (b"two", SALT))];
        assert_eq!(hashed, expected);
    }
}
