//! `auth-service config check|print`: the configuration judged, or shown.
//!
//! Both take a configuration that was already resolved and write to what they are given, so they can
//! be tested without a process. Warnings go to the second writer and never change the exit status.

use std::io::{self, Write};

use crate::cli::ConfigCommand;
use crate::config::{Configuration, EXIT_STATUS};

/// Runs the subcommand and gives the exit status: 0, or 78 when there is a mistake.
///
/// # Errors
/// When a writer fails, as standard output does when its reader has left.
pub fn run(
    command: ConfigCommand,
    configuration: &Configuration,
    out: &mut impl Write,
    notes: &mut impl Write,
) -> io::Result<u8> {
    if command == ConfigCommand::Print {
        out.write_all(configuration.render_table().as_bytes())?;
    }
    for warning in configuration.warnings() {
        writeln!(notes, "warning: {warning}")?;
    }
    match (configuration.settings(), command) {
        (Ok(_), ConfigCommand::Check) => {
            writeln!(out, "configuration is valid")?;
            Ok(0)
        }
        (Ok(_), ConfigCommand::Print) => Ok(0),
        (Err(mistakes), _) => {
            write!(notes, "{mistakes}")?;
            Ok(EXIT_STATUS)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    fn run_with(command: ConfigCommand, pairs: &[(&str, &str)]) -> (u8, String, String) {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let sources = Sources::new(pairs.iter().map(owned).collect());
        let (mut out, mut notes) = (Vec::new(), Vec::new());
        let configuration = Configuration::resolve(sources);
        let status = run(command, &configuration, &mut out, &mut notes).expect("no write fails");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (status, text(out), text(notes))
    }

    #[test]
    fn a_right_configuration_is_valid() {
        let (status, out, notes) = run_with(ConfigCommand::Check, &[]);
        assert_eq!(
            (status, out.as_str(), notes.as_str()),
            (0, "configuration is valid\n", "")
        );
    }

    #[test]
    fn mistakes_are_listed_with_status_78() {
        let pairs = [("PUBLIC_PORT", "x"), ("MFA_DIGITS", "7")];
        let (status, out, notes) = run_with(ConfigCommand::Check, &pairs);
        assert_eq!((status, out.as_str()), (78, ""));
        assert!(
            notes.contains("PUBLIC_PORT") && notes.contains("MFA_DIGITS"),
            "{notes}"
        );
    }

    #[test]
    fn a_misspelling_is_a_warning_and_no_mistake() {
        let (status, _, notes) = run_with(ConfigCommand::Check, &[("PUBLIC_PROT", "1")]);
        assert_eq!(status, 0);
        assert_eq!(
            notes,
            "warning: PUBLIC_PROT has no effect; was PUBLIC_PORT meant?\n"
        );
    }

    #[test]
    fn the_table_is_printed_whether_or_not_there_are_mistakes() {
        let (status, out, notes) = run_with(ConfigCommand::Print, &[("PUBLIC_PORT", "x")]);
        assert_eq!(status, 78);
        assert!(out.contains("ADMIN_PORT") && notes.contains("PUBLIC_PORT"));
    }
}
