//! The values in force: what was given, where it came from, and the defaults beneath.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use domain::secret::SecretText;

use crate::config::kind::Kind;
use crate::config::mistake::{Mistake, shown};
use crate::config::variable::{About, Declared, Fallback, Variable};

/// What was given for each variable; everything else is at its default.
#[derive(Default)]
pub(super) struct Values(BTreeMap<&'static str, Given>);

/// A value that somebody set.
pub(super) struct Given {
    /// The text, hidden and zeroed whether or not the variable is secret.
    pub(super) text: SecretText,
    /// Where it stood.
    pub(super) origin: Origin,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// The process environment.
    Environment,
    /// The `.env` file.
    Dotenv,
    /// The file that a variable `…_FILE` names; holds that variable's name.
    File(String),
    /// The declaration.
    Default,
    /// Made once and kept in `DATA_DIR`.
    Generated,
    /// Nowhere: there is no value.
    Absent,
}

// === impl Values ===

impl Values {
    /// Takes note of a value.
    pub(super) fn insert(&mut self, name: &'static str, given: Given) {
        self.0.insert(name, given);
    }

    /// Gives the text that was set, if any.
    pub(super) fn given(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|given| given.text.expose())
    }

    /// Gives the text in force: what was set, or the default.
    pub(super) fn text(&self, about: &About) -> Option<Cow<'_, str>> {
        if let Some(text) = self.given(about.name) {
            return Some(Cow::Borrowed(text));
        }
        match about.fallback {
            Fallback::Text(text) => Some(Cow::Borrowed(text)),
            Fallback::Derived { derive, .. } => derive(self).map(Cow::Owned),
            Fallback::Absent | Fallback::Generated => None,
        }
    }

    /// Tells where the text in force comes from.
    pub(super) fn origin(&self, about: &About) -> Origin {
        let generated = matches!(about.fallback, Fallback::Generated);
        match self.0.get(about.name) {
            Some(given) => given.origin.clone(),
            None if self.text(about).is_some() => Origin::Default,
            None if generated && !self.is_production_like() => Origin::Generated,
            None => Origin::Absent,
        }
    }

    /// Gives the typed value of a variable that has a default or must be set.
    ///
    /// # Errors
    /// The mistake, when the text is not of the variable's kind or there is none.
    pub(super) fn get<K: Kind>(&self, variable: &Variable<K>) -> Result<K::Value, Mistake> {
        self.find(variable)?
            .ok_or_else(|| self.mistake(variable, variable.expected()))
    }

    /// Gives the typed value of a variable that may be absent.
    ///
    /// # Errors
    /// The mistake, when the text is not of the variable's kind.
    pub(super) fn find<K: Kind>(
        &self,
        variable: &Variable<K>,
    ) -> Result<Option<K::Value>, Mistake> {
        let Some(text) = self.text(&variable.about) else {
            return Ok(None);
        };
        match variable.kind.parse(&text) {
            Some(value) => Ok(Some(value)),
            None => Err(self.mistake(variable, variable.expected())),
        }
    }

    /// Gives the typed value if there is a right one; for checks that look at several variables and
    /// leave a mistaken one to its own mistake.
    pub(super) fn peek<K: Kind>(&self, variable: &Variable<K>) -> Option<K::Value> {
        self.find(variable).ok().flatten()
    }

    /// Says whether `APP_ENV` demands what only an operator can provide.
    pub(super) fn is_production_like(&self) -> bool {
        self.given("APP_ENV")
            .map(|text| text.trim().to_ascii_lowercase())
            .is_some_and(|word| word == "production" || word == "staging")
    }

    /// Gives the value as it may be shown.
    pub(super) fn shown(&self, about: &About) -> Option<String> {
        self.text(about).map(|text| shown(&text, about.is_secret))
    }

    /// Makes a mistake of a variable's present value.
    pub(super) fn mistake(&self, variable: &dyn Declared, expected: String) -> Mistake {
        let about = variable.about();
        Mistake {
            variable: about.name.to_owned(),
            value: self.shown(about),
            expected,
        }
    }
}

// === impl Origin ===

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("environment"),
            Self::Dotenv => f.write_str(".env"),
            Self::File(variable) => write!(f, "file {variable}"),
            Self::Default => f.write_str("default"),
            Self::Generated => f.write_str("generated"),
            Self::Absent => f.write_str("-"),
        }
    }
}
