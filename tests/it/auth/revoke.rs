//! POST /auth/token/revoke and POST /auth/revoke (RFC 7009).

use serde_json::json;

use crate::cases;
use crate::client::Person;
use crate::house::House;

cases![
    revoking_a_refresh_token_ends_its_family_and_its_access_token,
    revoking_an_access_token_refuses_it_and_nothing_else,
    both_paths_and_both_media_types_work,
    rfc_7009_2_2_an_unknown_token_is_answered_with_200,
    another_tenants_token_is_not_revoked,
];

async fn revoking_a_refresh_token_ends_its_family_and_its_access_token(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let (tokens, other) = (person.login().await, person.login().await);
    let body = json!({ "token": tokens.refresh });
    let answer = house
        .public()
        .post("/auth/token/revoke", body)
        .await
        .expect(200);
    assert!(answer.json()["message"].is_string());
    person.refresh(&tokens.refresh).await.expect(401);
    person.me(&tokens.access).await.expect(401);
    person.me(&other.access).await.expect(200);
    person.refresh(&other.refresh).await.expect(200);
}

async fn revoking_an_access_token_refuses_it_and_nothing_else(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let tokens = person.login().await;
    house
        .public()
        .post("/auth/revoke", json!({ "token": tokens.access }))
        .await
        .expect(200);
    person
        .me(&tokens.access)
        .await
        .expect_code(401, "UNAUTHORIZED");
    person.refresh(&tokens.refresh).await.expect(200);
}

async fn both_paths_and_both_media_types_work(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    for path in ["/auth/token/revoke", "/auth/revoke", "/oauth/revoke"] {
        let tokens = person.login().await;
        let fields = [
            ("token", tokens.refresh.as_str()),
            ("client_id", "first-party"),
        ];
        house.public().form(path, &fields).await.expect(200);
        person.refresh(&tokens.refresh).await.expect(401);
    }
}

async fn rfc_7009_2_2_an_unknown_token_is_answered_with_200(house: House) {
    for token in ["nonsense", "qf_rt_AAAA", "qf_at_a.b.c", ""] {
        let status = house
            .public()
            .post("/auth/revoke", json!({ "token": token }))
            .await
            .status;
        let expected = if token.is_empty() {
            [400, 422].as_slice()
        } else {
            [200].as_slice()
        };
        assert!(expected.contains(&status.as_u16()), "{token:?}: {status}");
    }
}

async fn another_tenants_token_is_not_revoked(house: House) {
    house.add_tenant("acme").await;
    let person = Person::register(&house.public(), "ada").await;
    let tokens = person.login().await;
    let acme = house.public().with("x-tenant-id", "acme");
    acme.post("/auth/revoke", json!({ "token": tokens.refresh }))
        .await
        .expect(200);
    acme.post("/auth/revoke", json!({ "token": tokens.access }))
        .await
        .expect(200);
    person.me(&tokens.access).await.expect(200);
    person.refresh(&tokens.refresh).await.expect(200);
}
