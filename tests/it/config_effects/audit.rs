//! How long entries of the audit trail are kept, `AUDIT_RETENTION`; and the command that judges the trail.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use auth_service::flow::admin::audit::verify::{Verdict, verify};
use rusqlite::Connection;
use serde_json::json;

use crate::backend::Backend;
use crate::client::Person;
use crate::house::House;
use crate::patience::PATIENCE;
use crate::process::Process;
use crate::scenes;

scenes![
    audit_retention_decides_when_entries_go,
    audit_verify_says_with_its_status_whether_the_trail_is_whole,
];

const DAY: Duration = Duration::from_hours(24);

async fn judge(house: &House) -> Verdict {
    let flows = house.running().flows();
    let tenant = flows
        .tenants
        .directory()
        .default_tenant()
        .expect("the tenant")
        .id;
    verify(flows, tenant, &[]).await.expect("judged")
}

/// Waits for what the audit owner does by itself.
async fn until(house: &House, what: impl Fn(&Verdict) -> bool) -> Verdict {
    let begun = Instant::now();
    loop {
        let verdict = judge(house).await;
        if what(&verdict) {
            return verdict;
        }
        assert!(begun.elapsed() < PATIENCE, "it never came: {verdict:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn audit_retention_decides_when_entries_go() {
    let house = House::with(Backend::Sqlite, &[("AUDIT_RETENTION", "10d")]).await;
    Person::register(&house.public(), "ada").await;
    until(&house, |verdict| {
        verdict.unsealed == 0 && verdict.good_to > 0
    })
    .await;
    house.clock.advance(DAY * 6);
    Person::register(&house.public(), "bo").await;
    let before = until(&house, |verdict| verdict.unsealed == 0).await;
    // A start looks for what is old at once.
    house.clock.advance(DAY * 6);
    let house = house.restart(&[]).await;
    let after = until(&house, |verdict| verdict.purged_to > 0).await;
    assert!(
        after.broken.is_none() && after.purged_to < before.good_to,
        "{after:?}"
    );
    assert_eq!(house.audit_count("audit.purged").await, 1);
    let people = house.audit_rows("user.registered").await;
    assert_eq!(people.len(), 1, "six days are no ten");
    let house = house.restart(&[("AUDIT_RETENTION", "5d")]).await;
    until(&house, |verdict| verdict.purged_to >= before.good_to).await;
    assert!(house.audit_rows("user.registered").await.is_empty());
    assert_eq!(judge(&house).await.broken, None);
    house.stop().await;
}

fn number(store: &Connection, query: &str) -> i64 {
    let found = store.query_row(query, [], |row| row.get(0));
    found.expect("a number")
}

fn count(path: &Path, condition: &str) -> i64 {
    let store = Connection::open(path).expect("the file");
    number(
        &store,
        &format!("SELECT COUNT(*) FROM audit WHERE {condition}"),
    )
}

/// Runs the command in the place where a service ran; gives its status and what it said.
fn run(directory: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut settings = crate::house::base_settings();
    let data = directory.join("data").display().to_string();
    settings.insert("DATA_DIR".to_owned(), data);
    let ran = Command::new(env!("CARGO_BIN_EXE_auth-service"))
        .args(arguments)
        .env_clear()
        .envs(settings)
        .current_dir(directory)
        .output();
    let ran = ran.expect("it runs");
    let said = [ran.stdout, ran.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    (ran.status.code(), said.concat())
}

async fn audit_verify_says_with_its_status_whether_the_trail_is_whole() {
    let process = Process::start(&[]).await;
    for name in ["ada", "bo", "cy"] {
        Person::register(&process.public(), name).await;
    }
    let begun = Instant::now();
    while count(&process.store(), "chain_no IS NULL") > 0 {
        assert!(begun.elapsed() < PATIENCE, "it is never sealed");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let directory = process.keep(PATIENCE).await;
    let place = directory.path();
    let (status, said) = run(place, &["audit", "verify"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(
        said.contains("state=whole") && said.contains("unsealed=0"),
        "{said}"
    );
    let (status, said) = run(place, &["audit", "verify", "--tenant", "nobody"]);
    assert_eq!(status, Some(1), "{said}");
    let kept = place.join("kept.json");
    std::fs::write(&kept, json!({ "checkpoints": [] }).to_string()).expect("a file");
    let kept = kept.display().to_string();
    let (status, said) = run(place, &["audit", "verify", "--checkpoints", &kept]);
    assert_eq!(status, Some(1), "nothing was kept in it: {said}");

    let store = Connection::open(place.join("data/auth.db")).expect("the file");
    let victim = number(&store, "SELECT seq FROM audit WHERE chain_no = 2");
    let changed = "UPDATE audit SET success = 0 WHERE chain_no = 2";
    assert_eq!(store.execute(changed, []), Ok(1));
    drop(store);
    let (status, said) = run(place, &["audit", "verify", "--tenant", "default"]);
    assert_eq!(status, Some(1), "{said}");
    let named = format!(
        "state=BROKEN purged_to=0 entries=1 good_to=1 unsealed=0 first_bad=2 entry={victim}"
    );
    assert!(said.contains(&named), "{said}");
}
