//! What the operating system says about this process.

use std::fs;

/// Memory and descriptors, as `/proc` counts them; zeros where there is no such thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Process {
    /// Resident memory, in bytes.
    pub(crate) resident_bytes: usize,
    /// Open file descriptors.
    pub(crate) open_descriptors: usize,
}

// === impl Process ===

impl Process {
    /// Reads the present figures.
    pub(crate) fn read() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        Self {
            resident_bytes: parse_resident(&status).unwrap_or_default(),
            open_descriptors: fs::read_dir("/proc/self/fd").map_or(0, Iterator::count),
        }
    }
}

/// Gives how many file descriptors the process may open; `None` where nobody says.
pub(crate) fn descriptor_limit() -> Option<usize> {
    parse_limit(&fs::read_to_string("/proc/self/limits").ok()?)
}

/// Finds `VmRSS:   12345 kB`.
fn parse_resident(status: &str) -> Option<usize> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: usize = line.split_whitespace().next()?.parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// Finds the soft limit in `Max open files   1024   524288   files`.
fn parse_limit(limits: &str) -> Option<usize> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_read_in_bytes() {
        let status = "Name:\tx\nVmRSS:\t    2048 kB\nThreads:\t1\n";
        assert_eq!(parse_resident(status), Some(2_097_152));
        assert_eq!(parse_resident("Name:\tx\n"), None);
    }

    #[test]
    fn the_soft_limit_of_descriptors_is_read() {
        let limits = "Limit  Soft  Hard  Units\nMax open files   1024   4096   files\n";
        assert_eq!(parse_limit(limits), Some(1024));
        assert_eq!(
            parse_limit("Max open files unlimited unlimited files"),
            None
        );
    }
}
