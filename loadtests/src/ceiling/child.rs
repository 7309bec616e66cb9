//! The child's side: read what to be, be it, end with the parent.

use std::io::{Read as _, Write as _, stdin, stdout};
use std::process::ExitCode;

use super::{Ceiling, Order, echo, hashes, rows, server};

/// Is the ceiling that standard input asks for.
pub(crate) fn run() -> ExitCode {
    match obey() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("ceiling: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn obey() -> Result<(), String> {
    let mut text = String::new();
    let read = stdin().read_to_string(&mut text);
    read.map_err(|error| error.to_string())?;
    let order: Order = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    // A server that nobody reads from any more would stay; the kernel ends it with its parent.
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(async {
        match &order.ceiling {
            Ceiling::None => Err("there is nothing to be".to_owned()),
            Ceiling::Server(work) => server::serve(*work, &order.answer).await,
            Ceiling::Echo => echo::serve().await,
            Ceiling::Hashes => say(&hashes::run(&order).await?),
            Ceiling::Rows => say(&rows::run(&order).await?),
        }
    })
}

/// Prints a line that the parent waits for.
pub(super) fn say(what: &impl serde::Serialize) -> Result<(), String> {
    let line = serde_json::to_string(what).map_err(|error| error.to_string())?;
    let mut out = stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(|error| error.to_string())
}
