//! What a hash costs: the `argon2` crate as it is, the same with its memory kept, and our kernel
//! behind the gate, by one caller for each thread and by so many that hashes are computed together.
//!
//! `cargo bench -p hashing`. Set `GLIBC_TUNABLES=glibc.malloc.hugetlb=1` to see it on transparent
//! huge pages. The figures are in `docs/HASHING.md`.

#![expect(
    clippy::expect_used,
    reason = "a measurement that cannot be made says why and stops"
)]

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use domain::secret::{SecretBytes, SecretText};
use hashing::{Cost, Hashing, HashingConfig};
use protocol::entropy::SystemRandom;

const COST: Cost = Cost {
    memory_kib: 19_456,
    time: 2,
    parallelism: 1,
};
const ROUNDS: u32 = 40;
/// How often each figure is taken: the best is what the machine can do, the median what it did.
const SAMPLES: usize = 7;

fn main() {
    // Without this flag of `cargo bench` a test run only wants to see that it still works.
    let measured = std::env::args().any(|argument| argument == "--bench");
    let (rounds, samples) = if measured { (ROUNDS, SAMPLES) } else { (1, 1) };
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    println!(
        "m={} KiB, t={}, p={}",
        COST.memory_kib, COST.time, COST.parallelism
    );
    for threads in [1, cores] {
        let ways: [(&str, &dyn Fn() -> f64); 4] = [
            ("crate as it is", &|| on_threads(threads, rounds, as_it_is)),
            ("memory kept", &|| on_threads(threads, rounds, memory_kept)),
            ("through the gate", &|| {
                through_the_gate(threads, threads, rounds)
            }),
            ("the same, crowded", &|| {
                through_the_gate(threads, threads * 4, rounds / 4 + 1)
            }),
        ];
        // One sample of each in turn, so that a busy moment of the machine does not hit one alone.
        let mut rates = [const { Vec::new() }; 4];
        for _ in 0..samples {
            for (rates, (_, measure)) in rates.iter_mut().zip(&ways) {
                rates.push(measure());
            }
        }
        for (rates, (name, _)) in rates.iter_mut().zip(&ways) {
            show(name, threads, rates);
        }
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(COST.memory_kib, COST.time, COST.parallelism, Some(32));
    Argon2::new(
        Algorithm::Argon2id,
        Version::V0x13,
        params.expect("allowed"),
    )
}

fn as_it_is(rounds: u32) {
    let (argon2, mut output) = (argon2(), [0; 32]);
    for _ in 0..rounds {
        let done = argon2.hash_password_into(b"password", b"0123456789abcdef", &mut output);
        black_box(done).expect("hashes");
    }
}

fn memory_kept(rounds: u32) {
    let (argon2, mut output) = (argon2(), [0; 32]);
    let mut memory = vec![Block::new(); argon2.params().block_count()];
    for _ in 0..rounds {
        let done = argon2.hash_password_into_with_memory(
            b"password",
            b"0123456789abcdef",
            &mut output,
            &mut memory,
        );
        black_box(done).expect("hashes");
    }
}

fn through_the_gate(threads: usize, callers: usize, rounds: u32) -> f64 {
    let config = HashingConfig {
        cost: COST,
        threads: NonZeroUsize::new(threads).expect("one at least"),
        queue: 64,
        peppers: vec![SecretBytes::new(vec![1; 32])],
    };
    let gate = Hashing::new(&config, Arc::new(SystemRandom), Arc::new(|_| ())).expect("starts");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_time()
        .build();
    let started = Instant::now();
    runtime.expect("a runtime").block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..callers {
            tasks.spawn(verify_often(gate.clone(), rounds));
        }
        while tasks.join_next().await.is_some() {}
    });
    rate(rounds, callers, started.elapsed())
}

async fn verify_often(gate: Hashing, rounds: u32) {
    for _ in 0..rounds {
        let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
        let password = SecretText::new("password".to_owned());
        let place = gate.reserve().expect("a place");
        let verified = place.verify(password, None, deadline).await;
        black_box(verified).expect("verifies");
    }
}

fn on_threads(threads: usize, rounds: u32, work: fn(u32)) -> f64 {
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(move || work(rounds));
        }
    });
    rate(rounds, threads, started.elapsed())
}

fn rate(rounds: u32, callers: usize, span: Duration) -> f64 {
    let hashes = rounds * u32::try_from(callers).expect("few");
    f64::from(hashes) / span.as_secs_f64()
}

fn show(name: &str, threads: usize, rates: &mut [f64]) {
    rates.sort_by(f64::total_cmp);
    let best = rates.last().copied().unwrap_or_default();
    let median = rates.get(rates.len() / 2).copied().unwrap_or_default();
    println!("{name:18} {threads:2} threads  best {best:6.1}  median {median:6.1} hashes/s");
}
