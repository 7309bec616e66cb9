//! Every route against everybody who must get nothing there: who shows nothing, what is another tenant's
//! or worth nothing any more, who is allowed less, and whoever comes to a tenant that is closed.
//!
//! The routes are read from the table itself ([`table`]); what an id names there, and which body is
//! understood, is said once for each area ([`objects`]).

use serde_json::{Value, json};

use crate::admin::areas::holder_in;
use crate::browser::Browser;
use crate::case::Case;
use crate::cases;
use crate::client::{Client, Person};
use crate::house::House;

mod console;
mod objects;
mod table;

use table::{Line, Names, lines};

cases![
    who_shows_nothing_or_what_is_worth_nothing_is_refused_everywhere,
    who_is_allowed_less_is_refused_everywhere,
    a_closed_tenant_answers_nothing_and_a_deleted_one_is_none,
    a_cookie_of_another_tenant_or_of_an_ended_sign_in_is_none,
];

pub fn all() -> Vec<Case> {
    [cases(), console::cases(), objects::cases()]
        .into_iter()
        .flatten()
        .collect()
}

/// Names of nothing.
fn nothing() -> Names {
    Names {
        id: "0192f0c1-0000-7c5d-8e9f-0a1b2c3d4e5f".to_owned(),
        client: "client_nobody".to_owned(),
    }
}

/// The admin door of a tenant, as who looks after every tenant sees it.
fn within(house: &House, slug: &str) -> Client {
    house.admin().with("x-tenant-id", slug)
}

/// Registers somebody in a tenant and signs them in; gives the header that shows it.
async fn sign_in(house: &House, slug: &str, name: &str) -> (Person, Shown) {
    let door = house.public().with("x-tenant-id", slug);
    let person = Person::register(&door, name).await;
    let access = person.login().await.access;
    (person, Shown::token(&access))
}

/// The id of somebody in a tenant.
async fn id_of(house: &House, slug: &str, person: &Person) -> String {
    let path = format!("/admin/users?search={}", person.email.replace('@', "%40"));
    let page = within(house, slug).get(&path).await.expect(200).json();
    page["users"][0]["id"].as_str().expect("a user").to_owned()
}

/// Registers a client in a tenant and gives its id and a token of its own.
async fn client_of(house: &House, slug: &str) -> (String, Shown) {
    let body = json!({
        "name": "Robot", "client_type": "service", "grant_types": ["client_credentials"],
        "scopes": ["read"], "token_endpoint_auth_method": "client_secret_post",
    });
    let made = within(house, slug).post("/admin/clients", body).await;
    let made = made.expect(201);
    let (id, secret) = (made.field("client_id"), made.field("client_secret"));
    let door = house.public().with("x-tenant-id", slug);
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", secret.as_str()),
    ];
    let token = door.form("/oauth/token", &fields).await.expect(200);
    (id, Shown::token(&token.field("access_token")))
}

/// A credential, in the header in which it is shown.
#[derive(Clone)]
struct Shown(Option<(&'static str, String)>);

impl Shown {
    fn token(access: &str) -> Self {
        Self(Some(("authorization", format!("Bearer {access}"))))
    }

    fn key_of(client: &Client) -> Self {
        let key = client.header("x-api-key").expect("a key");
        Self(Some(("x-api-key", key.to_owned())))
    }

    fn at(&self, door: &Client) -> Client {
        match &self.0 {
            Some((name, value)) => door.with(name, value.as_str()),
            None => door.clone(),
        }
    }
}

/// Somebody who must get nothing, and what they show.
type Intruder = (&'static str, Shown);

/// Whoever shows what counts in another tenant, or nowhere any more.
async fn intruders(house: &House) -> Vec<Intruder> {
    let (locked, of_locked) = sign_in(house, "acme", "locked").await;
    let (deleted, of_deleted) = sign_in(house, "acme", "deleted").await;
    let (_, of_left) = sign_in(house, "acme", "left").await;
    let (robot, of_robot) = client_of(house, "acme").await;
    let (_, of_stranger) = sign_in(house, "globex", "stranger").await;
    let (boss, of_boss) = sign_in(house, "globex", "boss").await;
    let (_, of_other_robot) = client_of(house, "globex").await;
    let key = holder_in(house, "globex", "admin:*").await;
    let (admin, globex) = (within(house, "acme"), within(house, "globex"));
    let path = format!("/admin/users/{}", id_of(house, "globex", &boss).await);
    let promoted = json!({ "roles": ["admin"] });
    globex.patch(&path, promoted).await.expect(200);
    let path = format!("/admin/users/{}/lock", id_of(house, "acme", &locked).await);
    admin
        .post(&path, json!({ "reason": "x" }))
        .await
        .expect(200);
    let path = format!("/admin/users/{}", id_of(house, "acme", &deleted).await);
    admin.delete(&path).await.expect(204);
    let path = format!("/admin/clients/{robot}");
    let disabled = json!({ "disabled": true });
    admin.patch(&path, disabled).await.expect(200);
    let door = house.public().with("x-tenant-id", "acme");
    let out = of_left.at(&door).post("/auth/logout", json!({})).await;
    out.expect(200);
    vec![
        ("a locked person", of_locked),
        ("a deleted person", of_deleted),
        ("a person who signed out", of_left),
        ("a disabled client", of_robot),
        ("a person of another tenant", of_stranger),
        ("an operator of another tenant", of_boss),
        ("a client of another tenant", of_other_robot),
        ("a key of another tenant", Shown::key_of(&key)),
        ("who shows nonsense", Shown::token("qf_at_nonsense")),
    ]
}

async fn furnish(house: &House) {
    for slug in ["acme", "globex"] {
        let body = json!({ "name": slug, "slug": slug });
        house.admin().post("/admin/tenants", body).await.expect(201);
    }
}

fn asking() -> impl Iterator<Item = Line> {
    lines().into_iter().filter(Line::asks_who)
}

async fn who_shows_nothing_or_what_is_worth_nothing_is_refused_everywhere(house: House) {
    furnish(&house).await;
    let intruders = intruders(&house).await;
    for line in asking() {
        let door = line.door_of(&house, "acme");
        let answer = line.ask(&door, &nothing(), &json!({})).await;
        // Who is in the middle of a sign-in names it in the body, and here nothing is named.
        let is_refused = match line.caller.as_str() {
            "Signing" => answer.status.is_client_error(),
            _ => answer.status.as_u16() == 401,
        };
        assert!(
            is_refused,
            "nobody: {line:?}: {} {}",
            answer.status, answer.text
        );
        for (who, shown) in &intruders {
            let answer = line.ask(&shown.at(&door), &nothing(), &json!({})).await;
            let status = answer.status.as_u16();
            assert_eq!(status, 401, "{who}: {line:?}: {}", answer.text);
        }
    }
}

async fn who_is_allowed_less_is_refused_everywhere(house: House) {
    furnish(&house).await;
    let (_, of_person) = sign_in(&house, "acme", "ada").await;
    let (_, of_neighbour) = sign_in(&house, "default", "bob").await;
    let (_, of_robot) = client_of(&house, "acme").await;
    let key = async |scope: &str| Shown::key_of(&holder_in(&house, "acme", scope).await);
    let (everything, unscoped) = (key("admin:*").await, key("read").await);
    for line in asking() {
        let door = line.door_of(&house, "acme");
        let mut lesser = match line.caller.as_str() {
            "Admin" => vec![
                ("a person", of_person.clone()),
                ("a person of the default tenant", of_neighbour.clone()),
                ("a client", of_robot.clone()),
                ("a key without the door", unscoped.clone()),
                ("a key of another area", key("admin:elsewhere").await),
            ],
            _ => vec![
                ("a client", of_robot.clone()),
                ("an operator's key", everything.clone()),
            ],
        };
        // Tokens are posted to be read, so that they stay out of addresses.
        let reads = line.method == reqwest::Method::GET || line.path == "/admin/tokens/introspect";
        if line.caller == "Admin" && !reads {
            let scope = format!("admin:{}:read", line.area());
            lesser.push(("a key that reads", key(&scope).await));
        }
        for (who, shown) in lesser {
            let answer = line.ask(&shown.at(&door), &nothing(), &json!({})).await;
            let status = answer.status.as_u16();
            assert_eq!(status, 403, "{who}: {line:?}: {}", answer.text);
        }
    }
}

/// Who may otherwise do what the line does.
async fn entitled(house: &House) -> impl Fn(&Line) -> Shown {
    let (_, of_person) = sign_in(house, "acme", "ada").await;
    let key = Shown::key_of(&holder_in(house, "acme", "admin:*").await);
    move |line| match line.caller.as_str() {
        "Admin" => key.clone(),
        "Anyone" | "Browser" => Shown(None),
        _ => of_person.clone(),
    }
}

async fn a_closed_tenant_answers_nothing_and_a_deleted_one_is_none(house: House) {
    furnish(&house).await;
    let entitled = entitled(&house).await;
    let admin = house.admin();
    let reason = json!({ "reason": "unpaid" });
    admin
        .post("/admin/tenants/acme/suspend", reason)
        .await
        .expect(200);
    let acts: Vec<Line> = lines().into_iter().filter(|line| line.is_act).collect();
    for status in [403, 404] {
        for line in &acts {
            let door = entitled(line).at(&line.door_of(&house, "acme"));
            let answer = line.ask(&door, &nothing(), &json!({})).await;
            assert_eq!(answer.status.as_u16(), status, "{line:?}: {}", answer.text);
        }
        admin.delete("/admin/tenants/acme").await.expect(204);
    }
}

async fn a_cookie_of_another_tenant_or_of_an_ended_sign_in_is_none(house: House) {
    furnish(&house).await;
    let cookie_of = async |slug: &str| {
        let door = house.public().with("x-tenant-id", slug);
        let person = Person::register(&door, "ada").await;
        let mut browser = Browser::new(&door);
        browser.sign_in("/account", &person).await.expect(200);
        let name = format!("__Host-session-{slug}");
        browser.cookie(&name).expect("a sign-in").to_owned()
    };
    let (foreign, ended) = (cookie_of("globex").await, cookie_of("acme").await);
    let pages: Vec<Line> = lines()
        .into_iter()
        .filter(|line| line.caller == "Browser")
        .collect();
    let ask = async |line: &Line, cookie: Option<&str>| {
        let door = line.door_of(&house, "acme");
        let shown = Shown(cookie.map(|value| ("cookie", format!("__Host-session-acme={value}"))));
        let answer = line.ask(&shown.at(&door), &nothing(), &json!({})).await;
        let place = answer
            .header("location")
            .split('?')
            .next()
            .map(str::to_owned);
        assert!(!answer.text.contains("ada@example.org"), "{line:?}");
        (answer.status.as_u16(), place)
    };
    let account = pages.iter().find(|line| line.path == "/account");
    let known = account
        .expect("the page of an account")
        .door_of(&house, "acme");
    let cookie = format!("__Host-session-acme={ended}");
    let shown = known.with("cookie", cookie).get("/account").await;
    assert!(
        shown.expect(200).text.contains("ada@example.org"),
        "it counts"
    );
    let path = format!("/admin/users?search={}", "ada");
    let page = within(&house, "acme").get(&path).await.expect(200).json();
    let user = page["users"][0]["id"].as_str().expect("a user");
    let lock = format!("/admin/users/{user}/lock");
    let reason = json!({ "reason": "x" });
    within(&house, "acme").post(&lock, reason).await.expect(200);
    for line in &pages {
        let nobody = ask(line, None).await;
        for cookie in [&foreign, &ended] {
            assert_eq!(ask(line, Some(cookie)).await, nobody, "{line:?}");
        }
    }
}

/// What is understood by a route of a name, if nothing else than `{}` is.
fn or_nothing(body: Option<Value>) -> Value {
    body.unwrap_or_else(|| json!({}))
}
