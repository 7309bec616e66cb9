//! The hosted pages, as a browser without JavaScript meets them.

use std::time::Duration;

use serde_json::json;

use crate::browser::Browser;
use crate::case::Case;
use crate::cases;
use crate::client::Person;
use crate::house::House;
use crate::oauth::World;

mod account;
mod deletion;
mod factors;
pub mod passkeys;
mod recovery;

cases![
    a_person_registers_on_a_page_and_is_signed_in,
    what_is_wrong_with_a_form_is_said_above_it,
    nist_a_sign_in_has_a_new_name_each_time_and_ends_when_idle_or_old,
    a_strangers_page_cannot_send_our_forms,
    a_page_runs_only_what_it_names_cannot_be_framed_and_is_not_kept,
    a_forgotten_password_is_replaced_by_mail,
    an_address_is_confirmed_by_a_button_and_not_by_a_link,
    signing_out_asks_and_ends_everything,
    rp_initiated_logout_2_only_a_registered_address_is_gone_to,
    a_cookie_that_is_not_ours_or_another_tenants_is_none,
    a_page_speaks_the_language_of_the_browser,
];

pub fn all() -> Vec<Case> {
    [
        cases(),
        account::cases(),
        deletion::cases(),
        factors::cases(),
        passkeys::cases(),
        recovery::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

const PASSWORD: &str = "a quiet garden in the rain";

async fn a_person_registers_on_a_page_and_is_signed_in(house: House) {
    let mut browser = Browser::new(&house.public());
    let page = browser.open("/register").await;
    page.posts_to("/register");
    let filled = [
        ("name", "Ada"),
        ("email", "ada@example.org"),
        ("password", PASSWORD),
    ];
    let page = browser.submit(&page, &filled).await;
    page.expect(303);
    let page = browser.follow(page).await;
    page.expect(200);
    assert!(
        page.answer
            .text
            .contains("You are signed in as ada@example.org.")
    );
    assert_eq!(house.audit_count("user.registered").await, 1);
}

async fn what_is_wrong_with_a_form_is_said_above_it(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let mut browser = Browser::new(&house.public());
    let page = browser.open("/sign-in").await;
    page.posts_to("/sign-in");
    for filled in [
        [("email", person.email.as_str()), ("password", "wrong")],
        [("email", "nobody@example.org"), ("password", PASSWORD)],
        [("email", ""), ("password", "")],
    ] {
        let page = browser.submit(&page, &filled).await;
        page.expect(422);
        assert!(page.answer.text.contains("role=\"alert\""));
        assert!(
            page.answer
                .text
                .contains("The e-mail address or the password is wrong.")
        );
    }
    assert_eq!(browser.cookie("__Host-session"), None);
    let page = browser.open("/register").await;
    let short = [
        ("name", "<b>"),
        ("email", "grace@example.org"),
        ("password", "short"),
    ];
    let page = browser.submit(&page, &short).await;
    page.expect(422);
    assert!(
        page.answer.text.contains("value=\"&#60;b&#62;\""),
        "what was typed is kept, escaped"
    );
    assert!(!page.answer.text.contains("short\""), "but no password");
    let taken = [
        ("name", "A"),
        ("email", person.email.as_str()),
        ("password", PASSWORD),
    ];
    browser.submit(&page, &taken).await.expect(422);
}

async fn nist_a_sign_in_has_a_new_name_each_time_and_ends_when_idle_or_old(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let mut browser = Browser::new(&house.public());
    browser.sign_in("/sign-in", &person).await;
    let first = browser
        .cookie("__Host-session")
        .expect("a session")
        .to_owned();
    let is_in = async |browser: &mut Browser| {
        let page = browser.open("/sign-in").await;
        page.answer.text.contains("You are signed in as")
    };
    assert!(is_in(&mut browser).await);
    for _ in 0..24 {
        house.clock.advance(Duration::from_secs(3_599));
        assert!(is_in(&mut browser).await, "it was here within the hour");
    }
    house.clock.advance(Duration::from_secs(24));
    assert!(!is_in(&mut browser).await, "a day has passed");
    browser.sign_in("/sign-in", &person).await;
    assert_ne!(browser.cookie("__Host-session"), Some(first.as_str()));
    house.clock.advance(Duration::from_hours(1));
    assert!(!is_in(&mut browser).await, "it was idle");
    browser.sign_in("/sign-in", &person).await;
    let id = house.user_id(&person).await;
    let lock = format!("/admin/users/{id}/lock");
    house
        .admin()
        .post(&lock, json!({ "reason": "x" }))
        .await
        .expect(200);
    assert!(
        !is_in(&mut browser).await,
        "a locked account is signed in nowhere"
    );
}

async fn a_strangers_page_cannot_send_our_forms(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let mut victim = Browser::new(&house.public());
    let page = victim.open("/sign-in").await;
    let filled = [
        ("email", person.email.as_str()),
        ("password", person.password.as_str()),
    ];
    victim
        .elsewhere()
        .submit(&page, &filled)
        .await
        .expect_error(403, "access_denied");
    victim
        .post("/sign-in", &filled)
        .await
        .expect_error(403, "access_denied");
    let mut stranger = Browser::new(&house.public());
    stranger
        .submit(&page, &filled)
        .await
        .expect_error(403, "access_denied");
    let visitor = "AAAAAAAAAAAAAAAAAAAAAA";
    stranger.set_cookie("__Host-visitor", visitor);
    stranger
        .submit(&page, &filled)
        .await
        .expect_error(403, "access_denied");
    victim.submit(&page, &filled).await.expect(303);
}

async fn a_page_runs_only_what_it_names_cannot_be_framed_and_is_not_kept(house: House) {
    // A page with a password can show it, by a script.
    for (path, runs) in [
        ("/sign-in", true),
        ("/register", true),
        ("/forgotten-password", false),
        ("/reset-password", true),
        ("/verify-email", false),
        ("/device", false),
    ] {
        let page = Browser::new(&house.public()).open(path).await;
        page.expect(200);
        let policy = page.answer.header("content-security-policy").to_owned();
        for part in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(policy.contains("form-action 'self';"), "{policy}");
        let named = policy.split("script-src 'nonce-").nth(1);
        assert_eq!(named.is_some(), runs, "{path}: {policy}");
        let nonce = named.and_then(|rest| rest.split('\'').next());
        let script = format!("<script nonce=\"{}\">", nonce.unwrap_or_default());
        let ours = page.answer.text.matches(&script).count();
        assert_eq!(ours > 0, runs, "{path}");
        assert!(
            !policy.contains("unsafe") && !policy.contains("script-src 'self'"),
            "{policy}"
        );
        assert_eq!(page.answer.header("x-frame-options"), "DENY");
        assert_eq!(page.answer.header("cache-control"), "no-store");
        assert_eq!(page.answer.text.matches("<script").count(), ours, "{path}");
        assert!(!page.answer.text.contains("style=\""), "{path}");
    }
}

async fn a_forgotten_password_is_replaced_by_mail(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let mut browser = Browser::new(&house.public());
    let page = browser.open("/.well-known/change-password").await;
    page.expect(303);
    let page = browser.follow(page).await;
    page.posts_to("/forgotten-password");
    let known = browser
        .submit(&page, &[("email", person.email.as_str())])
        .await;
    let unknown = browser
        .submit(&page, &[("email", "nobody@example.org")])
        .await;
    known.expect(200);
    assert_eq!(known.answer.text.len(), unknown.answer.text.len());
    let token = house
        .letter(&person, "reset_password")
        .await
        .expect("a letter");
    let page = browser
        .open(&format!("/reset-password?token={token}"))
        .await;
    page.posts_to("/reset-password");
    let rejected = browser.submit(&page, &[("password", "short")]).await;
    rejected.expect(422);
    let saved = browser.submit(&rejected, &[("password", PASSWORD)]).await;
    saved.expect(200);
    let spent = browser.submit(&rejected, &[("password", PASSWORD)]).await;
    spent.expect(422);
    let fresh = Person {
        password: PASSWORD.to_owned(),
        ..person
    };
    browser.sign_in("/sign-in", &fresh).await.expect(200);
}

async fn an_address_is_confirmed_by_a_button_and_not_by_a_link(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let token = house
        .letter(&person, "verify_email")
        .await
        .expect("a letter");
    let mut browser = Browser::new(&house.public());
    let address = format!("/verify-email?token={token}");
    browser.open(&address).await.expect(200);
    let page = browser.open(&address).await;
    page.posts_to("/verify-email");
    browser.submit(&page, &[]).await.expect(200);
    browser.submit(&page, &[]).await.expect(422);
}

async fn signing_out_asks_and_ends_everything(house: House) {
    let world = World::new(house).await;
    let mut browser = world.browser();
    let tokens = {
        let sent = browser.authorize(&world.ask_web(), &world.person).await;
        world.redeem_sent(&sent).await
    };
    let page = browser.open("/oauth/logout").await;
    page.expect(200);
    page.posts_to("/oauth/logout");
    browser
        .submit(&page, &[("decision", "stay")])
        .await
        .expect(200);
    world.person.me(&tokens.access).await.expect(200);
    let page = browser.open("/oauth/logout").await;
    browser
        .submit(&page, &[("decision", "logout")])
        .await
        .expect(200);
    assert_eq!(browser.cookie("__Host-session"), None);
    world.person.me(&tokens.access).await.expect(401);
}

async fn rp_initiated_logout_2_only_a_registered_address_is_gone_to(house: House) {
    let world = World::new(house).await;
    let mut browser = world.browser();
    let away = "https://app.example/bye";
    for query in [
        format!("post_logout_redirect_uri={away}"),
        format!(
            "client_id={}&post_logout_redirect_uri=https://evil.example/",
            world.web.id
        ),
        "id_token_hint=x".to_owned(),
    ] {
        let page = browser.open(&format!("/oauth/logout?{query}")).await;
        page.expect_error(400, "invalid_request");
    }
}

async fn a_cookie_that_is_not_ours_or_another_tenants_is_none(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    house.add_tenant("acme").await;
    let mut browser = Browser::new(&house.public());
    browser.sign_in("/sign-in", &person).await;
    let cookie = browser
        .cookie("__Host-session")
        .expect("a session")
        .to_owned();
    for odd in [&cookie[..cookie.len() - 1], "qf_ss_x", ""] {
        let mut forger = Browser::new(&house.public());
        forger.set_cookie("__Host-session", odd);
        let page = forger.open("/sign-in").await;
        assert!(!page.answer.text.contains("You are signed in"));
    }
    let mut other = Browser::new(&house.public());
    other.set_cookie("__Host-session-acme", &cookie);
    let page = other.open("/t/acme/sign-in").await;
    assert!(!page.answer.text.contains("You are signed in"));
}

async fn a_page_speaks_the_language_of_the_browser(house: House) {
    let german = house.public().with("accept-language", "de-AT,en;q=0.5");
    let page = Browser::new(&german).open("/sign-in").await;
    assert!(
        page.answer.text.contains("<html lang=\"de\">") && page.answer.text.contains("Anmelden")
    );
    assert_eq!(page.answer.header("content-language"), "de");
    let error = Browser::new(&german).open("/oauth/authorize").await;
    error.expect_error(400, "invalid_request");
    assert!(error.answer.text.contains("Das hat nicht geklappt"));
}
