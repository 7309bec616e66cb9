//! Flame graphs: where the service, and the store that it asks, spend processor time under a scenario.
//!
//! `perf` samples its stacks while the load runs, so that no build of its own is needed and what is seen
//! is what was measured, without what only prepares it; inlined functions are part of those that called
//! them. The samples are taken beside the rounds and count in no figure: sampling costs some of what it looks
//! at.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use inferno::collapse::Collapse as _;
use inferno::collapse::perf::{Folder, Options as FoldOptions};
use inferno::flamegraph::{self, Options};
use tempfile::TempDir;

/// Samples that are taken beside a load, and only while somebody holds a [`Lit`].
pub(crate) struct Flames {
    perf: Child,
    /// What perf is told, and its answers to that.
    orders: File,
    answers: File,
    directory: TempDir,
}

/// For as long as this lives samples are taken.
pub(crate) struct Lit<'f>(&'f Flames);

/// Samples a second on each processor; odd, so that nothing beats in time with them.
const FREQUENCY: &str = "197";
/// The whole of what perf can copy of a stack: futures within futures make ours deep.
const STACKS: &str = "dwarf,65528";
/// How long perf's answer to an order is: `ack`, a line's end and a zero.
const DONE: usize = 5;
/// What is narrower than so many hundredths is not drawn.
const NARROWEST: f64 = 0.2;

// === impl Flames ===

impl Flames {
    /// Makes ready to sample processes and those that they begin.
    ///
    /// # Errors
    /// A sentence when perf is not there.
    pub(crate) fn prepare(processes: &[u32]) -> Result<Self, String> {
        let processes: Vec<_> = processes.iter().map(ToString::to_string).collect();
        let directory = tempfile::tempdir().map_err(|error| format!("no directory: {error}"))?;
        let mut perf = Command::new("perf")
            .args(["record", "--quiet", "--freq", FREQUENCY])
            .args(["--call-graph", STACKS, "--pid", &processes.join(",")])
            .args(["--delay", "-1", "--control", "fd:0,1", "--output"])
            .arg(directory.path().join("samples"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("perf: {error}; it is part of the package linux-perf"))?;
        let (orders, answers) = (perf.stdin.take(), perf.stdout.take());
        let (orders, answers) = orders.zip(answers).ok_or("perf takes no orders")?;
        Ok(Self {
            perf,
            orders: OwnedFd::from(orders).into(),
            answers: OwnedFd::from(answers).into(),
            directory,
        })
    }

    /// Begins to take samples.
    ///
    /// # Errors
    /// A sentence when perf does not.
    pub(crate) fn light(&self) -> Result<Lit<'_>, String> {
        self.tell("enable")?;
        Ok(Lit(self))
    }

    /// Tells perf something and waits until it has done that.
    fn tell(&self, order: &str) -> Result<(), String> {
        let failed =
            |error| format!("perf samples nothing ({error}); see kernel.perf_event_paranoid");
        (&self.orders)
            .write_all(format!("{order}\n").as_bytes())
            .map_err(failed)?;
        (&self.answers).read_exact(&mut [0; DONE]).map_err(failed)
    }

    /// Draws what was sampled.
    ///
    /// # Errors
    /// A sentence when nothing was sampled or the picture cannot be written.
    pub(crate) fn draw(mut self, title: String, picture: &Path) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("{}: {error}", picture.display());
        self.tell("stop")?;
        let ended = self.perf.wait().map_err(failed)?;
        if !ended.success() {
            return Err("perf sampled nothing; see kernel.perf_event_paranoid".to_owned());
        }
        let folded = self.fold().map_err(failed)?;
        if let Some(directory) = picture.parent() {
            fs::create_dir_all(directory).map_err(failed)?;
        }
        let mut options = Options::default();
        options.title = title;
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

impl Drop for Lit<'_> {
    fn drop(&mut self) {
        // Whoever draws is told if perf is gone.
        let _ = self.0.tell("disable");
    }
}
