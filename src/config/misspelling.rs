//! Variables that are probably ours but misspelt: a warning, since they may be somebody else's.

use std::collections::BTreeSet;
use std::fmt;

use crate::config::sections;
use crate::config::variable::About;

/// How many letters may differ.
const DISTANCE: usize = 2;

/// A variable that is set, is not ours, and looks as if it were meant to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The variable as it is set.
    pub variable: String,
    /// What was probably meant.
    pub meant: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variable, meant } = self;
        write!(f, "{variable} has no effect; was {meant} meant?")
    }
}

/// Finds the names that are at most two letters away from one of ours, and `…_FILE` variables of
/// what is no secret.
pub(super) fn find_misspelt(names: &BTreeSet<&str>) -> Vec<Warning> {
    let known = known_names();
    let foreign = names.iter().filter(|name| !known.contains(**name));
    foreign
        .filter_map(|name| {
            Some(Warning {
                variable: (*name).to_owned(),
                meant: meant_by(name, &known)?.to_owned(),
            })
        })
        .collect()
}

fn known_names() -> BTreeSet<String> {
    let names = |about: &About| {
        let file = about.is_secret.then(|| format!("{}_FILE", about.name));
        [about.name.to_owned()].into_iter().chain(file)
    };
    sections::all().flat_map(|v| names(v.about())).collect()
}

fn meant_by<'a>(name: &'a str, known: &'a BTreeSet<String>) -> Option<&'a str> {
    if let Some(plain) = name.strip_suffix("_FILE").filter(|n| known.contains(*n)) {
        return Some(plain);
    }
    known
        .iter()
        .filter(|other| other.len().abs_diff(name.len()) <= DISTANCE)
        .map(|other| (distance(name, other), other.as_str()))
        .filter(|(distance, _)| *distance <= DISTANCE)
        .min()
        .map(|(_, other)| other)
}

/// Counts the insertions, deletions and replacements between two names (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i.saturating_add(1);
        let mut next = vec![left];
        for (above, b) in row.iter().skip(1).zip(other.bytes()) {
            let replaced = diagonal.saturating_add(usize::from(a != b));
            left = replaced.min(left.min(*above).saturating_add(1));
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(name: &str) -> Option<String> {
        let warnings = find_misspelt(&BTreeSet::from([name]));
        warnings.into_iter().next().map(|warning| warning.meant)
    }

    #[test]
    fn up_to_two_letters_are_a_misspelling() {
        assert_eq!(meant("PUBLIC_PROT").as_deref(), Some("PUBLIC_PORT"));
        assert_eq!(meant("SYSTEM_SECRET").as_deref(), Some("SYSTEM_SECRETS"));
        assert_eq!(
            meant("SYSTEM_SECRET_FILE").as_deref(),
            Some("SYSTEM_SECRETS_FILE")
        );
    }

    #[test]
    fn a_file_of_what_is_no_secret_is_not_read() {
        assert_eq!(
            meant("POSTGRES_USER_FILE").as_deref(),
            Some("POSTGRES_USER")
        );
        assert_eq!(meant("POSTGRES_PASSWORD_FILE"), None);
    }

    #[test]
    fn our_own_names_and_foreign_ones_are_left_alone() {
        for name in ["PUBLIC_PORT", "PATH", "HOME", "POSTGRES_INITDB_ARGS", "APP"] {
            assert_eq!(meant(name), None, "{name}");
        }
    }

    #[test]
    fn distances_are_right() {
        for (one, other, expected) in [
            ("", "", 0),
            ("", "ab", 2),
            ("ab", "", 2),
            ("kitten", "sitting", 3),
            ("ab", "ba", 2),
        ] {
            assert_eq!(distance(one, other), expected, "{one} {other}");
        }
    }
}
