//! The hash chain: what each entry's seal is, and how a chain grows. Pure.

use aws_lc_rs::digest::{Context, SHA256};
use serde_json::{Map, Value, json};
use store::port::audit::{AuditRow, ChainHead, Seal};

/// Gives the seal of an entry: SHA-256 over the seal before it and the entry's canonical JSON.
///
/// Canonical means members sorted by name and no white space, so the same entry gives the same seal
/// whichever store returns it. Whoever changes, removes or swaps an entry changes every seal after
/// it.
#[must_use]
pub fn seal_of(previous: &[u8; 32], row: &AuditRow) -> [u8; 32] {
    let entry = json!({
        "at": row.at,
        "fields": row.fields,
        "seq": row.seq,
        "tenant": row.tenant,
    });
    let mut text = String::new();
    write_canonical(&entry, &mut text);
    let mut hash = Context::new(&SHA256);
    hash.update(previous);
    hash.update(text.as_bytes());
    let mut seal = [0; 32];
    seal.copy_from_slice(hash.finish().as_ref());
    seal
}

/// Seals rows, given in order, onto the end of a chain.
pub(super) fn extend(head: ChainHead, rows: &[AuditRow]) -> Vec<Seal> {
    let mut last = head;
    let mut seals = Vec::with_capacity(rows.len());
    for row in rows {
        last = ChainHead {
            chain_no: last.chain_no.saturating_add(1),
            seal: seal_of(&last.seal, row),
        };
        seals.push(Seal {
            seq: row.seq,
            chain_no: last.chain_no,
            seal: last.seal,
        });
    }
    seals
}

fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => write_object(members, text),
        Value::Array(items) => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                write_canonical(item, text);
            }
            text.push(']');
        }
        plain => text.push_str(&plain.to_string()),
    }
}

/// Sorts the members: a map keeps whatever order its features and its source gave it.
fn write_object(members: &Map<String, Value>, text: &mut String) {
    let mut members: Vec<_> = members.iter().collect();
    members.sort_by_key(|(name, _)| *name);
    text.push('{');
    for (place, (name, value)) in members.into_iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        text.push_str(&Value::from(name.as_str()).to_string());
        text.push(':');
        write_canonical(value, text);
    }
    text.push('}');
}

#[cfg(test)]
mod tests {
    use domain::id::TenantId;
    use domain::random::Counting;
    use domain::time::UnixMillis;

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
        let mut text = String::new();
        write_canonical(&json!({"b": [{"d": 1, "c": "\"\n"}], "a": null}), &mut text);
        assert_eq!(text, r#"{"a":null,"b":[{"c":"\"\n","d":1}]}"#);
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
