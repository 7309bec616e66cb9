//! The hash chain: what each entry's seal is, and how a chain grows. Pure.

use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;
use serde_json::{Map, Value};
use store::port::audit::{AuditRow, ChainHead, Seal};

/// What most entries take, in bytes.
const ENTRY: usize = 1024;

/// Gives the seal of an entry: SHA-256 over the seal before it and the entry's canonical JSON.
///
/// Canonical means members sorted by name and no white space, so the same entry gives the same seal
/// whichever store returns it. Whoever changes, removes or swaps an entry changes every seal after
/// it.
#[must_use]
pub fn seal_of(previous: &[u8; 32], row: &AuditRow) -> [u8; 32] {
    seal_within(&mut Vec::with_capacity(ENTRY), previous, row)
}

/// Seals rows, given in order, onto the end of a chain.
pub(super) fn extend(head: ChainHead, rows: &[AuditRow]) -> Vec<Seal> {
    let mut last = head;
    let mut seals = Vec::with_capacity(rows.len());
    let mut text = Vec::with_capacity(ENTRY);
    for row in rows {
        last = ChainHead {
            chain_no: last.chain_no.saturating_add(1),
            seal: seal_within(&mut text, &last.seal, row),
        };
        seals.push(Seal {
            seq: row.seq,
            chain_no: last.chain_no,
            seal: last.seal,
        });
    }
    seals
}

/// Gives a seal, with room for the entry's text that the next one uses again.
fn seal_within(text: &mut Vec<u8>, previous: &[u8; 32], row: &AuditRow) -> [u8; 32] {
    text.clear();
    text.extend_from_slice(previous);
    text.extend_from_slice(b"{\"at\":");
    write_plain(&row.at, text);
    text.extend_from_slice(b",\"fields\":");
    write_canonical(&row.fields, text);
    text.extend_from_slice(b",\"seq\":");
    write_plain(&row.seq, text);
    text.extend_from_slice(b",\"tenant\":");
    write_plain(&row.tenant, text);
    text.push(b'}');
    let mut seal = [0; 32];
    seal.copy_from_slice(digest(&SHA256, text).as_ref());
    seal
}

fn write_canonical(value: &Value, text: &mut Vec<u8>) {
    match value {
        Value::Object(members) => write_object(members, text),
        Value::Array(items) => {
            text.push(b'[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    text.push(b',');
                }
                write_canonical(item, text);
            }
            text.push(b']');
        }
        plain => write_plain(plain, text),
    }
}

/// Sorts the members: a map keeps whatever order its features and its source gave it.
fn write_object(members: &Map<String, Value>, text: &mut Vec<u8>) {
    if members.keys().is_sorted() {
        return write_members(members.iter(), text);
    }
    let mut members: Vec<_> = members.iter().collect();
    members.sort_by_key(|(name, _)| *name);
    write_members(members.into_iter(), text);
}

fn write_members<'a>(members: impl Iterator<Item = (&'a String, &'a Value)>, text: &mut Vec<u8>) {
    text.push(b'{');
    for (place, (name, value)) in members.enumerate() {
        if place > 0 {
            text.push(b',');
        }
        write_plain(name, text);
        text.push(b':');
        write_canonical(value, text);
    }
    text.push(b'}');
}

fn write_plain(value: &impl Serialize, text: &mut Vec<u8>) {
    // What is written has a JSON form, and memory takes it.
    let _ = serde_json::to_writer(text, value);
}

#[cfg(test)]
mod tests {
    use domain::id::TenantId;
    use domain::random::Counting;
    use domain::time::UnixMillis;
    use serde_json::json;

    use super::*;

    fn row(seq: i64) -> AuditRow {
        let at = UnixMillis::from_seconds(seq);
        AuditRow {
            seq,
            tenant: TenantId::generate(UnixMillis::default(), &Counting::default()),
            at,
            fields: json!({"event": "login.failed", "success": false, "detail": {"b": 1, "a": [2, "x"]}}),
            chain_no: None,
            seal: None,
        }
    }

    #[test]
    fn canonical_json_sorts_members_at_every_depth() {
        let mut text = Vec::new();
        write_canonical(&json!({"b": [{"d": 1, "c": "\"\n"}], "a": null}), &mut text);
        assert_eq!(text, br#"{"a":null,"b":[{"c":"\"\n","d":1}]}"#);
    }

    /// What is sealed already was sealed like this: no release may seal otherwise.
    #[test]
    fn an_entry_has_the_seal_that_it_always_had() {
        let row = row(7);
        let mut whole = json!({
            "at": row.at, "fields": row.fields, "seq": row.seq, "tenant": row.tenant,
        });
        whole.sort_all_objects();
        let said = [&[3; 32][..], whole.to_string().as_bytes()].concat();
        assert_eq!(
            &seal_of(&[3; 32], &row)[..],
            digest(&SHA256, &said).as_ref()
        );
    }

    #[test]
    fn each_seal_stands_on_the_one_before_it() {
        let rows = [row(1), row(2), row(3)];
        let seals = extend(ChainHead::default(), &rows);
        let mut previous = [0; 32];
        for (seal, row) in seals.iter().zip(&rows) {
            assert_eq!(seal.seal, seal_of(&previous, row));
            previous = seal.seal;
        }
        assert_eq!(
            seals.iter().map(|s| s.chain_no).collect::<Vec<_>>(),
            [1, 2, 3]
        );
    }

    #[test]
    fn a_chain_goes_on_where_it_ended() {
        let rows = [row(1), row(2)];
        let whole = extend(ChainHead::default(), &rows);
        let first = extend(ChainHead::default(), &rows[..1])[0];
        let head = ChainHead {
            chain_no: first.chain_no,
            seal: first.seal,
        };
        assert_eq!(extend(head, &rows[1..]), whole[1..]);
    }

    #[test]
    fn any_change_of_an_entry_changes_its_seal() {
        let (original, seal) = (row(1), seal_of(&[0; 32], &row(1)));
        let mut changed = [row(1), row(1), row(1), row(1)];
        changed[0].at = UnixMillis::from_seconds(2);
        changed[1].seq = 2;
        changed[2].fields["success"] = json!(true);
        changed[3].fields["detail"]["a"][1] = json!("y");
        for row in changed {
            assert_ne!(seal_of(&[0; 32], &row), seal, "{row:?}");
        }
        assert_ne!(seal_of(&[1; 32], &original), seal);
    }
}
