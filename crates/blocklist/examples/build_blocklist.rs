//! Makes `common.bin` from a list of passwords, one a line: see `crates/blocklist/README.md`.
//!
//! `cargo run -p blocklist --example build_blocklist -- LIST crates/blocklist/common.bin`

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use blocklist::{SHORTEST, key};
use protocol::password::fold;
use xorf::{BinaryFuse16, DmaSerializable};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let (Some(list), Some(filter)) = (arguments.next(), arguments.next()) else {
        return Err("expected the list to read and the file to write".into());
    };
    let list = fs::read_to_string(list)?;
    let mut keys: Vec<u64> = list
        .lines()
        .map(|line| fold(line.trim_end_matches('\r')))
        .filter(|folded| folded.expose().chars().count() >= SHORTEST)
        .map(|folded| key(folded.expose()))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    let built = BinaryFuse16::try_from(&keys)?;
    let mut bytes = built.dma_fingerprints().to_vec();
    let fingerprints = bytes.len();
    bytes.resize(fingerprints + BinaryFuse16::DESCRIPTOR_LEN, 0);
    let descriptor = bytes
        .get_mut(fingerprints..)
        .ok_or("the descriptor has a place")?;
    built.dma_copy_descriptor_to(descriptor);
    fs::write(&filter, &bytes)?;
    println!("{} passwords, {} bytes", keys.len(), bytes.len());
    Ok(())
}
