//! API keys from the command line: a leaked one is revoked under the running service.

use crate::process::{Site, Store, client};

/// Makes, uses, lists and revokes a key. The embedded store belongs to one process, so there the
/// service is stopped for each command; on PostgreSQL it runs all along.
pub async fn revokes_a_leaked_key(store: Store) {
    let site = Site::new(store, &[]).await;
    let mut process = None;
    if store == Store::Postgres {
        process = Some(site.start().await.0);
    }
    let made = site.operate(&["admin", "create-key", "--name", "ci", "--expires", "90d"]);
    let part = |name: &str| {
        let value = made.lines().find_map(|line| line.strip_prefix(name));
        value.expect("a part of the key").to_owned()
    };
    let (id, key) = (part("api_key_id="), part("api_key="));
    let other = site.operate(&["admin", "create-key", "--scopes", "admin:users,admin:keys"]);
    if process.is_none() {
        process = Some(site.start().await.0);
    }
    assert_eq!(ask(&site, &key).await, 200);

    if store == Store::Sqlite {
        drop(process.take());
    }
    let listed = site.operate(&["admin", "list-keys"]);
    let line = |text: &str| listed.lines().any(|line| line.contains(text));
    assert!(line(&format!("{id} state=live name=\"ci\"")), "{listed}");
    assert!(line("scopes=admin:users,admin:keys"), "{listed}");
    assert!(!listed.contains(&key), "{listed}");
    let revoked = site.operate(&["admin", "revoke-key", &id]);
    assert_eq!(revoked, format!("revoked={id}\n"));
    let _process = match process {
        Some(process) => process,
        None => site.start().await.0,
    };
    assert_eq!(ask(&site, &key).await, 401, "revoked");
    let other = other.lines().find_map(|line| line.strip_prefix("api_key="));
    assert_eq!(ask(&site, other.expect("a key")).await, 200, "another");
}

/// Asks the admin door for something, and gives the status.
async fn ask(site: &Site, key: &str) -> u16 {
    let url = format!("{}/admin/users", site.admin);
    let answer = client().get(url).header("x-api-key", key).send().await;
    answer.expect("an answer").status().as_u16()
}
