//! What can be said on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::servers::StoreKind;

/// Loads the service and prints each figure as a ratio to a ceiling measured in the same run.
#[derive(Debug, Clone, Parser)]
#[command(name = "loadtests", version, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// `all`, `sizes`, `list`, `flood`, `timing`, or scenarios by name; all scenarios when absent
    pub(crate) names: Vec<String>,
    #[command(flatten)]
    pub(crate) load: LoadArguments,
    #[command(flatten)]
    pub(crate) house: HouseArguments,
    #[command(flatten)]
    pub(crate) output: OutputArguments,
    #[command(flatten)]
    pub(crate) running: RunningArguments,
}

/// How hard.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct LoadArguments {
    /// How many connections ask at once
    #[arg(long, default_value_t = 64)]
    pub(crate) connections: u32,
    /// How long each load lasts, in seconds
    #[arg(long, default_value_t = 5)]
    pub(crate) seconds: u64,
    /// How many rounds of ceiling and service
    #[arg(long, default_value_t = 3)]
    pub(crate) rounds: usize,
    /// Requests a second, however fast they are answered (an open loop); absent: each connection asks
    /// again as soon as it was answered
    #[arg(long)]
    pub(crate) rate: Option<f64>,
    /// How long overload lasts, in seconds, in `all`
    #[arg(long, default_value_t = 20)]
    pub(crate) overload_seconds: u64,
}

/// On what.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct HouseArguments {
    /// The store; may be repeated. In `all`: every store when absent
    #[arg(long = "store", value_enum)]
    pub(crate) stores: Vec<StoreKind>,
    /// A PostgreSQL with an empty database and a superuser, `host=… port=… user=… password=… dbname=…`;
    /// absent: a private one
    #[arg(long)]
    pub(crate) postgres: Option<String>,
    /// A Redis, `host:port`; absent: a private one
    #[arg(long)]
    pub(crate) redis: Option<String>,
    /// The binary of the service; absent: built beside this one
    #[arg(long)]
    pub(crate) service: Option<PathBuf>,
    /// How many threads of the service hash passwords
    #[arg(long, default_value_t = 1)]
    pub(crate) hashing_threads: usize,
    /// How many people there are, each with a sign-in and a refresh family
    #[arg(long, default_value_t = 4_000)]
    pub(crate) people: u32,
    /// How many tenants there are beside the default one
    #[arg(long, default_value_t = 32)]
    pub(crate) tenants: u32,
    /// People in the grown store of `all`; 0: no growth row
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) grown_people: u32,
    /// Tenants in the grown store of `all`
    #[arg(long, default_value_t = 10_000)]
    pub(crate) grown_tenants: u32,
}

/// What is told, where.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct OutputArguments {
    /// Where everything measured is written as JSON
    #[arg(long)]
    pub(crate) json: Option<PathBuf>,
    /// Where it is written as one HTML page with charts
    #[arg(long)]
    pub(crate) html: Option<PathBuf>,
    /// Where a flame graph of the service and its store under each scenario is drawn, `NAME.svg` (`NAME-STORE.svg` on others than the embedded store); needs `perf`
    #[arg(long)]
    pub(crate) flames: Option<PathBuf>,
    /// What must be met for this to end with success; absent: loadtests/thresholds.json
    #[arg(long)]
    pub(crate) thresholds: Option<PathBuf>,
}

/// For `timing`, and for `flood` without `--store`, which ask a service that runs already.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct RunningArguments {
    /// The public door of a running service, for flood and timing
    #[arg(long, default_value = "127.0.0.1:4000")]
    pub(crate) address: String,
    /// Its admin door
    #[arg(long, default_value = "127.0.0.1:4001")]
    pub(crate) admin: String,
    /// A key that opens it
    #[arg(long, default_value = "")]
    pub(crate) key: String,
    /// How many accounts that there are, and as many that there are not, are asked about
    #[arg(long, default_value_t = 400)]
    pub(crate) samples: usize,
    /// How well the clock may tell the two apart, for timing to end with success: 0.5 is guessing
    #[arg(long, default_value_t = 0.6)]
    pub(crate) area: f64,
    /// How many sign in at the same instant in a flood
    #[arg(long, default_value_t = 1_000)]
    pub(crate) strangers: usize,
    /// How many times an idle service's the slowest of a hundred answers may take under a flood, for
    /// flood to end with success
    #[arg(long, default_value_t = 10.0)]
    pub(crate) at_most: f64,
}

const AFTER_HELP: &str = "\
`all` runs every scenario on every store, then tails, overload, growth and sizes, and prints the table.
Exit status: 0 every threshold met, 1 one missed or something failed, 2 wrong usage.";

// === impl LoadArguments ===

impl LoadArguments {
    /// Gives how long each load lasts.
    pub(crate) const fn span(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}
