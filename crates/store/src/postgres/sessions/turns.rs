//! Many turns in one statement: what several callers refresh at once.
//!
//! Turns that wait at the same moment share a transaction ([`gather`](super::super::gather)), and those
//! of one tenant one statement: for the server a turn then costs a row and no round trip, no commit and
//! no plan of its own. Families are locked in the order of tenant and id, as every verb locks them, so
//! two nodes that write the same families at once wait and never stand in each other's way. A family
//! that is there twice is turned twice, in two statements of the same transaction, in the order in which
//! its callers came.
//!
//! The rule stands in SQL, as [`rotate`](super::rotate) says, and every row is judged again as it was read.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::event::{Entry, EventKind};
use domain::rejection::Fault;
use domain::time::UnixMillis;
use serde_json::Value;
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::gather::Gathered;
use super::super::pool::{Parameter, Pool};
use super::super::row::{Line, family_columns, get, session_columns, user_columns};
use super::rotate::outcome;
use crate::port::Pending;
use crate::port::sessions::{Rotation, Turn};

/// What became of one turn: [`None`] for a reuse that nobody has acted on.
pub(in crate::postgres) type Turned = Result<Option<Rotation>, Fault>;

/// Turns of one tenant. `$2` the present instants, `$3` the fields of the entries, `$4` the families,
/// `$5` the clients, `$6` the numbers presented, `$7` the reuse windows and `$8` the idle times in
/// milliseconds, `$9` the keys that were proved, `$10` whether the family goes on to another token, `$11`
/// the certificates that were shown, `$12` the places in the batch.
const ROTATE_REFRESHES: &str = concat!(
    "WITH before AS (
        SELECT turn.*, ",
    family_columns!(),
    ", ",
    session_columns!("greatest(s.last_active_at, f.rotated_at)"),
    ", ",
    user_columns!(),
    ", s.ended_at AS s_ended_at
        FROM unnest(
            $2::bigint[], $3::jsonb[], $4::uuid[], $5::text[], $6::bigint[], $7::bigint[],
            $8::bigint[], $9::text[], $10::boolean[], $11::text[], $12::bigint[]
        ) AS turn (
            present, entry, family, client, shown, reuse_window, idle, jkt, rotates, certificate,
            place
        )
        JOIN refresh_families AS f ON f.id = turn.family AND f.client_id = turn.client
        JOIN sessions AS s ON s.tenant_id = f.tenant_id AND s.id = f.session_id
        JOIN users AS u ON u.tenant_id = f.tenant_id AND u.id = f.user_id
        WHERE f.tenant_id = $1 AND f.id = ANY($4::uuid[])
          AND coalesce(f.details->>'dpop_jkt', turn.jkt, '') = coalesce(turn.jkt, '')
          AND coalesce(f.details->>'certificate', turn.certificate, '') = coalesce(turn.certificate, '')
        ORDER BY f.id
        FOR NO KEY UPDATE OF f
    ), verdict AS (
        SELECT f_id, s_id, u_id, f_client, present, entry, idle, rotates,
               CASE
                   WHEN shown = f_generation THEN 'current'
                   WHEN present - f_rotated_at > reuse_window AND NOT f_reissued THEN 'reissue'
               END AS what
        FROM before
        WHERE f_ended_at IS NULL
          AND s_ended_at IS NULL
          AND u_status = 'active'
          AND shown BETWEEN f_generation - 1 AND f_generation
          AND present < least(f_idle_expires_at, f_expires_at)
    ), written AS (
        UPDATE refresh_families AS f
        SET generation = f.generation + (verdict.what = 'current' AND verdict.rotates)::int,
            rotated_at = CASE
                WHEN verdict.what = 'current' AND verdict.rotates THEN verdict.present
                ELSE f.rotated_at
            END,
            idle_expires_at = CASE verdict.what
                WHEN 'current' THEN verdict.present + verdict.idle
                ELSE f.idle_expires_at
            END,
            reissued = verdict.what = 'reissue' OR NOT verdict.rotates
        FROM verdict
        WHERE f.tenant_id = $1 AND f.id = verdict.f_id AND verdict.what IS NOT NULL
        RETURNING f.id AS f_id, verdict.s_id, verdict.u_id, verdict.f_client, verdict.present,
                  verdict.entry, verdict.what, verdict.rotates
    ), seen AS (
        UPDATE sessions AS s
        SET last_active_at = active.present
        FROM (
            SELECT s_id, max(present) AS present
            FROM written
            WHERE what = 'current' AND NOT rotates
            GROUP BY s_id
        ) AS active
        WHERE s.tenant_id = $1 AND s.id = active.s_id
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, present, entry || jsonb_build_object(
            'subject', u_id::text,
            'session_id', s_id::text,
            'client_id', f_client,
            'detail', CASE what WHEN 'reissue' THEN '{\"reissued\": true}'::jsonb ELSE '{}' END
        )
        FROM written
    )
    SELECT before.*, written.what
    FROM before
    LEFT JOIN written ON written.f_id = before.f_id"
);

/// What one statement turns: families of one tenant, each once.
struct Share {
    tenant: Uuid,
    present: Vec<i64>,
    entries: Vec<Value>,
    families: Vec<Uuid>,
    clients: Vec<String>,
    shown: Vec<i64>,
    windows: Vec<i64>,
    idles: Vec<i64>,
    keys: Vec<Option<String>>,
    rotates: Vec<bool>,
    certificates: Vec<Option<String>>,
    places: Vec<i64>,
}

// === impl Turn ===

impl Gathered for Turn {
    type Done = Turned;

    const NAME: &'static str = "the queue of refreshes";

    fn fulfil<'a>(pool: &'a Pool, batch: &'a [Self]) -> Pending<'a, Vec<Turned>> {
        Box::pin(async move {
            let shares = Share::of_each(batch);
            let values: Vec<_> = shares.iter().map(Share::values).collect();
            let answers = pool.run_in_each(ROTATE_REFRESHES, &values).await?;
            // Whatever no row speaks of is not there.
            let mut turned: Vec<Turned> = vec![Ok(Some(Rotation::Unknown)); batch.len()];
            for row in answers.iter().flatten() {
                judge(row, batch, &mut turned)?;
            }
            Ok(turned)
        })
    }
}

/// Judges a row by the turn it answers.
fn judge(row: &Row, batch: &[Turn], turned: &mut [Turned]) -> Result<(), Fault> {
    let place = usize::try_from(get::<i64>(row, "place")?).ok();
    let place = place.filter(|place| *place < batch.len());
    let asked = place.and_then(|place| batch.get(place).zip(turned.get_mut(place)));
    let (turn, turned) =
        asked.ok_or_else(|| Fault::Broken("a turn that nobody asked".to_owned()))?;
    *turned = outcome(row, turn);
    Ok(())
}

// === impl Share ===

impl Share {
    /// Sorts turns by tenant. A family that is there for the second time is in a share of its own,
    /// behind those of all first times.
    fn of_each(batch: &[Turn]) -> Vec<Self> {
        let mut times = BTreeMap::<(Uuid, Uuid), usize>::new();
        let mut shares = BTreeMap::<(usize, Uuid), Self>::new();
        for (place, turn) in batch.iter().enumerate() {
            let (tenant, family) = (turn.tenant.as_uuid(), turn.family.as_uuid());
            let time = times.entry((tenant, family)).or_default();
            let share = shares
                .entry((*time, tenant))
                .or_insert_with(|| Self::of(tenant));
            share.add(place, turn);
            *time = time.saturating_add(1);
        }
        shares.into_values().collect()
    }

    fn of(tenant: Uuid) -> Self {
        Self {
            tenant,
            present: Vec::new(),
            entries: Vec::new(),
            families: Vec::new(),
            clients: Vec::new(),
            shown: Vec::new(),
            windows: Vec::new(),
            idles: Vec::new(),
            keys: Vec::new(),
            rotates: Vec::new(),
            certificates: Vec::new(),
            places: Vec::new(),
        }
    }

    fn add(&mut self, place: usize, turn: &Turn) {
        let line = Line::of(&Entry::new(EventKind::TokenRefreshed, &turn.origin));
        let span = |span: Duration| (UnixMillis::default() + span).as_millis();
        self.present.push(turn.now.as_millis());
        self.entries.push(line.fields);
        self.families.push(turn.family.as_uuid());
        self.clients.push(turn.client.clone());
        self.shown.push(i64::from(turn.generation));
        self.windows.push(span(turn.window));
        self.idles.push(span(turn.idle));
        self.keys.push(turn.jkt.clone());
        self.rotates.push(turn.rotates);
        self.certificates.push(turn.certificate.clone());
        // A batch is short; a place that is none answers nobody.
        self.places.push(i64::try_from(place).unwrap_or(i64::MAX));
    }

    /// Gives the tenant and the parameters of [`ROTATE_REFRESHES`].
    fn values(&self) -> (Uuid, [Parameter<'_>; 12]) {
        let turns: [Parameter<'_>; 12] = [
            &self.tenant,
            &self.present,
            &self.entries,
            &self.families,
            &self.clients,
            &self.shown,
            &self.windows,
            &self.idles,
            &self.keys,
            &self.rotates,
            &self.certificates,
            &self.places,
        ];
        (self.tenant, turns)
    }
}
