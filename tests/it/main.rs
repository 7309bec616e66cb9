//! Integration tests: one binary whose files mirror the URL tree, each case judged on every backend.
//!
//! A case gets a [`house::House`]: the whole service in this process on an empty store of its own,
//! with a clock that stands until the case advances it and a courier that keeps what it should
//! send. PostgreSQL and Redis come from `TEST_POSTGRES` and `TEST_REDIS` (see `scripts/test`).

#![expect(
    unreachable_pub,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    clippy::await_holding_lock,
    clippy::as_conversions,
    clippy::type_complexity,
    clippy::needless_pass_by_value,
    clippy::format_collect,
    reason = "a test that goes wrong is to stop where it does"
)]

mod admin;
mod auth;
mod authenticator;
mod backend;
mod browser;
mod case;
mod client;
mod clocks;
mod config_effects;
mod console;
mod doors;
mod hostile;
mod house;
mod house_rules;
mod matrix;
mod nodes;
mod oauth;
mod pages;
mod patience;
mod ports;
mod probes;
mod process;
mod sink;
#[cfg(feature = "failpoints")]
mod storm;
mod transit;
mod walks;
mod witness;

use libtest_mimic::{Arguments, Trial};

use crate::backend::Backend;
use crate::case::{Case, Scene};
use crate::house::House;

fn main() {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.install_default().expect("the first provider");
    let arguments = Arguments::from_args();
    let mut trials = house_rules::trials();
    let scenes = [
        doors::all(),
        config_effects::all(),
        admin::scenes(),
        auth::scenes(),
        oauth::scenes(),
        walks::scenes(),
    ];
    trials.extend(scenes.into_iter().flatten().map(scene_trial));
    for backend in Backend::available() {
        let many_nodes = if backend == Backend::PostgresRedis {
            nodes::all().into_iter().chain(clocks::of_nodes()).collect()
        } else {
            Vec::new()
        };
        let everywhere = [
            auth::cases(),
            admin::cases(),
            console::all(),
            oauth::all(),
            pages::all(),
            probes::cases(),
            clocks::cases(),
            hostile::cases(),
            matrix::all(),
            #[cfg(feature = "failpoints")]
            storm::cases(),
        ];
        let cases = everywhere.into_iter().flatten().chain(many_nodes);
        trials.extend(cases.map(|case| trial(backend, case)));
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    let is_whole = arguments.filter.is_none() && arguments.skip.is_empty() && !arguments.list;
    if is_whole && !conclusion.has_failed() {
        let unseen = witness::unseen();
        assert!(
            unseen.is_empty(),
            "no test saw these succeed and counted their audit rows: {unseen:?}"
        );
    }
    conclusion.exit();
}

fn trial(backend: Backend, case: Case) -> Trial {
    Trial::test(format!("{backend}::{}", case.name), move || {
        runtime().block_on(async move {
            let house = House::open(backend).await;
            witness::begin(&house);
            (case.run)(house.clone()).await;
            witness::judge(&house).await;
            house.stop().await;
        });
        Ok(())
    })
}

fn scene_trial(scene: Scene) -> Trial {
    Trial::test(scene.name, move || {
        runtime().block_on((scene.run)());
        Ok(())
    })
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
}
