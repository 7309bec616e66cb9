//! What a password must be: `PASSWORD_MIN_LENGTH`, `PASSWORD_MAX_LENGTH`, `BREACHED_PASSWORDS_API_URL`.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::json;

use crate::backend::Backend;
use crate::browser::Browser;
use crate::client::{Answer, Person};
use crate::house::House;
use crate::ports::Gone;
use crate::scenes;
use crate::sink::Sink;

scenes![
    password_min_and_max_length_bound_a_new_password,
    nist_sp_800_63b_4_3_1_1_2_eight_characters_do_only_where_a_second_factor_is_required,
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

/// Sets what the tenant asks beside a password.
async fn set_policy(house: &House, policy: &str) {
    let body = json!({ "config": { "mfa": policy } });
    let patched = house.admin().patch("/admin/tenants/default", body).await;
    patched.expect(200);
}

/// Checks that somewhere a new password has at least so many characters, wherever one is set.
async fn expect_least(house: &House, person: &Person, least: usize) {
    let name = format!("least{least}");
    let (short, enough) = (unusual(least - 1), unusual(least));
    register(house, &name, &short).await.expect(422);
    register(house, &name, &enough).await.expect(201);
    let create = |password: &str| {
        let email = format!("made{least}@example.org");
        json!({ "email": email, "password": password, "name": "Some Body" })
    };
    let admin = house.admin();
    let refused = admin.post("/admin/users", create(&short)).await;
    refused.expect(422);
    let made = admin.post("/admin/users", create(&enough)).await;
    made.expect(201);
    let token = house.reset_token(person).await;
    let path = "/auth/password/reset/confirm";
    for (password, status) in [(&short, 422), (&enough, 200)] {
        let body = json!({ "token": token, "new_password": password });
        house.public().post(path, body).await.expect(status);
    }
    let mut browser = Browser::new(&house.public());
    for page in ["/register", "/reset-password?token=x"] {
        let page = browser.open(page).await;
        let told = format!("At least {least} characters");
        assert!(page.answer.text.contains(&told), "{}", page.path);
    }
}

async fn nist_sp_800_63b_4_3_1_1_2_eight_characters_do_only_where_a_second_factor_is_required() {
    let house = House::with(Backend::Sqlite, &[("PASSWORD_MIN_LENGTH", "8")]).await;
    let person = Person::register(&house.public(), "ada").await;
    expect_least(&house, &person, 15).await;
    let signed_in = person.try_login(&unusual(15)).await.expect(200);
    let me = house.public().bearer(&signed_in.field("access_token"));
    set_policy(&house, "require").await;
    for (length, status) in [(7, 422), (8, 200)] {
        let body = json!({ "old_password": unusual(15), "new_password": unusual(length) });
        me.put("/auth/me/password", body).await.expect(status);
    }
    expect_least(&house, &person, 8).await;
    // Back again, what was set stays, and what is new is longer.
    set_policy(&house, "off").await;
    let signed_in = person.try_login(&unusual(8)).await.expect(200);
    let me = house.public().bearer(&signed_in.field("access_token"));
    let body = json!({ "old_password": unusual(8), "new_password": unusual(14) });
    me.put("/auth/me/password", body).await.expect(422);
    register(&house, "late", &unusual(14)).await.expect(422);
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
