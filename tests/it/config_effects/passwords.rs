//! What a password must be: `PASSWORD_MIN_LENGTH`, `PASSWORD_MAX_LENGTH`, `BREACHED_PASSWORDS_API_URL`.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::json;

use crate::backend::Backend;
use crate::client::Answer;
use crate::house::House;
use crate::ports::Gone;
use crate::scenes;
use crate::sink::Sink;

scenes![
    password_min_and_max_length_bound_a_new_password,
    a_breached_password_is_refused_without_being_told,
    a_service_of_breached_passwords_that_is_away_stops_nobody,
];

async fn register(house: &House, name: &str, password: &str) -> Answer {
    let body = json!({
        "email": format!("{name}@example.org"), "password": password, "name": "Some Body",
    });
    house.public().post("/auth/register", body).await
}

/// A text of so many characters that nobody has thought of before.
fn unusual(length: usize) -> String {
    "quiet garden, wet stones, seven herons; "
        .chars()
        .cycle()
        .take(length)
        .collect()
}

async fn password_min_and_max_length_bound_a_new_password() {
    let settings = [("PASSWORD_MIN_LENGTH", "20"), ("PASSWORD_MAX_LENGTH", "80")];
    let house = House::with(Backend::Sqlite, &settings).await;
    for (name, length, status) in [
        ("short", 19, 422),
        ("least", 20, 201),
        ("most", 80, 201),
        ("long", 81, 422),
    ] {
        let answer = register(&house, name, &unusual(length))
            .await
            .expect(status);
        if status == 422 {
            assert_eq!(answer.json()["details"][0]["field"], "password");
        }
    }
    house.stop().await;
}

/// The SHA-1 of a password, as such services write it.
fn digits(password: &str) -> String {
    let sum = digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
    sum.as_ref()
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect()
}

async fn a_breached_password_is_refused_without_being_told() {
    let (breached, fine) = (unusual(30), unusual(31));
    let listed = digits(&breached);
    let (told, kept) = listed.split_at(5);
    let line = format!("{kept}:42\r\n0000000000000000000000000000000000A:0\r\n");
    let service = Sink::http(move |_| (200, line.clone()));
    let url = format!("{}/passwords", service.url());
    let house = House::with(Backend::Sqlite, &[("BREACHED_PASSWORDS_API_URL", &url)]).await;
    register(&house, "ada", &breached)
        .await
        .expect_code(422, "VALIDATION_ERROR");
    register(&house, "ada", &fine).await.expect(201);
    let asked = service.kept();
    assert_eq!(asked[0].line, format!("GET /passwords/range/{told}"));
    assert!(asked[0].head.contains("add-padding: true"));
    assert!(!format!("{asked:?}").contains(&kept[..10]));
    house.stop().await;
}

async fn a_service_of_breached_passwords_that_is_away_stops_nobody() {
    let broken = Sink::http(|_| (500, "no".to_owned()));
    let nobody = Gone::new();
    let gone = format!("http://{}", nobody.address);
    let mute = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let hanging = format!("http://{}", mute.local_addr().expect("its address"));
    for url in [broken.url(), gone, hanging] {
        let house = House::with(Backend::Sqlite, &[("BREACHED_PASSWORDS_API_URL", &url)]).await;
        register(&house, "ada", &unusual(30)).await.expect(201);
        let metrics = house.stranger().get("/metrics").await.expect(200).text;
        let counted = metrics
            .lines()
            .any(|line| line.contains("breach") && !line.starts_with('#') && line.ends_with(" 1"));
        assert!(counted, "{url} is not counted: {metrics}");
        house.stop().await;
    }
}
