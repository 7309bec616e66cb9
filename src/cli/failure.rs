//! Why a command did not do what it was asked, and the exit status that says so.

use std::fmt;
use std::io;
use std::process::ExitCode;

use domain::rejection::{Fault, Rejection};

use crate::boot::StartError;
use crate::config::{EXIT_STATUS, Mistakes, StoreSettings};

/// Why a command failed. Displays as what the operator is told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The configuration is wrong: 78.
    Configuration(String),
    /// It could not be done: 1.
    Failed(String),
    /// The service could not be kept up: 70.
    GaveUp(String),
    /// What is wrong has been said; only the exit status is left.
    Told(u8),
}

/// `EX_SOFTWARE` of sysexits.h.
const GAVE_UP: u8 = 70;
const FAILED: u8 = 1;

// === impl Failure ===

impl Failure {
    /// Takes why the service or an office did not start. On the embedded store the likeliest reason
    /// is a running service, and only it can help then.
    pub(super) fn of_start(error: &StartError, store: &StoreSettings) -> Self {
        match error {
            StartError::Setting(_) => Self::Configuration(error.to_string()),
            StartError::Store(_) if store.postgres.is_none() => Self::Failed(format!(
                "{error}\nThe embedded store belongs to one process: if the service is running, stop \
                 it first, or use its admin door instead."
            )),
            StartError::Store(_) | StartError::SchemaBehind(_) | StartError::Door(..) => {
                Self::Failed(error.to_string())
            }
        }
    }

    /// Says what went wrong, and gives the exit status.
    pub(super) fn report(&self, notes: &mut impl io::Write) -> ExitCode {
        if !matches!(self, Self::Told(_)) {
            // Nobody could be told that standard error cannot be written.
            let _ = writeln!(notes, "{self}");
        }
        ExitCode::from(self.status())
    }

    const fn status(&self) -> u8 {
        match self {
            Self::Configuration(_) => EXIT_STATUS,
            Self::Failed(_) => FAILED,
            Self::GaveUp(_) => GAVE_UP,
            Self::Told(status) => *status,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration(text) | Self::Failed(text) | Self::GaveUp(text) => {
                f.write_str(text.trim_end())
            }
            Self::Told(_) => Ok(()),
        }
    }
}

impl From<Mistakes> for Failure {
    fn from(mistakes: Mistakes) -> Self {
        Self::Configuration(mistakes.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault.to_string())
    }
}

/// An operator at the command line is told what a door would keep for the log.
impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        let Rejection::Refused(refusal) = &rejection else {
            return Self::Failed(rejection.to_string());
        };
        let fields = refusal.fields.iter();
        let lines = fields.map(|wrong| format!("\n  {}: {}", wrong.field, wrong.message));
        Self::Failed(format!("{refusal}{}", lines.collect::<String>()))
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use domain::rejection::Refusal;

    use super::*;

    fn embedded() -> StoreSettings {
        StoreSettings {
            data_dir: PathBuf::from("data"),
            postgres: None,
            redis: None,
        }
    }

    #[test]
    fn each_kind_has_its_documented_status() {
        let text = String::new;
        assert_eq!(Failure::Configuration(text()).status(), 78);
        assert_eq!(Failure::Failed(text()).status(), 1);
        assert_eq!(Failure::GaveUp(text()).status(), 70);
        assert_eq!(Failure::Told(5).status(), 5);
    }

    #[test]
    fn what_was_told_is_not_told_again() {
        let mut notes = Vec::new();
        Failure::Told(1).report(&mut notes);
        assert!(notes.is_empty());
        Failure::Failed("no\n".to_owned()).report(&mut notes);
        assert_eq!(notes, b"no\n");
    }

    #[test]
    fn a_taken_embedded_store_says_what_to_do() {
        let taken = StartError::Store(Fault::Store("another process is using it".to_owned()));
        let told = Failure::of_start(&taken, &embedded()).to_string();
        assert!(
            told.contains("stop it first") && told.contains("admin door"),
            "{told}"
        );
    }

    #[test]
    fn a_setting_that_cannot_be_used_is_wrong_configuration() {
        let wrong = StartError::Setting("JWT_PRIVATE_KEY_PATH: no key".to_owned());
        assert_eq!(Failure::of_start(&wrong, &embedded()).status(), 78);
        let behind = StartError::SchemaBehind("0002_more".to_owned());
        assert_eq!(Failure::of_start(&behind, &embedded()).status(), 1);
    }

    #[test]
    fn every_wrong_field_is_on_a_line_of_its_own() {
        let refusal = Refusal::field("name", "must not be empty").and_field("roles", "no");
        let told = Failure::from(Rejection::from(refusal)).to_string();
        assert_eq!(told.lines().count(), 3);
        assert!(
            told.contains("\n  name: must not be empty\n  roles: no"),
            "{told}"
        );
    }
}
