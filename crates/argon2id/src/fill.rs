//! The memory of a hash, filled: which block is made of which (RFC 9106 §3.2, §3.4).
//!
//! Hashes of the same parameters walk over their memories in the same order; only which earlier
//! block goes in differs. So several are filled in step: one block of the first, one of the second,
//! and so on. A block is known to be needed as soon as the one before it in its own memory is done;
//! it is fetched then, and is there when the others' turns are over.

use zeroize::Zeroizing;

use crate::block::{self, BLOCK_BYTES, Block, WORDS};
use crate::mixer::Mixer;
use crate::parameters::{Parameters, SLICES};
use crate::{Job, Refused, blake};

/// Where the input of [`Addresses`] counts how often it was used.
const COUNTER: usize = block::place(6);

/// One memory that is being filled.
struct Stream<'a> {
    blocks: &'a mut [Block],
    /// The block that goes into the coming one.
    reference: usize,
}

/// One lane's part of one slice in one pass.
#[derive(Clone, Copy)]
struct Segment {
    parameters: Parameters,
    pass: u32,
    slice: u32,
    lane: u32,
}

/// The numbers that choose blocks where the password must not (RFC 9106 §3.4.1.1).
struct Addresses {
    input: Block,
    words: Block,
}

/// Computes the jobs in step.
pub(crate) fn hash(
    mixer: Mixer,
    parameters: Parameters,
    jobs: &mut [Job<'_>],
) -> Result<(), Refused> {
    let mut streams = Vec::with_capacity(jobs.len());
    let mut tags = Vec::with_capacity(jobs.len());
    for job in jobs {
        let tag_bytes = u32::try_from(job.tag.len()).map_err(|_| Refused::Outside)?;
        if tag_bytes < 4 {
            return Err(Refused::Outside);
        }
        let start = blake::start(parameters, job.input, tag_bytes)?;
        let blocks = job
            .memory
            .blocks(parameters.blocks())
            .ok_or(Refused::NoMemory)?;
        begin(parameters, &start[..], blocks)?;
        streams.push(Stream {
            blocks,
            reference: 0,
        });
        tags.push(&mut *job.tag);
    }
    fill(mixer, parameters, &mut streams).ok_or(Refused::Outside)?;
    for (stream, tag) in streams.iter().zip(tags) {
        finish(parameters, stream.blocks, tag)?;
    }
    Ok(())
}

/// Makes the first two blocks of every lane (RFC 9106 §3.2, steps 3 and 4).
fn begin(parameters: Parameters, start: &[u8], blocks: &mut [Block]) -> Result<(), Refused> {
    let mut bytes = Zeroizing::new([0; BLOCK_BYTES]);
    for (lane, blocks) in (0..parameters.lanes()).zip(blocks.chunks_mut(size(parameters.lane()))) {
        for (number, block) in (0_u32..2).zip(blocks) {
            let parts = [start, &number.to_le_bytes(), &lane.to_le_bytes()];
            blake::expand(parts, &mut *bytes)?;
            block::load(block, &bytes);
        }
    }
    Ok(())
}

/// Adds the last block of every lane up and hashes the sum (RFC 9106 §3.2, steps 7 and 8).
fn finish(parameters: Parameters, blocks: &[Block], tag: &mut [u8]) -> Result<(), Refused> {
    let mut bytes = Zeroizing::new([0; BLOCK_BYTES]);
    for lane in blocks.chunks(size(parameters.lane())) {
        if let Some(last) = lane.last() {
            block::add_onto(&mut bytes, last);
        }
    }
    blake::expand([&bytes[..], &[], &[]], tag)
}

/// Goes over the memories as often as asked for (RFC 9106 §3.2, steps 5 and 6). `None` would be a
/// block outside of them.
fn fill(mixer: Mixer, parameters: Parameters, streams: &mut [Stream<'_>]) -> Option<()> {
    for pass in 0..parameters.passes() {
        for slice in 0..SLICES {
            for lane in 0..parameters.lanes() {
                let segment = Segment {
                    parameters,
                    pass,
                    slice,
                    lane,
                };
                if segment.is_independent() {
                    segment.fill_independently(mixer, streams)?;
                } else {
                    segment.fill(mixer, streams)?;
                }
            }
        }
    }
    Some(())
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

// === impl Segment ===

impl Segment {
    /// Says whether the password must not choose the blocks: in the first half of the first pass.
    const fn is_independent(self) -> bool {
        self.pass == 0 && self.slice < SLICES / 2
    }

    /// Fills it where a block says which comes next.
    fn fill(self, mixer: Mixer, streams: &mut [Stream<'_>]) -> Option<()> {
        for stream in &mut *streams {
            stream.point(self.reference(0, stream.number(self.before(0))?));
        }
        for index in 0..self.parameters.segment() {
            let (before, here) = (self.before(index), self.position(index));
            for stream in &mut *streams {
                stream.mix(mixer, before, here, self.pass > 0)?;
                stream.point(self.reference(index + 1, stream.number(here)?));
            }
        }
        Some(())
    }

    /// Fills it where the parameters alone say which block comes next.
    fn fill_independently(self, mixer: Mixer, streams: &mut [Stream<'_>]) -> Option<()> {
        let mut addresses = Addresses::new(self);
        // The first two blocks of a lane are there already.
        let first = if self.slice == 0 { 2 } else { 0 };
        let mut reference = self.reference(first, addresses.number(mixer, first)?);
        for index in first..self.parameters.segment() {
            let (before, here) = (self.before(index), self.position(index));
            let next = self.reference(index + 1, addresses.number(mixer, index + 1)?);
            for stream in &mut *streams {
                stream.reference = reference;
                stream.mix(mixer, before, here, false)?;
                stream.point(next);
            }
            reference = next;
        }
        Some(())
    }

    /// Gives the position of a block of this segment.
    fn position(self, index: u32) -> usize {
        let lane = size(self.lane) * size(self.parameters.lane());
        lane + size(self.slice * self.parameters.segment() + index)
    }

    /// Gives the position of the block before: before a lane's first comes its last.
    fn before(self, index: u32) -> usize {
        match self.position(index) {
            first if self.slice == 0 && index == 0 => first + size(self.parameters.lane() - 1),
            position => position - 1,
        }
    }

    /// Gives the position of the block that a number chooses (RFC 9106 §3.4.1.3, §3.4.2).
    ///
    /// From the block's own lane all that is finished may be chosen but the block before; from
    /// another lane only what was finished before this slice.
    fn reference(self, index: u32, number: u64) -> usize {
        let whole = u64::from(self.parameters.lane());
        let segment = u64::from(self.parameters.segment());
        let lane = self.lane_of(number);
        let finished = match self.pass {
            0 => u64::from(self.slice) * segment,
            _ => whole - segment,
        };
        let choice = if lane == u64::from(self.lane) {
            finished + u64::from(index) - 1
        } else {
            finished - u64::from(index == 0)
        };
        let low = number & u64::from(u32::MAX);
        let back = (choice * ((low * low) >> 32)) >> 32;
        let start = match (self.pass, self.slice + 1) {
            (0, _) | (_, SLICES) => 0,
            (_, next) => u64::from(next) * segment,
        };
        let position = start + choice - 1 - back;
        let wrapped = if position < whole {
            position
        } else {
            position - whole
        };
        usize::try_from(lane * whole + wrapped).unwrap_or(usize::MAX)
    }

    /// Gives the lane that a number chooses: in the first slice there are no others yet.
    fn lane_of(self, number: u64) -> u64 {
        match self.parameters.lanes() {
            1 => 0,
            _ if self.pass == 0 && self.slice == 0 => u64::from(self.lane),
            lanes => (number >> 32) % u64::from(lanes),
        }
    }
}

// === impl Stream ===

impl Stream<'_> {
    /// Gives the number that a block holds for the next one's choice.
    fn number(&self, position: usize) -> Option<u64> {
        let [number, ..] = block::words(self.blocks.get(position)?);
        Some(*number)
    }

    /// Says which block goes into the coming one, and has it fetched.
    fn point(&mut self, reference: usize) {
        self.reference = reference;
        if let Some(block) = self.blocks.get(reference) {
            Mixer::fetch(block);
        }
    }

    /// Makes the block at `here`. The three are never one: see [`Segment::reference`].
    fn mix(&mut self, mixer: Mixer, before: usize, here: usize, over: bool) -> Option<()> {
        let three = [before, self.reference, here];
        let [before, reference, here] = self.blocks.get_disjoint_mut(three).ok()?;
        mixer.mix(before, reference, here, over);
        Some(())
    }
}

// === impl Addresses ===

impl Addresses {
    fn new(segment: Segment) -> Self {
        let mut input = block::zeros();
        let parameters = segment.parameters;
        let numbers = [
            segment.pass,
            segment.lane,
            segment.slice,
            parameters.blocks(),
            parameters.passes(),
            blake::TYPE,
        ];
        for (word, number) in numbers.into_iter().enumerate() {
            if let Some(to) = block::words_mut(&mut input).get_mut(block::place(word)) {
                *to = u64::from(number);
            }
        }
        Self {
            input,
            words: block::zeros(),
        }
    }

    /// Gives the number for a block of the segment. Asked for in order.
    fn number(&mut self, mixer: Mixer, index: u32) -> Option<u64> {
        let word = size(index) % WORDS;
        if word == 0 || !self.has_begun() {
            self.advance(mixer);
        }
        block::words(&self.words).get(block::place(word)).copied()
    }

    /// Makes the next 128 numbers.
    fn advance(&mut self, mixer: Mixer) {
        if let Some(counter) = block::words_mut(&mut self.input).get_mut(COUNTER) {
            *counter += 1;
        }
        let (zeros, mut half) = (block::zeros(), block::zeros());
        mixer.mix(&zeros, &self.input, &mut half, false);
        mixer.mix(&zeros, &half, &mut self.words, false);
    }

    fn has_begun(&self) -> bool {
        block::words(&self.input).get(COUNTER) != Some(&0)
    }
}
