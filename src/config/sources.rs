//! Where values are looked for: the process environment, then the `.env` file.
//!
//! In each of the two a secret variable `NAME` may instead be given as `NAME_FILE`, the path of a
//! file that holds it, as container platforms mount secrets. An empty value counts as absent. The
//! `.env` file is the one in the working directory; it is parsed, and the process environment is
//! never changed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{env, fs, io};

use domain::secret::SecretText;

use crate::config::mistake::{Mistake, shown};
use crate::config::values::{Given, Origin, Values};
use crate::config::variable::{About, Declared};

/// The names and values that configuration is made from.
#[derive(Default)]
pub struct Sources {
    environment: BTreeMap<String, String>,
    dotenv: BTreeMap<String, String>,
    mistakes: Vec<Mistake>,
}

// === impl Sources ===

impl Sources {
    /// Reads the process environment and the `.env` file of the working directory.
    #[must_use]
    pub fn of_process() -> Self {
        let mut sources = Self::default();
        for (name, value) in env::vars_os() {
            let Ok(name) = name.into_string() else {
                continue; // no variable of ours
            };
            // Replaced bytes would silently become another secret, so they are made a control
            // character, which no kind accepts.
            let value = value.into_string();
            let value = value.unwrap_or_else(|_| char::REPLACEMENT_CHARACTER.to_string() + "\0");
            sources.environment.insert(name, value);
        }
        sources.with_dotenv_file(Path::new(".env"))
    }

    /// Takes an environment as given, without a `.env` file.
    #[must_use]
    pub fn new(environment: BTreeMap<String, String>) -> Self {
        Self {
            environment,
            ..Self::default()
        }
    }

    /// Adds what a `.env` file says.
    #[must_use]
    pub fn with_dotenv(mut self, text: &str) -> Self {
        for item in dotenvy::from_read_iter(text.trim_start_matches('\u{feff}').as_bytes()) {
            match item {
                Ok((name, value)) => {
                    self.dotenv.insert(name, value);
                }
                Err(error) => self.mistakes.push(malformed_line(text, &error)),
            }
        }
        self
    }

    fn with_dotenv_file(mut self, path: &Path) -> Self {
        match fs::read_to_string(path) {
            Ok(text) => self.with_dotenv(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self,
            Err(error) => {
                self.mistakes.push(Mistake {
                    variable: path.display().to_string(),
                    value: Some(error.kind().to_string()),
                    expected: "a readable file in UTF-8".to_owned(),
                });
                self
            }
        }
    }

    /// Gives every name that occurs, whoever it belongs to.
    pub(super) fn names(&self) -> BTreeSet<&str> {
        let names = self.environment.keys().chain(self.dotenv.keys());
        names.map(String::as_str).collect()
    }

    /// Finds the value of every declared variable, and what is wrong with the sources themselves.
    pub(super) fn resolve(
        mut self,
        table: impl Iterator<Item = &'static dyn Declared>,
    ) -> (Values, Vec<Mistake>) {
        let mut values = Values::default();
        let mut mistakes = std::mem::take(&mut self.mistakes);
        for about in table.map(Declared::about) {
            match self.look_up(about) {
                Ok(Some(given)) => values.insert(about.name, given),
                Ok(None) => {}
                Err(mistake) => mistakes.push(mistake),
            }
        }
        (values, mistakes)
    }

    fn look_up(&self, about: &About) -> Result<Option<Given>, Mistake> {
        let layers = [
            (&self.environment, Origin::Environment),
            (&self.dotenv, Origin::Dotenv),
        ];
        for (layer, origin) in layers {
            if let Some(given) = look_up_in(layer, about, origin)? {
                return Ok(Some(given));
            }
        }
        Ok(None)
    }
}

fn look_up_in(
    layer: &BTreeMap<String, String>,
    about: &About,
    origin: Origin,
) -> Result<Option<Given>, Mistake> {
    let present = |name: &str| layer.get(name).filter(|value| !value.trim().is_empty());
    let file_name = format!("{}_FILE", about.name);
    let plain = present(about.name);
    let file = present(&file_name).filter(|_| about.is_secret);
    match (plain, file) {
        (Some(_), Some(_)) => Err(Mistake {
            variable: about.name.to_owned(),
            value: Some(shown("", true)),
            expected: format!("either {} or {file_name}, not both", about.name),
        }),
        (None, Some(path)) => read_file(file_name, path).map(Some),
        (plain, None) => Ok(plain.map(|text| Given {
            text: SecretText::new(text.clone()),
            origin,
        })),
    }
}

fn read_file(variable: String, path: &str) -> Result<Given, Mistake> {
    let content = fs::read_to_string(path.trim()).map(SecretText::new);
    let reason = match &content {
        Ok(text) if text.expose().trim().is_empty() => "is empty".to_owned(),
        Ok(text) => {
            let text = SecretText::new(text.expose().trim().to_owned());
            let origin = Origin::File(variable);
            return Ok(Given { text, origin });
        }
        Err(error) => error.kind().to_string(),
    };
    Err(Mistake {
        variable,
        value: Some(shown(path, false)),
        expected: format!("the path of a readable file that holds the value ({reason})"),
    })
}

/// A line may hold a secret, so only its number is shown.
fn malformed_line(text: &str, error: &dotenvy::Error) -> Mistake {
    let number = match error {
        dotenvy::Error::LineParse(part, _) => {
            let part = part.lines().next().unwrap_or_default();
            let position = text.lines().position(|line| line.contains(part));
            position.map(|index| format!(" line {}", index.saturating_add(1)))
        }
        _ => None,
    };
    Mistake {
        variable: format!(".env{}", number.unwrap_or_default()),
        value: Some(shown("", true)),
        expected: "NAME=value; quote a value with spaces, quotes, # or $ in single quotes"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::kind::text::SECRET;
    use crate::config::variable::variables;

    mod declared {
        use super::*;
        use crate::config::kind::Parsed;
        use crate::config::variable::of;

        variables! {
            /// A secret.
            TOKEN: Parsed<SecretText> = of(SECRET).secret();
        }
    }

    fn resolve(sources: Sources) -> (Option<(String, Origin)>, Vec<Mistake>) {
        let (values, mistakes) = sources.resolve(declared::TABLE.iter().copied());
        let about = &declared::TOKEN.about;
        let given = values.given("TOKEN").map(str::to_owned);
        (given.map(|text| (text, values.origin(about))), mistakes)
    }

    fn environment(pairs: &[(&str, &str)]) -> Sources {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Sources::new(pairs.iter().map(owned).collect())
    }

    fn file(content: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        fs::write(file.path(), content).expect("it can be written");
        file
    }

    #[test]
    fn the_environment_goes_before_the_dotenv_file() {
        let both = environment(&[("TOKEN", "a")]).with_dotenv("TOKEN=b");
        assert_eq!(resolve(both).0, Some(("a".into(), Origin::Environment)));
        let empty = environment(&[("TOKEN", " ")]).with_dotenv("\u{feff}export TOKEN='b$c'");
        assert_eq!(resolve(empty).0, Some(("b$c".into(), Origin::Dotenv)));
    }

    #[test]
    fn a_secret_may_stand_in_a_file_and_is_trimmed() {
        let file = file(" s3cret\n");
        let path = file.path().to_str().expect("UTF-8");
        let (given, mistakes) = resolve(environment(&[("TOKEN_FILE", path)]));
        assert_eq!(
            given,
            Some(("s3cret".into(), Origin::File("TOKEN_FILE".into())))
        );
        assert_eq!(mistakes, []);
    }

    #[test]
    fn a_secret_set_twice_is_a_mistake() {
        let (_, mistakes) = resolve(environment(&[("TOKEN", "a"), ("TOKEN_FILE", "b")]));
        assert_eq!(mistakes.len(), 1);
        assert_eq!(mistakes[0].expected, "either TOKEN or TOKEN_FILE, not both");
    }

    #[test]
    fn an_empty_or_missing_secret_file_is_a_mistake() {
        let file = file("\n");
        let path = file.path().to_str().expect("UTF-8");
        for path in [path, "/nonexistent/token"] {
            let (given, mistakes) = resolve(environment(&[("TOKEN_FILE", path)]));
            assert_eq!((given, mistakes.len()), (None, 1));
            assert_eq!(mistakes[0].variable, "TOKEN_FILE");
        }
    }

    #[test]
    fn a_malformed_line_is_named_by_number_and_not_shown() {
        let sources = environment(&[]).with_dotenv("# head\nTOKEN='hunter2\n");
        let (_, mistakes) = resolve(sources);
        assert_eq!(mistakes.len(), 1);
        assert_eq!(mistakes[0].variable, ".env line 2");
        assert!(!format!("{mistakes:?}").contains("hunter2"));
    }

    #[test]
    fn lines_after_a_malformed_one_are_still_read() {
        let sources = environment(&[]).with_dotenv("what is this\nTOKEN=a\n");
        let (given, mistakes) = resolve(sources);
        assert_eq!(given, Some(("a".into(), Origin::Dotenv)));
        assert_eq!(mistakes.len(), 1);
    }
}
