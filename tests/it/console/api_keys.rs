//! API keys on the console: made, shown once, changed, rotated and revoked, by nobody for more than they may.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Office, next_of, secret_of};
use crate::admin::rbac::allow;
use crate::browser::Page;
use crate::cases;
use crate::client::Client;
use crate::house::House;

cases![
    a_key_is_made_shown_once_changed_and_revoked,
    a_rotated_key_is_shown_once_and_the_one_before_works_for_a_day,
    what_is_wrong_with_a_key_is_said_by_name,
    nobody_makes_or_ends_a_key_that_can_do_more_than_they,
    who_reads_keys_changes_none,
    keys_are_found_by_client_and_state_page_by_page,
];

/// The admin door, as the holder of a key sees it.
fn with_key(house: &House, key: &str) -> Client {
    house.stranger().with("x-api-key", key)
}

/// Makes a key by the API, and gives its id and what it is.
async fn made(house: &House, name: &str, scope: &str) -> (String, String) {
    let body = json!({ "name": name, "scopes": [scope] });
    let made = house.admin().post("/admin/apikeys", body).await.expect(201);
    (made.field("id"), made.field("key"))
}

async fn shown(house: &House, id: &str) -> Value {
    let path = format!("/admin/apikeys/{id}");
    house.admin().get(&path).await.expect(200).json()
}

/// Fills in a form whose answer shows a key, this once.
async fn fill_once(office: &mut Office, page: &Page, filled: &[(&str, &str)]) -> String {
    let page = office.admin.submit(page, filled).await;
    page.expect(200);
    assert!(page.answer.text.contains("It is shown this once."));
    secret_of(&page.answer.text)
}

async fn a_key_is_made_shown_once_changed_and_revoked(house: House) {
    let mut office = Office::open(&house).await;
    let page = office.admin.open("/console/apikeys/new").await;
    page.posts_to("/console/apikeys/new");
    let filled = [
        ("name", "Help <desk>"),
        ("scopes", "admin:users:read reports"),
        ("client_id", ""),
        ("rate_limit", "60"),
        ("expires_at", ""),
    ];
    let key = fill_once(&mut office, &page, &filled).await;
    let door = with_key(&house, &key);
    door.get("/admin/users").await.expect(200);
    let page = office.admin.open("/console/apikeys").await;
    let text = &page.answer.text;
    assert!(text.contains("Help &#60;desk&#62;") && !text.contains("<desk>"));
    assert!(!text.contains(&key), "it is shown once");
    let at = text.find("href=\"/console/apikeys/0").expect("its page");
    let id = text[at..]
        .split(['/', '"'])
        .nth(4)
        .expect("an id")
        .to_owned();
    let page = office.admin.open(&format!("/console/apikeys/{id}")).await;
    page.expect(200);
    for part in ["60 requests a minute", "admin:users:read reports", ">live<"] {
        assert!(page.answer.text.contains(part), "{}", page.answer.text);
    }
    assert!(!page.answer.text.contains(&key));

    let page = office
        .admin
        .open(&format!("/console/apikeys/{id}/edit"))
        .await;
    page.posts_to(&format!("/console/apikeys/{id}/edit"));
    let other = office.admin.open(&page.path).await;
    let changed = [
        ("name", "Desk"),
        ("scopes", "admin:users"),
        ("rate_limit", ""),
        ("expires_at", "2030-01-31T12:00"),
    ];
    office.fill(&page, &changed).await;
    let now = shown(&house, &id).await;
    assert_eq!(now["name"], "Desk");
    assert_eq!(now["scopes"], json!(["admin:users"]));
    assert_eq!(now["rate_limit"], Value::Null);
    assert_eq!(now["expires_at"], "2030-01-31T12:00:00Z");
    office.fill(&page, &changed).await; // Sent twice, it is answered twice.
    let late = office.admin.submit(&other, &changed).await;
    late.expect(412);

    let page = office
        .admin
        .open(&format!("/console/apikeys/{id}/revoke"))
        .await;
    page.posts_to(&format!("/console/apikeys/{id}/revoke"));
    office.fill(&page, &[]).await;
    door.get("/admin/users").await.expect(401);
    let page = office.admin.open(&format!("/console/apikeys/{id}")).await;
    assert!(page.answer.text.contains(">revoked<"));
    assert!(
        !page.answer.text.contains("/rotate\""),
        "nothing is left to do"
    );
    for act in ["edit", "rotate", "revoke"] {
        let path = format!("/console/apikeys/{id}/{act}");
        let page = office.admin.open(&path).await;
        page.expect_error(404, "invalid_request");
    }
    let root = house.user_id(&office.owner.person).await;
    for event in ["api_key.created", "api_key.updated", "api_key.revoked"] {
        let rows = house.audit_rows(event).await;
        let row = rows.iter().find(|row| row.fields["subject"] == id.as_str());
        assert_eq!(row.expect(event).fields["actor_id"], json!(root), "{event}");
    }
}

async fn a_rotated_key_is_shown_once_and_the_one_before_works_for_a_day(house: House) {
    let mut office = Office::open(&house).await;
    let (id, first) = made(&house, "ci", "admin:users:read").await;
    let page = office
        .admin
        .open(&format!("/console/apikeys/{id}/rotate"))
        .await;
    page.posts_to(&format!("/console/apikeys/{id}/rotate"));
    assert!(page.answer.text.contains("another 24 hours"));
    let second = fill_once(&mut office, &page, &[]).await;
    assert_ne!(first, second);
    let page = office.admin.open(&format!("/console/apikeys/{id}")).await;
    assert!(page.answer.text.contains("The one before works until"));
    assert!(!page.answer.text.contains(&second) && !page.answer.text.contains(&first));
    for key in [&first, &second] {
        with_key(&house, key).get("/admin/users").await.expect(200);
    }
    house.clock.advance(Duration::from_hours(24));
    with_key(&house, &first)
        .get("/admin/users")
        .await
        .expect(401);
    with_key(&house, &second)
        .get("/admin/users")
        .await
        .expect(200);
}

async fn what_is_wrong_with_a_key_is_said_by_name(house: House) {
    let mut office = Office::open(&house).await;
    let before = house.audit_count("api_key.created").await;
    let page = office.admin.open("/console/apikeys/new").await;
    for (wrong, said) in [
        (("name", ""), "name: "),
        (("scopes", ""), "scopes: "),
        (("rate_limit", "many"), "rate_limit: must be a number"),
        (("expires_at", "noon"), "expires_at: must be an instant"),
        (
            ("expires_at", "2020-01-31T12:00"),
            "expires_at: must be in the future",
        ),
        (("client_id", "client_nobody"), "client_id: "),
    ] {
        let mut filled = vec![("name", "ci"), ("scopes", "reports")];
        filled.retain(|(name, _)| *name != wrong.0);
        filled.push(wrong);
        let page = office.admin.submit(&page, &filled).await;
        page.expect(422);
        assert!(
            page.answer.text.contains(said),
            "{said}: {}",
            page.answer.text
        );
    }
    assert_eq!(house.audit_count("api_key.created").await, before);
}

async fn nobody_makes_or_ends_a_key_that_can_do_more_than_they(house: House) {
    allow(&house, "keeper", "admin:apikeys", "*").await;
    let mut office = Office::closed(&house, "eve", "keeper").await;
    office.enter("/console/apikeys").await.expect(200);
    let page = office.admin.open("/console/apikeys/new").await;
    let filled = [("name", "mine"), ("scopes", "admin:*")];
    let page = office.admin.submit(&page, &filled).await;
    page.expect(403);
    assert!(
        page.answer
            .text
            .contains("can do what you may not do yourself")
    );
    assert!(
        page.answer.text.contains("value=\"admin:*\""),
        "what was typed is kept"
    );
    let (id, key) = made(&house, "root", "admin:*").await;
    for act in ["edit", "rotate", "revoke"] {
        let page = office
            .admin
            .open(&format!("/console/apikeys/{id}/{act}"))
            .await;
        page.expect(200);
        let page = office.admin.submit(&page, &[("scopes", "admin:*")]).await;
        page.expect(403);
        assert!(!page.answer.text.contains("id=\"secret\""));
    }
    with_key(&house, &key).get("/admin/users").await.expect(200);
    assert_eq!(shown(&house, &id).await["version"], 1);
}

async fn who_reads_keys_changes_none(house: House) {
    allow(&house, "reader", "admin:apikeys", "read").await;
    let (id, _) = made(&house, "ci", "reports").await;
    let mut office = Office::closed(&house, "eve", "reader").await;
    office.enter("/console/apikeys").await.expect(200);
    let page = office.admin.open(&format!("/console/apikeys/{id}")).await;
    page.expect(200);
    let token = office.token().await;
    for act in [
        "new".to_owned(),
        format!("{id}/edit"),
        format!("{id}/rotate"),
        format!("{id}/revoke"),
    ] {
        let path = format!("/console/apikeys/{act}");
        let page = office.admin.open(&path).await;
        page.expect_error(403, "insufficient_scope");
        let page = office.admin.post(&path, &[("csrf", &token)]).await;
        page.expect_error(403, "insufficient_scope");
    }
    assert_eq!(shown(&house, &id).await["live"], true);
}

async fn keys_are_found_by_client_and_state_page_by_page(house: House) {
    let mut office = Office::open(&house).await;
    let (client, _) = house.add_client(&["reports"]).await;
    for number in 0..21 {
        let body =
            json!({ "name": format!("k{number}"), "scopes": ["reports"], "client_id": client });
        house.admin().post("/admin/apikeys", body).await.expect(201);
    }
    let path = format!("/console/apikeys?client_id={client}&live=true");
    let page = office.admin.open(&path).await;
    assert!(
        page.answer.text.contains("21 found."),
        "{}",
        page.answer.text
    );
    assert_eq!(page.answer.text.matches("<code>qf_ak_").count(), 20);
    let page = office.admin.open(&next_of(&page)).await;
    assert_eq!(page.answer.text.matches("<code>qf_ak_").count(), 1);
    let path = format!("/console/apikeys?client_id={client}&live=false");
    let page = office.admin.open(&path).await;
    assert!(page.answer.text.contains("There are no such API keys."));
    let forged = office.admin.open("/console/apikeys?cursor=x").await;
    forged.expect(400);
}
