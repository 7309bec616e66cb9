//! The audit trail on the console: searched, looked at, taken along.

use serde_json::{Value, json};

use super::{Office, next_of};
use crate::admin::rbac::allow;
use crate::admin::tampering::signed;
use crate::cases;
use crate::client::Person;
use crate::house::House;

cases![
    what_happened_is_found_by_each_filter,
    what_nobody_can_search_for_is_said_by_name,
    a_search_goes_on_page_by_page_and_is_taken_along,
    an_entry_is_shown_whole_and_as_text,
    checkpoints_are_shown_for_who_keeps_them,
    who_may_not_see_accounts_learns_nobodys_id,
    who_has_no_part_in_the_trail_sees_none_of_it,
];

/// The names of what a page lists, as many as there are.
fn found(text: &str) -> &str {
    let at = text.find(" found.").expect("a count");
    text[..at].rsplit('>').next().expect("a number")
}

async fn what_happened_is_found_by_each_filter(house: House) {
    let mut office = Office::open(&house).await;
    let person = Person::register(&house.public(), "ada").await;
    person.try_login("wrong horse battery").await.expect(401);
    person.login().await;
    let id = house.user_id(&person).await;
    let (client, secret) = house.add_client(&["read"]).await;
    house.client_token(&client, &secret).await.expect(200);
    for (query, count) in [
        (format!("user={id}"), "3"),
        (format!("user={}", person.email.replace('@', "%40")), "3"),
        (format!("user={id}&outcome=failure"), "1"),
        (format!("user={id}&event=login.succeeded"), "1"),
        (format!("client={client}"), "1"),
        (format!("actor={client}"), "1"),
        (format!("user={id}&from=2020-01-01T00%3A00"), "3"),
        (format!("user={id}&to=2020-01-01T00%3A00%3A00Z"), "0"),
        (
            format!("user={id}&outcome=&event=&from=&to=&client=&actor="),
            "3",
        ),
    ] {
        let page = office.admin.open(&format!("/console/audit?{query}")).await;
        page.expect(200);
        assert_eq!(found(&page.answer.text), count, "{query}");
    }
    let path = format!("/console/audit?user={id}&event=login.failed&from=2020-01-01T00:00:00Z");
    let page = office.admin.open(&path).await;
    let text = &page.answer.text;
    assert!(
        text.contains("<option value=\"login.failed\" selected>"),
        "{text}"
    );
    assert!(
        text.contains("value=\"2020-01-01T00:00\""),
        "what was asked stands there"
    );
    assert!(!text.contains(&person.email), "no address");
}

async fn what_nobody_can_search_for_is_said_by_name(house: House) {
    let mut office = Office::open(&house).await;
    for (query, said) in [
        ("outcome=maybe", "outcome: must be success or failure"),
        ("from=noon", "from: must be an instant"),
        ("to=2020-13-01T00%3A00", "to: must be an instant"),
        ("user=nobody%40example.org", "user: is nobody&#39;s address"),
        (
            &format!("client={}", "x".repeat(257)),
            "client: must be 256 bytes at most",
        ),
    ] {
        let page = office.admin.open(&format!("/console/audit?{query}")).await;
        page.expect(422);
        assert!(
            page.answer.text.contains(said),
            "{said}: {}",
            page.answer.text
        );
        assert!(
            page.answer.text.contains("role=\"search\""),
            "one can search again"
        );
        let page = office
            .admin
            .open(&format!("/console/audit/export?{query}"))
            .await;
        page.expect(422);
    }
    let page = office
        .admin
        .open("/console/audit?user=%22%3E%3Cscript%3E")
        .await;
    page.expect(200);
    assert!(!page.answer.text.contains("<script"));
    assert!(page.answer.text.contains("Nothing like that happened."));
    let forged = office.admin.open("/console/audit?cursor=x").await;
    forged.expect(400);
    assert_eq!(house.audit_count("audit.exported").await, 0);
}

async fn a_search_goes_on_page_by_page_and_is_taken_along(house: House) {
    let mut office = Office::open(&house).await;
    let person = Person::register(&house.public(), "ada").await;
    for _ in 0..21 {
        person.login().await;
    }
    let id = house.user_id(&person).await;
    let path = format!("/console/audit?user={id}&event=login.succeeded");
    let page = office.admin.open(&path).await;
    assert_eq!(found(&page.answer.text), "21");
    let rows = |text: &str| text.matches(">login.succeeded</a></td>").count();
    assert_eq!(rows(&page.answer.text), 20);
    let export = format!("/console/audit/export?user={id}&event=login.succeeded");
    let link = format!("href=\"{}\"", export.replace('&', "&#38;"));
    assert!(page.answer.text.contains(&link), "{}", page.answer.text);
    let page = office.admin.open(&next_of(&page)).await;
    assert_eq!(rows(&page.answer.text), 1, "narrowed by the same");

    let taken = office
        .admin
        .open(&format!(
            "/console/audit/export?user={id}&event=login.succeeded"
        ))
        .await;
    taken.expect(200);
    let header = |name| taken.answer.header(name);
    assert_eq!(header("content-type"), "application/jsonl");
    assert!(header("content-disposition").starts_with("attachment"));
    assert!(header("cache-control").contains("no-store"));
    let lines: Vec<Value> = taken
        .answer
        .text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 21);
    assert!(lines.iter().all(|line| line["subject"] == json!(id)));
    let rows = house.audit_rows("audit.exported").await;
    let root = house.user_id(&office.owner.person).await;
    assert_eq!(rows.len(), 1, "that it was taken along is written down");
    assert_eq!(rows[0].fields["actor_id"], json!(root));
    assert_eq!(
        rows[0].fields["detail"]["filtered_by"],
        json!(["user", "event"])
    );
}

async fn an_entry_is_shown_whole_and_as_text(house: House) {
    let mut office = Office::open(&house).await;
    let door = house.public().with("user-agent", "<b>Odd</b>");
    let person = Person::register(&door, "ada").await;
    let user = house.user_id(&person).await;
    let listed = house
        .admin()
        .get(&format!("/admin/audit?user={user}"))
        .await;
    let number = listed.expect(200).json()["entries"][0]["id"].clone();
    let page = office.admin.open(&format!("/console/audit/{number}")).await;
    page.expect(200);
    let text = &page.answer.text;
    assert!(text.contains("<h1>user.registered</h1>"), "{text}");
    assert!(text.contains("&#60;b&#62;Odd") && !text.contains("<b>Odd"));
    assert!(text.contains(&format!("/console/audit?user={user}")));
    for nothing in ["999999999", "x"] {
        let page = office
            .admin
            .open(&format!("/console/audit/{nothing}"))
            .await;
        page.expect_error(404, "invalid_request");
    }
    // Entries of a tenant are that tenant's.
    house.add_tenant("acme").await;
    let mut other = Office::within(&house, "acme", "boss").await;
    other.enter("/t/acme/console/audit").await.expect(200);
    let page = other
        .admin
        .open(&format!("/t/acme/console/audit/{number}"))
        .await;
    page.expect_error(404, "invalid_request");
}

async fn checkpoints_are_shown_for_who_keeps_them(house: House) {
    let mut office = Office::open(&house).await;
    signed(&house).await;
    let page = office.admin.open("/console/audit/checkpoints").await;
    page.expect(200);
    assert!(page.answer.text.contains("auth-service audit verify"));
    let listed = house.admin().get("/admin/audit/checkpoints").await;
    let kept = listed.expect(200).json()["checkpoints"][0].clone();
    let signature = kept["signature"].as_str().expect("a signature");
    assert!(page.answer.text.contains(signature), "{}", page.answer.text);
    assert_eq!(page.answer.text.matches("all there").count(), 1);
    let forged = office
        .admin
        .open("/console/audit/checkpoints?cursor=x")
        .await;
    forged.expect(400);
}

async fn who_may_not_see_accounts_learns_nobodys_id(house: House) {
    allow(&house, "auditor", "admin:audit", "read").await;
    let person = Person::register(&house.public(), "ada").await;
    let id = house.user_id(&person).await;
    let mut office = Office::closed(&house, "eve", "auditor").await;
    office.enter("/console/audit").await.expect(200);
    let of = |whom: &str| format!("/console/audit?user={}", whom.replace('@', "%40"));
    let known = office.admin.open(&of(&person.email)).await;
    known.expect(422);
    let unknown = office.admin.open(&of("ada@nowhere.example")).await;
    unknown.expect(422);
    let said = "user: is nobody&#39;s address, or of an account that is not yours to see";
    assert!(known.answer.text.contains(said) && unknown.answer.text.contains(said));
    assert!(!known.answer.text.contains(&id));
    let page = office.admin.open(&of(&id)).await;
    assert_eq!(found(&page.answer.text), "1", "by an id it is found");
}

async fn who_has_no_part_in_the_trail_sees_none_of_it(house: House) {
    allow(&house, "helpdesk", "admin:users", "*").await;
    let mut office = Office::closed(&house, "eve", "helpdesk").await;
    office.enter("/console").await.expect(200);
    for path in ["", "/export", "/checkpoints", "/1"] {
        let page = office.admin.open(&format!("/console/audit{path}")).await;
        page.expect_error(403, "insufficient_scope");
    }
    assert_eq!(house.audit_count("audit.exported").await, 0);
}
