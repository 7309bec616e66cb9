//! Loads the service and prints each figure as a ratio to a ceiling measured in the same run.
//!
//! Absolute figures on a shared machine mean little, so every round first loads the least that could be
//! done (a bare hyper server, a raw hash loop, a raw store loop; see [`ceiling`]) and then the service,
//! with the same connections for the same time; what counts is the median ratio of the rounds. Service
//! and stores are started here, on stores of their own (see [`house`], [`servers`], [`seed`]).
//!
//! How to run it, and what was last seen, is in `loadtests/README.md`.

use std::process::ExitCode;

use clap::Parser;

mod arguments;
mod asker;
mod bench;
mod ceiling;
mod estate;
mod flames;
mod flood;
mod house;
mod line;
mod load;
mod message;
mod numbers;
mod pace;
mod process;
mod report;
mod scenario;
mod seed;
mod servers;
mod suite;
mod talk;
mod thresholds;
mod timing;
mod wire;

use arguments::Arguments;
use flood::Flood;
use suite::Suite;
use timing::Timing;

/// The service's, so that no ceiling is measured on a worse one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.names == ["ceiling"] {
        return ceiling::run();
    }
    raise_limits();
    // One thread: the generator is to leave the other cores to what it measures.
    let runtime = tokio::runtime::Builder::new_current_thread()
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
    let names: Vec<&str> = arguments.names.iter().map(String::as_str).collect();
    match names.as_slice() {
        ["list"] => {
            for scenario in scenario::table(false) {
                println!("{:<20}{}", scenario.name, scenario.about);
            }
            Ok(())
        }
        ["flood"] if arguments.house.stores.is_empty() => flood(arguments).await,
        ["timing"] => timing(arguments).await,
        ["all" | "sizes"] => measure(arguments).await,
        names => {
            let known = scenario::table(false);
            let is_known = |name: &&&str| {
                **name == suite::FLOOD || known.iter().any(|scenario| scenario.name == **name)
            };
            if let Some(unknown) = names.iter().find(|name| !is_known(name)) {
                return Err(format!(
                    "no scenario is called {unknown}; see: loadtests list"
                ));
            }
            measure(arguments).await
        }
    }
}

/// An overload comes over more connections than a process may have by default; children inherit it.
fn raise_limits() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let _ = setrlimit(Resource::Nofile, raised);
}

/// Measures, writes what was asked for, and judges.
async fn measure(arguments: &Arguments) -> Result<(), String> {
    let mut suite = Suite::new(arguments)?;
    let measured = match arguments.names.as_slice() {
        [name] if name == "all" => suite.all().await,
        [name] if name == "sizes" => suite.alone().await,
        _ => suite.scenarios().await,
    };
    let output = &arguments.output;
    suite
        .report
        .write(output.json.as_deref(), output.html.as_deref())?;
    measured?;
    match suite.report.missed().as_slice() {
        [] => Ok(()),
        missed => Err(format!("missed: {}", missed.join(", "))),
    }
}

async fn flood(arguments: &Arguments) -> Result<(), String> {
    let running = &arguments.running;
    let flood = Flood {
        address: &running.address,
        admin: &running.admin,
        key: &running.key,
        strangers: running.strangers,
        rounds: arguments.load.rounds,
        flames: None,
    };
    let outcome = flood.measure().await?;
    println!("{outcome}");
    outcome.check(running.at_most)
}

async fn timing(arguments: &Arguments) -> Result<(), String> {
    let running = &arguments.running;
    let timing = Timing {
        address: &running.address,
        admin: &running.admin,
        key: &running.key,
        samples: running.samples,
    };
    let outcome = timing.measure().await?;
    println!("{outcome}");
    outcome.check(running.area)
}
