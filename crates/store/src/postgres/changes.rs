//! The feed of changes on PostgreSQL.

use domain::change::{Change, ChangeKind};
use domain::rejection::Fault;
use domain::time::UnixMillis;
use tokio::sync::watch;
use tokio_postgres::Row;

use super::row::{self, get};
use super::{Postgres, Scope};
use crate::port::Pending;
use crate::port::changes::Changes;

/// The present instant stands in a row of its own, so that it comes even when nothing changed.
const LOAD_CHANGES: &str = "
    SELECT clock.now, c.tenant_id, c.kind, c.about, c.at, c.expires_at
    FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now) AS clock
    LEFT JOIN changes AS c ON c.at >= $1";

/// Reads one change; `None` for the row that only brings the time, and for a kind that a newer node
/// wrote.
fn change(row: &Row) -> Result<Option<Change>, Fault> {
    let Some(kind) = get::<Option<&str>>(row, "kind")? else {
        return Ok(None);
    };
    let Some(what) = ChangeKind::from_stored(kind, get(row, "about")?) else {
        return Ok(None);
    };
    Ok(Some(Change {
        tenant: row::tenant(row, "tenant_id")?,
        what,
        at: row::instant(row, "at")?,
        expires_at: row::instant(row, "expires_at")?,
    }))
}

impl Changes for Postgres {
    fn load_changes(&self, since: UnixMillis) -> Pending<'_, (Vec<Change>, UnixMillis)> {
        Box::pin(async move {
            let since = since.as_millis();
            let rows = self
                .pool()
                .run(Scope::System, LOAD_CHANGES, &[&since])
                .await?;
            let Some(first) = rows.first() else {
                return Err(Fault::Broken("the feed answered nothing".to_owned()));
            };
            let now = row::instant(first, "now")?;
            let changes = rows.iter().filter_map(|row| change(row).transpose());
            Ok((changes.collect::<Result<_, _>>()?, now))
        })
    }

    fn notices(&self) -> watch::Receiver<u64> {
        self.0.notices.subscribe()
    }

    fn is_shared(&self) -> bool {
        true
    }
}
