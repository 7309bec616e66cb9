//! The console's pages: each is a sheet of parts, one below the other.
//!
//! There is one template for all of them, because an operator's pages are all of the same: a list, what is
//! known of one thing, a question before something is done. They are in English only: what they show are
//! the words of the API, which an operator finds in its contract and in the audit trail. See
//! `docs/decisions/0025-console.md`.

use askama::Template;

use super::when::When;
use super::{Frame, Page};

pub(in crate::http) mod chart;

use chart::Chart;

/// A page of the console.
#[derive(Template)]
#[template(path = "console/sheet.html")]
pub(in crate::http) struct Sheet<'a> {
    pub(in crate::http) frame: &'a Frame,
    /// Who looks, and where they may go; nobody: whoever is not signed in.
    pub(in crate::http) around: Option<&'a Around>,
    pub(in crate::http) heading: &'a str,
    pub(in crate::http) lead: &'a str,
    /// What was just done.
    pub(in crate::http) done: &'a str,
    /// Why something was not done.
    pub(in crate::http) problem: &'a str,
    pub(in crate::http) details: &'a [String],
    /// The word for an error; empty: it is none.
    pub(in crate::http) code: &'a str,
    pub(in crate::http) parts: &'a [Part],
}

/// What stands above every page of whoever is signed in.
pub(in crate::http) struct Around {
    /// Who they are.
    pub(in crate::http) who: String,
    /// The token for forms.
    pub(in crate::http) csrf: String,
    /// Where they may go.
    pub(in crate::http) places: Vec<&'static Place>,
    /// Where they are.
    pub(in crate::http) here: &'static str,
}

/// A place in the navigation.
pub(in crate::http) struct Place {
    pub(in crate::http) path: &'static str,
    pub(in crate::http) label: &'static str,
    /// The area of the admin door that it belongs to.
    pub(in crate::http) area: &'static str,
}

/// Where something leads, without what stands before the tenant's paths, and what it is called.
pub(in crate::http) type Link = (String, String);

/// A part of a page.
pub(in crate::http) enum Part {
    Heading(String),
    Note(String),
    /// Something that is shown this once.
    Secret(&'static str, String),
    Figures(Vec<(&'static str, String)>),
    Facts(Vec<(&'static str, Cell)>),
    Acts(Vec<Link>),
    Charts(Vec<Chart>),
    Table(Table),
    /// Lines that are moved in by so many steps.
    Tree(Vec<(usize, Vec<Cell>)>),
    /// A form that asks for the same page again.
    Filter(Form),
    /// A form that changes something.
    Form(Form),
}

/// Something small that is shown.
pub(in crate::http) enum Cell {
    Text(String),
    Code(String),
    Link(String, String),
    When(When),
    Mark(String),
    /// A text that somebody should look at.
    Bad(String),
}

/// A list.
pub(in crate::http) struct Table {
    pub(in crate::http) caption: &'static str,
    pub(in crate::http) heads: Vec<&'static str>,
    pub(in crate::http) rows: Vec<Vec<Cell>>,
    /// What is said when there is nothing.
    pub(in crate::http) empty: &'static str,
}

/// A form.
#[derive(Default)]
pub(in crate::http) struct Form {
    pub(in crate::http) action: String,
    pub(in crate::http) csrf: String,
    /// What this showing of the form is told apart by, so that sending it twice is sending it once.
    pub(in crate::http) once: String,
    pub(in crate::http) inputs: Vec<Input>,
    pub(in crate::http) button: &'static str,
    pub(in crate::http) is_danger: bool,
}

/// A field of a form.
pub(in crate::http) struct Input {
    pub(in crate::http) name: &'static str,
    pub(in crate::http) label: &'static str,
    pub(in crate::http) kind: Kind,
    pub(in crate::http) value: String,
    pub(in crate::http) hint: &'static str,
    pub(in crate::http) is_required: bool,
}

/// How a field is filled in.
pub(in crate::http) enum Kind {
    Hidden,
    /// A line of this type (HTML §4.10.5).
    Line(&'static str),
    Lines,
    /// One of these values, each with what it is called.
    Choice(Vec<(String, String)>),
}

// === impl Input ===

impl Input {
    /// Makes a line that must be filled in.
    pub(in crate::http) fn line(name: &'static str, label: &'static str) -> Self {
        Self {
            name,
            label,
            kind: Kind::Line("text"),
            value: String::new(),
            hint: "",
            is_required: true,
        }
    }

    /// Makes a choice of one among words.
    pub(in crate::http) fn choice(
        name: &'static str,
        label: &'static str,
        options: &[(&str, &str)],
    ) -> Self {
        let options = options.iter();
        let options = options.map(|(value, text)| ((*value).to_owned(), (*text).to_owned()));
        Self {
            kind: Kind::Choice(options.collect()),
            ..Self::line(name, label)
        }
    }

    /// Makes several lines.
    pub(in crate::http) fn lines(name: &'static str, label: &'static str) -> Self {
        Self {
            kind: Kind::Lines,
            ..Self::line(name, label).or_nothing()
        }
    }

    /// Carries a value that nobody sees.
    pub(in crate::http) fn hidden(name: &'static str, value: String) -> Self {
        Self {
            kind: Kind::Hidden,
            value,
            ..Self::line(name, "")
        }
    }

    /// Says what is filled in at first.
    pub(in crate::http) fn with(self, value: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            ..self
        }
    }

    /// Explains it.
    pub(in crate::http) fn hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }

    /// Lets it be empty.
    pub(in crate::http) fn or_nothing(self) -> Self {
        Self {
            is_required: false,
            ..self
        }
    }

    /// Says whether what was typed is not to be shown again.
    pub(in crate::http) fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Line("password"))
    }

    /// Sets the type of its line.
    pub(in crate::http) fn of_type(self, kind: &'static str) -> Self {
        Self {
            kind: Kind::Line(kind),
            ..self
        }
    }
}

// === impl Cell ===

#[expect(
    clippy::needless_pass_by_value,
    reason = "whatever can be written is given as it is"
)]
impl Cell {
    pub(in crate::http) fn text(text: impl ToString) -> Self {
        Self::Text(text.to_string())
    }

    pub(in crate::http) fn code(text: impl ToString) -> Self {
        Self::Code(text.to_string())
    }

    pub(in crate::http) fn link(to: impl ToString, text: impl ToString) -> Self {
        Self::Link(to.to_string(), text.to_string())
    }
}

impl Page for Sheet<'_> {
    fn here(&self) -> &'static str {
        self.around.map_or("", |around| around.here)
    }
}

#[cfg(test)]
mod tests;
