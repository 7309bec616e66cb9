//! The `argon2` crate in our words: for processors without vectors that we know.

use argon2::{Algorithm, Argon2, AssociatedData, ParamsBuilder, Version};

use crate::parameters::Parameters;
use crate::{Input, Job, Refused};

/// Computes the jobs, one after the other.
pub(crate) fn hash(parameters: Parameters, jobs: &mut [Job<'_>]) -> Result<(), Refused> {
    for job in jobs {
        let argon2 = argon2(parameters, job.input, job.tag.len()).ok_or(Refused::Outside)?;
        let blocks = job.memory.portable(argon2.params().block_count());
        argon2
            .hash_password_into_with_memory(job.input.password, job.input.salt, job.tag, blocks)
            .map_err(|_| Refused::Outside)?;
    }
    Ok(())
}

fn argon2(parameters: Parameters, input: Input<'_>, tag_bytes: usize) -> Option<Argon2<'_>> {
    let params = ParamsBuilder::new()
        .m_cost(parameters.memory_kib())
        .t_cost(parameters.passes())
        .p_cost(parameters.lanes())
        .data(AssociatedData::new(input.associated_data).ok()?)
        .output_len(tag_bytes)
        .build()
        .ok()?;
    Argon2::new_with_secret(input.secret, Algorithm::Argon2id, Version::V0x13, params).ok()
}
