//! Random hashes, and what the `argon2` crate says of them.

use argon2::{Algorithm, Argon2, AssociatedData, Block, ParamsBuilder, Version};
use argon2id::{Input, Job, Kernel, Memory, Parameters, TOGETHER};

/// Draws cases from a seed (SplitMix64): the same seed, the same cases.
pub(crate) struct Draw(u64);

/// One cost, and one to four hashes of it: more than are computed together.
#[derive(Debug)]
pub(crate) struct Cases {
    pub(crate) memory_kib: u32,
    pub(crate) passes: u32,
    pub(crate) lanes: u32,
    pub(crate) inputs: Vec<Texts>,
}

/// What goes into one hash.
#[derive(Debug)]
pub(crate) struct Texts {
    pub(crate) password: Vec<u8>,
    pub(crate) salt: Vec<u8>,
    pub(crate) secret: Vec<u8>,
    pub(crate) associated_data: Vec<u8>,
    pub(crate) tag_bytes: usize,
}

/// Memory that is kept from case to case: what one left in it must not change the next.
#[derive(Default)]
pub(crate) struct Bench {
    theirs: Vec<Block>,
    ours: [Memory; TOGETHER + 1],
}

// === impl Draw ===

impl Draw {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Draws a number from one to another, both included.
    fn between(&mut self, least: u32, most: u32) -> u32 {
        let span = u64::from(most - least) + 1;
        least + u32::try_from(self.next() % span).unwrap_or_default()
    }

    fn bytes(&mut self, least: u32, most: u32) -> Vec<u8> {
        let length = self.between(least, most);
        (0..length).map(|_| self.next().to_le_bytes()[0]).collect()
    }

    /// Draws small memories mostly, where every edge of a segment is near, and sometimes a larger.
    pub(crate) fn cases(&mut self) -> Cases {
        let lanes = match self.between(0, 3) {
            0 => self.between(2, 5),
            _ => 1,
        };
        let most = match self.between(0, 31) {
            0 => 700,
            1..=7 => 100,
            _ => 30,
        };
        let memory_kib = lanes * 8 + self.between(0, most);
        let together = self.between(1, u32::try_from(TOGETHER).unwrap_or(u32::MAX) + 1);
        Cases {
            memory_kib,
            passes: self.between(1, 4),
            lanes,
            inputs: (0..together).map(|_| self.texts()).collect(),
        }
    }

    fn texts(&mut self) -> Texts {
        let long = if self.between(0, 15) == 0 { 300 } else { 40 };
        let tag_bytes = match self.between(0, 7) {
            0 => self.between(4, 300),
            1 => self.between(60, 70),
            _ => self.between(4, 40),
        };
        Texts {
            password: self.bytes(0, long),
            salt: self.bytes(8, 8 + long),
            secret: self.bytes(0, long / 2),
            associated_data: self.bytes(0, 32),
            tag_bytes: usize::try_from(tag_bytes).unwrap_or(usize::MAX),
        }
    }
}

// === impl Bench ===

impl Bench {
    /// Computes the cases by the `argon2` crate and by every kernel of this machine, together.
    pub(crate) fn compare(&mut self, cases: &Cases) -> Result<(), String> {
        let expected = self.theirs(cases).map_err(|error| error.to_string())?;
        for kernel in Kernel::all() {
            let tags = self
                .ours(kernel, cases)
                .map_err(|error| error.to_string())?;
            if tags != expected {
                return Err(format!("{} differs: {cases:x?}", kernel.name()));
            }
        }
        Ok(())
    }

    fn theirs(&mut self, cases: &Cases) -> Result<Vec<Vec<u8>>, argon2::Error> {
        let mut tags = Vec::new();
        for texts in &cases.inputs {
            let params = ParamsBuilder::new()
                .m_cost(cases.memory_kib)
                .t_cost(cases.passes)
                .p_cost(cases.lanes)
                .data(AssociatedData::new(&texts.associated_data)?)
                .output_len(texts.tag_bytes)
                .build()?;
            let (id, version) = (Algorithm::Argon2id, Version::V0x13);
            let argon2 = Argon2::new_with_secret(&texts.secret, id, version, params)?;
            let blocks = argon2.params().block_count();
            self.theirs
                .resize(blocks.max(self.theirs.len()), Block::new());
            let mut tag = vec![0; texts.tag_bytes];
            argon2.hash_password_into_with_memory(
                &texts.password,
                &texts.salt,
                &mut tag,
                &mut self.theirs,
            )?;
            tags.push(tag);
        }
        Ok(tags)
    }

    fn ours(&mut self, kernel: Kernel, cases: &Cases) -> Result<Vec<Vec<u8>>, argon2id::Refused> {
        let parameters = Parameters::new(cases.memory_kib, cases.passes, cases.lanes)?;
        let tags = cases.inputs.iter().map(|texts| vec![0; texts.tag_bytes]);
        let mut tags: Vec<Vec<u8>> = tags.collect();
        let mut jobs = Vec::new();
        let places = self.ours.iter_mut().zip(&mut tags);
        for (texts, (memory, tag)) in cases.inputs.iter().zip(places) {
            let input = Input::new(&texts.password, &texts.salt)?;
            let input = input.with(&texts.secret, &texts.associated_data)?;
            jobs.push(Job { input, memory, tag });
        }
        kernel.hash_together(parameters, &mut jobs)?;
        drop(jobs);
        Ok(tags)
    }
}
