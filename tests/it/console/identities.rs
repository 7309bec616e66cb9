//! What accounts are linked to elsewhere, as their pages show it and end it.

use serde_json::json;

use super::Office;
use crate::admin::rbac::allow;
use crate::cases;
use crate::client::Person;
use crate::house::House;
use crate::oauth::chosen::choose;
use crate::oauth::linked::{IDP, trusting};

cases![
    an_operator_sees_what_an_account_is_linked_to_and_ends_it,
    who_reads_accounts_unlinks_none,
];

/// Somebody who is linked; gives their id, and the page where that is ended.
async fn linked(house: &House, subject: &str) -> (Person, String, String) {
    choose(house, trusting(&[IDP])).await;
    let person = Person::register(&house.public(), "ada").await;
    let id = house.user_id(&person).await;
    let body = json!({ "issuer": IDP, "subject": subject });
    let path = format!("/admin/users/{id}/identities");
    let made = house.admin().post(&path, body).await.expect(201);
    let identity = made.field("id");
    let unlink = format!("/console/users/{id}/identities/{identity}/unlink");
    (person, id, unlink)
}

async fn an_operator_sees_what_an_account_is_linked_to_and_ends_it(house: House) {
    let mut office = Office::open(&house).await;
    let (person, id, unlink) = linked(&house, "<b>x</b>").await;
    let page = office.admin.open(&format!("/console/users/{id}")).await;
    page.expect(200);
    assert!(page.answer.text.contains(&format!("href=\"{unlink}\"")));
    assert!(page.answer.text.contains(IDP));
    assert!(!page.answer.text.contains("<b>x"), "a name is text");
    let one = unlink.split('/').nth(5).expect("an id");
    let page = office
        .admin
        .open(&format!("/console/users/{id}/identities/{one}/unlink"))
        .await;
    page.posts_to(&format!("/console/users/{id}/identities/{one}/unlink"));
    let page = office.fill(&page, &[]).await;
    let told = "It is linked to that account no more.";
    assert!(page.answer.text.contains(told), "{}", page.answer.text);
    let nothing = "It is linked to no account elsewhere.";
    assert!(page.answer.text.contains(nothing));
    assert!(house.letter(&person, "identity_unlinked").await.is_some());
    let root = house.user_id(&office.owner.person).await;
    let rows = house.audit_rows("identity.unlinked").await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].fields["actor_id"], json!(root));
    let gone = office.admin.open(&unlink).await;
    gone.expect_error(404, "invalid_request");
}

async fn who_reads_accounts_unlinks_none(house: House) {
    let (_, id, unlink) = linked(&house, "x").await;
    allow(&house, "reader", "admin:users", "read").await;
    let mut office = Office::closed(&house, "eve", "reader").await;
    office.enter("/console/users").await.expect(200);
    let page = office.admin.open(&format!("/console/users/{id}")).await;
    assert!(page.answer.text.contains(&unlink));
    let token = office.token().await;
    let page = office.admin.open(&unlink).await;
    page.expect_error(403, "insufficient_scope");
    let page = office.admin.post(&unlink, &[("csrf", &token)]).await;
    page.expect_error(403, "insufficient_scope");
    assert_eq!(house.audit_count("identity.unlinked").await, 0);
}
