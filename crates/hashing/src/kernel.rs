//! Computing Argon2id, in memory that each hashing thread keeps.
//!
//! A fresh 19 MiB for every hash would be paid for in page faults and handed back to the system
//! between two sign-ins; a thread's memory is touched once and kept. It still holds the blocks of
//! the last hash, which are worth as much to a reader of our memory as the password that was in it a
//! moment before; the next hash overwrites them.

use std::cell::RefCell;

use argon2::{Algorithm, Argon2, Block, Version};

use crate::phc::{Cost, OUTPUT_BYTES};

/// The parameters are outside what Argon2 allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("outside what Argon2id allows")]
pub(crate) struct Refused;

thread_local! {
    static MEMORY: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
}

/// Hashes `input` with `salt`. Blocks the thread for as long as the cost asks for.
pub(crate) fn hash(cost: Cost, input: &[u8], salt: &[u8]) -> Result<[u8; OUTPUT_BYTES], Refused> {
    let params = cost.to_params().ok_or(Refused)?;
    let blocks = params.block_count();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut output = [0; OUTPUT_BYTES];
    MEMORY.with_borrow_mut(|memory| {
        if memory.len() != blocks {
            // Also smaller again after a record with greater parameters than ours.
            *memory = Vec::new();
            memory.resize(blocks, Block::new());
        }
        argon2
            .hash_password_into_with_memory(input, salt, &mut output, memory)
            .map_err(|_| Refused)
    })?;
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Cost = Cost {
        memory_kib: 64,
        time: 1,
        parallelism: 1,
    };

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
        assert_eq!(hash(cost, b"password", b"somesalt"), Ok(expected));
    }

    #[test]
    fn memory_left_by_another_hash_changes_nothing() {
        let fresh = hash(SMALL, b"one", b"0123456789abcdef");
        let larger = Cost {
            memory_kib: 128,
            ..SMALL
        };
        assert!(hash(larger, b"two", b"0123456789abcdef").is_ok());
        assert!(hash(SMALL, b"three", b"0123456789abcdef").is_ok());
        assert_eq!(hash(SMALL, b"one", b"0123456789abcdef"), fresh);
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
            assert_eq!(hash(cost, b"x", b"0123456789abcdef"), Err(Refused));
        }
        assert_eq!(hash(SMALL, b"x", b"short"), Err(Refused));
    }
}
