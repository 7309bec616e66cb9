//! /admin/dashboard: how much there is, and what happened lately.

use std::time::Duration;

use serde_json::{Value, json};

use crate::auth::mfa::Owner;
use crate::cases;
use crate::client::Person;
use crate::house::House;

use super::areas::holder_in;
use super::rbac::{allow, delegate};

cases![
    the_overview_counts_what_there_is_and_what_happened,
    a_sign_in_with_two_factors_counts_once,
    the_security_page_tells_why_nobody_got_in,
    the_last_hours_are_told_and_what_is_older_is_forgotten,
    a_tenants_operator_sees_nothing_of_another_tenant,
    whoever_may_not_look_at_the_dashboard_is_refused,
];

async fn overview(house: &House, query: &str) -> Value {
    let path = format!("/admin/dashboard/overview{query}");
    house.admin().get(&path).await.expect(200).json()
}

async fn fail(person: &Person) {
    let wrong = json!({ "email": person.email, "password": "not the password at all" });
    person.public.post("/auth/login", wrong).await.expect(401);
}

async fn the_overview_counts_what_there_is_and_what_happened(house: House) {
    let before = overview(&house, "").await;
    assert_eq!(before["counts"]["users"], 0);
    assert_eq!(before["counts"]["api_keys"], 1, "the first one");
    let person = Person::register(&house.public(), "ada").await;
    person.login().await;
    person.login().await;
    fail(&person).await;
    house.add_client(&["read"]).await;
    let seen = overview(&house, "").await;
    let counts = json!({
        "users": 1, "sessions": 2, "clients": 1, "api_keys": 1, "counted_to": 10_000,
    });
    assert_eq!(seen["counts"], counts);
    let node = &seen["this_node"];
    let totals = json!({ "sign_ins": 2, "failures": 1, "lockouts": 0, "tokens_issued": 2 });
    assert_eq!(node["totals"], totals);
    let points = node["points"].as_array().expect("points");
    assert_eq!(points.len(), 60);
    let last = points.last().expect("a point");
    assert_eq!(last["sign_ins"], 2);
    let latency = &last["latency_ms"];
    assert!(
        latency["p50"].as_f64() <= latency["p99"].as_f64(),
        "{latency}"
    );
    assert!(latency["p99"].as_f64() > Some(0.0), "{latency}");
    assert!(
        points[0]["latency_ms"]["p50"].is_null(),
        "nothing was asked then"
    );
}

async fn a_sign_in_with_two_factors_counts_once(house: House) {
    // Who binds an app has signed in by the password before.
    let owner = Owner::enroll(&house, "ada").await;
    owner.login().await;
    let totals = overview(&house, "").await["this_node"]["totals"].clone();
    assert_eq!(
        (&totals["sign_ins"], &totals["failures"]),
        (&json!(2), &json!(0))
    );
    let path = "/admin/dashboard/security";
    let seen = house.admin().get(path).await.expect(200).json();
    assert_eq!(seen["this_node"]["totals"]["factor_owed"], 1);
}

async fn the_security_page_tells_why_nobody_got_in(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    for _ in 0..5 {
        fail(&person).await;
    }
    let right = json!({ "email": person.email, "password": person.password });
    person.public.post("/auth/login", right).await.expect(429);
    let path = "/admin/dashboard/security";
    let seen = house.admin().get(path).await.expect(200).json();
    let totals = json!({
        "refused": 5, "turned_away": 1, "password_disabled": 0, "factor_owed": 0,
        "tokens_reused": 0, "not_judged": 0,
    });
    assert_eq!(seen["this_node"]["totals"], totals);
    let thresholds = json!({ "delay_after": 5, "lock_after": 10, "lockout_seconds": 900 });
    assert_eq!(seen["thresholds"], thresholds);
    assert!(!seen.to_string().contains('@'), "nobody is named");
}

async fn the_last_hours_are_told_and_what_is_older_is_forgotten(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    person.login().await;
    house.clock.advance(Duration::from_mins(90));
    let sign_ins = async |query: &str| {
        let seen = overview(&house, query).await;
        seen["this_node"]["totals"]["sign_ins"].as_u64()
    };
    assert_eq!(sign_ins("").await, Some(0));
    assert_eq!(sign_ins("?hours=2").await, Some(1));
    let seen = overview(&house, "?hours=6").await;
    assert_eq!(seen["this_node"]["step_minutes"], 6);
    assert_eq!(
        seen["this_node"]["points"].as_array().map(Vec::len),
        Some(60)
    );
    house.clock.advance(Duration::from_hours(6));
    assert_eq!(sign_ins("?hours=6").await, Some(0));
    for (wrong, status) in [
        ("?hours=0", 422),
        ("?hours=7", 422),
        ("?hours=x", 400),
        ("?days=1", 422),
    ] {
        let path = format!("/admin/dashboard/overview{wrong}");
        house.admin().get(&path).await.expect(status);
    }
}

async fn a_tenants_operator_sees_nothing_of_another_tenant(house: House) {
    house.add_tenant("acme").await;
    let person = Person::register(&house.public(), "ada").await;
    person.login().await;
    let acme = house.public().with("x-tenant-id", "acme");
    let other = Person::register(&acme, "grace").await;
    for _ in 0..3 {
        other.login().await;
    }
    let seen = overview(&house, "").await;
    assert_eq!(seen["this_node"]["totals"]["sign_ins"], 1);
    assert_eq!(
        (&seen["counts"]["users"], &seen["counts"]["sessions"]),
        (&json!(1), &json!(1))
    );
    let stranger = holder_in(&house, "acme", "admin:*").await;
    let stranger = stranger.with("x-tenant-id", "default");
    stranger.get("/admin/dashboard/overview").await.expect(401);
}

async fn whoever_may_not_look_at_the_dashboard_is_refused(house: House) {
    allow(&house, "watcher", "admin:dashboard", "read").await;
    let (_, watcher) = delegate(&house, "ada", "watcher").await;
    let (_, nobody) = delegate(&house, "grace", "user").await;
    for path in ["/admin/dashboard/overview", "/admin/dashboard/security"] {
        watcher.get(path).await.expect(200);
        nobody.get(path).await.expect(403);
        house.stranger().get(path).await.expect(401);
    }
}
