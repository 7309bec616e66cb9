//! Where and how a run was made.

use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

use serde::Serialize;

use crate::arguments::Arguments;

/// Where and how.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    /// The processor's name.
    pub(crate) processor: String,
    /// How many cores.
    pub(crate) cores: usize,
    /// The kernel.
    pub(crate) kernel: String,
    /// How busy it was before: the load average of a minute.
    pub(crate) busy: String,
    /// The commit that was measured.
    pub(crate) commit: String,
    /// Connections, seconds a load, rounds.
    pub(crate) effort: [u64; 3],
}

// === impl Machine ===

impl Machine {
    /// Looks around.
    pub(crate) fn of(arguments: &Arguments) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let processors = read("/proc/cpuinfo");
        let model = processors
            .lines()
            .find(|line| line.starts_with("model name"));
        let processor = model.and_then(|line| line.split_once(": "));
        let load = &arguments.load;
        Self {
            processor: processor.map_or(String::new(), |(_, name)| name.to_owned()),
            cores: available_parallelism().map_or(1, usize::from),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            busy: read("/proc/loadavg")
                .split(' ')
                .next()
                .unwrap_or_default()
                .to_owned(),
            commit: commit(),
            effort: [
                u64::from(load.connections),
                load.seconds,
                u64::try_from(load.rounds).unwrap_or(0),
            ],
        }
    }

    /// Says it in a line.
    pub(crate) fn line(&self) -> String {
        let [connections, seconds, rounds] = self.effort;
        format!(
            "{}, {} cores, Linux {}, load before {}; commit {}; {connections} connections, {seconds} s, \
             {rounds} rounds; generator, service and stores share the cores",
            self.processor, self.cores, self.kernel, self.busy, self.commit
        )
    }
}

/// Asks git, if there is one.
fn commit() -> String {
    let asked = Command::new("git")
        .args(["rev-parse", "--short", "HEAD"])
        .output();
    let said = asked.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    said.unwrap_or_default()
}
