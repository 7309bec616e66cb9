//! Whether a tenant's audit trail is whole: every entry from where it was purged to up to its last checkpoint is
//! there, as it was sealed and in its place.
//!
//! It may run beside a service that seals and purges: the end is looked for again until it stands still, and a
//! purge that happened meanwhile begins it anew. What is not sealed yet, seconds old, is counted and not judged.

use actors::audit::{Broken, Flaw, Walk, broken, is_signed, may_be_gone};
use domain::id::TenantId;
use domain::rejection::Fault;
use store::port::audit::ChainHead;
use store::port::checkpoints::Checkpoint;

use crate::flow::Flows;

/// How many entries or checkpoints are read at once.
const AT_ONCE: u32 = 500;
/// How often a purge may get in the way.
const TRIES: usize = 4;

/// What was found of a tenant's trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whose it is.
    pub tenant: TenantId,
    /// Up to which place it was purged.
    pub purged_to: i64,
    /// How many entries were judged.
    pub entries: u64,
    /// The last place that was found good.
    pub good_to: i64,
    /// How many wait for their seal, as far as they are counted.
    pub unsealed: usize,
    /// What is wrong first.
    pub broken: Option<Broken>,
}

/// Names every tenant that has or had a trail.
///
/// # Errors
/// A fault when the store is away.
pub async fn tenants(flows: &Flows) -> Result<Vec<TenantId>, Fault> {
    flows.checkpoints.load_audited_tenants().await
}

/// Judges a tenant's trail, against checkpoints that were kept elsewhere too.
///
/// # Errors
/// A fault when the store is away.
pub async fn verify(
    flows: &Flows,
    tenant: TenantId,
    kept: &[Checkpoint],
) -> Result<Verdict, Fault> {
    let kept: Vec<_> = kept.iter().filter(|one| one.tenant == tenant).collect();
    let mut verdict = judge(flows, tenant, &kept).await?;
    for _ in 1..TRIES {
        let start = start_of(flows, &load_marks(flows, tenant, 0).await?);
        if verdict.broken.is_none() || start.chain_no == verdict.purged_to {
            break;
        }
        verdict = judge(flows, tenant, &kept).await?;
    }
    Ok(verdict)
}

async fn judge(flows: &Flows, tenant: TenantId, kept: &[&Checkpoint]) -> Result<Verdict, Fault> {
    let marks = load_marks(flows, tenant, 0).await?;
    let start = start_of(flows, &marks);
    let mut walk = Walk::from(start);
    let mut verdict = Verdict {
        tenant,
        purged_to: start.chain_no,
        entries: 0,
        good_to: start.chain_no,
        unsealed: 0,
        broken: None,
    };
    let (_, unsealed) = flows.audit.load_unsealed(tenant, 0, AT_ONCE).await?;
    verdict.unsealed = unsealed.len();
    let told = marks.iter().chain(kept.iter().copied());
    let told = told.map(|one| check(flows, one, start, &mut walk));
    verdict.broken = match told.collect::<Result<(), _>>() {
        Err(broken) => Some(broken),
        Ok(()) => go_along(flows, (tenant, start), &mut walk, &mut verdict.entries).await?,
    };
    verdict.good_to = walk.last().chain_no;
    Ok(verdict)
}

/// Goes along the chain until its end is where the last checkpoint says.
async fn go_along(
    flows: &Flows,
    (tenant, start): (TenantId, ChainHead),
    walk: &mut Walk,
    entries: &mut u64,
) -> Result<Option<Broken>, Fault> {
    let mut is_looked_again = false;
    loop {
        let after = walk.last().chain_no;
        let rows = flows.checkpoints.load_chain(tenant, after, AT_ONCE).await?;
        for row in &rows {
            if let Err(broken) = walk.step(row) {
                return Ok(Some(broken));
            }
            *entries = entries.saturating_add(1);
        }
        if !rows.is_empty() {
            is_looked_again = false;
            continue;
        }
        // Only what was sealed since is not known yet, and that is looked for once more.
        for one in load_marks(flows, tenant, after.saturating_sub(1)).await? {
            if let Err(broken) = check(flows, &one, start, walk) {
                return Ok(Some(broken));
            }
        }
        let end = walk.finish(start).err();
        let is_short = end.is_some_and(|broken| broken.why == Flaw::Missing);
        if !is_short || is_looked_again {
            return Ok(end);
        }
        is_looked_again = true;
    }
}

/// Checks a checkpoint's signatures, and tells the walk of it if it lies ahead.
fn check(flows: &Flows, one: &Checkpoint, start: ChainHead, walk: &mut Walk) -> Result<(), Broken> {
    let place = one.head.chain_no;
    if !is_signed(&flows.secrets, one) {
        return Err(broken(place, None, Flaw::ForgedCheckpoint));
    }
    if one.purged.is_some() && !may_be_gone(&flows.secrets, one) {
        return Err(broken(place, None, Flaw::ForgedPurge));
    }
    if place < start.chain_no {
        return Ok(());
    }
    walk.expect(one.head)
}

/// Gives the end of what may be gone: nothing before it is asked for.
fn start_of(flows: &Flows, marks: &[Checkpoint]) -> ChainHead {
    let gone = marks
        .iter()
        .filter(|one| is_signed(&flows.secrets, one) && may_be_gone(&flows.secrets, one));
    let last = gone.max_by_key(|one| one.head.chain_no);
    last.map_or_else(ChainHead::default, |one| one.head)
}

async fn load_marks(
    flows: &Flows,
    tenant: TenantId,
    mut after: i64,
) -> Result<Vec<Checkpoint>, Fault> {
    let mut marks = Vec::new();
    loop {
        let loaded = flows.checkpoints.load_checkpoints(tenant, after, AT_ONCE);
        let loaded = loaded.await?;
        let Some(last) = loaded.last() else {
            return Ok(marks);
        };
        after = last.head.chain_no;
        marks.extend(loaded);
    }
}
