//! The audit trail in the hands of somebody who got at the store itself: whatever they do to what was sealed is
//! found, and where.

use std::time::{Duration, Instant};

use actors::audit::{Broken, Flaw, broken, seal_of};
use auth_service::flow::admin::audit::verify::{Verdict, verify};
use domain::id::TenantId;
use store::port::audit::AuditRow;
use store::port::checkpoints::Checkpoint;

use crate::cases;
use crate::client::Person;
use crate::house::House;
use crate::patience::PATIENCE;

cases![
    a_trail_that_nobody_touched_is_whole,
    a_changed_entry_is_found,
    an_entry_taken_out_of_the_middle_is_found,
    a_tail_that_was_cut_off_is_found,
    entries_that_changed_places_are_found,
    an_entry_put_in_is_found,
    a_chain_that_was_sealed_again_is_found,
    a_forged_checkpoint_is_found,
    what_was_not_purged_by_us_is_missed,
    a_database_that_was_set_back_is_found_with_what_was_kept,
];

/// Somebody's week, sealed: what there is to tamper with.
struct Trail {
    house: House,
    rows: Vec<AuditRow>,
}

fn tenant(house: &House) -> TenantId {
    let directory = house.running().flows().tenants.directory();
    directory.default_tenant().expect("the tenant").id
}

async fn judge(house: &House, kept: &[Checkpoint]) -> Verdict {
    let flows = house.running().flows();
    verify(flows, tenant(house), kept).await.expect("judged")
}

/// Waits until everything is sealed; gives the last place.
pub async fn signed(house: &House) -> i64 {
    let begun = Instant::now();
    loop {
        let verdict = judge(house, &[]).await;
        if verdict.unsealed == 0 && verdict.good_to > 0 {
            return verdict.good_to;
        }
        assert!(begun.elapsed() < PATIENCE, "never sealed: {verdict:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

impl Trail {
    async fn of(house: House) -> Self {
        for name in ["ada", "bo", "cy"] {
            let person = Person::register(&house.public(), name).await;
            person.try_login("wrong horse battery").await.expect(401);
        }
        signed(&house).await;
        let flows = house.running().flows();
        let rows = flows.checkpoints.load_chain(tenant(&house), 0, 500).await;
        let rows = rows.expect("the chain");
        Self { house, rows }
    }

    /// The third entry from the end, at least one before it.
    fn victim(&self) -> &AuditRow {
        &self.rows[self.rows.len() - 3]
    }

    fn place(&self) -> i64 {
        self.victim().chain_no.expect("sealed")
    }

    async fn marks(&self) -> Vec<Checkpoint> {
        let flows = self.house.running().flows();
        let loaded = flows
            .checkpoints
            .load_checkpoints(tenant(&self.house), 0, 500);
        loaded.await.expect("checkpoints")
    }

    async fn found(&self) -> Option<Broken> {
        judge(&self.house, &[]).await.broken
    }

    fn is_embedded(&self) -> bool {
        self.house
            .running()
            .flows()
            .settings
            .store
            .postgres
            .is_none()
    }

    /// A statement that changes what an entry says.
    fn change(&self, seq: i64) -> String {
        if self.is_embedded() {
            return format!("UPDATE audit SET event = 'login.succeeded' WHERE seq = {seq}");
        }
        let set = "jsonb_set(fields, '{event}', '\"login.succeeded\"')";
        format!("UPDATE audit SET fields = {set} WHERE seq = {seq}")
    }
}

/// Writes bytes as both stores read them.
fn literal(trail: &Trail, bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    if trail.is_embedded() {
        format!("x'{digits}'")
    } else {
        format!("'\\x{digits}'::bytea")
    }
}

async fn a_trail_that_nobody_touched_is_whole(house: House) {
    let trail = Trail::of(house).await;
    let verdict = judge(&trail.house, &[]).await;
    assert_eq!(verdict.broken, None);
    let length = trail.rows.len();
    assert_eq!(
        (verdict.entries, verdict.purged_to),
        (length.try_into().unwrap_or(0), 0)
    );
    // It goes on being whole, with what was kept at any time.
    let kept = trail.marks().await;
    Person::register(&trail.house.public(), "dee").await;
    signed(&trail.house).await;
    assert_eq!(judge(&trail.house, &kept).await.broken, None);
}

async fn a_changed_entry_is_found(house: House) {
    let trail = Trail::of(house).await;
    let seq = trail.victim().seq;
    trail.house.tamper(&trail.change(seq)).await;
    let expected = broken(trail.place(), Some(seq), Flaw::Changed);
    assert_eq!(trail.found().await, Some(expected));
}

async fn an_entry_taken_out_of_the_middle_is_found(house: House) {
    let trail = Trail::of(house).await;
    let delete = format!("DELETE FROM audit WHERE seq = {}", trail.victim().seq);
    trail.house.tamper(&delete).await;
    let expected = broken(trail.place(), None, Flaw::Missing);
    assert_eq!(trail.found().await, Some(expected));
}

async fn a_tail_that_was_cut_off_is_found(house: House) {
    let trail = Trail::of(house).await;
    let delete = format!("DELETE FROM audit WHERE chain_no >= {}", trail.place());
    trail.house.tamper(&delete).await;
    let expected = broken(trail.place(), None, Flaw::Missing);
    assert_eq!(trail.found().await, Some(expected));
    // Nor does what happens afterwards take the places of what was cut off.
    Person::register(&trail.house.public(), "dee").await;
    let begun = Instant::now();
    while judge(&trail.house, &[]).await.unsealed > 0 && begun.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(trail.found().await, Some(expected));
}

async fn entries_that_changed_places_are_found(house: House) {
    let trail = Trail::of(house).await;
    let (one, two) = (trail.victim(), &trail.rows[trail.rows.len() - 2]);
    // What they say changes places; places and seals stay, so that each looks as if nothing was done.
    let columns = if trail.is_embedded() {
        "at = {at}, event = (SELECT event FROM audit WHERE seq = {other}), \
         subject = (SELECT subject FROM audit WHERE seq = {other})"
    } else {
        "at = {at}, fields = (SELECT fields FROM audit WHERE seq = {other})"
    };
    let swap = |row: &AuditRow, other: &AuditRow| {
        let set = columns.replace("{at}", &other.at.as_millis().to_string());
        let set = set.replace("{other}", &other.seq.to_string());
        format!("UPDATE audit SET {set} WHERE seq = {}", row.seq)
    };
    let begin = "CREATE TABLE held AS SELECT * FROM audit";
    trail.house.tamper(begin).await;
    trail
        .house
        .tamper(&swap(one, two).replace("FROM audit", "FROM held"))
        .await;
    trail
        .house
        .tamper(&swap(two, one).replace("FROM audit", "FROM held"))
        .await;
    let expected = broken(trail.place(), Some(one.seq), Flaw::Changed);
    assert_eq!(trail.found().await, Some(expected));
    // Whole rows that change places are found too, through the same place.
    let place = trail.place();
    for (from, to) in [(place, -1), (place + 1, place), (-1, place + 1)] {
        let moved = format!("UPDATE audit SET chain_no = {to} WHERE chain_no = {from}");
        trail.house.tamper(&moved).await;
    }
    let found = trail.found().await.expect("found");
    assert_eq!((found.chain_no, found.why), (place, Flaw::Changed));
}

async fn an_entry_put_in_is_found(house: House) {
    let trail = Trail::of(house).await;
    let last = trail.rows.last().expect("an entry");
    // Behind the end, and sealed as well as anybody can who knows how.
    let mut forged = last.clone();
    forged.seq += 1_000;
    forged.chain_no = last.chain_no.map(|place| place + 1);
    let seal = seal_of(&last.seal.expect("sealed"), &forged);
    let (seq, place) = (forged.seq, forged.chain_no.expect("a place"));
    let seal = literal(&trail, &seal);
    let put = copy(&trail, last.seq, seq, &format!("{place}, {seal}"));
    trail.house.tamper(&put).await;
    let expected = broken(place, None, Flaw::Unsigned);
    assert_eq!(trail.found().await, Some(expected));
    // In the middle, those behind it moved on.
    let undo = format!("DELETE FROM audit WHERE seq = {seq}");
    trail.house.tamper(&undo).await;
    assert_eq!(trail.found().await, None);
    let place = trail.place();
    for row in trail
        .rows
        .iter()
        .rev()
        .filter(|row| row.chain_no >= Some(place))
    {
        let moved = format!(
            "UPDATE audit SET chain_no = chain_no + 1 WHERE seq = {}",
            row.seq
        );
        trail.house.tamper(&moved).await;
    }
    let put = copy(&trail, last.seq, seq, &format!("{place}, {seal}"));
    trail.house.tamper(&put).await;
    let expected = broken(place, Some(seq), Flaw::Changed);
    assert_eq!(trail.found().await, Some(expected));
}

/// A statement that copies an entry, as another at another place.
fn copy(trail: &Trail, from: i64, to: i64, sealed: &str) -> String {
    let (columns, more) = if trail.is_embedded() {
        (
            "tenant_id, at, event, actor_type, actor_id, subject, client_id, session_id, address, \
             user_agent, request_id, success, detail",
            "",
        )
    } else {
        ("tenant_id, at, fields", " OVERRIDING SYSTEM VALUE")
    };
    format!(
        "INSERT INTO audit (seq, {columns}, chain_no, seal){more}
         SELECT {to}, {columns}, {sealed} FROM audit WHERE seq = {from}"
    )
}

async fn a_chain_that_was_sealed_again_is_found(house: House) {
    let trail = Trail::of(house).await;
    let seq = trail.victim().seq;
    trail.house.tamper(&trail.change(seq)).await;
    let flows = trail.house.running().flows();
    let rows = flows
        .checkpoints
        .load_chain(tenant(&trail.house), 0, 500)
        .await;
    let mut previous = [0; 32];
    for row in rows.expect("the chain") {
        previous = seal_of(&previous, &row);
        let seal = literal(&trail, &previous);
        let again = format!("UPDATE audit SET seal = {seal} WHERE seq = {}", row.seq);
        trail.house.tamper(&again).await;
    }
    let last = trail.rows.last().expect("an entry");
    let expected = broken(
        last.chain_no.expect("sealed"),
        Some(last.seq),
        Flaw::Replaced,
    );
    assert_eq!(trail.found().await, Some(expected));
}

async fn a_forged_checkpoint_is_found(house: House) {
    let trail = Trail::of(house).await;
    let mark = trail.marks().await[0];
    // The tail cut off, and the checkpoint set to the new end: its signature is over the old one.
    let place = trail.place();
    let end = trail
        .rows
        .iter()
        .find(|row| row.chain_no == Some(place - 1));
    let seal = literal(&trail, &end.and_then(|row| row.seal).expect("sealed"));
    let moved = format!(
        "UPDATE audit_checkpoints SET chain_no = {}, seal = {seal} WHERE chain_no = {}",
        place - 1,
        mark.head.chain_no
    );
    let delete = format!("DELETE FROM audit WHERE chain_no >= {place}");
    trail.house.tamper(&delete).await;
    trail.house.tamper(&moved).await;
    let expected = broken(place - 1, None, Flaw::ForgedCheckpoint);
    assert_eq!(trail.found().await, Some(expected));
    // Without any, what is sealed is under none.
    trail.house.tamper("DELETE FROM audit_checkpoints").await;
    let expected = broken(1, None, Flaw::Unsigned);
    assert_eq!(trail.found().await, Some(expected));
    // Of nothing at all only what was kept elsewhere tells.
    trail.house.tamper("DELETE FROM audit").await;
    let empty = judge(&trail.house, &[]).await;
    assert_eq!((empty.good_to, empty.entries, empty.broken), (0, 0, None));
    let found = judge(&trail.house, &[mark]).await.broken;
    assert_eq!(found, Some(broken(1, None, Flaw::Missing)));
}

async fn what_was_not_purged_by_us_is_missed(house: House) {
    let trail = Trail::of(house).await;
    let mark = trail.marks().await[0];
    let delete = format!("DELETE FROM audit WHERE chain_no <= {}", mark.head.chain_no);
    trail.house.tamper(&delete).await;
    assert_eq!(trail.found().await, Some(broken(1, None, Flaw::Missing)));
    // Its own signature, passed off as leave to delete.
    let passed_off = "UPDATE audit_checkpoints SET purged = signature";
    trail.house.tamper(passed_off).await;
    let expected = broken(mark.head.chain_no, None, Flaw::ForgedPurge);
    assert_eq!(trail.found().await, Some(expected));
}

async fn a_database_that_was_set_back_is_found_with_what_was_kept(house: House) {
    let trail = Trail::of(house).await;
    let hold = "CREATE TABLE held AS SELECT * FROM audit_checkpoints";
    trail.house.tamper(hold).await;
    let end = trail
        .rows
        .last()
        .and_then(|row| row.chain_no)
        .expect("sealed");
    Person::register(&trail.house.public(), "dee").await;
    signed(&trail.house).await;
    let kept = trail.marks().await;
    // Everything as it was before, signatures too: the store alone cannot tell.
    let delete = format!("DELETE FROM audit WHERE chain_no > {end}");
    trail.house.tamper(&delete).await;
    trail.house.tamper("DELETE FROM audit_checkpoints").await;
    let back = "INSERT INTO audit_checkpoints SELECT * FROM held";
    trail.house.tamper(back).await;
    assert_eq!(trail.found().await, None);
    let found = judge(&trail.house, &kept).await.broken;
    assert_eq!(found, Some(broken(end + 1, None, Flaw::Missing)));
}
