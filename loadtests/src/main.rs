//! Loads a running service and prints each figure as a ratio to a ceiling measured in the same run.
//!
//! Absolute figures on a shared machine mean little, so every round first loads a bare hyper server in
//! this process (with one signature a request where the scenario mints a token) and then the service,
//! with the same connections for the same time; what counts is the median ratio of the rounds.
//!
//! The service is started by whoever runs this (see `loadtests/README.md`), with its limits raised.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

mod ceiling;
mod drive;
mod flood;
mod report;
mod scenario;
mod timing;

use flood::Flood;
use report::Report;
use scenario::Scenario;
use timing::Timing;

/// What to load, and how hard.
#[derive(Debug, Parser)]
#[command(name = "loadtests", version)]
struct Arguments {
    /// jwks, refresh, login, flood or timing; the first three when absent
    scenario: Option<String>,
    /// The public door of the service
    #[arg(long, default_value = "127.0.0.1:4000")]
    address: String,
    /// Its admin door, for timing
    #[arg(long, default_value = "127.0.0.1:4001")]
    admin: String,
    /// A key that opens it
    #[arg(long, default_value = "")]
    key: String,
    /// How many accounts that there are, and as many that there are not, are asked about
    #[arg(long, default_value_t = 400)]
    samples: usize,
    /// How well the clock may tell the two apart, for this to end with success: 0.5 is guessing
    #[arg(long, default_value_t = 0.6)]
    area: f64,
    /// How many connections ask at once
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// How long each load lasts, in seconds
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How many rounds of ceiling and service
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How many sign in at the same instant in a flood
    #[arg(long, default_value_t = 1_000)]
    strangers: usize,
    /// How many times an idle service's the slowest of a hundred answers may take under a flood, for
    /// this to end with success
    #[arg(long, default_value_t = 10.0)]
    at_most: f64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let Ok(runtime) = runtime else {
        eprintln!("no runtime could be started");
        return ExitCode::FAILURE;
    };
    match runtime.block_on(run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), String> {
    if arguments.scenario.as_deref() == Some("flood") {
        return flood(arguments).await;
    }
    if arguments.scenario.as_deref() == Some("timing") {
        return timing(arguments).await;
    }
    let names: Vec<&str> = match &arguments.scenario {
        Some(name) => vec![name],
        None => vec!["jwks", "refresh", "login"],
    };
    let span = Duration::from_secs(arguments.seconds);
    println!("{}", Report::HEAD);
    for name in names {
        let mut rounds = Vec::new();
        for round in 1..=arguments.rounds {
            eprintln!("{name}: round {round} of {}", arguments.rounds);
            // Anew for each round: a chain of refreshes goes on where it was, or not at all.
            let scenario =
                Scenario::prepare(name, &arguments.address, arguments.connections).await?;
            let ceiling = ceiling::measure(&scenario, span).await?;
            let service = drive::measure(&scenario, &arguments.address, span).await?;
            rounds.push((ceiling, service));
        }
        println!("{}", Report::new(name, &rounds));
    }
    Ok(())
}

async fn flood(arguments: &Arguments) -> Result<(), String> {
    let flood = Flood {
        address: &arguments.address,
        strangers: arguments.strangers,
        rounds: arguments.rounds,
    };
    let outcome = flood.measure().await?;
    println!("{outcome}");
    outcome.check(arguments.at_most)
}

async fn timing(arguments: &Arguments) -> Result<(), String> {
    let timing = Timing {
        address: &arguments.address,
        admin: &arguments.admin,
        key: &arguments.key,
        samples: arguments.samples,
    };
    let outcome = timing.measure().await?;
    println!("{outcome}");
    outcome.check(arguments.area)
}
