//! What a hash costs: the reference in C built for this processor, the `argon2` crate, and each
//! kernel of ours, from one to three hashes together.
//!
//! `cargo bench -p argon2id`. Every way in turn, many short rounds, so that a busy moment of the
//! machine hits all alike; prints the median of each way's hashes a second, and the median of its
//! ratios to the reference in the same round. The tags of all ways must be the same.
//!
//! The reference is measured twice: as a program calls it, which maps and wipes its memory for every
//! hash, and with memory that is kept, on huge pages and unwiped, as ours is: what then is left of a
//! difference is the block function and the interleaving. `CFLAGS=-mno-avx512f cargo bench -p
//! argon2id` builds it without AVX-512, to hold the AVX2 kernel against.

#![expect(
    clippy::expect_used,
    reason = "a measurement that cannot be made says why and stops"
)]

use std::num::NonZeroUsize;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use argon2id::{Input, Job, Kernel, Memory, Parameters, TOGETHER};

#[cfg(target_arch = "x86_64")]
mod reference;

pub(crate) const MEMORY_KIB: u32 = 19_456;
pub(crate) const PASSES: u32 = 2;
pub(crate) const PASSWORD: &[u8] = b"password";
pub(crate) const SALT: &[u8] = b"0123456789abcdef";
pub(crate) const TAG_BYTES: usize = 32;

/// Hashes of one thread in one sample: divisible by 1, 2 and 3.
const HASHES: usize = 6;
const ROUNDS: usize = 41;

/// Hashes so often, in memory that its thread keeps, and gives the last tag.
type Hash = Box<dyn Fn(&mut [Memory; TOGETHER], usize) -> [u8; TAG_BYTES] + Sync>;

/// One way to hash.
struct Way {
    name: String,
    hash: Hash,
}

fn main() {
    // Without this flag of `cargo bench` a test run only wants to see that it still works.
    let measured = std::env::args().any(|argument| argument == "--bench");
    let rounds = if measured { ROUNDS } else { 1 };
    let ways = ways();
    are_the_same(&ways);
    let flags = option_env!("CFLAGS").unwrap_or_default();
    println!("m={MEMORY_KIB} KiB, t={PASSES}, p=1; the reference with -march=native {flags}");
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    for threads in [1, cores] {
        println!();
        println!(
            "{threads} threads                    hashes/s   to the reference   and memory kept"
        );
        show(&ways, &measure(&ways, threads, rounds));
    }
}

fn ways() -> Vec<Way> {
    let way = |name: &str, hash| Way {
        name: name.to_owned(),
        hash,
    };
    #[cfg(target_arch = "x86_64")]
    let mut ways = vec![
        way(
            "reference in C",
            Box::new(|_, often| reference::as_it_is(often)),
        ),
        way(
            "  memory kept",
            Box::new(|_, often| reference::memory_kept(often)),
        ),
    ];
    #[cfg(not(target_arch = "x86_64"))]
    let mut ways = Vec::new();
    for kernel in Kernel::all() {
        let most = if kernel.interleaves() { TOGETHER } else { 1 };
        for together in 1..=most {
            let name = if kernel.interleaves() {
                format!("{}, {together} together", kernel.name())
            } else {
                "argon2 crate".to_owned()
            };
            let hash: Hash = Box::new(move |memories, often| {
                ours(kernel, memories.split_at_mut(together).0, often)
            });
            ways.push(way(&name, hash));
        }
    }
    ways
}

fn are_the_same(ways: &[Way]) {
    let mut tags = ways
        .iter()
        .map(|way| (way.hash)(&mut Default::default(), TOGETHER));
    let first = tags.next();
    for (tag, way) in tags.zip(ways.iter().skip(1)) {
        assert_eq!(Some(tag), first, "{}", way.name);
    }
}

/// Gives the hashes a second of each way in each round.
fn measure(ways: &[Way], threads: usize, rounds: usize) -> Vec<Vec<f64>> {
    let (begin, end) = (Barrier::new(threads + 1), Barrier::new(threads + 1));
    let turns = || (0..rounds).flat_map(|_| ways);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut memories = Default::default();
                for way in turns() {
                    begin.wait();
                    std::hint::black_box((way.hash)(&mut memories, HASHES));
                    end.wait();
                }
            });
        }
        let hashes = f64::from(u32::try_from(threads * HASHES).expect("few"));
        let mut rates = vec![Vec::new(); ways.len()];
        for _ in 0..rounds {
            for rates in &mut rates {
                begin.wait();
                let started = Instant::now();
                end.wait();
                rates.push(hashes / started.elapsed().as_secs_f64());
            }
        }
        rates
    })
}

fn show(ways: &[Way], rates: &[Vec<f64>]) {
    for (way, own) in ways.iter().zip(rates) {
        let to = |other: Option<&Vec<f64>>| {
            let ratios = own.iter().zip(other.unwrap_or(own));
            median(ratios.map(|(own, other)| own / other).collect())
        };
        println!(
            "{:24} {:10.1} {:18.2} {:17.2}",
            way.name,
            median(own.clone()),
            to(rates.first()),
            to(rates.get(1)),
        );
    }
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}

fn ours(kernel: Kernel, memories: &mut [Memory], often: usize) -> [u8; TAG_BYTES] {
    let parameters = Parameters::new(MEMORY_KIB, PASSES, 1).expect("allowed");
    let input = Input::new(PASSWORD, SALT).expect("allowed");
    let mut tags = vec![[0; TAG_BYTES]; memories.len()];
    for _ in 0..often / memories.len() {
        let places = memories.iter_mut().zip(&mut tags);
        let jobs = places.map(|(memory, tag)| Job { input, memory, tag });
        let mut jobs: Vec<_> = jobs.collect();
        kernel.hash_together(parameters, &mut jobs).expect("hashes");
    }
    tags.first().copied().unwrap_or_default()
}
