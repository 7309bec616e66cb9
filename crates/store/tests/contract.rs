//! The contract suite, run once for each backend.
//!
//! Each backend has a module beside this file with a function `trials()`: it gives every case of
//! [`store::contract::cases`] the name `<backend>::<port>::<claim>`, and adds the claims that only
//! make sense for that backend. [`backend`] holds what they share.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "these are tests, though the compiler does not know: the harness is our own"
)]

mod contract {
    pub(crate) mod backend;
    pub(crate) mod postgres;
    pub(crate) mod sqlite;
}

use libtest_mimic::{Arguments, run};

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = contract::sqlite::trials();
    trials.extend(contract::postgres::trials());
    let conclusion = run(&arguments, trials);
    if let Some(reason) = contract::postgres::unavailable() {
        println!("not run on {reason}");
    }
    conclusion.exit();
}
