//! The reference that people read: `docs/CONFIG.md`, `.env.example` and the table of `config print`.
//!
//! All three are made from the declarations. A test fails when a file is stale; running it with
//! `UPDATE_DOCS=1` writes the file anew.

use std::fmt::Write as _;

use crate::config::mistake::render_columns;
use crate::config::sections::{self, Section, sections};
use crate::config::values::{Origin, Values};
use crate::config::variable::{About, Declared, Fallback};

/// What marks a variable that is accepted and checked but has no effect.
const LATER: &str = "not yet in use";

const DOCS_HEAD: &str = "\
# Configuration

`auth-service` is configured by environment variables. This page is generated from their declarations
in `src/config/`; a test fails when it is stale, and `UPDATE_DOCS=1 cargo test --lib config` renews it.

- A variable is looked for in the process environment, then in the file `.env` of the working
  directory, and otherwise has its default. An empty value counts as not set. In `.env`, put values
  with spaces, quotes, `#` or `$` in single quotes.
- A variable marked **secret** may instead be given as `NAME_FILE`, the path of a file that holds the
  value, as container platforms mount secrets. Secrets are never shown.
- Durations are written `30s`, `15m`, `12h`, `7d`; sizes are bytes unless said otherwise; lists are
  comma-separated.
- `auth-service config check` reports every mistake at once and exits with status 78 if there is one;
  `auth-service config print` shows what is in force and where it comes from.
- In development and test, `SYSTEM_SECRETS` and `PASSWORD_PEPPER` are generated once into
  `DATA_DIR/secrets` (mode 0600).
- *Not yet in use* marks a variable that is accepted and checked, but whose feature does not exist yet.
";

const EXAMPLE_HEAD: &str = "\
# Every variable of auth-service with its default. Copy to .env and change what you need.
# docs/CONFIG.md says more. This file is generated: UPDATE_DOCS=1 cargo test --lib config
";

/// Writes `docs/CONFIG.md`.
#[must_use]
pub fn render_docs() -> String {
    let parts = sections().iter().map(render_section).collect::<String>();
    format!("{DOCS_HEAD}{parts}")
}

/// Writes `.env.example`: every variable commented out, with its default.
#[must_use]
pub fn render_example() -> String {
    let mut text = EXAMPLE_HEAD.to_owned();
    for section in sections() {
        let _ = write!(text, "\n# --- {} ---\n", section.title);
        for about in section.table.iter().map(|variable| variable.about()) {
            let later = if about.in_use {
                ""
            } else {
                " (not yet in use)"
            };
            let doc = doc_line(about);
            let _ = write!(text, "\n# {doc}{later}\n{}\n", example_line(about));
        }
    }
    text
}

/// Writes what is in force: variable, value, origin, and whether it has an effect yet.
pub(super) fn render_table(values: &Values) -> String {
    let head = ["variable", "value", "origin", ""].map(str::to_owned);
    let row = |variable: &dyn Declared| {
        let about = variable.about();
        let origin = values.origin(about);
        let hidden = (origin == Origin::Generated).then(|| "[secret]".to_owned());
        let value = values.shown(about).or(hidden);
        let note = if about.in_use { "" } else { LATER };
        [
            about.name.to_owned(),
            value.unwrap_or_else(|| "-".to_owned()),
            origin.to_string(),
            note.to_owned(),
        ]
    };
    let rows: Vec<_> = std::iter::once(head)
        .chain(sections::all().map(row))
        .collect();
    render_columns(&rows)
}

fn render_section(section: &Section) -> String {
    let rows: String = section.table.iter().map(|v| render_row(*v)).collect();
    let title = section.title;
    format!(
        "\n## {title}\n\n| variable | default | expected | meaning |\n|---|---|---|---|\n{rows}"
    )
}

fn render_row(variable: &dyn Declared) -> String {
    let about = variable.about();
    let default = match about.fallback {
        Fallback::Absent => "–".to_owned(),
        Fallback::Text(text) => format!("`{text}`"),
        Fallback::Derived { said, .. } => said.to_owned(),
        Fallback::Generated => "generated in development and test".to_owned(),
    };
    let notes = [
        about.is_secret.then(|| " **Secret.**".to_owned()),
        about
            .required
            .said()
            .map(|when| format!(" Required {when}.")),
        (!about.in_use).then(|| " *Not yet in use.*".to_owned()),
    ];
    let notes: String = notes.into_iter().flatten().collect();
    let (doc, expected) = (doc_line(about), variable.expected());
    let name = about.name;
    format!("| `{name}` | {default} | {expected} | {doc}{notes} |\n")
}

fn doc_line(about: &About) -> &'static str {
    about.doc.trim()
}

/// A default that is computed is not written down, where it would hold for one machine only.
fn example_line(about: &About) -> String {
    let default = match about.fallback {
        Fallback::Text(text) if text.contains(' ') => format!("'{text}'"),
        Fallback::Text(text) => text.to_owned(),
        Fallback::Absent | Fallback::Derived { .. } | Fallback::Generated => String::new(),
    };
    format!("#{}={default}", about.name)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::{env, fs};

    use super::*;
    use crate::config::{Configuration, Sources};

    /// Compares a file with what it should be, or writes it when `UPDATE_DOCS` is set.
    fn assert_current(path: &str, wanted: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        if env::var_os("UPDATE_DOCS").is_some() {
            fs::write(&path, wanted).expect("the file can be written");
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        let path = path.display();
        assert!(found == wanted, "{path} is stale: run with UPDATE_DOCS=1");
    }

    #[test]
    fn the_configuration_reference_is_current() {
        assert_current("docs/CONFIG.md", &render_docs());
    }

    #[test]
    fn the_example_file_is_current() {
        assert_current(".env.example", &render_example());
    }

    #[test]
    fn the_example_uncommented_is_a_good_configuration() {
        let example = render_example();
        let lines: Vec<_> = example
            .lines()
            .filter_map(|line| line.strip_prefix('#'))
            .filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()))
            .collect();
        assert_eq!(lines.len(), sections::all().count());
        let sources = Sources::default().with_dotenv(&lines.join("\n"));
        assert!(Configuration::resolve(sources).settings().is_ok());
    }

    #[test]
    fn no_cell_breaks_the_table() {
        for line in render_docs().lines().filter(|line| line.starts_with('|')) {
            assert_eq!(line.matches('|').count(), 5, "{line}");
        }
    }
}
