//! Faults: the real binary under load, killed and started again, and an oracle that remembers what
//! was acknowledged.
//!
//! Each run starts `auth-service` as a process of its own on a store of its own, loads it with 64
//! clients that register, sign in, refresh and revoke, kills it with SIGKILL in the middle, starts
//! it again, and asks the oracle: is everything acknowledged still there, is everything revoked still
//! refused? The number of kills is `FAULT_KILLS` (20 unless set).
//!
//! One does what the first start prints (`quickstart`), one what an operator types (`keys`), some reach
//! their servers by settings (`reached`).
//!
//! Others pull a plug under a light load whose every answer is judged (`load`): the servers
//! (`stores`), the process (`drain`), one of two nodes (`rolling`), the disk (`disk`), the owners
//! themselves (`storm`).
//!
//! In `chaos` clients do everything to sign-ins at once (`lives`) while a small `proxy` spoils the link
//! to the store, or the process is killed, and the whole `history` is judged afterwards. What one node
//! does and another must feel is in `felt`,
//! strangers who strain the service in `strain`.

#![expect(
    unreachable_pub,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::too_many_lines,
    clippy::too_many_arguments,
    clippy::await_holding_lock,
    reason = "a test that goes wrong is to stop where it does"
)]

mod chaos;
#[path = "../it/walks/dice.rs"]
mod dice;
mod disk;
mod drain;
mod felt;
mod flood;
mod history;
mod keys;
mod lives;
mod load;
mod oracle;
mod outage;
#[path = "../it/ports.rs"]
mod ports;
mod process;
mod proxy;
mod quickstart;
mod reached;
mod rolling;
mod servers;
mod stores;
#[cfg(feature = "failpoints")]
mod storm;
mod strain;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::process::Store;

fn main() {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.install_default().expect("the first provider");
    let mut arguments = Arguments::from_args();
    // Each trial loads the whole machine: one at a time.
    arguments.test_threads = Some(1);
    let kill = |store| {
        let name = "kill_nine_loses_nothing_acknowledged";
        trial(name, store, oracle::survives_kills)
    };
    let trials = Store::available()
        .into_iter()
        .flat_map(|store| {
            let leak = "a_leaked_api_key_is_revoked_from_the_command_line";
            [kill(store), trial(leak, store, keys::revokes_a_leaked_key)]
        })
        .chain([trial_of(
            "the_printed_lines_work_and_a_restart_keeps_the_session",
            quickstart::works_as_printed,
        )])
        .chain(flood::trials())
        .chain(outage::trials())
        .chain(drain::trials())
        .chain(stores::trials())
        .chain(reached::trials())
        .chain(rolling::trials())
        .chain(disk::trials())
        .chain(chaos::trials())
        .chain(felt::trials())
        .chain(strain::trials())
        .chain(storms())
        .collect();
    libtest_mimic::run(&arguments, trials).exit();
}

/// The trials that need crashes on demand.
fn storms() -> Vec<Trial> {
    #[cfg(feature = "failpoints")]
    return storm::trials();
    #[cfg(not(feature = "failpoints"))]
    {
        println!("not run: a storm of crashes: needs the feature `failpoints`");
        Vec::new()
    }
}

/// Makes a trial that is run once for each store.
pub(crate) fn trial<F>(name: &str, store: Store, run: fn(Store) -> F) -> Trial
where
    F: Future<Output = ()> + 'static,
{
    Trial::test(format!("{store}::{name}"), move || {
        block_on(run(store));
        Ok::<(), Failed>(())
    })
}

/// Makes a trial that is not run once for each store.
pub(crate) fn trial_of<F>(name: &str, run: fn() -> F) -> Trial
where
    F: Future<Output = ()> + 'static,
{
    Trial::test(name.to_owned(), move || {
        block_on(run());
        Ok(())
    })
}

/// Runs one trial on a runtime of its own.
pub(crate) fn block_on<F: Future<Output = ()>>(future: F) {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future);
}
