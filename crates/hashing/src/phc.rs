//! PHC strings: `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`, as a password is stored.
//!
//! Only what this service writes is read: Argon2id, version 19, a whole output. Anything else is not
//! a hash of ours, and no password matches it.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{ARGON2ID_IDENT, Params, Version};
use domain::secret::SecretText;

/// The length of a hash, in bytes.
pub(crate) const OUTPUT_BYTES: usize = 32;
/// The length of a salt, in bytes (RFC 9106 §4).
pub(crate) const SALT_BYTES: usize = 16;

/// What one hash costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory, in KiB; at least 8 for each lane.
    pub memory_kib: u32,
    /// Passes over it; at least 1.
    pub time: u32,
    /// Lanes of it; at least 1.
    pub parallelism: u32,
}

/// A stored hash, taken apart.
pub(crate) struct Stored {
    pub(crate) cost: Cost,
    pub(crate) salt: Vec<u8>,
    pub(crate) output: Vec<u8>,
}

/// Says whether a text is no hash of ours, or is written again as it was read. For whoever shows it
/// texts of strangers.
#[must_use]
pub fn writes_what_it_reads(text: &str) -> bool {
    let Some(stored) = Stored::parse(&SecretText::new(text.to_owned())) else {
        return true;
    };
    let again = stored.to_phc().and_then(|phc| Stored::parse(&phc));
    again.is_some_and(|again| {
        (again.cost, again.salt, again.output) == (stored.cost, stored.salt, stored.output)
    })
}

// === impl Cost ===

impl Cost {
    /// Gives the parameters in Argon2's own words; `None` if it does not allow them.
    pub(crate) fn to_params(self) -> Option<Params> {
        let Self {
            memory_kib,
            time,
            parallelism,
        } = self;
        Params::new(memory_kib, time, parallelism, Some(OUTPUT_BYTES)).ok()
    }

    /// Says whether a hash of this cost is cheaper to guess than one of `wanted`.
    pub(crate) const fn is_below(self, wanted: Self) -> bool {
        self.memory_kib < wanted.memory_kib || self.time < wanted.time
    }
}

// === impl Stored ===

impl Stored {
    /// Reads a PHC string; `None` if it is not a hash of ours.
    pub(crate) fn parse(phc: &SecretText) -> Option<Self> {
        let parsed = PasswordHash::new(phc.expose()).ok()?;
        if parsed.algorithm != ARGON2ID_IDENT || parsed.version != Some(Version::V0x13.into()) {
            return None;
        }
        let params = Params::try_from(&parsed).ok()?;
        let output = parsed.hash?.as_bytes().to_vec();
        (output.len() == OUTPUT_BYTES).then_some(Self {
            cost: Cost {
                memory_kib: params.m_cost(),
                time: params.t_cost(),
                parallelism: params.p_cost(),
            },
            salt: parsed.salt?.to_vec(),
            output,
        })
    }

    /// Writes the PHC string; `None` if Argon2 does not allow the parameters.
    pub(crate) fn to_phc(&self) -> Option<SecretText> {
        let params = self.cost.to_params()?;
        let hash = PasswordHash {
            algorithm: ARGON2ID_IDENT,
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&params).ok()?,
            salt: Some(Salt::new(&self.salt).ok()?),
            hash: Some(Output::new(&self.output).ok()?),
        };
        Some(SecretText::new(hash.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COST: Cost = Cost {
        memory_kib: 19_456,
        time: 2,
        parallelism: 1,
    };

    fn written() -> String {
        let stored = Stored {
            cost: COST,
            salt: vec![7; SALT_BYTES],
            output: vec![9; OUTPUT_BYTES],
        };
        stored.to_phc().expect("writes").expose().to_owned()
    }

    fn parse(text: &str) -> Option<Stored> {
        Stored::parse(&SecretText::new(text.to_owned()))
    }

    #[test]
    fn a_hash_survives_its_text() {
        assert!(written().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let stored = parse(&written()).expect("reads");
        assert_eq!((stored.cost, stored.salt.len()), (COST, SALT_BYTES));
        assert_eq!(stored.output, [9; OUTPUT_BYTES]);
    }

    #[test]
    fn other_functions_versions_and_lengths_are_not_ours() {
        let text = written();
        let cut = text.rsplit_once('$').map_or("", |(head, _)| head);
        for odd in [
            "",
            "plain",
            cut,
            &text.replace("argon2id", "argon2i"),
            &text.replace("v=19", "v=16"),
            &format!("{cut}$AAAA"),
            &text.replace("t=2", "t=0"),
        ] {
            assert!(parse(odd).is_none(), "{odd}");
        }
    }

    #[test]
    fn less_memory_or_fewer_passes_are_cheaper_to_guess() {
        let less = Cost {
            memory_kib: 8192,
            time: 9,
            ..COST
        };
        let fewer = Cost {
            memory_kib: 99_999,
            time: 1,
            ..COST
        };
        assert!(less.is_below(COST) && fewer.is_below(COST));
        assert!(!COST.is_below(COST));
        assert!(!Cost { time: 3, ..COST }.is_below(COST));
    }
}
