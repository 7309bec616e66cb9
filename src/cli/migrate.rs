//! `auth-service migrate up|status`: the schema, brought up to date or looked at.

use std::fmt::Write as _;

use super::failure::Failure;
use super::{MigrateCommand, prepare};
use crate::boot;
use crate::config::Configuration;

/// Runs the subcommand.
///
/// # Errors
/// [`Failure`] when the store cannot be reached or refuses a migration; missing migrations are no
/// failure of `status`.
pub(super) fn run(command: MigrateCommand, configuration: &Configuration) -> Result<(), Failure> {
    let mut settings = prepare::settings(configuration)?;
    prepare::complete(&mut settings)?;
    let fittings = prepare::fittings(settings);
    let done = prepare::runtime()?.block_on(async {
        match command {
            MigrateCommand::Up => boot::migrate(&fittings).await.map(|names| applied(&names)),
            MigrateCommand::Status => {
                let missing = boot::pending_migrations(&fittings).await;
                missing.map(|names| pending(&names))
            }
        }
    });
    let store = &fittings.settings.store;
    prepare::show(&done.map_err(|error| Failure::of_start(&error, store))?)
}

fn applied(names: &[String]) -> String {
    render("applied", names)
}

fn pending(names: &[String]) -> String {
    render("pending", names)
}

/// Writes one line for each migration, and one that counts.
fn render(word: &str, names: &[String]) -> String {
    let mut lines = String::new();
    for name in names {
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "{word}={name}");
    }
    match names.len() {
        0 => "the schema is up to date\n".to_owned(),
        1 => format!("{lines}1 migration {word}\n"),
        count => format!("{lines}{count} migrations {word}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_migration_is_named_and_they_are_counted() {
        assert_eq!(applied(&[]), "the schema is up to date\n");
        let one = ["0001_foundation".to_owned()];
        assert_eq!(
            pending(&one),
            "pending=0001_foundation\n1 migration pending\n"
        );
        let two = ["a".to_owned(), "b".to_owned()];
        assert_eq!(
            applied(&two),
            "applied=a\napplied=b\n2 migrations applied\n"
        );
    }
}
