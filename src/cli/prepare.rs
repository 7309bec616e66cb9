//! What every command does first: read the configuration, complete what the start needs.

use std::fs::DirBuilder;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt as _;
use std::sync::Arc;

use actors::clock::SystemClock;
use protocol::entropy::SystemRandom;
use tokio::runtime::{Builder, Runtime};

use super::failure::Failure;
use crate::boot::Fittings;
use crate::config::{Configuration, Settings};

/// Says the warnings on standard error and gives the settings.
///
/// # Errors
/// [`Failure::Configuration`] with every mistake.
pub(super) fn settings(configuration: &Configuration) -> Result<Settings, Failure> {
    for warning in configuration.warnings() {
        // A warning that cannot be written stops nothing.
        let _ = writeln!(io::stderr(), "warning: {warning}");
    }
    Ok(configuration.settings()?)
}

/// Makes `DATA_DIR` where the embedded store needs it, and the secrets that were not set.
///
/// # Errors
/// [`Failure::Failed`] when `DATA_DIR` cannot be used.
pub(super) fn complete(settings: &mut Settings) -> Result<(), Failure> {
    let data_dir = &settings.store.data_dir;
    if settings.store.postgres.is_none() {
        let mut directory = DirBuilder::new();
        let made = directory.recursive(true).mode(0o700).create(data_dir);
        made.map_err(|error| Failure::Failed(format!("{}: {error}", data_dir.display())))?;
    }
    Ok(settings.complete_secrets(&SystemRandom)?)
}

/// Brings the system's clock and random generator to the settings.
pub(super) fn fittings(settings: Settings) -> Fittings {
    Fittings {
        settings,
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        courier: None,
    }
}

/// Makes the runtime that everything waits on.
///
/// # Errors
/// [`Failure::Failed`] if the system gives no threads.
pub(super) fn runtime() -> Result<Runtime, Failure> {
    Ok(Builder::new_multi_thread().enable_all().build()?)
}

/// Writes what a command was asked for to standard output.
///
/// # Errors
/// When it cannot be written: a secret that is shown once was then not shown.
pub(super) fn show(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| Failure::Failed(format!("standard output: {error}")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_directory_of_the_embedded_store_is_made_for_its_owner_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let data_dir = directory.path().join("a/b");
        let secret = "s".repeat(32);
        let variables = BTreeMap::from([
            ("DATA_DIR".to_owned(), data_dir.display().to_string()),
            ("SYSTEM_SECRETS".to_owned(), secret.clone()),
            ("PASSWORD_PEPPER".to_owned(), secret),
        ]);
        let mut settings = Settings::from_variables(variables).expect("settings");
        complete(&mut settings).expect("it can be made");
        let mode = data_dir.metadata().expect("it exists").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        assert!(!data_dir.join("secrets").exists(), "nothing was missing");
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let data_dir = file.path().join("data").display().to_string();
        let variables = BTreeMap::from([("DATA_DIR".to_owned(), data_dir.clone())]);
        let mut settings = Settings::from_variables(variables).expect("settings");
        let failure = complete(&mut settings).expect_err("a file is in the way");
        assert!(failure.to_string().contains(&data_dir), "{failure}");
    }
}
