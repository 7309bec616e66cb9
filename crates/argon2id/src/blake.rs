//! The start and the end of a hash: H0 and H' (RFC 9106 §3.2, §3.3), both over `BLAKE2b`.

use std::mem::take;

use blake2::Blake2bVarCore;
use blake2::digest::array::Array;
use blake2::digest::block_api::{UpdateCore, VariableOutputCore};
use blake2::digest::block_buffer::LazyBuffer;
use zeroize::{Zeroize, Zeroizing};

use crate::parameters::Parameters;
use crate::{Input, Refused};

/// The length of H0.
pub(crate) const START_BYTES: usize = 64;

/// Argon2id (RFC 9106 §3.2, y).
pub(crate) const TYPE: u32 = 2;
/// RFC 9106 §3.1, v.
const VERSION: u32 = 0x13;

/// Gives H0: everything there is to know about a hash, in 64 bytes.
pub(crate) fn start(
    parameters: Parameters,
    input: Input<'_>,
    tag_bytes: u32,
) -> Result<Zeroizing<[u8; START_BYTES]>, Refused> {
    let mut start = Zeroizing::new([0; START_BYTES]);
    let length = |text: &[u8]| u32::try_from(text.len()).map(u32::to_le_bytes);
    let lengths = [
        input.password,
        input.salt,
        input.secret,
        input.associated_data,
    ];
    let [password, salt, secret, associated] = lengths.map(length);
    let outside = |_| Refused::Outside;
    let parts = [
        &parameters.lanes().to_le_bytes()[..],
        &tag_bytes.to_le_bytes(),
        &parameters.memory_kib().to_le_bytes(),
        &parameters.passes().to_le_bytes(),
        &VERSION.to_le_bytes(),
        &TYPE.to_le_bytes(),
        &password.map_err(outside)?,
        input.password,
        &salt.map_err(outside)?,
        input.salt,
        &secret.map_err(outside)?,
        input.secret,
        &associated.map_err(outside)?,
        input.associated_data,
    ];
    digest(&parts, &mut *start)?;
    Ok(start)
}

/// H': a hash as long as `output` (RFC 9106 §3.3). The length goes in first.
pub(crate) fn expand(parts: [&[u8]; 3], output: &mut [u8]) -> Result<(), Refused> {
    let length = u32::try_from(output.len()).map_err(|_| Refused::Outside)?;
    let length = length.to_le_bytes();
    let [first, second, third] = parts;
    let parts = [&length[..], first, second, third];
    if output.len() <= 64 {
        return digest(&parts, output);
    }
    let mut link = Zeroizing::new([0; 64]);
    digest(&parts, &mut *link)?;
    let mut rest = output;
    // Half of each link goes out, until what is missing fits into a last one, which goes out whole.
    loop {
        let (half, more) = take(&mut rest)
            .split_first_chunk_mut::<32>()
            .ok_or(Refused::Outside)?;
        *half = *link.first_chunk().ok_or(Refused::Outside)?;
        rest = more;
        if rest.len() <= 64 {
            break;
        }
        let before = link.clone();
        digest(&[&*before], &mut *link)?;
    }
    digest(&[&*link], rest)
}

/// `BLAKE2b` of the parts in a row, as long as `output`: at most 64 bytes.
fn digest(parts: &[&[u8]], output: &mut [u8]) -> Result<(), Refused> {
    let mut core = Blake2bVarCore::new(output.len()).map_err(|_| Refused::Outside)?;
    let mut buffer = LazyBuffer::default();
    for part in parts {
        buffer.digest_blocks(part, |blocks| core.update_blocks(blocks));
    }
    let mut whole = Array::default();
    core.finalize_variable_core(&mut buffer, &mut whole);
    let whole: &mut [u8] = whole.as_mut();
    for (to, from) in output.iter_mut().zip(&*whole) {
        *to = *from;
    }
    whole.zeroize();
    Ok(())
}
