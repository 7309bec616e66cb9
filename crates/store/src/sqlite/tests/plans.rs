//! Claims about the plans of searches that are put together.

use domain::id::TenantId;
use domain::time::UnixMillis;
use uuid::Uuid;

use super::*;
use crate::port::audit::AuditFilter;

/// Each filter goes through its own index, in the order of the list: nothing is sorted, nothing scanned.
#[tokio::test]
async fn an_audit_search_goes_through_the_index_of_its_filter() {
    let (sqlite, _directory) = empty();
    sqlite.migrate().unwrap();
    let some = || Some("x".to_owned());
    let none = AuditFilter::default;
    let instant = Some(UnixMillis::from_seconds(1));
    for (index, filter) in [
        ("audit_by_time", none()),
        (
            "audit_by_time",
            AuditFilter {
                from: instant,
                ..none()
            },
        ),
        (
            "audit_by_time",
            AuditFilter {
                until: instant,
                ..none()
            },
        ),
        (
            "audit_by_time",
            AuditFilter {
                success: Some(true),
                ..none()
            },
        ),
        (
            "audit_by_subject",
            AuditFilter {
                subject: some(),
                event: some(),
                ..none()
            },
        ),
        (
            "audit_by_actor",
            AuditFilter {
                actor: some(),
                from: instant,
                ..none()
            },
        ),
        (
            "audit_by_client",
            AuditFilter {
                client: some(),
                ..none()
            },
        ),
        (
            "audit_by_event",
            AuditFilter {
                event: some(),
                success: Some(true),
                ..none()
            },
        ),
        (
            "audit_failures",
            AuditFilter {
                success: Some(false),
                ..none()
            },
        ),
    ] {
        let tenant = TenantId::from_uuid(Uuid::nil());
        let search = audit::find::Search::of(tenant, &filter).after(Some(Uuid::max()));
        let sql = format!("SELECT detail {} {}", search.clauses, audit::find::ORDER);
        let plan = explain(&sqlite, sql.clone()).await;
        let wanted = format!("SEARCH audit USING INDEX {index} (tenant_id=?");
        assert!(
            matches!(plan.as_slice(), [only] if only.starts_with(&wanted)),
            "{sql}: {plan:?}"
        );
    }
}
