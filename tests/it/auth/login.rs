//! POST /auth/login.

use std::time::Duration;

use serde_json::json;

use crate::cases;
use crate::client::{Answer, Person, Tokens};
use crate::house::House;

cases![
    a_sign_in_gives_a_token_pair,
    unknown_wrong_locked_suspended_and_disabled_get_one_answer_for_one_hash,
    from_the_fifth_failure_on_the_delay_grows_and_then_the_account_locks,
    an_unknown_account_is_delayed_like_a_known_one,
    a_right_password_resets_the_count,
    a_hundred_failures_disable_the_password_until_it_is_reset,
    parallel_guesses_do_not_race_the_counter,
    many_sign_ins_of_one_person_at_once_all_succeed,
    nist_sp_800_63b_4_3_1_1_2_the_whole_password_is_verified,
];

async fn a_sign_in_gives_a_token_pair(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let answer = person.try_login(&person.password).await.expect(200);
    let body = answer.json();
    assert!(answer.field("access_token").starts_with("qf_at_"));
    assert!(answer.field("refresh_token").starts_with("qf_rt_"));
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 900);
    assert!(body["scope"].is_string() && body["user_id"].is_string());
    assert_eq!(answer.header("cache-control"), "no-store");
    let me = person.me(&answer.field("access_token")).await.expect(200);
    assert_eq!(me.json()["id"], body["user_id"]);
}

/// OWASP ASVS 5.0 §6.3.8. That the durations are equal is shown by what takes them: one hash each.
async fn unknown_wrong_locked_suspended_and_disabled_get_one_answer_for_one_hash(house: House) {
    let known = Person::register(&house.public(), "known").await;
    let called = |email: &str| Person {
        email: email.to_owned(),
        ..known.clone()
    };
    let mistaken = Person {
        password: "a wrong password entirely".to_owned(),
        ..known.clone()
    };
    let mut kinds = vec![
        ("wrong", mistaken),
        ("unknown", called("nobody@example.org")),
        ("no address", called("no address at all")),
    ];
    for status in ["locked", "suspended"] {
        let person = Person::register(&house.public(), status).await;
        let path = format!("/admin/users/{}", house.user_id(&person).await);
        let change = json!({ "status": status });
        house.admin().patch(&path, change).await.expect(200);
        kinds.push((status, person));
    }
    let disabled = Person::register(&house.public(), "disabled").await;
    disable(&house, &disabled).await;
    kinds.push(("disabled", disabled));
    let mut answers = Vec::new();
    for (kind, person) in kinds {
        let before = hashes(&house).await;
        let answer = person.try_login(&person.password).await;
        assert_eq!(hashes(&house).await - before, 1, "hashes for {kind}");
        answers.push((kind, told(&answer)));
    }
    let (_, first) = &answers[0];
    assert!(first.starts_with("401"), "{first}");
    for (kind, told) in &answers {
        assert_eq!(told, first, "{kind}");
    }
}

/// Everything an answer tells, but what names the one request and its second.
fn told(answer: &Answer) -> String {
    let mut body = answer.json();
    body["request_id"].take();
    let mut headers = answer.headers.clone();
    for name in ["x-request-id", "date"] {
        assert!(headers.remove(name).is_some(), "{name}: {headers:?}");
    }
    let mut headers: Vec<_> = headers.iter().map(|header| format!("{header:?}")).collect();
    headers.sort();
    format!("{} {body} {headers:?}", answer.status)
}

/// How many passwords were hashed since the start.
async fn hashes(house: &House) -> u64 {
    let metrics = house.stranger().get("/metrics").await.expect(200).text;
    let count = |line: &str| {
        let count = line.strip_prefix("password_hashing_duration_seconds_count ")?;
        count.parse().ok()
    };
    metrics.lines().find_map(count).expect("the meter")
}

/// NIST SP 800-63B-4 §3.2.2.
async fn from_the_fifth_failure_on_the_delay_grows_and_then_the_account_locks(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    for _ in 0..5 {
        person
            .try_login("wrong wrong wrong wrong")
            .await
            .expect_code(401, "UNAUTHORIZED");
    }
    for delay in [1, 2, 4, 8, 16] {
        let refused = person.try_login(&person.password).await;
        let refused = refused.expect_code(429, "RATE_LIMIT_EXCEEDED");
        refused.expect_wait(delay);
        house.clock.advance(Duration::from_secs(delay));
        person
            .try_login("wrong wrong wrong wrong")
            .await
            .expect(401);
    }
    let locked = person.try_login(&person.password).await.expect(429);
    locked.expect_wait(900);
    house.clock.advance(Duration::from_mins(15));
    person.login().await;
}

async fn an_unknown_account_is_delayed_like_a_known_one(house: House) {
    let known = Person::register(&house.public(), "ada").await;
    let unknown = Person {
        email: "nobody@example.org".to_owned(),
        ..known.clone()
    };
    for _ in 0..5 {
        unknown
            .try_login("wrong wrong wrong wrong")
            .await
            .expect(401);
    }
    let refused = unknown
        .try_login("wrong wrong wrong wrong")
        .await
        .expect(429);
    refused.expect_wait(1);
    known.login().await;
}

async fn a_right_password_resets_the_count(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    for _ in 0..3 {
        for _ in 0..4 {
            person
                .try_login("wrong wrong wrong wrong")
                .await
                .expect(401);
        }
        person.login().await;
    }
}

async fn a_hundred_failures_disable_the_password_until_it_is_reset(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    disable(&house, &person).await;
    person.try_login(&person.password).await.expect(401);
    let last = house.audit_rows("login.failed").await.remove(0);
    let shown = last.fields.to_string();
    assert!(
        shown.contains("disabled"),
        "the trail shows who goes on: {shown}"
    );
    let token = house.reset_token(&person).await;
    let body = json!({ "token": token, "new_password": "a fresh and long passphrase" });
    house
        .public()
        .post("/auth/password/reset/confirm", body)
        .await
        .expect(200);
    person
        .try_login("a fresh and long passphrase")
        .await
        .expect(200);
}

/// Guesses until a password is disabled, and lets every delay pass.
async fn disable(house: &House, person: &Person) {
    let mut failures = 0;
    while failures < 100 {
        // From many networks, so that only the account's own count is at work.
        let network = format!("198.51.100.{}", failures % 250);
        let public = house.public().with("x-forwarded-for", network);
        let guesser = Person {
            public,
            ..person.clone()
        };
        match guesser
            .try_login("wrong wrong wrong wrong")
            .await
            .status
            .as_u16()
        {
            401 => failures += 1,
            429 => house.clock.advance(Duration::from_mins(15)),
            other => panic!("{other}"),
        }
    }
    house.clock.advance(Duration::from_hours(24));
}

async fn parallel_guesses_do_not_race_the_counter(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let guesses = (0..50).map(|_| person.try_login("wrong wrong wrong wrong"));
    let answers = futures_util::future::join_all(guesses).await;
    let looked_at = answers
        .iter()
        .filter(|answer| answer.status.as_u16() == 401)
        .count();
    assert_eq!(
        looked_at, 5,
        "guesses that were looked at before the delay began"
    );
}

async fn many_sign_ins_of_one_person_at_once_all_succeed(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let sign_ins = (0..10).map(|_| person.try_login(&person.password));
    for answer in futures_util::future::join_all(sign_ins).await {
        Tokens::of(&answer.expect(200));
    }
}

async fn nist_sp_800_63b_4_3_1_1_2_the_whole_password_is_verified(house: House) {
    let password = "a quiet garden in the rain, and ".repeat(4);
    let person = Person {
        email: "grace@example.org".to_owned(),
        password: password.clone(),
        public: house.public(),
    };
    let body = json!({ "email": person.email, "password": password, "name": "Grace" });
    let registered = person.public.post("/auth/register", body).await;
    registered.expect(201);
    let cut = &password[..password.len() - 1];
    for wrong in [cut, &password[..72], &format!("{password}x")] {
        person.try_login(wrong).await.expect(401);
    }
    person.login().await;
}
