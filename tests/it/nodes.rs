//! Several nodes on one PostgreSQL and one Redis behave as one.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::case::Case;
use crate::cases;
use crate::client::{Person, Tokens};
use crate::house::House;

cases![
    a_refresh_race_across_nodes_has_one_winner,
    what_one_node_revokes_the_other_refuses_within_a_second,
    a_client_closed_on_one_node_gets_nothing_on_the_other,
    a_key_rotated_on_one_node_verifies_on_the_other,
    guesses_are_counted_together,
];

pub fn all() -> Vec<Case> {
    cases()
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
        async move { Tokens::of(&person.refresh(&token).await.expect(200)).refresh }
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
        let tokens = here.login().await;
        there.me(&tokens.access).await.expect(200);
        let me = house.public().bearer(&tokens.access);
        me.post(act, json!({ "token": tokens.access }))
            .await
            .expect(200);
        refused_within_a_second(&there, &tokens).await;
    }
    let tokens = here.login().await;
    let path = format!("/admin/users/{}/lock", house.user_id(&here).await);
    house
        .admin()
        .post(&path, json!({ "reason": "test" }))
        .await
        .expect(200);
    there.refresh(&tokens.refresh).await.expect(401);
    refused_within_a_second(&there, &tokens).await;
    other.stop().await;
}

async fn refused_within_a_second(person: &Person, tokens: &Tokens) {
    let begun = Instant::now();
    loop {
        let asked = begun.elapsed();
        if person.me(&tokens.access).await.status.as_u16() == 401 {
            return;
        }
        assert!(asked < A_SECOND, "still accepted after a second");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn a_client_closed_on_one_node_gets_nothing_on_the_other(house: House) {
    let other = house.second_node().await;
    let (id, secret) = house.add_client(&["read"]).await;
    other.client_token(&id, &secret).await.expect(200);
    let path = format!("/admin/clients/{id}");
    house
        .admin()
        .patch(&path, json!({ "disabled": true }))
        .await
        .expect(200);
    let begun = Instant::now();
    loop {
        let asked = begun.elapsed();
        if other.client_token(&id, &secret).await.status.as_u16() == 401 {
            break;
        }
        assert!(asked < A_SECOND, "still served after a second");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    other.stop().await;
}

async fn a_key_rotated_on_one_node_verifies_on_the_other(house: House) {
    let other = house.second_node().await;
    let here = Person::register(&house.public(), "ada").await;
    let there = Person {
        public: other.public(),
        ..here.clone()
    };
    house.clock.advance(Duration::from_secs(601));
    house
        .admin()
        .post("/admin/keys/rotate", json!({}))
        .await
        .expect(200);
    there.me(&here.login().await.access).await.expect(200);
    here.me(&there.login().await.access).await.expect(200);
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
