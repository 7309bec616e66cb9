//! Tenants on the console: made, suspended, opened, deleted and restored, by operators of the default tenant
//! alone.

use std::time::Duration;

use serde_json::json;

use super::{Office, next_of};
use crate::admin::rbac::allow;
use crate::cases;
use crate::client::Person;
use crate::house::House;

cases![
    a_tenant_is_made_suspended_opened_deleted_and_restored,
    what_is_wrong_with_a_tenant_is_said_by_name,
    the_default_tenant_stays_open,
    operators_of_another_tenant_have_no_tenants,
    who_reads_tenants_changes_none,
    tenants_are_found_by_slug_and_status_page_by_page,
];

/// Does one thing to a tenant; gives the page that follows.
async fn turn(office: &mut Office, slug: &str, act: &str, filled: &[(&str, &str)]) -> String {
    let page = office
        .admin
        .open(&format!("/console/tenants/{slug}/{act}"))
        .await;
    page.posts_to(&format!("/console/tenants/{slug}/{act}"));
    office.fill(&page, filled).await.answer.text
}

async fn a_tenant_is_made_suspended_opened_deleted_and_restored(house: House) {
    let mut office = Office::open(&house).await;
    let page = office.admin.open("/console/tenants/new").await;
    page.posts_to("/console/tenants/new");
    let page = office
        .fill(&page, &[("slug", "acme"), ("name", "Acme <Ltd>")])
        .await;
    assert!(page.answer.text.contains("Acme &#60;Ltd&#62;"));
    assert!(page.answer.text.contains("http://localhost:4000/t/acme"));
    let slug = "acme";
    let door = house.public().with("x-tenant-id", slug);
    let person = Person::register(&door, "ada").await;
    let access = person.login().await.access;
    let page = office.admin.open(&format!("/console/tenants/{slug}")).await;
    page.expect(200);
    assert!(
        page.answer
            .text
            .contains("Nothing: everything is as the service has it.")
    );

    let page = office
        .admin
        .open(&format!("/console/tenants/{slug}/suspend"))
        .await;
    page.posts_to(&format!("/console/tenants/{slug}/suspend"));
    office
        .admin
        .submit(&page, &[("reason", " ")])
        .await
        .expect(422);
    let page = office.fill(&page, &[("reason", "unpaid")]).await;
    assert!(page.answer.text.contains(">suspended<"));
    person.me(&access).await.expect(403);
    let page = office
        .admin
        .open(&format!("/console/tenants/{slug}/activate"))
        .await;
    page.posts_to(&format!("/console/tenants/{slug}/activate"));
    office.fill(&page, &[]).await;
    person.me(&access).await.expect(200);

    let page = office
        .admin
        .open(&format!("/console/tenants/{slug}/delete"))
        .await;
    page.posts_to(&format!("/console/tenants/{slug}/delete"));
    assert!(
        page.answer.text.contains("it is erased with its"),
        "the grace is said"
    );
    let page = office.fill(&page, &[]).await;
    assert!(page.answer.text.contains("Is erased") && page.answer.text.contains(">deleted<"));
    person.me(&access).await.expect(404);
    let page = office
        .admin
        .open(&format!("/console/tenants/{slug}/restore"))
        .await;
    page.posts_to(&format!("/console/tenants/{slug}/restore"));
    let page = office.fill(&page, &[]).await;
    assert!(
        page.answer.text.contains(">suspended<"),
        "it comes back suspended"
    );
    person.me(&access).await.expect(403);
    turn(&mut office, slug, "activate", &[]).await;
    person.me(&access).await.expect(200);
    let (root, acme) = (
        house.user_id(&office.owner.person).await,
        house.tenant_id(slug),
    );
    for (event, count) in [
        ("tenant.created", 1),
        ("tenant.suspended", 1),
        ("tenant.activated", 2),
        ("tenant.deleted", 1),
        ("tenant.restored", 1),
    ] {
        let rows = house.audit_rows(event).await;
        let about = rows
            .iter()
            .filter(|row| row.fields["subject"] == json!(acme));
        let by_root = about.filter(|row| row.fields["actor_id"] == json!(root));
        assert_eq!(by_root.count(), count, "{event}");
    }
}

async fn what_is_wrong_with_a_tenant_is_said_by_name(house: House) {
    let mut office = Office::open(&house).await;
    house.add_tenant("acme").await;
    let page = office.admin.open("/console/tenants/new").await;
    for (slug, name, status, said) in [
        ("Not A Slug", "X", 422, "slug: "),
        ("fine", "", 422, "name: "),
        ("acme", "X", 409, "There is a tenant with this slug."),
    ] {
        let page = office
            .admin
            .submit(&page, &[("slug", slug), ("name", name)])
            .await;
        page.expect(status);
        assert!(
            page.answer.text.contains(said),
            "{said}: {}",
            page.answer.text
        );
    }
    let page = office.admin.open("/console/tenants/acme/restore").await;
    let page = office.admin.submit(&page, &[]).await;
    page.expect(409);
    let page = office.admin.open("/console/tenants/nowhere").await;
    page.expect_error(404, "invalid_request");
    // Whose day has come is not had back.
    let asked = office.admin.open("/console/tenants/acme/restore").await;
    turn(&mut office, "acme", "delete", &[]).await;
    let page = office.admin.open("/console/tenants/acme/suspend").await;
    office
        .admin
        .submit(&page, &[("reason", "x")])
        .await
        .expect(409);
    let page = office.admin.submit(&asked, &[]).await;
    page.expect(303);
}

async fn the_default_tenant_stays_open(house: House) {
    let mut office = Office::open(&house).await;
    let page = office.admin.open("/console/tenants/default").await;
    page.expect(200);
    assert!(!page.answer.text.contains("/console/tenants/default/"));
    for act in ["suspend", "delete"] {
        let page = office
            .admin
            .open(&format!("/console/tenants/default/{act}"))
            .await;
        let page = office.admin.submit(&page, &[("reason", "x")]).await;
        page.expect(409);
        assert!(page.answer.text.contains("it stays open"));
    }
    house
        .public()
        .get("/.well-known/jwks.json")
        .await
        .expect(200);
}

async fn operators_of_another_tenant_have_no_tenants(house: House) {
    for slug in ["acme", "globex"] {
        house.add_tenant(slug).await;
    }
    let mut office = Office::within(&house, "acme", "boss").await;
    let page = office.enter("/t/acme/console").await;
    page.expect(200);
    assert!(page.answer.text.contains("/t/acme/console/users"));
    assert!(
        !page.answer.text.contains("/console/tenants"),
        "there is no such place"
    );
    let token = office.token().await;
    for path in [
        "",
        "/new",
        "/acme",
        "/globex",
        "/globex/suspend",
        "/globex/delete",
        "/globex/restore",
    ] {
        let path = format!("/t/acme/console/tenants{path}");
        let page = office.admin.open(&path).await;
        page.expect_error(403, "access_denied");
    }
    for path in [
        "new",
        "globex/suspend",
        "globex/activate",
        "globex/delete",
        "globex/restore",
        "acme/delete",
    ] {
        let path = format!("/t/acme/console/tenants/{path}");
        let fields = [
            ("csrf", &*token),
            ("slug", "mine"),
            ("name", "Mine"),
            ("reason", "x"),
        ];
        let page = office.admin.post(&path, &fields).await;
        page.expect_error(403, "access_denied");
    }
    for event in ["tenant.suspended", "tenant.deleted"] {
        assert_eq!(house.audit_count(event).await, 0, "{event}");
    }
    // A console is one tenant's: its cookie and its token are worth nothing at another's.
    let page = office.admin.open("/console/tenants").await;
    assert!(super::is_sent_to_sign_in(&page));
}

async fn who_reads_tenants_changes_none(house: House) {
    allow(&house, "reader", "admin:tenants", "read").await;
    house.add_tenant("acme").await;
    let mut office = Office::closed(&house, "eve", "reader").await;
    office.enter("/console/tenants").await.expect(200);
    office.admin.open("/console/tenants/acme").await.expect(200);
    let token = office.token().await;
    for act in [
        "new",
        "acme/suspend",
        "acme/activate",
        "acme/delete",
        "acme/restore",
    ] {
        let path = format!("/console/tenants/{act}");
        let page = office.admin.open(&path).await;
        page.expect_error(403, "insufficient_scope");
        let page = office.admin.post(&path, &[("csrf", &token)]).await;
        page.expect_error(403, "insufficient_scope");
    }
    assert_eq!(house.audit_count("tenant.suspended").await, 0);
}

async fn tenants_are_found_by_slug_and_status_page_by_page(house: House) {
    let mut office = Office::open(&house).await;
    for number in 0..21 {
        house.add_tenant(&format!("acme-{number}")).await;
    }
    let page = office
        .admin
        .open("/console/tenants?slug=acme-&status=active")
        .await;
    assert!(
        page.answer.text.contains("21 found."),
        "{}",
        page.answer.text
    );
    assert_eq!(page.answer.text.matches("<code>acme-").count(), 20);
    let page = office.admin.open(&next_of(&page)).await;
    assert_eq!(page.answer.text.matches("<code>acme-").count(), 1);
    let page = office.admin.open("/console/tenants?status=suspended").await;
    assert!(page.answer.text.contains("There are no such tenants."));
    house.clock.advance(Duration::from_mins(1));
    let forged = office.admin.open("/console/tenants?cursor=x").await;
    forged.expect(400);
}
