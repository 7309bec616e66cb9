//! Histories under faults: the link to the store in every weather, and the process killed, while many
//! clients do everything to sign-ins at once. See `history` for what is judged.
//!
//! `FAULT_ROUNDS` says how often each fault is made (once unless set), `SEED` begins the numbers from
//! which clients draw.

use std::time::Duration;

use libtest_mimic::Trial;

use crate::history::judged;
use crate::lives::Lives;
use crate::process::{Process, Site, Store, setting};
use crate::proxy::{Proxy, Weather};
use crate::servers::{self, Server};
use crate::{trial, trial_of};

/// How many clients there are.
const CLIENTS: usize = 10;
/// How much is done before and after a fault.
const AROUND: usize = 120;
/// How long one lasts: longer than every deadline within.
const FAULT: Duration = Duration::from_secs(3);
/// How long the service may take to be ready again.
const BACK_WITHIN: Duration = Duration::from_secs(10);
/// How late everything is on a slow link.
const LATE: Duration = Duration::from_millis(40);

const WEATHERS: [Weather; 5] = [
    Weather::Slow(LATE),
    Weather::Sliced,
    Weather::Cut,
    Weather::Mute,
    Weather::Swallowed,
];

/// The trials of this file, as far as there are servers for them.
pub fn trials() -> Vec<Trial> {
    let killed = "a_history_with_kills_is_explained";
    let stores = Store::available().into_iter();
    let mut trials: Vec<Trial> = stores.map(|store| trial(killed, store, kills)).collect();
    trials.push(Trial::test(
        "the_judge_of_histories_finds_what_is_wrong",
        || {
            judged::finds_what_is_wrong();
            Ok(())
        },
    ));
    if !servers::has_postgres() {
        println!("not run: histories in bad weather: no PostgreSQL to reach");
        return trials;
    }
    trials.push(trial_of(
        "a_history_with_a_bad_link_to_postgres_is_explained",
        bad_link_to_postgres,
    ));
    if !Store::available().contains(&Store::Postgres) || !servers::has_redis() {
        println!("not run: histories with a bad link to Redis: no Redis to reach");
        return trials;
    }
    trials.push(trial_of(
        "a_history_with_a_bad_link_to_redis_is_explained",
        bad_link_to_redis,
    ));
    trials
}

/// How often each fault is made.
fn rounds() -> u64 {
    number("FAULT_ROUNDS").unwrap_or(1)
}

/// The number that the first round draws from.
fn seed() -> u64 {
    number("SEED").unwrap_or(1)
}

fn number(name: &str) -> Option<u64> {
    setting(name).map(|text| text.parse().expect(name))
}

async fn kills(store: Store) {
    let site = Site::new(store, &[]).await;
    let (operator, mut process) = started(&site).await;
    let lives = Lives::at(&site, operator);
    let kills = rounds() * 3;
    let work = async {
        for _ in 0..kills {
            lives.act(AROUND).await;
            process.kill();
            process = site.start().await.0;
        }
        lives.act(AROUND).await;
        process
    };
    let _running = lives.during((CLIENTS, seed()), work).await;
    println!("{store}: {kills} kills, {}", lives.judge(seed()));
}

async fn bad_link_to_postgres() {
    let server = Server::postgres();
    bad_link(&server, Store::Sqlite, ("POSTGRES_PORT", "PostgreSQL")).await;
}

async fn bad_link_to_redis() {
    let server = Server::redis();
    bad_link(&server, Store::Postgres, ("REDIS_PORT", "Redis")).await;
}

/// Puts a link into every weather.
async fn bad_link(server: &Server, store: Store, (port, what): (&'static str, &str)) {
    let proxy = Proxy::to(server.port());
    let mut settings = server.settings();
    settings.retain(|(name, _)| *name != port);
    settings.push((port, proxy.port().to_string()));
    let site = Site::with(store, settings).await;
    let (operator, _process) = started(&site).await;
    for seed in seed()..seed() + rounds() {
        for weather in WEATHERS {
            // Each weather has a history of its own, and accounts of its own.
            let lives = Lives::at(&site, operator.clone());
            let weathered = async {
                lives.act(AROUND).await;
                proxy.set(weather);
                tokio::time::sleep(FAULT).await;
                proxy.set(Weather::Clear);
                site.wait_for("/ready", 200, BACK_WITHIN).await;
                lives.act(AROUND).await;
            };
            lives.during((CLIENTS, seed), weathered).await;
            println!("{what}, {weather:?}: {}", lives.judge(seed));
        }
    }
}

/// Makes an operator's key and starts the service. The embedded store is one process's.
async fn started(site: &Site) -> (String, Process) {
    let made = site.operate(&[
        "admin",
        "create-key",
        "--scopes",
        "admin:users,admin:clients",
    ]);
    let key = made.lines().find_map(|line| line.strip_prefix("api_key="));
    let key = key.expect("a key").to_owned();
    (key, site.start().await.0)
}
