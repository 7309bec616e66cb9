//! Walking along a chain from its beginning, or from where it was purged to, and judging each step. Pure.

use std::collections::BTreeMap;
use std::fmt;

use store::port::audit::{AuditRow, ChainHead};

use super::chain::seal_of;

/// What is wrong at one place of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken {
    /// The place.
    pub chain_no: i64,
    /// The entry that is there, if one is.
    pub seq: Option<i64>,
    /// What is wrong with it.
    pub why: Flaw,
}

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// There is no entry, although later ones or a checkpoint say that there was.
    Missing,
    /// The entry is not the one that was sealed, or not in the place where it was.
    Changed,
    /// The chain is in itself whole, but a checkpoint says that it was another.
    Replaced,
    /// It is sealed, and no checkpoint reaches so far.
    Unsigned,
    /// The checkpoint here is not ours.
    ForgedCheckpoint,
    /// That the entries up to here may be gone was not said by us.
    ForgedPurge,
}

/// Somebody on their way along a chain.
#[derive(Debug, Clone)]
pub struct Walk {
    last: ChainHead,
    signed: BTreeMap<i64, [u8; 32]>,
}

// === impl Walk ===

impl Walk {
    /// Begins after a place.
    #[must_use]
    pub const fn from(start: ChainHead) -> Self {
        Self {
            last: start,
            signed: BTreeMap::new(),
        }
    }

    /// Is told of a checkpoint, whose signature was checked.
    ///
    /// # Errors
    /// When it contradicts another, or where the walk already is.
    pub fn expect(&mut self, head: ChainHead) -> Result<(), Broken> {
        let walked = (head.chain_no == self.last.chain_no).then_some(self.last.seal);
        let known = self.signed.insert(head.chain_no, head.seal);
        if walked
            .into_iter()
            .chain(known)
            .any(|seal| seal != head.seal)
        {
            return Err(broken(head.chain_no, None, Flaw::Replaced));
        }
        Ok(())
    }

    /// Goes on to the next entry.
    ///
    /// # Errors
    /// What is wrong there.
    pub fn step(&mut self, row: &AuditRow) -> Result<(), Broken> {
        let place = self.last.chain_no.saturating_add(1);
        if row.chain_no != Some(place) {
            return Err(broken(place, None, Flaw::Missing));
        }
        let seal = seal_of(&self.last.seal, row);
        if row.seal != Some(seal) {
            return Err(broken(place, Some(row.seq), Flaw::Changed));
        }
        if self
            .signed
            .get(&place)
            .is_some_and(|signed| *signed != seal)
        {
            return Err(broken(place, Some(row.seq), Flaw::Replaced));
        }
        self.last = ChainHead {
            chain_no: place,
            seal,
        };
        Ok(())
    }

    /// Says where the walk is.
    #[must_use]
    pub const fn last(&self) -> ChainHead {
        self.last
    }

    /// Judges the end: what was signed is there, and what is there was signed.
    ///
    /// # Errors
    /// What is wrong there.
    pub fn finish(&self, start: ChainHead) -> Result<(), Broken> {
        let place = self.last.chain_no;
        let signed = self.signed.keys().next_back().copied();
        let signed = signed.unwrap_or(start.chain_no);
        if signed > place {
            return Err(broken(place.saturating_add(1), None, Flaw::Missing));
        }
        if signed < place {
            return Err(broken(signed.saturating_add(1), None, Flaw::Unsigned));
        }
        Ok(())
    }
}

/// Tells of a flaw.
#[must_use]
pub const fn broken(chain_no: i64, seq: Option<i64>, why: Flaw) -> Broken {
    Broken { chain_no, seq, why }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "an entry that was sealed is gone",
            Self::Changed => "the entry is not what was sealed at this place",
            Self::Replaced => "the entries up to here are not those that were signed",
            Self::Unsigned => "entries from here on are under no checkpoint of ours",
            Self::ForgedCheckpoint => {
                "the checkpoint is not signed with any entry of SYSTEM_SECRETS"
            }
            Self::ForgedPurge => "what says that entries may be gone is not signed by us",
        })
    }
}

#[cfg(test)]
mod tests {
    use domain::id::TenantId;
    use domain::random::Counting;
    use domain::time::UnixMillis;
    use serde_json::json;

    use super::super::chain::extend;
    use super::*;

    fn chain(length: i64) -> Vec<AuditRow> {
        let tenant = TenantId::generate(UnixMillis::default(), &Counting::default());
        let row = |seq| AuditRow {
            seq,
            tenant,
            at: UnixMillis::from_seconds(seq),
            fields: json!({ "event": "login.failed", "subject": format!("u{seq}") }),
            chain_no: None,
            seal: None,
        };
        let mut rows: Vec<AuditRow> = (1..=length).map(row).collect();
        seal(ChainHead::default(), &mut rows);
        rows
    }

    fn seal(head: ChainHead, rows: &mut [AuditRow]) {
        for (mark, row) in extend(head, rows).into_iter().zip(rows.iter_mut()) {
            (row.chain_no, row.seal) = (Some(mark.chain_no), Some(mark.seal));
        }
    }

    fn head(row: &AuditRow) -> ChainHead {
        ChainHead {
            chain_no: row.chain_no.unwrap(),
            seal: row.seal.unwrap(),
        }
    }

    fn walk(start: ChainHead, signed: &[ChainHead], rows: &[AuditRow]) -> Result<(), Broken> {
        let mut walk = Walk::from(start);
        signed.iter().try_for_each(|one| walk.expect(*one))?;
        rows.iter().try_for_each(|row| walk.step(row))?;
        walk.finish(start)
    }

    #[test]
    fn a_whole_chain_is_walked_to_its_end_from_wherever_it_was_purged_to() {
        let rows = chain(5);
        let end = head(&rows[4]);
        assert_eq!(walk(ChainHead::default(), &[end], &rows), Ok(()));
        assert_eq!(walk(head(&rows[1]), &[end], &rows[2..]), Ok(()));
        assert_eq!(walk(end, &[end], &[]), Ok(()));
    }

    #[test]
    fn a_gap_a_cut_and_a_swap_are_found_where_they_are() {
        let rows = chain(5);
        let (start, end) = (ChainHead::default(), [head(&rows[4])]);
        let mut gap = rows.clone();
        gap.remove(2);
        assert_eq!(walk(start, &end, &gap), Err(broken(3, None, Flaw::Missing)));
        let cut = &rows[..3];
        assert_eq!(walk(start, &end, cut), Err(broken(4, None, Flaw::Missing)));
        let mut swapped = rows;
        swapped.swap(1, 2);
        swapped[1].chain_no = Some(2);
        swapped[2].chain_no = Some(3);
        assert_eq!(
            walk(start, &end, &swapped),
            Err(broken(2, Some(3), Flaw::Changed))
        );
    }

    #[test]
    fn a_chain_that_was_sealed_again_is_not_the_one_that_was_signed() {
        let mut rows = chain(5);
        let end = [head(&rows[4])];
        rows[1].fields = json!({ "event": "login.succeeded" });
        seal(ChainHead::default(), &mut rows);
        let found = walk(ChainHead::default(), &end, &rows);
        assert_eq!(found, Err(broken(5, Some(5), Flaw::Replaced)));
    }

    #[test]
    fn what_somebody_put_behind_the_end_is_under_no_checkpoint() {
        let rows = chain(5);
        let signed = [head(&rows[2])];
        let found = walk(ChainHead::default(), &signed, &rows);
        assert_eq!(found, Err(broken(4, None, Flaw::Unsigned)));
        let found = walk(ChainHead::default(), &[], &rows);
        assert_eq!(found, Err(broken(1, None, Flaw::Unsigned)));
    }

    #[test]
    fn what_is_signed_while_it_is_walked_to_is_signed() {
        let rows = chain(3);
        let mut walk = Walk::from(ChainHead::default());
        walk.expect(head(&rows[1])).unwrap();
        rows.iter().try_for_each(|row| walk.step(row)).unwrap();
        // Sealed since the first checkpoints were read, and told of at the end.
        walk.expect(head(&rows[2])).unwrap();
        assert_eq!(walk.finish(ChainHead::default()), Ok(()));
    }

    #[test]
    fn a_kept_checkpoint_contradicts_another_chain() {
        let rows = chain(3);
        let other = ChainHead {
            seal: [9; 32],
            ..head(&rows[2])
        };
        let found = walk(ChainHead::default(), &[head(&rows[2]), other], &rows);
        assert_eq!(found, Err(broken(3, None, Flaw::Replaced)));
        let found = walk(head(&rows[2]), &[other], &[]);
        assert_eq!(found, Err(broken(3, None, Flaw::Replaced)));
    }
}
