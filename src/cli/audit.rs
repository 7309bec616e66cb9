//! `auth-service audit verify`: whether the audit trail is whole, one line for each tenant.

use std::fs;
use std::path::Path;

use domain::id::TenantId;
use serde_json::Value;
use store::port::audit::ChainHead;
use store::port::checkpoints::Checkpoint;

use super::failure::Failure;
use super::{AuditCommand, office, prepare};
use crate::config::Configuration;
use crate::flow::Flows;
use crate::flow::admin::audit::verify::{self, Verdict};

/// Runs the subcommand.
///
/// # Errors
/// [`Failure::Told`] with status 1 when a trail is broken; [`Failure`] for a file that cannot be read, or when
/// the store cannot be used.
pub(super) fn run(command: AuditCommand, configuration: &Configuration) -> Result<(), Failure> {
    let AuditCommand::Verify {
        tenant,
        checkpoints,
    } = command;
    let kept = checkpoints.as_deref().map(read_kept).transpose()?;
    let kept = kept.unwrap_or_default();
    office::run(configuration, async |flows| {
        judge(flows, tenant.as_deref(), &kept).await
    })
}

async fn judge(flows: &Flows, named: Option<&str>, kept: &[Checkpoint]) -> Result<(), Failure> {
    let mut tenants = match named {
        Some(named) => vec![find(flows, named).await?],
        None => verify::tenants(flows).await?,
    };
    if named.is_none() {
        // A tenant of which nothing is left is known by what was kept of it.
        tenants.extend(kept.iter().map(|one| one.tenant));
        tenants.sort_unstable();
        tenants.dedup();
    }
    let mut is_whole = true;
    for tenant in tenants {
        let verdict = verify::verify(flows, tenant, kept).await?;
        is_whole &= verdict.broken.is_none();
        prepare::show(&line(&verdict))?;
    }
    if is_whole {
        return Ok(());
    }
    Err(Failure::Told(1))
}

/// A tenant that is no more is named by its id.
async fn find(flows: &Flows, named: &str) -> Result<TenantId, Failure> {
    let known = verify::tenants(flows).await?;
    let by_id = named.parse().ok().filter(|id| known.contains(id));
    match by_id {
        Some(id) => Ok(id),
        None => Ok(office::act(flows, Some(named))?.tenant.id),
    }
}

fn line(verdict: &Verdict) -> String {
    let state = match verdict.broken {
        // Nothing may have happened yet, or nothing may be left: what was kept elsewhere says which.
        None if verdict.good_to == 0 && verdict.unsealed == 0 => "empty",
        None => "whole",
        Some(_) => "BROKEN",
    };
    let Verdict {
        tenant,
        purged_to,
        entries,
        good_to,
        unsealed,
        broken,
    } = verdict;
    let found = broken.map(|broken| {
        let entry = broken.seq.map(|seq| format!(" entry={seq}"));
        let (place, entry) = (broken.chain_no, entry.unwrap_or_default());
        format!(" first_bad={place}{entry} why=\"{}\"", broken.why)
    });
    format!(
        "tenant={tenant} state={state} purged_to={purged_to} entries={entries} good_to={good_to} \
         unsealed={unsealed}{}\n",
        found.unwrap_or_default()
    )
}

/// Reads checkpoints as the admin door lists them, in one page or several, or one a line.
///
/// # Errors
/// When the file cannot be read, or holds something else.
fn read_kept(path: &Path) -> Result<Vec<Checkpoint>, Failure> {
    let failed = |text: String| Failure::Failed(format!("{}: {text}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let values = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
    let mut kept = Vec::new();
    for value in values {
        let value = value.map_err(|error| failed(error.to_string()))?;
        let page = value.get("checkpoints").and_then(Value::as_array);
        let ones = page.map_or(std::slice::from_ref(&value), Vec::as_slice);
        for one in ones {
            let read = read_one(one);
            kept.push(read.ok_or_else(|| failed(format!("is no checkpoint: {one}")))?);
        }
    }
    if kept.is_empty() {
        return Err(failed("holds no checkpoint".to_owned()));
    }
    Ok(kept)
}

fn read_one(value: &Value) -> Option<Checkpoint> {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    Some(Checkpoint {
        tenant: text("tenant_id")?.parse().ok()?,
        head: ChainHead {
            chain_no: value.get("chain_no")?.as_i64()?,
            seal: bytes(text("seal")?)?,
        },
        at: text("at")?.parse().ok()?,
        signature: bytes(text("signature")?)?,
        purged: None,
    })
}

fn bytes(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (place, byte) in bytes.iter_mut().enumerate() {
        let digits = text.get(2 * place..2 * place + 2)?;
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use actors::audit::{Flaw, broken};
    use uuid::Uuid;

    use super::*;

    fn write(text: &str) -> Result<Vec<Checkpoint>, Failure> {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("kept.json");
        fs::write(&path, text).expect("a file");
        read_kept(&path)
    }

    #[test]
    fn what_was_kept_is_read_in_pages_or_in_lines() {
        let one = format!(
            r#"{{"tenant_id":"{}","chain_no":7,"seal":"{}","at":"2026-01-31T12:00:00Z","signature":"{}"}}"#,
            Uuid::nil(),
            "0a".repeat(32),
            "ff".repeat(32)
        );
        let lines = write(&format!("{one}\n{one}\n")).expect("read");
        let pages = write(&format!(
            r#"{{"checkpoints":[{one}]}}{{"checkpoints":[{one}]}}"#
        ));
        assert_eq!(lines, pages.expect("read"));
        assert_eq!((lines.len(), lines[0].head.seal), (2, [10; 32]));
    }

    #[test]
    fn what_is_no_checkpoint_is_refused() {
        for text in [
            "",
            "{}",
            "[]",
            "x",
            r#"{"checkpoints":[]}"#,
            r#"{"chain_no":1}"#,
        ] {
            assert!(write(text).is_err(), "{text}");
        }
        assert_eq!(bytes(&"é".repeat(32)), None);
        assert_eq!(bytes(&"zz".repeat(32)), None);
    }

    #[test]
    fn a_broken_trail_is_one_line_that_names_the_first_bad_entry() {
        let verdict = Verdict {
            tenant: TenantId::from_uuid(Uuid::nil()),
            purged_to: 0,
            entries: 2,
            good_to: 2,
            unsealed: 0,
            broken: Some(broken(3, Some(9), Flaw::Changed)),
        };
        let told = line(&verdict);
        assert!(
            told.contains("state=BROKEN") && told.contains("first_bad=3 entry=9 why="),
            "{told}"
        );
        assert_eq!(told.lines().count(), 1);
    }
}
