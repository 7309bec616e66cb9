//! What a hash costs: the `argon2` crate as it is, with its memory kept, and behind the gate.
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
const ROUNDS: u32 = 200;

fn main() {
    // Without this flag of `cargo bench` a test run only wants to see that it still works.
    let measured = std::env::args().any(|argument| argument == "--bench");
    let rounds = if measured { ROUNDS } else { 1 };
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    println!(
        "m={} KiB, t={}, p={}",
        COST.memory_kib, COST.time, COST.parallelism
    );
    for threads in [1, cores] {
        report("crate as it is", threads, rounds, as_it_is);
        report("memory kept", threads, rounds, memory_kept);
        through_the_gate(threads, rounds);
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

fn through_the_gate(threads: usize, rounds: u32) {
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
        let mut callers = tokio::task::JoinSet::new();
        for _ in 0..threads * 2 {
            let gate = gate.clone();
            callers.spawn(async move {
                for _ in 0..rounds {
                    let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
                    let password = SecretText::new("password".to_owned());
                    let verified = gate.verify(password, None, deadline).await;
                    black_box(verified).expect("verifies");
                }
            });
        }
        while callers.join_next().await.is_some() {}
    });
    let hashes = rounds * u32::try_from(threads * 2).expect("few");
    show("through the gate", threads, hashes, started.elapsed());
}

fn report(name: &str, threads: usize, rounds: u32, work: fn(u32)) {
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(move || work(rounds));
        }
    });
    let hashes = rounds * u32::try_from(threads).expect("few");
    show(name, threads, hashes, started.elapsed());
}

fn show(name: &str, threads: usize, hashes: u32, span: Duration) {
    let rate = f64::from(hashes) / span.as_secs_f64();
    println!("{name:18} {threads:2} threads {rate:8.1} hashes/s");
}
