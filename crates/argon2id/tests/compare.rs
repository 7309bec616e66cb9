//! A slice of the comparison with the `argon2` crate; the long run is `examples/compare`.

use std::hash::{BuildHasher, RandomState};

#[path = "../examples/compare/case.rs"]
mod case;

use case::{Bench, Draw};

/// How many random hashes every test run compares, on each kernel.
const SLICE: usize = 20_000;

#[test]
fn random_hashes_are_those_of_the_argon2_crate() {
    let seed = RandomState::new().hash_one(0);
    println!("seed {seed}: cargo run --release -p argon2id --example compare -- {SLICE} {seed}");
    let (mut draw, mut bench, mut done) = (Draw::new(seed), Bench::default(), 0);
    while done < SLICE {
        let cases = draw.cases();
        assert_eq!(bench.compare(&cases), Ok(()), "seed {seed}, after {done}");
        done += cases.inputs.len();
    }
}
