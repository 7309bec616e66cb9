//! Who may see and do what: delegates, readers, and how lately one must have proved who one is.

use std::time::Duration;

use super::{Office, is_sent_to_sign_in};
use crate::admin::rbac::allow;
use crate::cases;
use crate::house::House;

cases![
    an_operator_sees_every_page,
    a_delegate_sees_their_areas_and_no_others,
    a_reader_changes_nothing,
    what_changes_something_needs_a_fresh_sign_in,
    a_delegate_makes_no_operator_of_themselves,
];

const PLACES: [&str; 9] = [
    "/console",
    "/console/users",
    "/console/clients",
    "/console/apikeys",
    "/console/roles",
    "/console/tenants",
    "/console/audit",
    "/console/keys",
    "/console/tree",
];

async fn an_operator_sees_every_page(house: House) {
    let mut office = Office::open(&house).await;
    for path in PLACES {
        let page = office.admin.open(path).await;
        page.expect(200);
        for place in PLACES {
            assert!(
                page.answer.text.contains(&format!("href=\"{place}\"")),
                "{path}"
            );
        }
        let here = format!("href=\"{path}\" aria-current=\"page\"");
        assert!(page.answer.text.contains(&here), "{path}");
    }
    let page = office.admin.open("/console/tree?live=1").await;
    assert_eq!(page.answer.header("refresh"), "5");
    assert!(
        page.answer.text.contains("<code>sessions"),
        "{}",
        page.answer.text
    );
    office
        .admin
        .open("/console/users/nobody")
        .await
        .expect_error(404, "invalid_request");
    office
        .admin
        .open("/console/nowhere")
        .await
        .expect_error(404, "invalid_request");
}

async fn a_delegate_sees_their_areas_and_no_others(house: House) {
    allow(&house, "helpdesk", "admin:users", "*").await;
    let mut office = Office::closed(&house, "eve", "helpdesk").await;
    let page = office.enter("/console").await;
    page.expect(200);
    assert_eq!(
        page.path, "/console/users",
        "the first place that is theirs"
    );
    assert!(!page.answer.text.contains("href=\"/console/clients\""));
    for path in [
        "/console/clients",
        "/console/apikeys",
        "/console/roles",
        "/console/tenants",
        "/console/audit",
        "/console/keys",
        "/console/tree",
    ] {
        office
            .admin
            .open(path)
            .await
            .expect_error(403, "insufficient_scope");
    }
    let page = office.admin.open("/console/roles/new").await;
    page.expect_error(403, "insufficient_scope");
    let page = office.admin.open("/console/users/new").await;
    let (_, hidden) = page.form();
    let role = [("csrf", hidden[0].1.as_str()), ("name", "mine")];
    let refused = office.admin.post("/console/roles/new", &role).await;
    refused.expect_error(403, "insufficient_scope");
    assert_eq!(
        house.audit_count("role.created").await,
        1,
        "the one of this test"
    );
}

async fn a_reader_changes_nothing(house: House) {
    allow(&house, "reader", "admin:users", "read").await;
    let mut office = Office::closed(&house, "eve", "reader").await;
    office.enter("/console/users").await.expect(200);
    let id = house.user_id(&office.owner.person).await;
    office
        .admin
        .open(&format!("/console/users/{id}"))
        .await
        .expect(200);
    let page = office
        .admin
        .open(&format!("/console/users/{id}/edit"))
        .await;
    page.expect_error(403, "insufficient_scope");
    let page = office.admin.open("/console/users/new").await;
    page.expect_error(403, "insufficient_scope");
}

async fn what_changes_something_needs_a_fresh_sign_in(house: House) {
    let mut office = Office::open(&house).await;
    let id = house.user_id(&office.owner.person).await;
    let path = format!("/console/users/{id}/edit");
    let page = office.admin.open(&path).await;
    page.expect(200);
    // The sign-in goes on at the public door, and so here; but it is a while ago.
    house.clock.advance(Duration::from_mins(14));
    office.enter("/console/users").await.expect(200);
    house.clock.advance(Duration::from_mins(2));
    office.admin.open("/console/users").await.expect(200);
    let sent = office.admin.submit(&page, &[("name", "Eve")]).await;
    assert!(
        is_sent_to_sign_in(&sent) && sent.location().contains("anew=1"),
        "{sent:?}"
    );
    let asked = office.admin.open(&path).await;
    assert!(is_sent_to_sign_in(&asked) && asked.location().contains("anew=1"));
    let place = office.admin.open(asked.location()).await;
    let place = place
        .location()
        .strip_prefix(super::PUBLIC)
        .expect("the public door");
    assert!(place.contains("prompt=login"));
    let sent = office.prove(place).await;
    let page = office.arrive(&sent).await;
    assert_eq!(page.path, path);
    office
        .fill(&page, &[("name", "Eve"), ("roles", "user admin")])
        .await;
    assert_eq!(
        house.audit_count("user.updated").await,
        2,
        "the role and the name"
    );
}

async fn a_delegate_makes_no_operator_of_themselves(house: House) {
    allow(&house, "helpdesk", "admin:users", "*").await;
    let mut office = Office::closed(&house, "eve", "helpdesk").await;
    office.enter("/console").await.expect(200);
    let id = house.user_id(&office.owner.person).await;
    let page = office
        .admin
        .open(&format!("/console/users/{id}/edit"))
        .await;
    let refused = office.admin.submit(&page, &[("roles", "user admin")]).await;
    refused.expect(403);
    assert!(
        refused.answer.text.contains("role=\"alert\""),
        "{}",
        refused.answer.text
    );
    assert!(
        refused.answer.text.contains("value=\"user admin\""),
        "what was typed is kept"
    );
}
