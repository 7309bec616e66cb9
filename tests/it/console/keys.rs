//! The signing keys: the next one is let sign, one that others may have is ended.

use std::time::Duration;

use serde_json::json;

use super::Office;
use crate::admin::rbac::allow;
use crate::cases;
use crate::client::{Client, Person};
use crate::house::House;

cases![
    keys_are_rotated_when_it_is_time,
    a_key_is_revoked_by_who_says_its_name_once_more,
    who_reads_keys_revokes_none,
    operators_of_a_tenant_see_and_end_its_own_keys_alone,
];

async fn keys_are_rotated_when_it_is_time(house: House) {
    let mut office = Office::open(&house).await;
    let page = office.admin.open("/console/keys/rotate").await;
    page.posts_to("/console/keys/rotate");
    let early = office.admin.submit(&page, &[]).await;
    early.expect(409);
    assert!(early.answer.text.contains("The next key may sign from"));
    house.clock.advance(Duration::from_secs(601));
    office.enter("/console/keys").await.expect(200);
    let page = office.admin.open("/console/keys/rotate").await;
    let page = office.fill(&page, &[]).await;
    assert!(
        page.answer.text.contains(">retired<"),
        "{}",
        page.answer.text
    );
}

/// The names of the keys: that of the active one first, then that of the next.
async fn kids(house: &House) -> Vec<String> {
    kids_of(&house.admin()).await
}

async fn kids_of(admin: &Client) -> Vec<String> {
    let keys = admin.get("/admin/keys").await.expect(200).json();
    let keys = keys["keys"].as_array().expect("keys").clone();
    let kid = |key: &serde_json::Value| key["kid"].as_str().expect("a name").to_owned();
    keys.iter().map(kid).collect()
}

async fn a_key_is_revoked_by_who_says_its_name_once_more(house: House) {
    let mut office = Office::open(&house).await;
    let person = Person::register(&house.public(), "ada").await;
    let before = person.login().await;
    let [active, next] = &kids(&house).await[..2] else {
        panic!("two keys");
    };
    let page = office
        .admin
        .open(&format!("/console/keys/{active}/revoke"))
        .await;
    page.posts_to(&format!("/console/keys/{active}/revoke"));
    assert!(
        page.answer
            .text
            .contains("Every token that it signed is refused")
    );
    for other in ["", "x", next] {
        let page = office.admin.submit(&page, &[("kid", other)]).await;
        page.expect(422);
        assert!(
            page.answer
                .text
                .contains("kid: is not the name of this key")
        );
    }
    person.me(&before.access).await.expect(200);
    let page = office.fill(&page, &[("kid", active)]).await;
    assert!(!page.answer.text.contains(active), "{}", page.answer.text);
    person.me(&before.access).await.expect(401);
    let after = person.refresh(&before.refresh).await.expect(200);
    person.me(&after.field("access_token")).await.expect(200);
    let path = format!("/console/keys/{active}/revoke");
    let gone = office.admin.open(&path).await;
    gone.expect_error(404, "invalid_request");
    let third = &kids(&house).await[1];
    let page = office
        .admin
        .open(&format!("/console/keys/{third}/revoke"))
        .await;
    assert!(page.answer.text.contains("It has signed nothing yet"));
    let rows = house.audit_rows("key.revoked").await;
    let root = house.user_id(&office.owner.person).await;
    assert_eq!(rows.len(), 1, "only what was meant");
    assert_eq!(rows[0].fields["actor_id"], json!(root));
}

async fn who_reads_keys_revokes_none(house: House) {
    allow(&house, "reader", "admin:keys", "read").await;
    let mut office = Office::closed(&house, "eve", "reader").await;
    office.enter("/console/keys").await.expect(200);
    let token = office.token().await;
    for path in [
        "rotate".to_owned(),
        format!("{}/revoke", kids(&house).await[0]),
    ] {
        let path = format!("/console/keys/{path}");
        let page = office.admin.open(&path).await;
        page.expect_error(403, "insufficient_scope");
        let page = office.admin.post(&path, &[("csrf", &token)]).await;
        page.expect_error(403, "insufficient_scope");
    }
    assert_eq!(kids(&house).await.len(), 2);
    assert_eq!(house.audit_count("key.revoked").await, 0);
}

async fn operators_of_a_tenant_see_and_end_its_own_keys_alone(house: House) {
    house.add_tenant("acme").await;
    let ours = kids(&house).await;
    let mut office = Office::within(&house, "acme", "boss").await;
    let page = office.enter("/t/acme/console/keys").await;
    page.expect(200);
    let admin = house.admin().with("x-tenant-id", "acme");
    let theirs = kids_of(&admin).await;
    assert!(theirs.iter().all(|kid| page.answer.text.contains(kid)));
    assert!(!ours.iter().any(|kid| page.answer.text.contains(kid)));
    let path = format!("/t/acme/console/keys/{}/revoke", ours[0]);
    let page = office.admin.open(&path).await;
    page.expect_error(404, "invalid_request");
    let token = office.token().await;
    let fields = [("csrf", &*token), ("kid", &*ours[0])];
    let page = office.admin.post(&path, &fields).await;
    page.expect_error(404, "invalid_request");
    let path = format!("/t/acme/console/keys/{}/revoke", theirs[0]);
    let page = office.admin.open(&path).await;
    office.fill(&page, &[("kid", &theirs[0])]).await;
    assert_eq!(kids(&house).await, ours, "nobody else's");
    assert!(!kids_of(&admin).await.contains(&theirs[0]));
}
