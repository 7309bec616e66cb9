//! A store that fails exactly while a factor is looked at: nobody gets in on a guess, and the owner gets in
//! with the next code.

use serde_json::{Value, json};

use super::{Owner, verify};
use crate::authenticator::Authenticator;
use crate::browser::{Browser, Page};
use crate::cases;
use crate::client::{Answer, Client, Person, Tokens};
use crate::house::House;
use crate::house::harm::Harm::{self, Away, Fixed};
use crate::oauth::World;
use crate::oauth::world::{ask, claims, parameter};

cases![
    a_store_error_while_a_code_is_looked_at_refuses,
    a_store_error_while_a_backup_code_is_looked_at_refuses,
    a_store_error_while_a_passkey_is_looked_at_refuses,
    a_store_error_while_a_passkey_alone_is_looked_at_refuses,
    a_store_error_while_a_sign_in_is_strengthened_refuses,
    a_store_error_while_a_factor_is_shown_to_change_one_changes_nothing,
    while_it_is_not_known_what_is_bound_a_password_alone_is_not_enough,
];

const AAL2: &str = "urn:nist:sp:800-63b-4:aal2";

/// What a sign-in needs once a factor was taken.
const SESSION: [Harm; 5] = [
    Fixed("spent_ids"),
    Away("spent_ids"),
    Fixed("sessions"),
    Fixed("refresh_families"),
    Fixed("audit"),
];

/// Checks that an answer says to come again, and gives nothing.
#[track_caller]
fn is_away(answer: &Answer, harm: Harm) {
    let told = format!("{harm:?}: {} {}", answer.status, answer.text);
    assert_eq!(answer.status.as_u16(), 503, "{told}");
    assert!(!answer.header("retry-after").is_empty(), "{told}");
    for word in ["access_token", "refresh_token", "mfa_token", "backup_codes"] {
        assert!(!answer.text.contains(word), "{told}");
    }
    let cookies = answer.headers.get_all("set-cookie").iter();
    let sets_session = cookies
        .filter_map(|line| line.to_str().ok())
        .any(|line| line.starts_with("__Host-session") && !line.contains("Max-Age=0"));
    assert!(!sets_session, "{told}");
}

/// Asks while the store fails; checks that no session began.
async fn asked_while<F>(house: &House, harm: Harm, asked: F) -> Answer
where
    F: AsyncFnOnce() -> Answer,
{
    let before = house.count_rows("sessions").await;
    house.harm(harm).await;
    let answer = asked().await;
    house.heal(harm).await;
    is_away(&answer, harm);
    assert_eq!(house.count_rows("sessions").await, before, "{harm:?}");
    answer
}

async fn a_store_error_while_a_code_is_looked_at_refuses(house: House) {
    let owner = Owner::enroll(&house, "ada").await;
    let own = [
        Away("totps"),
        Fixed("totps"),
        Away("passkeys"),
        Away("backup_codes"),
        Away("attempts"),
        Fixed("attempts"),
    ];
    for harm in own.into_iter().chain(SESSION) {
        let token = owner.begin().await;
        let code = owner.app.next_code();
        asked_while(&house, harm, async || owner.verify(&token, &code).await).await;
        owner.login().await;
    }
    // What went wrong there was none of the owner's: nothing is counted against them.
    for _ in 0..4 {
        let token = owner.begin().await;
        owner.verify(&token, "000000").await.expect(401);
    }
    owner.login().await;
}

async fn a_store_error_while_a_backup_code_is_looked_at_refuses(house: House) {
    let owner = Owner::enroll(&house, "ada").await;
    let public = &owner.person.public;
    let harms = [
        Away("backup_codes"),
        Fixed("backup_codes"),
        Fixed("attempts"),
        Fixed("outbox"),
        Fixed("audit"),
    ];
    for (harm, codes) in harms.into_iter().zip(owner.codes.chunks(2)) {
        let token = owner.begin().await;
        let shown = ("backup", codes[0].as_str());
        asked_while(&house, harm, async || verify(public, &token, shown).await).await;
        let token = owner.begin().await;
        let next = ("backup", codes[1].as_str());
        verify(public, &token, next).await.expect(200);
    }
}

/// Begins to ask for a passkey, and answers.
async fn shown(public: &Client, passkey: &mut Authenticator, token: Option<&str>) -> Value {
    let body = token.map_or(json!({}), |token| json!({ "mfa_token": token }));
    let begun = public.post("/auth/webauthn/login/begin", body).await;
    let begun = begun.expect(200).json();
    let response = passkey.get(&begun["options"]);
    json!({ "mfa_token": token, "state": begun["state"], "response": response })
}

async fn bound(house: &House, person: &Person) -> Authenticator {
    let me = house.public().bearer(&person.login().await.access);
    let path = "/auth/webauthn/register/begin";
    let begun = me.post(path, json!({})).await.expect(200).json();
    let mut passkey = Authenticator::new();
    let response = passkey.create(&begun["options"]);
    let body = json!({ "name": "Key", "state": begun["state"], "response": response });
    let path = "/auth/webauthn/register/finish";
    me.post(path, body).await.expect(201);
    passkey
}

/// What a passkey needs.
const PASSKEY: [Harm; 2] = [Away("passkeys"), Fixed("passkeys")];

async fn a_store_error_while_a_passkey_is_looked_at_refuses(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let mut passkey = bound(&house, &person).await;
    let public = house.public();
    let begin = async || {
        let begun = person.try_login(&person.password).await;
        begun.expect(200).field("mfa_token")
    };
    let path = "/auth/webauthn/login/finish";
    for harm in PASSKEY.into_iter().chain(SESSION) {
        let body = shown(&public, &mut passkey, Some(&begin().await)).await;
        asked_while(&house, harm, async || public.post(path, body).await).await;
        let body = shown(&public, &mut passkey, Some(&begin().await)).await;
        Tokens::of(&public.post(path, body).await.expect(200));
    }
}

async fn a_store_error_while_a_passkey_alone_is_looked_at_refuses(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let mut passkey = bound(&house, &person).await;
    let public = house.public();
    let path = "/auth/webauthn/login/finish";
    for harm in PASSKEY.into_iter().chain(SESSION) {
        let body = shown(&public, &mut passkey, None).await;
        asked_while(&house, harm, async || public.post(path, body).await).await;
        let body = shown(&public, &mut passkey, None).await;
        Tokens::of(&public.post(path, body).await.expect(200));
    }
}

/// Opens the page that asks for one more factor of whoever is signed in.
async fn strengthened(world: &World, browser: &mut Browser) -> Page {
    let page = browser
        .open(&ask(&world.web, &[("acr_values", AAL2)]))
        .await;
    browser.follow(page).await
}

async fn a_store_error_while_a_sign_in_is_strengthened_refuses(house: House) {
    let mut world = World::new(house.clone()).await;
    let harms = [
        Away("totps"),
        Fixed("totps"),
        Fixed("attempts"),
        Fixed("sessions"),
        Fixed("audit"),
    ];
    world.person = Person::register(&house.public(), "eve").await;
    let mut browsers = Vec::new();
    for _ in harms {
        let mut browser = world.browser();
        browser.obtain(&world.ask_web(), &world.person).await;
        browsers.push(browser);
    }
    let owner = Owner::bind(&house, world.person.clone()).await;
    for (harm, mut browser) in harms.into_iter().zip(browsers) {
        let page = strengthened(&world, &mut browser).await;
        page.posts_to("/second-factor");
        let code = owner.app.next_code();
        let asked = async || browser.submit(&page, &[("code", &code)]).await.answer;
        asked_while(&house, harm, asked).await;
        // The sign-in is as strong as it was.
        let silent = ask(&world.web, &[("acr_values", AAL2), ("prompt", "none")]);
        let sent = browser.open(&silent).await;
        let error = parameter(sent.location(), "error");
        assert_eq!(error.as_deref(), Some("login_required"), "{harm:?}");
        let page = strengthened(&world, &mut browser).await;
        let code = owner.app.next_code();
        let page = browser.submit(&page, &[("code", &code)]).await;
        let page = browser.follow(page).await;
        let tokens = world.redeem_sent(page.location()).await;
        assert_eq!(claims(&tokens.access)["acr"], AAL2, "{harm:?}");
    }
}

async fn a_store_error_while_a_factor_is_shown_to_change_one_changes_nothing(house: House) {
    let owner = Owner::enroll(&house, "ada").await;
    let me = house.public().bearer(&owner.login().await.access);
    let harms = [
        Away("totps"),
        Fixed("totps"),
        Fixed("backup_codes"),
        Fixed("outbox"),
        Fixed("audit"),
    ];
    let status = me.get("/auth/mfa/status").await.expect(200).text;
    for harm in harms {
        for path in ["/auth/mfa/disable", "/auth/mfa/backup-codes"] {
            let body = json!({ "code": owner.app.next_code() });
            asked_while(&house, harm, async || me.post(path, body).await).await;
            let now = me.get("/auth/mfa/status").await.expect(200).text;
            assert_eq!(now, status, "{harm:?} {path}");
        }
    }
    // The codes that were shown first are still the ones.
    let token = owner.begin().await;
    let first = ("backup", owner.codes[0].as_str());
    let public = &owner.person.public;
    verify(public, &token, first).await.expect(200);
}

/// Fails closed before a factor is asked for as well.
async fn while_it_is_not_known_what_is_bound_a_password_alone_is_not_enough(house: House) {
    let owner = Owner::enroll(&house, "ada").await;
    let person = &owner.person;
    for harm in [Away("totps"), Away("passkeys"), Away("backup_codes")] {
        let asked = async || person.try_login(&person.password).await;
        asked_while(&house, harm, asked).await;
        let mut browser = Browser::new(&house.public());
        let page = browser.open("/sign-in").await;
        let filled = [
            ("email", person.email.as_str()),
            ("password", person.password.as_str()),
        ];
        let asked = async || browser.submit(&page, &filled).await.answer;
        asked_while(&house, harm, asked).await;
    }
    owner.login().await;
}
