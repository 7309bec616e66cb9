//! /auth/mfa: an app's codes, backup codes, and what a sign-in owes.

use std::sync::Arc;
use std::time::Duration;

use domain::time::{Clock, ManualClock, UnixMillis};
use futures_util::future::join_all;
use protocol::totp::Totp;
use serde_json::{Value, json};

use crate::backend::Backend;
use crate::case::Case;
use crate::cases;

use crate::client::{Answer, Client, Person, Tokens};
use crate::house::House;
use crate::scenes;

scenes![a_code_that_passed_passes_after_no_restart,];

cases![
    an_app_is_set_up_confirmed_and_asked_for,
    rfc_6238_5_2_a_code_passes_once_also_at_fifty_places,
    a_sign_in_in_progress_counts_once_for_ten_minutes_and_in_its_tenant,
    whoever_owes_a_factor_has_no_token_and_cannot_bind_another,
    an_unconfirmed_app_is_not_asked_for,
    only_a_fresh_sign_in_sets_up_an_app,
    a_locked_account_finishes_no_sign_in,
    what_is_shown_is_told_in_the_tokens,
];

mod codes;
mod outages;
pub mod recovery;

/// The claims of this file and its children.
pub fn all() -> Vec<Case> {
    [cases(), codes::cases(), outages::cases(), recovery::cases()]
        .into_iter()
        .flatten()
        .collect()
}

/// An authenticator app of somebody's.
pub struct App {
    secret: Vec<u8>,
    shape: (u8, u32),
    clock: Arc<ManualClock>,
}

/// Somebody with an app and backup codes.
pub struct Owner {
    pub person: Person,
    pub app: App,
    pub codes: Vec<String>,
}

impl App {
    /// Takes the secret that was shown.
    pub fn new(house: &House, secret: &str) -> Self {
        Self {
            secret: base32(secret),
            shape: (6, 30),
            clock: Arc::clone(&house.clock),
        }
    }

    /// The same, with codes of another length that last for another span.
    pub fn with(self, digits: u8, period: u32) -> Self {
        Self {
            shape: (digits, period),
            ..self
        }
    }

    /// The code of now.
    pub fn code(&self) -> String {
        self.code_at(self.clock.now())
    }

    /// Says whether a code is one of now, or of the steps beside.
    pub fn is_near(&self, code: &str) -> bool {
        let step = Duration::from_secs(u64::from(self.shape.1));
        let now = self.clock.now() + step;
        let last = UnixMillis::from_seconds(self.clock.now().as_seconds() - 30);
        [self.clock.now(), now, last]
            .iter()
            .any(|at| self.code_at(*at) == code)
    }

    fn code_at(&self, at: UnixMillis) -> String {
        let rule = Totp {
            secret: &self.secret,
            digits: self.shape.0,
            period: self.shape.1,
        };
        rule.code_at(at)
    }

    /// Waits for a code that was not shown yet.
    pub fn next_code(&self) -> String {
        self.clock.advance(Duration::from_secs(30));
        self.code()
    }
}

impl Owner {
    /// Registers somebody and sets up their app.
    pub async fn enroll(house: &House, name: &str) -> Self {
        Self::bind(house, Person::register(&house.public(), name).await).await
    }

    /// Sets up an app of somebody's who has bound nothing yet.
    pub async fn bind(house: &House, person: Person) -> Self {
        let me = person.public.bearer(&person.login().await.access);
        let setup = me.post("/auth/mfa/setup", json!({})).await.expect(200);
        let app = App::new(house, &setup.field("secret"));
        let body = json!({ "code": app.code() });
        let confirmed = me.post("/auth/mfa/confirm", body).await.expect(200).json();
        Self {
            person,
            app,
            codes: texts(&confirmed["backup_codes"]),
        }
    }

    /// Shows the password; gives what goes on.
    pub async fn begin(&self) -> String {
        let begun = self
            .person
            .try_login(&self.person.password)
            .await
            .expect(200);
        begun.field("mfa_token")
    }

    /// Goes on with a code.
    pub async fn verify(&self, token: &str, code: &str) -> Answer {
        verify(&self.person.public, token, ("totp", code)).await
    }

    /// Signs in by both.
    pub async fn login(&self) -> Tokens {
        let token = self.begin().await;
        Tokens::of(&self.verify(&token, &self.app.next_code()).await.expect(200))
    }
}

/// Goes on with a sign-in by a code of some kind.
pub async fn verify(public: &Client, token: &str, (kind, code): (&str, &str)) -> Answer {
    let body = json!({ "mfa_token": token, "code": code, "code_type": kind });
    public.post("/auth/mfa/verify", body).await
}

fn texts(list: &Value) -> Vec<String> {
    let list = list.as_array().expect("a list").iter();
    list.map(|text| text.as_str().expect("a text").to_owned())
        .collect()
}

/// Reads base32 without padding (RFC 4648 §6).
fn base32(text: &str) -> Vec<u8> {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0u32, 0u32);
    for letter in text.bytes().filter(|letter| *letter != b'=') {
        let value = letters.iter().position(|one| *one == letter);
        held = held << 5 | u32::try_from(value.expect("base32")).expect("small");
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).expect("a byte"));
        }
    }
    bytes
}

async fn an_app_is_set_up_confirmed_and_asked_for(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let me = house.public().bearer(&person.login().await.access);
    let status = me.get("/auth/mfa/status").await.expect(200).json();
    assert_eq!(
        status,
        json!({ "enabled": false, "type": null, "confirmed": false, "passkeys": 0,
                "backup_codes_remaining": 0 })
    );
    let setup = me.post("/auth/mfa/setup", json!({})).await.expect(200);
    assert!(
        setup
            .field("uri")
            .starts_with("otpauth://totp/QuantFlow%20Studio:")
    );
    assert!(setup.field("qr_svg").starts_with("<svg"));
    let app = App::new(&house, &setup.field("secret"));
    let wrong = json!({ "code": "000000" });
    me.post("/auth/mfa/confirm", wrong).await.expect(422);
    let body = json!({ "code": app.code() });
    let confirmed = me.post("/auth/mfa/confirm", body).await.expect(200).json();
    let codes = texts(&confirmed["backup_codes"]);
    assert_eq!(codes.len(), 10);
    assert!(house.letter(&person, "factor_added").await.is_some());
    let status = me.get("/auth/mfa/status").await.expect(200).json();
    assert_eq!(status["type"], "totp");
    assert_eq!(status["backup_codes_remaining"], 10);
    // What is bound now is to be shown before anything is changed.
    me.post("/auth/mfa/setup", json!({})).await.expect(401);
    let owner = Owner { person, app, codes };
    let begun = owner
        .person
        .try_login(&owner.person.password)
        .await
        .expect(200);
    assert_eq!(begun.json()["mfa_required"], true);
    assert_eq!(begun.json()["methods"], json!(["totp", "backup"]));
    assert!(begun.json().get("access_token").is_none());
    let tokens = owner.login().await;
    owner.person.me(&tokens.access).await.expect(200);
    let me = house.public().bearer(&tokens.access);
    me.post("/auth/mfa/setup", json!({}))
        .await
        .expect_code(409, "CONFLICT");
    assert!(!house.has_stored(&setup.field("secret")));
}

async fn rfc_6238_5_2_a_code_passes_once_also_at_fifty_places(house: House) {
    let owner = Owner::enroll(&house, "ada").await;
    let confirmed_by = owner.app.code();
    let token = owner.begin().await;
    owner.verify(&token, &confirmed_by).await.expect(401);
    let code = owner.app.next_code();
    let mut tokens = Vec::new();
    for _ in 0..50 {
        tokens.push(owner.begin().await);
    }
    let answers = join_all(tokens.iter().map(|token| owner.verify(token, &code))).await;
    let passed = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(passed, 1);
    // The clock is a step behind for some, and what was taken is not taken again.
    let token = owner.begin().await;
    let answer = owner.verify(&token, &code).await;
    assert!([401, 429].contains(&answer.status.as_u16()));
}

async fn a_code_that_passed_passes_after_no_restart() {
    let house = House::open(Backend::Sqlite).await;
    let owner = Owner::enroll(&house, "ada").await;
    let code = owner.app.next_code();
    let (one, two) = (owner.begin().await, owner.begin().await);
    owner.verify(&one, &code).await.expect(200);
    let again = house.restart(&[]).await;
    verify(&again.public(), &two, ("totp", &code))
        .await
        .expect(401);
    let next = owner.app.next_code();
    verify(&again.public(), &two, ("totp", &next))
        .await
        .expect(200);
    again.stop().await;
}

async fn a_sign_in_in_progress_counts_once_for_ten_minutes_and_in_its_tenant(house: House) {
    house.add_tenant("acme").await;
    let owner = Owner::enroll(&house, "ada").await;
    let token = owner.begin().await;
    let elsewhere = house.public().with("x-tenant-id", "acme");
    let code = owner.app.next_code();
    verify(&elsewhere, &token, ("totp", &code))
        .await
        .expect(401);
    owner.verify(&token, &code).await.expect(200);
    let code = owner.app.next_code();
    owner
        .verify(&token, &code)
        .await
        .expect_code(401, "UNAUTHORIZED");
    for spoilt in ["", "qf_mt_", "qf_mt_AAAA", &token[..token.len() - 2]] {
        owner
            .verify(spoilt, &owner.app.next_code())
            .await
            .expect(401);
    }
    let late = owner.begin().await;
    house.clock.advance(Duration::from_mins(10));
    owner.verify(&late, &owner.app.code()).await.expect(401);
}

async fn whoever_owes_a_factor_has_no_token_and_cannot_bind_another(house: House) {
    let owner = Owner::enroll(&house, "ada").await;
    let token = owner.begin().await;
    let public = house.public();
    let body = json!({ "mfa_token": token });
    public.post("/auth/mfa/setup", body).await.expect(401);
    let body = json!({ "mfa_token": token, "code": owner.app.next_code() });
    public.post("/auth/mfa/confirm", body).await.expect(401);
    public.post("/auth/mfa/setup", json!({})).await.expect(401);
    public.bearer(&token).get("/auth/me").await.expect(401);
    assert_eq!(house.audit_count("login.factor_owed").await, 1);
}

async fn an_unconfirmed_app_is_not_asked_for(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let me = house.public().bearer(&person.login().await.access);
    let first = me.post("/auth/mfa/setup", json!({})).await.expect(200);
    house.clock.advance(Duration::from_secs(1));
    let second = me.post("/auth/mfa/setup", json!({})).await.expect(200);
    assert_ne!(first.field("secret"), second.field("secret"));
    person.login().await;
    let old = json!({ "code": App::new(&house, &first.field("secret")).code() });
    me.post("/auth/mfa/confirm", old).await.expect(422);
}

async fn only_a_fresh_sign_in_sets_up_an_app(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let tokens = person.login().await;
    house.clock.advance(Duration::from_mins(14));
    let tokens = Tokens::of(&person.refresh(&tokens.refresh).await.expect(200));
    let me = house.public().bearer(&tokens.access);
    me.post("/auth/mfa/setup", json!({})).await.expect(200);
    house.clock.advance(Duration::from_mins(2));
    let refused = me.post("/auth/mfa/setup", json!({})).await.expect(401);
    let challenge = refused.header("www-authenticate");
    assert!(
        challenge.contains(r#"error="insufficient_user_authentication""#),
        "{challenge}"
    );
    assert!(challenge.contains(r#"acr_values="urn:nist:sp:800-63b-4:aal1", max_age="900""#));
    let off = json!({ "config": { "mfa": "off" } });
    house
        .admin()
        .patch("/admin/tenants/default", off)
        .await
        .expect(200);
    let me = house.public().bearer(&person.login().await.access);
    me.post("/auth/mfa/setup", json!({}))
        .await
        .expect_code(403, "FORBIDDEN");
}

async fn a_locked_account_finishes_no_sign_in(house: House) {
    let owner = Owner::enroll(&house, "ada").await;
    let token = owner.begin().await;
    let id = house.user_id(&owner.person).await;
    let body = json!({ "reason": "a test" });
    house
        .admin()
        .post(&format!("/admin/users/{id}/lock"), body)
        .await
        .expect(200);
    owner
        .verify(&token, &owner.app.next_code())
        .await
        .expect(401);
}

async fn what_is_shown_is_told_in_the_tokens(house: House) {
    let owner = Owner::enroll(&house, "ada").await;
    let tokens = owner.login().await;
    let claims = crate::oauth::world::claims(&tokens.access);
    assert_eq!(claims["amr"], json!(["pwd", "otp", "mfa"]));
    assert_eq!(claims["acr"], "urn:nist:sp:800-63b-4:aal2");
    let refreshed = Tokens::of(&owner.person.refresh(&tokens.refresh).await.expect(200));
    let claims = crate::oauth::world::claims(&refreshed.access);
    assert_eq!(claims["acr"], "urn:nist:sp:800-63b-4:aal2");
}
