//! The ceiling of a scenario: the least that could be done, done by a process of its own.
//!
//! It runs in a child of the load generator, as the service does, so that both share the machine alike
//! and what each costs can be told apart. A server is loaded by the same askers as the service and
//! answers with the same body; a loop runs by itself and tells its rate.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::load::Measured;
use crate::process::Watched;

mod child;
mod echo;
mod hashes;
mod rows;
mod server;

pub(crate) use child::run;

/// What the least is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ceiling {
    /// Nothing comparable.
    None,
    /// A bare hyper server with this much work in each answer.
    Server(Work),
    /// A bare tonic server that answers with what it was sent.
    Echo,
    /// Argon2id, over and over, through the gate that the service uses.
    Hashes,
    /// One durable update of one row of PostgreSQL, over and over, by 64 callers on a pool.
    Rows,
}

/// What a bare server does for each answer besides reading the request and writing the answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Work {
    /// Takes a form apart.
    pub(crate) form: bool,
    /// So many verifications of an ES256 token.
    pub(crate) verifications: u8,
    /// So many ES256 tokens signed.
    pub(crate) signatures: u8,
}

/// What a child is told on its standard input.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Order {
    /// What it is.
    pub(crate) ceiling: Ceiling,
    /// What a server answers with.
    pub(crate) answer: String,
    /// How long a loop goes on.
    pub(crate) seconds: f64,
    /// How many threads hash.
    pub(crate) threads: usize,
    /// How PostgreSQL is reached.
    pub(crate) postgres: String,
}

/// What a loop tells when it is over.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Told {
    /// How often.
    pub(crate) answers: u64,
    /// In how many seconds.
    pub(crate) seconds: f64,
}

/// A child that is ended with its owner.
pub(crate) struct Running {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

// === impl Ceiling ===

impl Ceiling {
    /// Says in a few words what it is.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::None => "none".to_owned(),
            Self::Server(work) => work.name(),
            Self::Echo => "bare tonic echo".to_owned(),
            Self::Hashes => "raw Argon2id, same threads".to_owned(),
            Self::Rows => "raw pooled UPDATE, 64 callers".to_owned(),
        }
    }

    /// Says whether it is a server that askers load.
    pub(crate) const fn is_server(&self) -> bool {
        matches!(self, Self::Server(_) | Self::Echo)
    }
}

// === impl Work ===

impl Work {
    fn name(self) -> String {
        let mut name = "bare hyper".to_owned();
        if self.form {
            name.push_str(" + form");
        }
        for (number, one, many) in [
            (self.verifications, "verification", "verifications"),
            (self.signatures, "signature", "signatures"),
        ] {
            match number {
                0 => {}
                1 => name = format!("{name} + 1 {one}"),
                _ => name = format!("{name} + {number} {many}"),
            }
        }
        name
    }
}

// === impl Running ===

impl Running {
    /// Starts a child of this program and tells it what to be.
    ///
    /// # Errors
    /// A sentence when it cannot be started.
    pub(crate) fn start(order: &Order) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("the ceiling does not start: {error}");
        let program = std::env::current_exe().map_err(failed)?;
        let mut child = Command::new(program)
            .arg("ceiling")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let order = serde_json::to_vec(order).map_err(|error| error.to_string())?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(&order).map_err(failed)?;
        }
        let output = child.stdout.take().ok_or("the ceiling says nothing")?;
        Ok(Self {
            child,
            output: BufReader::new(output),
        })
    }

    /// Reads the line that a server prints when it listens, and a loop when it is over.
    ///
    /// # Errors
    /// A sentence when it died instead.
    pub(crate) fn line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        let read = self.output.read_line(&mut line);
        read.map_err(|error| format!("the ceiling cannot be read: {error}"))?;
        if line.trim().is_empty() {
            return Err("the ceiling died".to_owned());
        }
        Ok(line.trim().to_owned())
    }

    /// Gives its process, to be watched.
    pub(crate) fn watched(&self) -> Watched {
        Watched {
            server: Some(self.child.id()),
            ..Watched::default()
        }
    }

    /// Waits for a loop to be over, and tells what it cost, its store's part included.
    ///
    /// # Errors
    /// As [`line`](Self::line).
    pub(crate) fn finish(mut self, stores: [Option<u32>; 2]) -> Result<Measured, String> {
        let watched = Watched {
            stores,
            ..self.watched()
        };
        let before = watched.spent();
        let line = self.line()?;
        let told: Told = serde_json::from_str(&line)
            .map_err(|error| format!("the ceiling said {line}: {error}"))?;
        let mut measured = Measured::nothing()?;
        measured.answers = told.answers;
        measured.seconds = told.seconds;
        measured.spent = watched.spent().since(before);
        Ok(measured)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ceiling_says_what_it_does() {
        let work = Work {
            form: true,
            verifications: 1,
            signatures: 2,
        };
        assert_eq!(
            Ceiling::Server(work).name(),
            "bare hyper + form + 1 verification + 2 signatures"
        );
        assert_eq!(Ceiling::Server(Work::default()).name(), "bare hyper");
    }
}
