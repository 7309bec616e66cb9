//! What must be met for a run to end with success: a file of goals by name, or by name and store.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The goals.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct Thresholds(BTreeMap<String, Goal>);

/// One goal.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Goal {
    /// The figure is no less.
    AtLeast(f64),
    /// The figure is no more.
    AtMost(f64),
}

/// Those of the design.
const OURS: &str = include_str!("../thresholds.json");

// === impl Thresholds ===

impl Thresholds {
    /// Reads a file; without one, ours.
    ///
    /// # Errors
    /// A sentence when it cannot be read.
    pub(crate) fn read(path: Option<&Path>) -> Result<Self, String> {
        let Some(path) = path else {
            return Self::parse(OURS);
        };
        let failed = |error: String| format!("{}: {error}", path.display());
        let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        Self::parse(&text).map_err(failed)
    }

    fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// Finds the goal of a row: its own on this store, its own, or its kind's, which stands before a
    /// colon.
    pub(crate) fn find(&self, name: &str, store: &str) -> Option<Goal> {
        let kind = name.split(':').next().unwrap_or(name);
        [name, kind].into_iter().find_map(|name| {
            let on_store = self.0.get(&format!("{name}@{store}"));
            on_store.or_else(|| self.0.get(name)).copied()
        })
    }
}

// === impl Goal ===

impl Goal {
    /// Says whether a figure meets it.
    pub(crate) fn is_met(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(least) => figure >= least,
            Self::AtMost(most) => figure <= most,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_can_be_read_and_a_store_may_have_its_own() {
        assert!(Thresholds::read(None).is_ok());
        let text = r#"{ "x": { "at_least": 0.5 }, "x@postgres": { "at_most": 2 } }"#;
        let thresholds = Thresholds::parse(text).expect("goals");
        assert_eq!(thresholds.find("x", "embedded"), Some(Goal::AtLeast(0.5)));
        assert_eq!(thresholds.find("x", "postgres"), Some(Goal::AtMost(2.0)));
        assert_eq!(thresholds.find("x:y", "embedded"), Some(Goal::AtLeast(0.5)));
        assert_eq!(thresholds.find("y", "postgres"), None);
    }

    #[test]
    fn a_figure_at_the_border_meets_it() {
        assert!(Goal::AtLeast(0.5).is_met(0.5) && !Goal::AtLeast(0.5).is_met(0.49));
        assert!(Goal::AtMost(0.5).is_met(0.5) && !Goal::AtMost(0.5).is_met(f64::NAN));
    }
}
