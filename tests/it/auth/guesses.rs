//! Twenty thousand guesses from as many addresses, by somebody who has all the time there is: how many of
//! them are looked at, and what is left to the owner.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use super::mfa::{Owner, verify};
use crate::authenticator::Authenticator;
use crate::cases;
use crate::client::{Answer, Client, Person, Tokens};
use crate::house::House;

cases![
    nist_sp_800_63b_4_3_2_2_of_twenty_thousand_guesses_a_hundred_are_looked_at,
    whoever_is_guessed_at_everywhere_is_not_locked_out,
];

/// What the standard allows one authenticator.
const BUDGET: usize = 100;
const NEW: &str = "a fresh and long passphrase";
/// How many guess at the same time.
const AT_ONCE: usize = 50;
/// How long a lockout lasts, the longest wait there is.
const LOCKOUT: Duration = Duration::from_mins(15);

/// Somebody who guesses, each time from another address.
struct Guesser {
    house: House,
    guesses: AtomicUsize,
}

/// What became of guesses.
#[derive(Debug, Default)]
struct Tally {
    looked_at: usize,
    closed: usize,
    turned_away: usize,
}

// === impl Guesser ===

impl Guesser {
    fn new(house: &House) -> Self {
        Self {
            house: house.clone(),
            guesses: AtomicUsize::new(0),
        }
    }

    /// Gives the number of the next guess, and the door as seen from an address of its own.
    fn next(&self) -> (usize, Client) {
        let number = self.guesses.fetch_add(1, Ordering::Relaxed);
        let (high, low) = (number / 62_500, number % 62_500);
        let address = format!("10.{}.{}.{}", 32 + high, low / 250, low % 250 + 1);
        let door = self.house.public().with("x-forwarded-for", address);
        (number, door)
    }

    /// Guesses at one way of an owner whose password is known, and waits after each wave until it may
    /// guess again.
    async fn guess(&self, owner: &Owner, kind: &str, (waves, at_once): (usize, usize)) -> Tally {
        let mut tally = Tally::default();
        for _ in 0..waves {
            let token = owner.begin().await;
            let wave = (0..at_once).map(|_| async {
                let (number, door) = self.next();
                let code = wrong(owner, kind, number);
                verify(&door, &token, (kind, &code)).await
            });
            for answer in join_all(wave).await {
                tally.count(&answer);
            }
            self.house.clock.advance(LOCKOUT);
        }
        tally
    }
}

// === impl Tally ===

impl Tally {
    fn count(&mut self, answer: &Answer) {
        let is_closed = answer.text.contains("tried too often and is closed");
        match answer.status.as_u16() {
            401 if is_closed => self.closed += 1,
            401 => self.looked_at += 1,
            429 | 503 => self.turned_away += 1,
            _ => panic!("{} {}", answer.status, answer.text),
        }
    }
}

/// A code that is not one.
fn wrong(owner: &Owner, kind: &str, number: usize) -> String {
    if kind == "backup" {
        let alphabet: Vec<char> = "bcdfghjkmnpqrtvwxyz2".chars().collect();
        let letter = |place: u32| alphabet[number / 20_usize.pow(place) % 20];
        let end: String = (0..4).map(letter).collect();
        return format!("bcdf-bcdf-bcdf-{end}");
    }
    let code = format!("{:06}", number % 1_000_000);
    if owner.app.is_near(&code) {
        return format!("{:06}", (number + 500_000) % 1_000_000);
    }
    code
}

async fn nist_sp_800_63b_4_3_2_2_of_twenty_thousand_guesses_a_hundred_are_looked_at(house: House) {
    let guesser = Guesser::new(&house);
    let ada = Owner::enroll(&house, "ada").await;
    let signed_in = ada.login().await;

    let tally = guesser.guess(&ada, "totp", (140, AT_ONCE)).await;
    assert_eq!(tally.looked_at, BUDGET, "{tally:?}");
    assert!(tally.closed > 0, "{tally:?}");
    // The guesser has no luck any more, and nor has the owner this way.
    let token = ada.begin().await;
    let right = ada.verify(&token, &ada.app.next_code()).await;
    assert!(right.expect(401).text.contains("closed"));
    let public = &house.public();
    let backup = ("backup", ada.codes[0].as_str());
    let tokens = Tokens::of(&verify(public, &token, backup).await.expect(200));
    let ada = bound_anew(&house, ada, &tokens).await;
    ada.login().await;

    let tally = guesser.guess(&ada, "backup", (140, AT_ONCE)).await;
    assert_eq!(tally.looked_at, BUDGET, "{tally:?}");
    let token = ada.begin().await;
    let backup = ("backup", ada.codes[0].as_str());
    verify(public, &token, backup).await.expect(401);
    let tokens = ada.login().await;
    let me = house.public().bearer(&tokens.access);
    let body = json!({ "code": ada.app.next_code() });
    let made = me.post("/auth/mfa/backup-codes", body).await.expect(200);
    let code = made.json()["backup_codes"][0].clone();
    let token = ada.begin().await;
    let code = code.as_str().expect("a code");
    let new = verify(public, &token, ("backup", code)).await;
    new.expect(200);

    let token = guess_at_links(&guesser, &ada.person).await;
    assert_eq!(guesser.guesses.load(Ordering::Relaxed), 20_000);
    // Nobody was signed out meanwhile (OWASP ASVS 5.0: forced sign-out is no denial of service).
    ada.person.refresh(&signed_in.refresh).await.expect(200);
    let body = json!({ "token": token, "new_password": NEW });
    let reset = public.post("/auth/password/reset/confirm", body).await;
    reset.expect(200);
    let begun = ada.person.try_login(NEW).await.expect(200).json();
    assert_eq!(begun["mfa_required"], true);
}

/// Removes an app that is closed, and sets up another, by a sign-in with a backup code.
async fn bound_anew(house: &House, owner: Owner, tokens: &Tokens) -> Owner {
    let me = house.public().bearer(&tokens.access);
    let body = json!({ "code": owner.codes[1], "code_type": "backup" });
    me.post("/auth/mfa/disable", body).await.expect(200);
    Owner::bind(house, owner.person).await
}

/// Guesses at the link of somebody who asked for one; gives what is in it.
async fn guess_at_links(guesser: &Guesser, person: &Person) -> String {
    let token = guesser.house.reset_token(person).await;
    let (start, end) = token.split_at(token.len() - 6);
    for _ in 0..6_000 / AT_ONCE {
        let wave = (0..AT_ONCE).map(|_| async {
            let (number, door) = guesser.next();
            let guess = format!("{start}{:06}", (number * 7) % 1_000_000);
            assert_ne!(&guess[start.len()..], end, "a guess that is none");
            let body = json!({ "token": guess, "new_password": NEW });
            door.post("/auth/password/reset/confirm", body).await
        });
        for answer in join_all(wave).await {
            answer.expect(422);
        }
    }
    token
}

async fn whoever_is_guessed_at_everywhere_is_not_locked_out(house: House) {
    let guesser = Guesser::new(&house);
    let owner = Owner::enroll(&house, "ada").await;
    let mut passkey = add_passkey(&house, &owner).await;
    for kind in ["totp", "backup"] {
        let tally = guesser.guess(&owner, kind, (105, 2)).await;
        assert_eq!(tally.looked_at, BUDGET, "{kind}: {tally:?}");
    }
    close_password(&guesser, &owner.person).await;
    // Nobody can guess at a passkey, so it is not counted and opens what it opens.
    let public = house.public();
    let me = public.bearer(&by_passkey(&public, &mut passkey).await.access);
    me.get("/auth/me").await.expect(200);
    // Without one: a link opens the password, and an operator lets go of the factors.
    let token = house.reset_token(&owner.person).await;
    let body = json!({ "token": token, "new_password": NEW });
    let reset = public.post("/auth/password/reset/confirm", body).await;
    reset.expect(200);
    let begun = owner.person.try_login(NEW).await.expect(200).json();
    assert_eq!(begun["mfa_required"], true);
    let id = house.user_id(&owner.person).await;
    let path = format!("/admin/users/{id}/mfa");
    house.admin().delete(&path).await.expect(204);
    let person = Person {
        password: NEW.to_owned(),
        ..owner.person
    };
    // What is bound now is new, and nobody has guessed at it.
    let owner = Owner::bind(&house, person).await;
    owner.login().await;
    let token = owner.begin().await;
    let backup = ("backup", owner.codes[0].as_str());
    verify(&public, &token, backup).await.expect(200);
}

/// Guesses at a password until it is closed.
async fn close_password(guesser: &Guesser, person: &Person) {
    for _ in 0..120 {
        let (_, public) = guesser.next();
        let stranger = Person {
            public,
            ..person.clone()
        };
        let answer = stranger.try_login("wrong wrong wrong wrong").await;
        assert!([401, 429].contains(&answer.status.as_u16()));
        guesser.house.clock.advance(LOCKOUT);
    }
    person.try_login(&person.password).await.expect(401);
}

async fn add_passkey(house: &House, owner: &Owner) -> Authenticator {
    let me = house.public().bearer(&owner.login().await.access);
    let path = "/auth/webauthn/register/begin";
    let begun = me.post(path, json!({})).await.expect(200).json();
    let mut passkey = Authenticator::new();
    let response = passkey.create(&begun["options"]);
    let body = json!({ "name": "Key", "state": begun["state"], "response": response });
    let path = "/auth/webauthn/register/finish";
    me.post(path, body).await.expect(201);
    passkey
}

async fn by_passkey(public: &Client, passkey: &mut Authenticator) -> Tokens {
    let path = "/auth/webauthn/login/begin";
    let begun = public.post(path, json!({})).await.expect(200).json();
    let response = passkey.get(&begun["options"]);
    let body = json!({ "state": begun["state"], "response": response });
    let finished = public.post("/auth/webauthn/login/finish", body).await;
    Tokens::of(&finished.expect(200))
}
