//! Claims about the audit trail; that every verb writes its entry is claimed in [`entries`].

use domain::event::{Actor, Entry, EventKind, Origin};
use domain::id::{RequestId, SessionId};
use futures_util::future::join_all;
use serde_json::json;

use crate::contract::Case;
use crate::contract::fixture::{Entropy, HOSTILE, World, at, page};
use crate::port::Ports;
use crate::port::audit::{AuditRow, ChainHead, Seal};

mod activity;
mod entries;
mod find;

pub(super) fn cases() -> Vec<Case> {
    [own(), activity::cases(), entries::cases(), find::cases()].concat()
}

super::claims!("audit" in own:
    an_entry_is_listed_as_it_was_written,
    what_is_absent_is_left_out,
    hostile_texts_come_back_unharmed,
    the_trail_is_newest_first_and_by_tenant,
    a_seal_moves_the_end_of_the_chain,
    one_of_ten_concurrent_seals_is_stored,
    each_tenant_has_a_chain_of_its_own,
);

async fn append(world: &World, entries: Vec<Entry>) {
    world.ports.audit.append(entries).await.unwrap();
}

async fn unsealed(world: &World) -> (ChainHead, Vec<AuditRow>) {
    let loaded = world.ports.audit.load_unsealed(world.tenant, 0, 100);
    loaded.await.unwrap()
}

async fn seal(world: &World, head: ChainHead, rows: &[AuditRow], byte: u8) -> bool {
    let numbered = (head.chain_no + 1..).zip(rows);
    let seals = numbered.map(|(chain_no, row)| Seal {
        seq: row.seq,
        chain_no,
        seal: [byte; 32],
    });
    let seals: Vec<_> = seals.collect();
    let place = seals.last().map_or(head.chain_no, |last| last.chain_no);
    let checkpoint = world.checkpoint(place, byte, at(0));
    let stored = world.ports.audit.seal(head, seals, checkpoint).await;
    stored.unwrap()
}

async fn an_entry_is_listed_as_it_was_written(ports: Ports) {
    let world = World::new(ports).await;
    let origin = Origin {
        tenant: world.tenant,
        actor: Actor::User("u-1".to_owned()),
        address: Some("2001:db8::7".parse().unwrap()),
        user_agent: Some("agent/1".to_owned()),
        request: RequestId::generate(at(0), &Entropy),
        claimed_in: None,
        at: at(7),
    };
    let session = SessionId::generate(at(0), &Entropy);
    let entry = Entry::new(EventKind::TokenIssued, &origin)
        .about(&"u-2")
        .through("client_a")
        .within(session)
        .with(json!({"scope": ["a", "b"], "n": 1, "deep": {"x": null}}))
        .failed();
    append(&world, vec![entry]).await;
    let row = world.trail().await.pop().unwrap();
    let expected = json!({
        "event": "token.issued",
        "actor_type": "user",
        "actor_id": "u-1",
        "subject": "u-2",
        "client_id": "client_a",
        "session_id": session.to_string(),
        "address": "2001:db8::7",
        "user_agent": "agent/1",
        "request_id": origin.request.to_string(),
        "success": false,
        "detail": {"scope": ["a", "b"], "n": 1, "deep": {"x": null}},
    });
    assert_eq!(row.fields, expected);
    assert_eq!((row.tenant, row.at), (world.tenant, at(7)));
    assert_eq!((row.chain_no, row.seal), (None, None));
}

async fn what_is_absent_is_left_out(ports: Ports) {
    let world = World::new(ports).await;
    let mut entry = world.entry(EventKind::LoginFailed);
    entry.origin.actor = Actor::Anonymous;
    entry.origin.address = None;
    entry.origin.user_agent = None;
    let request = entry.origin.request.to_string();
    append(&world, vec![entry]).await;
    let mut fields = world.trail().await.pop().unwrap().fields;
    // An empty detail may be written or left out.
    fields.as_object_mut().unwrap().remove("detail");
    let expected = json!({
        "event": "login.failed",
        "actor_type": "anonymous",
        "request_id": request,
        "success": true,
    });
    assert_eq!(fields, expected);
}

async fn hostile_texts_come_back_unharmed(ports: Ports) {
    let world = World::new(ports).await;
    let long = "\u{1f980}'\"\\".repeat(10_000);
    for text in HOSTILE.iter().copied().chain([long.as_str()]) {
        let mut entry = world.entry(EventKind::LoginFailed).about(&text);
        entry.origin.actor = Actor::Client(text.to_owned());
        entry.origin.user_agent = Some(text.to_owned());
        append(
            &world,
            vec![entry.through(text).with(json!({ "k'\"": text }))],
        )
        .await;
        let fields = world.trail().await.pop().unwrap().fields;
        for name in ["actor_id", "user_agent", "subject", "client_id"] {
            assert_eq!(fields[name], text, "{name}");
        }
        assert_eq!(fields["detail"]["k'\""], text);
    }
}

async fn the_trail_is_newest_first_and_by_tenant(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let other = world.beside().await;
    for second in 1..=4 {
        let entry = world.entry_at(EventKind::TokenIssued, at(second));
        append(&world, vec![entry]).await;
    }
    let pair = [5, 6].map(|second| world.entry_at(EventKind::TokenIssued, at(second)));
    append(&world, pair.to_vec()).await;
    append(&world, vec![]).await;
    for (asked, seconds) in [
        (page(1, 100), vec![6, 5, 4, 3, 2, 1, 0]),
        (page(2, 3), vec![3, 2, 1]),
        (page(9, 3), vec![]),
    ] {
        let listed = ports.audit.list_audit(world.tenant, asked).await.unwrap();
        let times: Vec<_> = listed.iter().map(|row| row.at).collect();
        let expected: Vec<_> = seconds.into_iter().map(at).collect();
        assert_eq!(times, expected);
    }
    assert_eq!(other.events().await, ["tenant.created"]);
    let mut numbers: Vec<_> = world.trail().await.iter().map(|row| row.seq).collect();
    numbers.dedup();
    assert!(numbers.is_sorted() && numbers.len() == 7);
}

async fn a_seal_moves_the_end_of_the_chain(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let entries = [1, 2].map(|s| world.entry_at(EventKind::TokenIssued, at(s)));
    append(&world, entries.to_vec()).await;
    let (head, rows) = unsealed(&world).await;
    assert_eq!(head, ChainHead::default());
    assert_eq!(
        rows.iter().map(|r| r.at).collect::<Vec<_>>(),
        [0, 1, 2].map(at)
    );
    let limited = ports.audit.load_unsealed(world.tenant, 0, 2).await.unwrap();
    assert_eq!(limited.1, rows[..2]);
    let later = ports.audit.load_unsealed(world.tenant, rows[0].seq, 2);
    assert_eq!(later.await.unwrap(), (head, rows[1..].to_vec()));

    assert!(seal(&world, head, &rows[..2], 1).await);
    assert!(
        !seal(&world, head, &rows[2..], 2).await,
        "the end has moved"
    );
    let (head, rest) = unsealed(&world).await;
    assert_eq!((head.chain_no, head.seal), (2, [1; 32]));
    assert_eq!(rest, rows[2..]);
    let wrong = ChainHead {
        seal: [9; 32],
        ..head
    };
    assert!(!seal(&world, wrong, &rest, 2).await, "the seal counts too");
    assert!(seal(&world, head, &rest, 3).await);
    let trail = world.trail().await;
    let places: Vec<_> = trail.iter().map(|row| row.chain_no.unwrap()).collect();
    assert_eq!(places, [1, 2, 3]);
    assert_eq!(trail[2].seal, Some([3; 32]));
    assert!(
        ports
            .audit
            .load_unsealed_tenants()
            .await
            .unwrap()
            .is_empty()
    );
}

async fn one_of_ten_concurrent_seals_is_stored(ports: Ports) {
    let world = World::new(ports).await;
    let (head, rows) = unsealed(&world).await;
    let answers = join_all((1..=10).map(|byte| seal(&world, head, &rows, byte))).await;
    assert_eq!(answers.iter().filter(|stored| **stored).count(), 1);
    let winner = answers.iter().position(|stored| *stored).unwrap() + 1;
    let (head, rest) = unsealed(&world).await;
    assert_eq!(head.seal, [u8::try_from(winner).unwrap(); 32]);
    assert!(rest.is_empty());
}

async fn each_tenant_has_a_chain_of_its_own(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let other = world.beside().await;
    let mut pending = ports.audit.load_unsealed_tenants().await.unwrap();
    let mut both = [world.tenant, other.tenant];
    pending.sort_unstable();
    both.sort_unstable();
    assert_eq!(pending, both);
    let (head, rows) = unsealed(&world).await;
    assert!(seal(&world, head, &rows, 1).await);
    let (head, rows) = unsealed(&other).await;
    assert_eq!((head, rows.len()), (ChainHead::default(), 1));
    let pending = ports.audit.load_unsealed_tenants().await.unwrap();
    assert_eq!(pending, [other.tenant]);
}
