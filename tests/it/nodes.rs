//! Several nodes on one PostgreSQL and one Redis behave as one.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::case::Case;
use crate::cases;
use crate::client::{Client, Person, Tokens};
use crate::house::House;
use crate::oauth::{World, signing};
use crate::patience::{PATIENCE, best_of_three};

cases![
    a_refresh_race_across_nodes_has_one_winner,
    what_one_node_revokes_the_other_refuses_within_a_second,
    a_client_closed_on_one_node_gets_nothing_on_the_other,
    a_key_rotated_on_one_node_is_published_and_verifies_on_the_other,
    openid_connect_core_10_1_1_a_new_algorithm_is_published_everywhere_within_a_second,
    a_role_taken_on_one_node_opens_nothing_on_the_other,
    a_policy_taken_back_on_one_node_opens_nothing_on_the_other,
    guesses_are_counted_together,
    a_tenant_closed_on_one_node_is_closed_on_the_other,
];

mod factors;
mod grants;
mod keys;

pub fn all() -> Vec<Case> {
    [cases(), grants::cases(), factors::cases(), keys::cases()]
        .into_iter()
        .flatten()
        .collect()
}

/// What every promise of CONTRACT §11 allows.
const A_SECOND: Duration = Duration::from_secs(1);

async fn a_refresh_race_across_nodes_has_one_winner(house: House) {
    let other = house.second_node().await;
    let here = Person::register(&house.public(), "ada").await;
    let there = Person {
        public: other.public(),
        ..here.clone()
    };
    let tokens = here.login().await;
    let presentations = (0..200).map(|n| {
        let person = if n % 2 == 0 {
            here.clone()
        } else {
            there.clone()
        };
        let token = tokens.refresh.clone();
        async move { person.refresh_when_told(&token).await }
    });
    let mut successors = futures_util::future::join_all(presentations).await;
    successors.sort();
    successors.dedup();
    assert_eq!(successors.len(), 1, "one successor on all nodes");
    assert_eq!(house.audit_count("token.refreshed").await, 1);
    let next = Tokens::of(&there.refresh(&successors[0]).await.expect(200));
    house.clock.advance(Duration::from_secs(31));
    here.refresh(&tokens.refresh).await.expect(401);
    there.refresh(&next.refresh).await.expect(401);
    other.stop().await;
}

async fn what_one_node_revokes_the_other_refuses_within_a_second(house: House) {
    let other = house.second_node().await;
    let here = Person::register(&house.public(), "ada").await;
    let there = Person {
        public: other.public(),
        ..here.clone()
    };
    for act in ["/auth/logout", "/auth/revoke"] {
        best_of_three(A_SECOND, async |_| {
            let tokens = here.login().await;
            there.me(&tokens.access).await.expect(200);
            let me = house.public().bearer(&tokens.access);
            let body = json!({ "token": tokens.access });
            me.post(act, body).await.expect(200);
            until_refused(&there, &tokens).await
        })
        .await;
    }
    let path = format!("/admin/users/{}", house.user_id(&here).await);
    best_of_three(A_SECOND, async |_| {
        let tokens = here.login().await;
        let lock = json!({ "reason": "test" });
        let locked = house.admin().post(&format!("{path}/lock"), lock).await;
        locked.expect(200);
        there.refresh(&tokens.refresh).await.expect(401);
        let took = until_refused(&there, &tokens).await;
        let unlock = format!("{path}/unlock");
        house.admin().post(&unlock, json!({})).await.expect(200);
        took
    })
    .await;
    other.stop().await;
}

/// Asks until an access token is refused; says how long that took.
async fn until_refused(person: &Person, tokens: &Tokens) -> Duration {
    let begun = Instant::now();
    while person.me(&tokens.access).await.status.as_u16() != 401 {
        assert!(begun.elapsed() < PATIENCE, "still accepted");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    begun.elapsed()
}

async fn a_client_closed_on_one_node_gets_nothing_on_the_other(house: House) {
    let other = house.second_node().await;
    best_of_three(A_SECOND, async |_| {
        let (id, secret) = house.add_client(&["read"]).await;
        other.client_token(&id, &secret).await.expect(200);
        let path = format!("/admin/clients/{id}");
        let admin = house.admin();
        let closed = admin.patch(&path, json!({ "disabled": true })).await;
        closed.expect(200);
        let begun = Instant::now();
        while other.client_token(&id, &secret).await.status.as_u16() != 401 {
            assert!(begun.elapsed() < PATIENCE, "still served");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        begun.elapsed()
    })
    .await;
    other.stop().await;
}

async fn a_key_rotated_on_one_node_is_published_and_verifies_on_the_other(house: House) {
    let other = house.second_node().await;
    let here = Person::register(&house.public(), "ada").await;
    let there = Person {
        public: other.public(),
        ..here.clone()
    };
    best_of_three(A_SECOND, async |_| {
        house.clock.advance(Duration::from_secs(601));
        let rotated = house.admin().post("/admin/keys/rotate", json!({})).await;
        rotated.expect(200);
        let published = published_by(&house).await;
        let begun = Instant::now();
        while published_by(&other).await != published {
            assert!(begun.elapsed() < PATIENCE, "still the old keys");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let took = begun.elapsed();
        there.me(&here.login().await.access).await.expect(200);
        here.me(&there.login().await.access).await.expect(200);
        took
    })
    .await;
    other.stop().await;
}

/// The key set that a node shows.
async fn published_by(house: &House) -> String {
    let answer = house.public().get("/.well-known/jwks.json").await;
    answer.expect(200).text
}

async fn a_role_taken_on_one_node_opens_nothing_on_the_other(house: House) {
    let other = house.second_node().await;
    let person = Person::register(&house.public(), "ada").await;
    let path = format!("/admin/users/{}", house.user_id(&person).await);
    best_of_three(A_SECOND, async |_| {
        let roles = json!({ "roles": ["user", "admin"] });
        house.admin().patch(&path, roles).await.expect(200);
        let operator = other.stranger().bearer(&person.login().await.access);
        operator.get("/admin/users").await.expect(200);
        let roles = json!({ "roles": ["user"] });
        house.admin().patch(&path, roles).await.expect(200);
        until_closed(&operator).await
    })
    .await;
    other.stop().await;
}

async fn a_policy_taken_back_on_one_node_opens_nothing_on_the_other(house: House) {
    let other = house.second_node().await;
    let person = Person::register(&house.public(), "ada").await;
    let subject = format!("user:{}", house.user_id(&person).await);
    let operator = other.stranger().bearer(&person.login().await.access);
    let policy = json!({ "subject": subject, "object": "admin:users", "action": "read" });
    best_of_three(A_SECOND, async |_| {
        let admin = house.admin();
        let made = admin.post("/admin/rbac/policies", policy.clone()).await;
        let made = made.expect(201).field("id");
        let begun = Instant::now();
        while !operator.get("/admin/users").await.status.is_success() {
            assert!(begun.elapsed() < PATIENCE, "still no operator");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let path = format!("/admin/rbac/policies/{made}");
        admin.delete(&path).await.expect(204);
        until_closed(&operator).await
    })
    .await;
    other.stop().await;
}

/// Asks until an operator is none any more; says how long that took.
async fn until_closed(operator: &Client) -> Duration {
    let begun = Instant::now();
    while operator.get("/admin/users").await.status.is_success() {
        assert!(begun.elapsed() < PATIENCE, "still an operator");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    begun.elapsed()
}

async fn openid_connect_core_10_1_1_a_new_algorithm_is_published_everywhere_within_a_second(
    house: House,
) {
    let world = World::new(house).await;
    let other = world.house.second_node().await;
    let client = signing::answered_in(&world, "RS256").await;
    let identity = signing::tokens(&world, &client).await.field("id_token");
    let kid = signing::header(&identity)["kid"].clone();
    let begun = Instant::now();
    loop {
        let answer = other.public().get("/.well-known/jwks.json").await;
        let set = answer.expect(200).json();
        let keys = set["keys"].as_array().expect("keys");
        if keys.iter().any(|key| key["kid"] == kid) {
            break;
        }
        assert!(begun.elapsed() < A_SECOND, "not published");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    other.stop().await;
}

async fn guesses_are_counted_together(house: House) {
    let other = house.second_node().await;
    let here = Person::register(&house.public(), "ada").await;
    let there = Person {
        public: other.public(),
        ..here.clone()
    };
    for n in 0..5 {
        let person = if n % 2 == 0 { &here } else { &there };
        person
            .try_login("wrong wrong wrong wrong")
            .await
            .expect(401);
    }
    here.try_login(&here.password).await.expect(429);
    there.try_login(&there.password).await.expect(429);
    other.stop().await;
}

async fn a_tenant_closed_on_one_node_is_closed_on_the_other(house: House) {
    let other = house.second_node().await;
    let admin = house.admin();
    let body = json!({ "name": "Acme", "slug": "acme" });
    admin.post("/admin/tenants", body).await.expect(201);
    let there = other.public().with("x-tenant-id", "acme");
    let path = "/.well-known/openid-configuration";
    let until = async |status: u16| {
        let begun = Instant::now();
        while there.get(path).await.status.as_u16() != status {
            assert!(begun.elapsed() < PATIENCE, "still not {status}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        begun.elapsed()
    };
    until(200).await;
    let person = Person::register(&there, "ada").await;
    let tokens = person.login().await;
    best_of_three(A_SECOND, async |_| {
        let reason = json!({ "reason": "unpaid" });
        let closed = admin.post("/admin/tenants/acme/suspend", reason).await;
        closed.expect(200);
        let took = until(403).await;
        person.me(&tokens.access).await.expect(403);
        person.refresh(&tokens.refresh).await.expect(403);
        let open = admin.post("/admin/tenants/acme/activate", json!({})).await;
        open.expect(200);
        until(200).await;
        person.me(&tokens.access).await.expect(200);
        took
    })
    .await;
    admin.delete("/admin/tenants/acme").await.expect(204);
    until(404).await;
    other.stop().await;
}
