//! The feed of changes on PostgreSQL.

use domain::change::{Change, ChangeKind};
use domain::rejection::Fault;
use tokio::sync::watch;
use tokio_postgres::Row;

use super::pool::Step;
use super::row::{self, get};
use super::{Postgres, Scope};
use crate::port::Pending;
use crate::port::changes::{Bookmark, Changes, ChangesAsked, ChangesPage, Interest};

/// The present instant stands in a row of its own, so that it comes even when nothing changed. A
/// statement reads what was committed when it began, so it is taken from a statement before.
const NOW: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now";

macro_rules! load_changes {
    ($condition:literal) => {
        concat!(
            "SELECT tenant_id, id, kind, about, at, expires_at
            FROM changes
            WHERE (at, id) > ($1, $2)",
            $condition,
            " ORDER BY at, id
            LIMIT $3"
        )
    };
}

const LOAD_CHANGES: &str = load_changes!("");

/// Its condition is the one of an index.
const LOAD_REVOCATIONS: &str =
    load_changes!(" AND kind IN ('access_revoked', 'session_ended', 'grant_ended')");

/// Reads one entry; no change for a kind that a newer node wrote.
fn entry(row: &Row) -> Result<(Bookmark, Option<Change>), Fault> {
    let at = row::instant(row, "at")?;
    let number = get(row, "id")?;
    let (tenant, expires_at) = (
        row::tenant(row, "tenant_id")?,
        row::instant(row, "expires_at")?,
    );
    let what = ChangeKind::from_stored(get(row, "kind")?, get(row, "about")?);
    let change = what.map(|what| Change {
        tenant,
        what,
        at,
        expires_at,
    });
    Ok((Bookmark { at, number }, change))
}

impl Postgres {
    async fn read_feed(&self, asked: ChangesAsked) -> Result<ChangesPage, Fault> {
        let (at, number) = (asked.from.at.as_millis(), asked.from.number);
        let sql = match asked.interest {
            Interest::Everything => LOAD_CHANGES,
            Interest::Revocations => LOAD_REVOCATIONS,
        };
        let steps = [
            Step {
                sql: NOW,
                values: &[],
            },
            Step {
                sql,
                values: &[&at, &number, &i64::from(asked.limit)],
            },
        ];
        let answers = self.pool().run_all(Scope::System, &steps).await?;
        let [clock, rows] = answers.as_slice() else {
            return Err(Fault::Broken("the feed answered nothing".to_owned()));
        };
        let Some(clock) = clock.first() else {
            return Err(Fault::Broken("the clock answered nothing".to_owned()));
        };
        let entries: Result<Vec<_>, _> = rows.iter().map(entry).collect();
        let now = row::instant(clock, "now")?;
        Ok(ChangesPage::of(entries?, now, asked.limit))
    }
}

impl Changes for Postgres {
    fn load_changes(&self, asked: ChangesAsked) -> Pending<'_, ChangesPage> {
        Box::pin(self.read_feed(asked))
    }

    fn notices(&self) -> watch::Receiver<u64> {
        self.0.notices.subscribe()
    }

    fn is_shared(&self) -> bool {
        true
    }
}
