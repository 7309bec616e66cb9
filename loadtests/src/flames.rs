//! Flame graphs: where the service, and the store that it asks, spend processor time under a scenario.
//!
//! `perf` samples its stacks while the load runs, so that no build of its own is needed and what is seen
//! is what was measured; inlined functions are part of those that called them. The samples are taken
//! beside the rounds and count in no figure: sampling costs some of what it looks at.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use inferno::collapse::Collapse as _;
use inferno::collapse::perf::{Folder, Options as FoldOptions};
use inferno::flamegraph::{self, Options};
use tempfile::TempDir;

use crate::scenario::Scenario;

/// A recording that goes on beside a load.
pub(crate) struct Flames {
    perf: Child,
    directory: TempDir,
}

/// Samples a second on each processor; odd, so that nothing beats in time with them.
const FREQUENCY: &str = "197";
/// The whole of what perf can copy of a stack: futures within futures make ours deep.
const STACKS: &str = "dwarf,65528";
/// What is narrower than so many hundredths is not drawn.
const NARROWEST: f64 = 0.2;

// === impl Flames ===

impl Flames {
    /// Begins to sample processes, for a span.
    ///
    /// # Errors
    /// A sentence when perf is not there.
    pub(crate) fn light(processes: &[u32], span: Duration) -> Result<Self, String> {
        let processes: Vec<_> = processes.iter().map(ToString::to_string).collect();
        let directory = tempfile::tempdir().map_err(|error| format!("no directory: {error}"))?;
        let perf = Command::new("perf")
            .args(["record", "--quiet", "--freq", FREQUENCY])
            .args(["--call-graph", STACKS, "--pid", &processes.join(",")])
            .arg("--output")
            .arg(directory.path().join("samples"))
            .args(["--", "sleep", &span.as_secs_f64().to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("perf: {error}; it is part of the package linux-perf"))?;
        Ok(Self { perf, directory })
    }

    /// Waits for the end of the span and draws what was sampled.
    ///
    /// # Errors
    /// A sentence when nothing was sampled or the picture cannot be written.
    pub(crate) fn draw(mut self, scenario: &Scenario, picture: &Path) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("{}: {error}", picture.display());
        let ended = self.perf.wait().map_err(failed)?;
        if !ended.success() {
            return Err("perf sampled nothing; see kernel.perf_event_paranoid".to_owned());
        }
        let folded = self.fold().map_err(failed)?;
        if let Some(directory) = picture.parent() {
            fs::create_dir_all(directory).map_err(failed)?;
        }
        let mut options = Options::default();
        options.title = format!("{}: {}", scenario.name, scenario.about);
        options.deterministic = true;
        options.min_width = NARROWEST;
        let out = BufWriter::new(File::create(picture).map_err(failed)?);
        flamegraph::from_reader(&mut options, folded.as_slice(), out).map_err(failed)
    }

    fn fold(&self) -> std::io::Result<Vec<u8>> {
        let mut script = Command::new("perf")
            .args(["script", "--no-inline", "--input"])
            .arg(self.directory.path().join("samples"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut folded = Vec::new();
        if let Some(told) = script.stdout.take() {
            Folder::from(FoldOptions::default()).collapse(BufReader::new(told), &mut folded)?;
        }
        script.wait()?;
        Ok(folded)
    }
}
