//! Compares random hashes with those of the `argon2` crate:
//!
//! `cargo run --release -p argon2id --example compare -- [HASHES [SEED]]`, a million without a number.
//!
//! Every kernel of this machine computes each of them, up to four at once. Prints the seed first, how
//! far it is in between, and how many were the same in the end; ends with 1 at the first that is not.

use std::hash::{BuildHasher, RandomState};
use std::process::ExitCode;
use std::time::Instant;

use argon2id::Kernel;

mod case;

use case::{Bench, Draw};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut number = |otherwise: u64| {
        arguments
            .next()
            .and_then(|text| text.parse().ok())
            .unwrap_or(otherwise)
    };
    let wanted = number(1_000_000);
    let seed = number(RandomState::new().hash_one(0));
    let names: Vec<_> = Kernel::all().map(Kernel::name).collect();
    println!(
        "seed {seed}, {wanted} hashes on each of: {}",
        names.join(", ")
    );
    let (mut draw, mut bench, started) = (Draw::new(seed), Bench::default(), Instant::now());
    let (mut done, mut told) = (0, 0);
    while done < wanted {
        let cases = draw.cases();
        if let Err(difference) = bench.compare(&cases) {
            println!("after {done} hashes: {difference}");
            return ExitCode::FAILURE;
        }
        done += u64::try_from(cases.inputs.len()).unwrap_or(u64::MAX);
        if done / 50_000 > told {
            told = done / 50_000;
            println!("{done} the same, {:.0?}", started.elapsed());
        }
    }
    println!("{done} hashes, all the same, in {:.0?}", started.elapsed());
    ExitCode::SUCCESS
}
