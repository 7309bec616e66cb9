//! Claims about texts that find many accounts.

use domain::id::TenantId;
use domain::page::Page;
use domain::user::User;
use rusqlite::params;
use uuid::Uuid;

use super::users::many;
use super::*;

/// So many are looked at in these tests before the indexes are asked.
const NEAR: u32 = 10;
const TENANT: TenantId = TenantId::from_uuid(Uuid::max());

/// Stores accounts whose addresses and names begin as told, oldest first.
async fn furnish(sqlite: &Sqlite, people: &[(&str, &str)]) {
    let people: Vec<(String, String)> = people
        .iter()
        .map(|(email, name)| ((*email).to_owned(), (*name).to_owned()))
        .collect();
    let stored = sqlite.write(move |step| {
        let tenant = Uuid::max().into_bytes();
        step.execute(
            "INSERT OR IGNORE INTO tenants (tenant_id, slug, name, status, config, created_at, version)
            VALUES (?1, 'many', 'Many', 'active', '{}', 0, 1)",
            [tenant],
        )?;
        for (number, (email, name)) in (1_u128..).zip(&people) {
            let email = format!("{email}{number}@example.org");
            step.execute(
                "INSERT INTO users (tenant_id, id, email, email_key, email_verified, name, name_key,
                    status, roles, created_at, updated_at, version)
                VALUES (?1, ?2, ?3, ?3, 0, ?4, ?4, 'active', '[]', 0, 0, 1)",
                params![tenant, Uuid::from_u128(number).into_bytes(), email, name],
            )?;
        }
        Ok(())
    });
    stored.await.unwrap();
}

async fn list(sqlite: &Sqlite, text: &'static str, start: PageStart, near: u32) -> Page<User> {
    let listed = sqlite.read(move |connection| {
        let per_page = 7;
        let window = row::Window::of(PageRequest { start, per_page });
        many::list(connection, (TENANT, text), &window, near)
    });
    listed.await.unwrap()
}

fn ids(page: &Page<User>) -> Vec<u128> {
    let numbers = page.items.iter().map(|user| user.id.as_uuid().as_u128());
    numbers.collect()
}

/// Wherever the accounts are, and by which of the two they are found.
#[tokio::test]
async fn a_page_is_the_same_whether_the_newest_or_the_indexes_give_it() {
    let store = store();
    let mut people = Vec::new();
    for turn in 0..100 {
        people.push(match turn % 4 {
            0 => ("ada", "bob"),
            1 if turn < 50 => ("old", "ada"),
            2 => ("ada", "ada"),
            _ => ("new", "nobody"),
        });
    }
    furnish(&store.sqlite, &people).await;
    let newest = |text: &'static str| {
        let found = (1_u128..)
            .zip(&people)
            .filter(|(_, (email, name))| email.starts_with(text) || name.starts_with(text));
        let mut found: Vec<u128> = found.map(|(number, _)| number).collect();
        found.reverse();
        found
    };
    for text in ["ada", "old", "new", "b", "n", "o", "none"] {
        let expected = newest(text);
        for number in 1..=12 {
            let page = list(&store.sqlite, text, PageStart::Number(number), NEAR).await;
            let place = usize::try_from(number - 1).unwrap() * 7;
            let wanted: Vec<u128> = expected.iter().skip(place).take(7).copied().collect();
            assert_eq!(ids(&page), wanted, "page {number} of {text}");
        }
        // By cursor, to the end.
        let (mut met, mut start) = (Vec::new(), PageStart::Number(1));
        loop {
            let page = list(&store.sqlite, text, start, NEAR).await;
            met.extend(ids(&page));
            let Some(next) = page.next else {
                break;
            };
            start = PageStart::After(next);
        }
        assert_eq!(met, expected, "{text} by cursor");
    }
}

/// Nobody is sorted who is not found, and what is looked at first is walked in the order of the list.
#[tokio::test]
async fn many_accounts_are_found_by_three_indexes() {
    let store = store();
    let by_id = "sqlite_autoindex_users_1 (tenant_id=? AND id";
    for (sql, values, indexes) in [
        (many::FLOOR, 3, &[by_id][..]),
        (many::AMONG_THE_NEWEST, 7, &[by_id]),
        (
            many::AMONG_ALL,
            6,
            &[
                "sqlite_autoindex_users_2 (tenant_id=? AND email_key>? AND email_key<?)",
                "users_by_name (tenant_id=? AND name_key>? AND name_key<?)",
                by_id,
            ],
        ),
    ] {
        let plan = plan(&store.sqlite, sql.to_owned(), vec![Value::Null; values])
            .await
            .join("\n");
        assert!(!plan.contains("SCAN users"), "{plan}");
        for index in indexes {
            assert!(plan.contains(index), "{index}: {plan}");
        }
    }
}
