//! Pages of lists.
//!
//! A list is ordered by id, newest first. A page is asked for by number, or by the cursor that the
//! page before gave; a cursor stays fast however deep it points.

use uuid::Uuid;

use crate::time::UnixMillis;

/// The most entries one page may hold.
pub const MAX_PER_PAGE: u32 = 100;

/// Which page of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// Where it begins.
    pub start: PageStart,
    /// How many entries it holds at most, 1 to [`MAX_PER_PAGE`].
    pub per_page: u32,
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageStart {
    /// At the page with this number, counted from 1.
    Number(u32),
    /// After the entry with this id.
    After(Uuid),
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// Its entries, newest first.
    pub items: Vec<T>,
    /// How many entries the whole list has.
    pub total: u64,
    /// The id of the last entry, when more follow.
    pub next: Option<Uuid>,
}

/// Gives the number of an entry the shape of an id, for a list that is ordered by numbers.
#[must_use]
pub fn id_of_number(number: i64) -> Uuid {
    Uuid::from_u64_pair(0, u64::try_from(number).unwrap_or(0))
}

/// Reads the number back; an id that is none of ours is a number past the list's end.
#[must_use]
pub fn number_of_id(id: Uuid) -> i64 {
    i64::try_from(id.as_u64_pair().1).unwrap_or(i64::MAX)
}

/// Gives the shape of an id to an instant and a number within it, for a list that is ordered by both.
#[must_use]
pub fn id_of_moment(at: UnixMillis, number: i64) -> Uuid {
    let part = |value: i64| u64::try_from(value).unwrap_or(0);
    Uuid::from_u64_pair(part(at.as_millis()), part(number))
}

/// Reads them back; what is out of range is at the list's end.
#[must_use]
pub fn moment_of_id(id: Uuid) -> (UnixMillis, i64) {
    let (at, number) = id.as_u64_pair();
    let at = i64::try_from(at).unwrap_or(i64::MAX);
    (
        UnixMillis::from_millis(at),
        i64::try_from(number).unwrap_or(i64::MAX),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_comes_back_out_of_its_id() {
        for number in [0, 1, 7_000_000_000, i64::MAX] {
            assert_eq!(number_of_id(id_of_number(number)), number);
        }
        assert_eq!(number_of_id(Uuid::max()), i64::MAX);
    }

    #[test]
    fn a_moment_comes_back_out_of_its_id() {
        let at = UnixMillis::from_seconds(1_800_000_000);
        assert_eq!(moment_of_id(id_of_moment(at, 7)), (at, 7));
        let end = UnixMillis::from_millis(i64::MAX);
        assert_eq!(moment_of_id(Uuid::max()), (end, i64::MAX));
    }
}
