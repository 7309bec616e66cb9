//! An entry of the audit trail that others see late: its number was drawn before theirs, and its transaction
//! ended after they were sealed.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use actors::audit::{AuditNeeds, audit};
use domain::event::{Entry, EventKind};
use domain::id::{TenantId, UserId};
use domain::page::{Page, PageRequest};
use domain::rejection::Fault;
use store::port::Pending;
use store::port::audit::{Audit, AuditFilter, AuditRow, ChainHead, Seal};
use store::port::checkpoints::Checkpoint;
use uuid::Uuid;

use crate::audit::{first_break, needs};
use crate::house::{House, SOON, raise_outflow, within};

/// A trail in which the entry of that number is not seen by whoever seals; 0 for none.
struct Belated {
    inner: Arc<dyn Audit>,
    hidden: AtomicI64,
}

impl Audit for Belated {
    fn append(&self, entries: Vec<Entry>) -> Pending<'_, ()> {
        self.inner.append(entries)
    }

    fn load_unsealed_tenants(&self) -> Pending<'_, Vec<TenantId>> {
        self.inner.load_unsealed_tenants()
    }

    fn load_unsealed(
        &self,
        tenant: TenantId,
        after: i64,
        limit: u32,
    ) -> Pending<'_, (ChainHead, Vec<AuditRow>)> {
        Box::pin(async move {
            let (head, mut rows) = self.inner.load_unsealed(tenant, after, limit + 1).await?;
            rows.retain(|row| row.seq != self.hidden.load(Ordering::SeqCst));
            rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            Ok((head, rows))
        })
    }

    fn seal(&self, head: ChainHead, seals: Vec<Seal>, checkpoint: Checkpoint) -> Pending<'_, bool> {
        self.inner.seal(head, seals, checkpoint)
    }

    fn list_audit(&self, tenant: TenantId, page: PageRequest) -> Pending<'_, Vec<AuditRow>> {
        self.inner.list_audit(tenant, page)
    }

    fn find_audit(
        &self,
        tenant: TenantId,
        filter: AuditFilter,
        page: PageRequest,
    ) -> Pending<'_, Page<AuditRow>> {
        self.inner.find_audit(tenant, filter, page)
    }

    fn read_audit(
        &self,
        tenant: TenantId,
        filter: AuditFilter,
        after: Option<Uuid>,
        limit: u32,
    ) -> Pending<'_, Vec<AuditRow>> {
        self.inner.read_audit(tenant, filter, after, limit)
    }

    fn load_audit(&self, tenant: TenantId, seq: i64) -> Pending<'_, Option<AuditRow>> {
        self.inner.load_audit(tenant, seq)
    }

    fn list_activity(
        &self,
        tenant: TenantId,
        user: UserId,
        page: PageRequest,
    ) -> Pending<'_, Page<AuditRow>> {
        self.inner.list_activity(tenant, user, page)
    }
}

#[tokio::test]
async fn an_entry_that_is_seen_late_is_sealed_behind_those_that_were_seen() {
    let house = House::new().await;
    let late = house.world.trail().await[0].seq;
    let entries = (0..600).map(|_| house.world.entry(EventKind::LoginFailed).failed());
    house.ports.audit.append(entries.collect()).await.unwrap();
    let trail = Arc::new(Belated {
        inner: house.ports.audit.clone(),
        hidden: AtomicI64::new(late),
    });
    let needs = AuditNeeds {
        trail: trail.clone(),
        ..needs(&house)
    };
    let (audit, spec) = audit(needs);
    let _tree = raise_outflow(vec![spec]).await;
    within(3 * SOON, "everything that is seen is sealed", || async {
        unsealed(&house).await.unwrap() == [late]
    })
    .await;
    trail.hidden.store(0, Ordering::SeqCst);
    within(3 * SOON, "what was seen late is sealed", || async {
        audit.nudge();
        unsealed(&house).await.unwrap().is_empty()
    })
    .await;
    let mut rows = whole(&house).await.unwrap();
    rows.sort_by_key(|row| row.chain_no);
    assert_eq!((rows.len(), first_break(&rows)), (601, None));
    assert_eq!(rows.last().map(|row| row.seq), Some(late));
}

async fn whole(house: &House) -> Result<Vec<AuditRow>, Fault> {
    let audit = &house.ports.audit;
    let all = AuditFilter::default();
    audit.read_audit(house.world.tenant, all, None, 1_000).await
}

async fn unsealed(house: &House) -> Result<Vec<i64>, Fault> {
    let rows = whole(house).await?;
    let unsealed = rows.iter().filter(|row| row.seal.is_none());
    Ok(unsealed.map(|row| row.seq).collect())
}
