//! What a variable is: declared once, everything else derived from the declaration.
//!
//! An area (`config/tokens.rs`, `config/store.rs`, …) lists its variables in one [`variables!`]
//! table: name, kind of value, default, doc text, whether it is secret, when it is required, whether
//! anything uses it yet. Parsing, `config print`, `docs/CONFIG.md` and `.env.example` all read that
//! table, so a variable cannot exist in one of them only.

use crate::config::kind::Kind;
use crate::config::values::Values;

/// What every declaration says, whatever the kind of its value.
pub(super) struct About {
    /// The variable's name.
    pub(super) name: &'static str,
    /// What it means, in a sentence or two.
    pub(super) doc: &'static str,
    /// What holds when it is not set.
    pub(super) fallback: Fallback,
    /// When it must be set.
    pub(super) required: Required,
    /// Whether its value is never shown and may come from a file.
    pub(super) is_secret: bool,
    /// Whether anything uses it yet; what first does removes `.later()`.
    pub(super) in_use: bool,
}

/// What holds when a variable is not set.
#[derive(Clone, Copy)]
pub(super) enum Fallback {
    /// Nothing: the feature is off or decides by itself.
    Absent,
    /// A fixed text, parsed as if it had been set.
    Text(&'static str),
    /// A text computed from the machine or from other variables.
    Derived {
        /// How, for the documentation.
        said: &'static str,
        /// Computes it; nothing when what it is derived from is itself mistaken.
        derive: fn(&Values) -> Option<String>,
    },
    /// Made once and kept in `DATA_DIR`, outside production and staging.
    Generated,
}

/// When a variable must be set.
#[derive(Clone, Copy)]
pub(super) enum Required {
    /// Never.
    Never,
    /// When `APP_ENV` is `production` or `staging`.
    InProduction,
    /// When another variable is set.
    WhenSet(&'static str),
    /// When another variable is `true`.
    WhenTrue(&'static str),
}

/// A declared variable and the kind of its value.
pub(super) struct Variable<K> {
    pub(super) about: About,
    pub(super) kind: K,
}

/// A declared variable of whatever kind, for tables.
pub(super) trait Declared: Sync {
    /// Gives what the declaration says.
    fn about(&self) -> &About;

    /// Says whether the text is a value of the variable's kind.
    fn accepts(&self, text: &str) -> bool;

    /// Says what values are accepted, to follow "expected".
    fn expected(&self) -> String;
}

/// Begins a declaration: a variable that may be absent, is public, optional and in use.
pub(super) const fn of<K>(kind: K) -> Variable<K> {
    let about = About {
        name: "",
        doc: "",
        fallback: Fallback::Absent,
        required: Required::Never,
        is_secret: false,
        in_use: true,
    };
    Variable { about, kind }
}

// === impl Variable ===

impl<K> Variable<K> {
    /// Gives the variable a default.
    pub(super) const fn or(mut self, text: &'static str) -> Self {
        self.about.fallback = Fallback::Text(text);
        self
    }

    /// Gives the variable a default that is computed.
    pub(super) const fn or_derived(
        mut self,
        said: &'static str,
        derive: fn(&Values) -> Option<String>,
    ) -> Self {
        self.about.fallback = Fallback::Derived { said, derive };
        self
    }

    /// Lets development make the value; production must set it.
    pub(super) const fn or_generated(mut self) -> Self {
        self.about.fallback = Fallback::Generated;
        self.about.required = Required::InProduction;
        self
    }

    /// Says when the variable must be set.
    pub(super) const fn required(mut self, when: Required) -> Self {
        self.about.required = when;
        self
    }

    /// Hides the value everywhere and lets it come from a file.
    pub(super) const fn secret(mut self) -> Self {
        self.about.is_secret = true;
        self
    }

    /// Marks the variable as accepted but without effect yet.
    pub(super) const fn later(mut self) -> Self {
        self.about.in_use = false;
        self
    }

    /// Ends the declaration; called by [`variables!`].
    pub(super) const fn named(mut self, name: &'static str, doc: &'static str) -> Self {
        self.about.name = name;
        self.about.doc = doc;
        self
    }
}

impl<K: Kind> Declared for Variable<K> {
    fn about(&self) -> &About {
        &self.about
    }

    fn accepts(&self, text: &str) -> bool {
        self.kind.parse(text).is_some()
    }

    fn expected(&self) -> String {
        self.kind.expected()
    }
}

// === impl Required ===

impl Required {
    /// Says whether the variable must be set beside these others.
    pub(super) fn applies(self, values: &Values) -> bool {
        match self {
            Self::Never => false,
            Self::InProduction => values.is_production_like(),
            Self::WhenSet(name) => values.given(name).is_some(),
            Self::WhenTrue(name) => values
                .given(name)
                .is_some_and(|text| text.trim().eq_ignore_ascii_case("true")),
        }
    }

    /// Says when, to follow "required"; nothing for a variable that never is.
    pub(super) fn said(self) -> Option<String> {
        match self {
            Self::Never => None,
            Self::InProduction => Some("when APP_ENV is production or staging".to_owned()),
            Self::WhenSet(name) => Some(format!("when {name} is set")),
            Self::WhenTrue(name) => Some(format!("when {name} is true")),
        }
    }
}

/// Declares an area's variables: one static each, and all of them in `TABLE`.
///
/// The doc comment is the variable's doc text in every place that shows one.
macro_rules! variables {
    ($($(#[doc = $doc:literal])+ $name:ident: $kind:ty = $declared:expr;)+) => {
        $(
            $(#[doc = $doc])+
            pub(in crate::config) static $name: $crate::config::variable::Variable<$kind> =
                $declared.named(stringify!($name), concat!($($doc),+));
        )+
        /// The area's variables, in the order of the documentation.
        pub(in crate::config) static TABLE: &[&dyn $crate::config::variable::Declared] =
            &[$(&$name),+];
    };
}

pub(super) use variables;
