//! What processes cost: processor time and memory, as the kernel counts them in `/proc`.

use std::fs;
use std::time::Duration;

/// Processes whose costs are told.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Watched {
    /// What is measured.
    pub(crate) server: Option<u32>,
    /// The stores that it uses, each with its children.
    pub(crate) stores: [Option<u32>; 2],
}

/// Processor time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spent {
    /// Of what is measured.
    pub(crate) server: Duration,
    /// Of the stores that it uses.
    pub(crate) store: Duration,
    /// Of the load generator.
    pub(crate) generator: Duration,
}

/// A tick of `/proc/<pid>/stat` (`USER_HZ`, which Linux keeps at 100 on every architecture of ours).
const TICK: Duration = Duration::from_millis(10);

// === impl Watched ===

impl Watched {
    /// Reads the processor time spent so far.
    pub(crate) fn spent(&self) -> Spent {
        Spent {
            server: self.server.and_then(time_of).unwrap_or_default(),
            store: self
                .stores
                .iter()
                .flatten()
                .copied()
                .map(time_of_tree)
                .sum(),
            generator: time_of(std::process::id()).unwrap_or_default(),
        }
    }

    /// Names all of the processes there are now.
    pub(crate) fn ids(&self) -> Vec<u32> {
        let of_stores = self.stores.into_iter().flatten().flat_map(tree);
        let of_stores = of_stores.map(|(process, _)| process);
        self.server.into_iter().chain(of_stores).collect()
    }

    /// Reads how many bytes of the server are in memory.
    pub(crate) fn resident(&self) -> u64 {
        self.server.map_or(0, resident)
    }
}

// === impl Spent ===

impl Spent {
    /// Gives what was spent since.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            server: self.server.saturating_sub(earlier.server),
            store: self.store.saturating_sub(earlier.store),
            generator: self.generator.saturating_sub(earlier.generator),
        }
    }

    /// Adds.
    pub(crate) fn add(&mut self, other: Self) {
        self.server += other.server;
        self.store += other.store;
        self.generator += other.generator;
    }
}

/// Reads how many bytes of a process are in memory.
pub(crate) fn resident(process: u32) -> u64 {
    member(process, "VmRSS:")
}

fn member(process: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

fn time_of(process: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    parse(&stat).map(|(_, spent)| spent)
}

/// Adds up a process and its children.
fn time_of_tree(root: u32) -> Duration {
    tree(root).map(|(_, spent)| spent).sum()
}

/// Lists a process and its children, with their processor time: a server that makes one for each connection.
fn tree(root: u32) -> impl Iterator<Item = (u32, Duration)> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    processes.filter_map(move |process| {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        let (parent, spent) = parse(&stat)?;
        (process == root || parent == root).then_some((process, spent))
    })
}

/// Takes the parent and the processor time out of `/proc/<pid>/stat`. The name in parentheses may hold
/// anything, so what counts begins after the last one.
fn parse(stat: &str) -> Option<(u32, Duration)> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let parent = fields.get(1)?.parse().ok()?;
    let ticks: u32 = fields.get(11)?.parse::<u32>().ok()? + fields.get(12)?.parse::<u32>().ok()?;
    Some((parent, TICK * ticks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_line_is_taken_apart() {
        let line = "42 (a) b) S 7 42 42 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 1 0 99 0 0";
        assert_eq!(parse(line), Some((7, Duration::from_secs(2))));
        assert_eq!(parse("nonsense"), None);
    }

    #[test]
    fn this_process_is_in_memory() {
        assert!(resident(std::process::id()) > 0);
    }
}
