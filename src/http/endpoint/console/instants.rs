//! Instants as people fill them in and see them again: in UTC, as every page shows them.
//!
//! A browser sends what stands in a field of the type `datetime-local` without a zone (HTML §4.10.5.1.11);
//! who writes an address by hand may give one, as RFC 3339 has it.

use domain::rejection::Refusal;
use domain::time::UnixMillis;

use super::Seat;
use crate::http::page::sheet::Input;

/// The type of such a field.
const KIND: &str = "datetime-local";
/// How much of an instant it shows: to the minute.
const SHOWN: usize = 16;

/// Makes a field for an instant, which may be empty.
pub(super) fn input(name: &'static str, label: &'static str, at: Option<UnixMillis>) -> Input {
    let shown = at.map(write).unwrap_or_default();
    Input::line(name, label)
        .or_nothing()
        .of_type(KIND)
        .with(shown)
}

/// Reads what was filled in under a name; nothing if that is empty.
///
/// # Errors
/// 422 for what is no instant.
pub(super) fn take(seat: &Seat, name: &'static str) -> Result<Option<UnixMillis>, Refusal> {
    let Some(text) = seat.given(name) else {
        return Ok(None);
    };
    let wrong = || Refusal::field(name, "must be an instant such as 2026-01-31T12:00");
    read(&text).map(Some).ok_or_else(wrong)
}

/// Writes an instant as its field shows it.
pub(super) fn write(at: UnixMillis) -> String {
    at.to_string().chars().take(SHOWN).collect()
}

fn read(text: &str) -> Option<UnixMillis> {
    let forms = [text.to_owned(), format!("{text}Z"), format!("{text}:00Z")];
    forms.iter().find_map(|form| form.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_without_a_zone_is_in_utc() {
        let noon = "2026-01-31T12:00:00Z".parse().expect("an instant");
        for text in [
            "2026-01-31T12:00",
            "2026-01-31T12:00:00",
            "2026-01-31T12:00:00Z",
            "2026-01-31T13:00:00+01:00",
        ] {
            assert_eq!(read(text), Some(noon), "{text}");
        }
        assert_eq!(write(noon), "2026-01-31T12:00");
        for text in ["", "noon", "2026-01-31", "2026-13-31T12:00", "12:00"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
