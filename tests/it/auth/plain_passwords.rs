//! What NIST SP 800-63B-4 §3.1.1.2 forbids around passwords: rules of composition, hints, questions, and
//! changes by the calendar.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::cases;
use crate::client::Person;
use crate::house::House;

cases![
    nist_sp_800_63b_4_3_1_1_2_a_password_of_one_kind_of_character_or_of_any_length_does,
    nist_sp_800_63b_4_3_1_1_2_no_form_and_no_body_has_a_hint_or_a_question,
    nist_sp_800_63b_4_3_1_1_2_an_old_password_is_as_good_as_a_new_one,
];

/// What protocols call hints: they say who somebody is, or what a token is.
const PROTOCOL_HINTS: [&str; 5] = [
    "login_hint",
    "login_hint_token",
    "id_token_hint",
    "logout_hint",
    "token_type_hint",
];
const YEAR: Duration = Duration::from_hours(366 * 24);

/// "Verifiers and CSPs SHALL NOT impose other composition rules (e.g., requiring mixtures of different
/// character types) for passwords."
async fn nist_sp_800_63b_4_3_1_1_2_a_password_of_one_kind_of_character_or_of_any_length_does(
    house: House,
) {
    let long = "kqzjw vbxmf hrtpl dnsgc ".repeat(5);
    let of_spaces = "q      w   e         ";
    for (n, password) in [
        "qmzvkwpxjhtrnbgdslqk",
        "QMZVKWPXJHTRNBGDSLQK",
        "73915028461937502846",
        "!?#$%&/()=+*~^@<>|;:",
        "жщюяэфцшъыгнкпвачсмт",
        of_spaces,
        &long,
    ]
    .into_iter()
    .enumerate()
    {
        let email = format!("p{n}@example.org");
        let body = json!({ "email": email, "password": password, "name": "x" });
        let made = house.public().post("/auth/register", body).await;
        assert_eq!(made.status, 201, "{password}: {}", made.text);
        let body = json!({ "email": email, "password": password });
        house.public().post("/auth/login", body).await.expect(200);
    }
}

/// Says whether a field is one for what helps to remember a password, or stands for one.
fn is_reminder(name: &str) -> bool {
    let name = name.to_lowercase();
    let words = [
        "hint",
        "question",
        "reminder",
        "maiden",
        "security_answer",
        "secret_answer",
    ];
    words.iter().any(|word| name.contains(word)) && !PROTOCOL_HINTS.contains(&name.as_str())
}

/// Names every member that the bodies of a document's requests have, however deep.
fn members_of(document: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let paths = document["paths"].as_object().expect("paths");
    for acts in paths.values() {
        for act in acts.as_object().expect("acts").values() {
            let mut seen = BTreeSet::new();
            gather(document, &act["requestBody"], (&mut names, &mut seen));
        }
    }
    names
}

fn gather(
    document: &Value,
    schema: &Value,
    (names, seen): (&mut BTreeSet<String>, &mut BTreeSet<String>),
) {
    match schema {
        Value::Object(members) => {
            for (name, value) in members {
                if let ("$ref", Some(place)) = (name.as_str(), value.as_str()) {
                    if seen.insert(place.to_owned()) {
                        let place = document.pointer(&place[1..]).expect("a schema");
                        gather(document, place, (names, seen));
                    }
                    continue;
                }
                if let ("properties", Some(own)) = (name.as_str(), value.as_object()) {
                    names.extend(own.keys().cloned());
                }
                if name != "example" {
                    gather(document, value, (names, seen));
                }
            }
        }
        Value::Array(all) => all
            .iter()
            .for_each(|one| gather(document, one, (names, seen))),
        _ => {}
    }
}

/// Names every field of every page.
fn fields_of(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            fields_of(&path, names);
            continue;
        }
        let text = fs::read_to_string(&path).expect("a page");
        for (at, found) in text.match_indices(" name=\"") {
            let rest = &text[at + found.len()..];
            let (name, _) = rest.split_once('"').expect("an end");
            names.insert(name.to_owned());
        }
    }
}

/// "Verifiers and CSPs SHALL NOT permit the subscriber to store a hint (e.g., a reminder of how the password
/// was created) …" and "SHALL NOT prompt subscribers to use knowledge-based authentication …".
async fn nist_sp_800_63b_4_3_1_1_2_no_form_and_no_body_has_a_hint_or_a_question(_: House) {
    for name in ["password_hint", "securityQuestion", "reminder", "hint"] {
        assert!(is_reminder(name), "{name} would be noticed");
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for document in ["api/openapi-public.json", "api/openapi-admin.json"] {
        let text = fs::read_to_string(root.join(document)).expect("a document");
        let names = members_of(&serde_json::from_str(&text).expect("JSON"));
        assert!(names.contains("password"), "{document} was understood");
        let odd: Vec<&String> = names.iter().filter(|name| is_reminder(name)).collect();
        assert!(odd.is_empty(), "{document}: {odd:?}");
    }
    let mut names = BTreeSet::new();
    fields_of(&root.join("ui/templates"), &mut names);
    assert!(names.contains("password"), "pages were understood");
    let odd: Vec<&String> = names.iter().filter(|name| is_reminder(name)).collect();
    assert!(odd.is_empty(), "{odd:?}");
}

/// "Verifiers and CSPs SHALL NOT require subscribers to change passwords periodically."
async fn nist_sp_800_63b_4_3_1_1_2_an_old_password_is_as_good_as_a_new_one(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    person.login().await;
    house.clock.advance(YEAR * 4);
    let tokens = person.login().await;
    person.me(&tokens.access).await.expect(200);
    let mut browser = Browser::new(&house.public());
    let page = browser.sign_in("/account", &person).await;
    page.expect(200);
    assert!(
        page.answer.text.contains(&person.email),
        "the account itself"
    );
}
