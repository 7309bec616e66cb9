//! /admin/audit: the trail as operators search it, take it along and keep its checkpoints.

use domain::event::{Actor, Entry, EventKind, Origin};
use domain::id::RequestId;
use domain::time::Clock;
use protocol::entropy::SystemRandom;
use serde_json::{Value, json};

use super::areas::holder;
use crate::cases;
use crate::client::{Answer, Person};
use crate::house::House;

cases![
    operators_find_what_happened_by_each_filter,
    a_cursor_leads_on_and_a_forged_one_is_refused,
    nonsense_is_refused_by_name,
    an_entry_is_shown_by_its_number_and_to_its_tenant_alone,
    a_trail_is_taken_along_as_json_lines_and_that_is_written_down,
    who_leaves_an_export_in_the_middle_costs_nothing,
    the_trail_is_an_area_that_is_read,
    checkpoints_are_listed_to_be_kept_elsewhere,
];

fn events(answer: &Answer) -> Vec<Value> {
    let listed = answer.json()["entries"].as_array().cloned();
    let listed = listed.expect("entries");
    listed.into_iter().map(|row| row["event"].clone()).collect()
}

async fn find(house: &House, query: &str) -> Answer {
    let answer = house.admin().get(&format!("/admin/audit?{query}")).await;
    answer.expect(200)
}

async fn operators_find_what_happened_by_each_filter(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    person.try_login("wrong horse battery").await.expect(401);
    person.login().await;
    let user = house.user_id(&person).await;
    let path = format!("/admin/users/{user}/lock");
    let reason = json!({ "reason": "asked for" });
    house.admin().post(&path, reason).await.expect(200);
    let (client, secret) = house.add_client(&["read"]).await;
    house.client_token(&client, &secret).await.expect(200);

    let about = find(&house, &format!("user={user}")).await;
    let expected = [
        "user.locked",
        "login.succeeded",
        "login.failed",
        "user.registered",
    ];
    assert_eq!(events(&about), expected);
    let failed = find(&house, &format!("user={user}&outcome=failure")).await;
    assert_eq!(events(&failed), ["login.failed"]);
    assert_eq!(
        events(&find(&house, "event=user.locked").await),
        ["user.locked"]
    );
    let issued = find(&house, &format!("client={client}")).await;
    assert_eq!(events(&issued), ["token.issued"]);
    assert_eq!(
        events(&find(&house, &format!("actor={client}")).await),
        ["token.issued"]
    );

    let entry = about.json()["entries"][0].clone();
    let by = entry["actor_id"].as_str().expect("the key's id");
    assert_eq!(entry["actor_type"], "api_key");
    let done = find(&house, &format!("actor={by}")).await;
    assert_eq!(events(&done), ["client.created", "user.locked"]);
    let now = house.clock.now();
    let none = find(&house, &format!("to={now}&event=user.locked")).await;
    assert!(events(&none).is_empty(), "before now is not now");
    let all = find(&house, &format!("from={now}&event=user.locked")).await;
    assert_eq!(events(&all), ["user.locked"]);
    assert!(
        !about.text.contains("example.org"),
        "no address: {}",
        about.text
    );
}

async fn a_cursor_leads_on_and_a_forged_one_is_refused(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    for _ in 0..4 {
        person.login().await;
    }
    let first = find(&house, "event=login.succeeded&per_page=3").await;
    assert_eq!(
        (&first.json()["total"], events(&first).len()),
        (&json!(4), 3)
    );
    let cursor = first.field("next_cursor");
    let query = format!("event=login.succeeded&per_page=3&cursor={cursor}");
    let rest = find(&house, &query).await;
    assert_eq!(
        (events(&rest).len(), &rest.json()["next_cursor"]),
        (1, &Value::Null)
    );
    let mut forged = cursor.clone();
    forged.replace_range(4..5, if &cursor[4..5] == "A" { "B" } else { "A" });
    for bad in [forged.as_str(), "AAAA", &cursor[..20]] {
        let path = format!("/admin/audit?cursor={bad}");
        house
            .admin()
            .get(&path)
            .await
            .expect_code(400, "BAD_REQUEST");
        let path = format!("/admin/audit/checkpoints?cursor={bad}");
        house
            .admin()
            .get(&path)
            .await
            .expect_code(400, "BAD_REQUEST");
    }
    let other = format!("/admin/audit/checkpoints?cursor={cursor}");
    house
        .admin()
        .get(&other)
        .await
        .expect_code(400, "BAD_REQUEST");
}

async fn nonsense_is_refused_by_name(house: House) {
    for (query, field) in [
        ("outcome=maybe", "outcome"),
        ("outcome=", "outcome"),
        ("from=", "from"),
        ("from=yesterday", "from"),
        ("evnet=login.failed", "evnet"),
        ("per_page=101", "per_page"),
    ] {
        let answer = house.admin().get(&format!("/admin/audit?{query}")).await;
        let answer = answer.expect_code(422, "VALIDATION_ERROR");
        assert_eq!(answer.json()["details"][0]["field"], field, "{query}");
    }
    let path = "/admin/audit/export?page=1";
    house
        .admin()
        .get(path)
        .await
        .expect_code(422, "VALIDATION_ERROR");
}

async fn an_entry_is_shown_by_its_number_and_to_its_tenant_alone(house: House) {
    house.add_tenant("acme").await;
    Person::register(&house.public(), "ada").await;
    let listed = find(&house, "event=user.registered").await.json()["entries"][0].clone();
    let path = format!("/admin/audit/{}", listed["id"]);
    let shown = house.admin().get(&path).await.expect(200).json();
    assert_eq!(shown["event"], "user.registered");
    assert_eq!(shown["request_id"], listed["request_id"]);
    let elsewhere = super::areas::holder_in(&house, "acme", "admin:audit:read").await;
    elsewhere.get(&path).await.expect_code(404, "NOT_FOUND");
    for none in ["0", "-1", "9223372036854775807", "x", "1.5"] {
        let path = format!("/admin/audit/{none}");
        house.admin().get(&path).await.expect_code(404, "NOT_FOUND");
    }
    let listed = elsewhere.get("/admin/audit").await.expect(200);
    assert!(!listed.text.contains("user.registered"), "{}", listed.text);
}

/// Writes many entries of one kind.
async fn fill(house: &House, count: usize) {
    let flows = house.running().flows();
    let tenant = flows
        .tenants
        .directory()
        .default_tenant()
        .expect("the tenant")
        .id;
    let now = house.clock.now();
    let origin = Origin {
        claimed_in: None,
        tenant,
        actor: Actor::System,
        address: None,
        user_agent: None,
        request: RequestId::generate(now, &SystemRandom),
        at: now,
    };
    let entries = (0..count).map(|_| Entry::new(EventKind::LoginFailed, &origin).failed());
    flows
        .audit
        .append(entries.collect())
        .await
        .expect("written");
}

async fn a_trail_is_taken_along_as_json_lines_and_that_is_written_down(house: House) {
    fill(&house, 1_000).await;
    Person::register(&house.public(), "ada").await;
    let path = "/admin/audit/export";
    let whole = house.admin().get(path).await.expect(200);
    assert_eq!(whole.header("content-type"), "application/jsonl");
    assert!(whole.header("content-disposition").contains("audit.jsonl"));
    assert!(
        whole.header("content-length").is_empty(),
        "nobody knows how long it gets"
    );
    let lines: Vec<Value> = whole
        .text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let failed = lines.iter().filter(|row| row["event"] == "login.failed");
    assert_eq!(failed.count(), 1_000);
    let mut numbers: Vec<_> = lines.iter().map(|row| row["id"].as_i64()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), lines.len(), "each once");
    assert_eq!(lines[0]["event"], "audit.exported", "the newest first");

    let path = "/admin/audit/export?event=user.registered&from=2000-01-01T00:00:00Z";
    let one = house.admin().get(path).await.expect(200);
    assert_eq!(one.text.lines().count(), 1);
    let told = find(&house, "event=audit.exported").await.json()["entries"][0].clone();
    assert_eq!(told["detail"], json!({ "filtered_by": ["event", "from"] }));
    let path = "/admin/audit/export?event=nothing.of-that-kind";
    assert_eq!(house.admin().get(path).await.expect(200).text, "");
}

async fn who_leaves_an_export_in_the_middle_costs_nothing(house: House) {
    fill(&house, 5_000).await;
    for _ in 0..20 {
        let url = format!("http://{}/admin/audit/export", house.admin_address());
        let client = crate::client::plain().build().expect("a client");
        let request = client.get(url).header("x-api-key", house.api_key());
        let mut answer = request.send().await.expect("an answer");
        let part = answer.chunk().await.expect("a part").expect("more");
        assert!(part.starts_with(b"{"));
    }
    find(&house, "per_page=1").await;
}

async fn the_trail_is_an_area_that_is_read(house: House) {
    for scope in ["admin:audit:read", "admin:audit", "admin:*:read"] {
        let door = holder(&house, scope).await;
        for path in [
            "/admin/audit",
            "/admin/audit/export",
            "/admin/audit/checkpoints",
        ] {
            door.get(path).await.expect(200);
        }
        door.delete("/admin/audit/1").await.expect(405);
    }
    let other = holder(&house, "admin:users").await;
    for path in ["/admin/audit", "/admin/audit/1", "/admin/audit/export"] {
        other.get(path).await.expect_code(403, "FORBIDDEN");
    }
    let person = Person::register(&house.public(), "ada").await;
    let tokens = person.login().await;
    let door = house.stranger().bearer(&tokens.access);
    door.get("/admin/audit").await.expect_code(403, "FORBIDDEN");
    house.stranger().get("/admin/audit").await.expect(401);
}

async fn checkpoints_are_listed_to_be_kept_elsewhere(house: House) {
    let signed = super::tampering::signed(&house).await;
    let path = "/admin/audit/checkpoints";
    let listed = house.admin().get(path).await.expect(200).json();
    assert_eq!(listed["total"], 1);
    let one = &listed["checkpoints"][0];
    assert_eq!(one["chain_no"], signed);
    assert_eq!(one["tenant_id"], house.tenant_id("default"));
    assert_eq!(one["purged"], false);
    for name in ["seal", "signature"] {
        assert_eq!(one[name].as_str().map(str::len), Some(64), "{name}");
    }
}
