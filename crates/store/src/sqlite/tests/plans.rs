//! Claims about the plans of lists that are put together.

use domain::id::TenantId;
use domain::time::UnixMillis;
use uuid::Uuid;

use super::*;
use crate::port::audit::AuditFilter;

fn search(narrow: impl FnOnce(&mut AuditFilter)) -> AuditFilter {
    let mut filter = AuditFilter::default();
    narrow(&mut filter);
    filter
}

fn users(narrow: impl FnOnce(&mut UserFilter)) -> UserFilter {
    let mut filter = UserFilter::default();
    narrow(&mut filter);
    filter
}

fn text() -> String {
    "x".to_owned()
}

const INSTANT: Option<UnixMillis> = Some(UnixMillis::from_seconds(1));

/// Each filter goes through its own index, in the order of the list: nothing is sorted, nothing scanned.
#[tokio::test]
async fn an_audit_search_goes_through_the_index_of_its_filter() {
    let (sqlite, _directory) = empty();
    sqlite.migrate().unwrap();
    for (index, filter) in [
        ("audit_by_time", search(|_| ())),
        ("audit_by_time", search(|f| f.from = INSTANT)),
        ("audit_by_time", search(|f| f.until = INSTANT)),
        ("audit_by_time", search(|f| f.success = Some(true))),
        (
            "audit_by_subject",
            search(|f| (f.subject, f.event) = (Some(text()), Some(text()))),
        ),
        (
            "audit_by_client",
            search(|f| (f.client, f.actor) = (Some(text()), Some(text()))),
        ),
        (
            "audit_by_event",
            search(|f| (f.event, f.success) = (Some(text()), Some(true))),
        ),
        ("audit_failures", search(|f| f.success = Some(false))),
    ] {
        let tenant = TenantId::from_uuid(Uuid::nil());
        let search = audit::find::Search::of(tenant, &filter).after(Some(Uuid::max()));
        let sql = format!("{} {}", search.select("detail"), audit::find::ORDER);
        let plan = explain(&sqlite, sql.clone()).await;
        let wanted = format!("SEARCH audit USING INDEX {index} (tenant_id=?");
        assert!(
            matches!(plan.as_slice(), [only] if only.starts_with(&wanted)),
            "{sql}: {plan:?}"
        );
    }
}

/// Who acts through somebody else is in one index, a client that acts for itself in another; what both find is
/// merged in the order of the list, not sorted.
#[tokio::test]
async fn an_audit_search_by_actor_merges_two_indexes() {
    let (sqlite, _directory) = empty();
    sqlite.migrate().unwrap();
    let filter = search(|f| (f.actor, f.from) = (Some(text()), INSTANT));
    let tenant = TenantId::from_uuid(Uuid::nil());
    let search = audit::find::Search::of(tenant, &filter).after(Some(Uuid::max()));
    let sql = format!("{} {}", search.select("at, seq"), audit::find::ORDER);
    let plan = explain(&sqlite, sql).await;
    let [merge, left, other, right, own] = plan.as_slice() else {
        panic!("{plan:?}");
    };
    assert_eq!(
        [merge, left, right].map(String::as_str),
        ["MERGE (UNION ALL)", "LEFT", "RIGHT"]
    );
    assert!(other.contains("audit_by_other_actor (tenant_id=? AND actor_id=? AND at>?"));
    assert!(own.contains("audit_by_client (tenant_id=? AND client_id=? AND at>?"));
}

/// However the file was analysed, what is not sealed is not looked for in the whole trail.
#[tokio::test]
async fn what_is_not_sealed_is_found_without_the_rest_of_the_trail() {
    let (sqlite, _directory) = empty();
    sqlite.migrate().unwrap();
    for sql in [audit::UNSEALED_TENANTS, audit::UNSEALED] {
        let plan = explain(&sqlite, sql.to_owned()).await;
        assert!(
            matches!(plan.as_slice(), [only] if only.contains("INDEX audit_unsealed")),
            "{plan:?}"
        );
    }
}

/// Each way in which a list of accounts is narrowed has its index, and its order is that of the index.
#[tokio::test]
async fn lists_of_accounts_are_walked_by_the_index_of_what_narrows_them() {
    let (sqlite, _directory) = empty();
    sqlite.migrate().unwrap();
    let tenant = TenantId::from_uuid(Uuid::nil());
    let by_id = "sqlite_autoindex_users_1 (tenant_id=? AND id>? AND id<?)";
    let between = |f: &mut UserFilter| {
        f.created_from = Some(UnixMillis::from_millis(7));
        f.created_before = Some(UnixMillis::from_millis(9));
    };
    for (filter, index) in [
        (users(|_| ()), "sqlite_autoindex_users_1"),
        (
            users(|f| f.status = Some(UserStatus::Locked)),
            "users_closed",
        ),
        (
            users(|f| f.is_email_verified = Some(false)),
            "users_by_verification",
        ),
        (users(|f| f.has_mfa = Some(true)), "users_by_mfa"),
        (
            users(|f| f.role = Some(text())),
            "PRIMARY KEY (tenant_id=? AND role=?",
        ),
        (users(between), by_id),
        (
            users(|f| f.sort = UserSort::Email(None)),
            "sqlite_autoindex_users_2",
        ),
    ] {
        let window = row::Window::of(PageRequest {
            start: PageStart::Number(1),
            per_page: 20,
        });
        let narrowed = super::users::Narrowed::by(tenant, &filter, false);
        let (sql, values) = narrowed.page(&filter, &window);
        let plan = plan(&sqlite, sql, values).await;
        assert!(plan[0].contains(index), "{filter:?}: {plan:?}");
        assert!(
            plan.iter().all(|line| line.starts_with("SEARCH")),
            "{plan:?}"
        );
    }
}
