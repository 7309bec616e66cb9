//! For which resources a token is.

use serde::{Deserialize, Serialize};

/// One audience or several (RFC 7519 §4.1.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// The only one.
    One(String),
    /// Several.
    Many(Vec<String>),
}

// === impl Audience ===

impl Audience {
    /// Tells whether this is one of them.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        match self {
            Self::One(only) => only == name,
            Self::Many(several) => several.iter().any(|one| one == name),
        }
    }
}
