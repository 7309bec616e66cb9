//! The account pages.

use domain::time::UnixMillis;

use super::super::Scope;
use super::super::account::{
    ActivityList, ActivityRow, Application, ApplicationList, ChangePassword, Confirm, FactorList,
    LinkRow, Overview, OwnData, PasskeyRow, RenamePasskey, SessionList, SessionRow,
};
use super::{ODD, assert_shows_passwords, render};
use crate::http::page::texts::account::Matter;
use crate::http::page::when::When;
use crate::http::page::{Frame, Page};
use crate::language::LANGUAGES;

fn when(frame: &Frame) -> When {
    When::new(UnixMillis::from_millis(1_795_909_205_000), frame.texts)
}

/// Renders an account page: it stands in the navigation, and says in the head and above where one is.
fn render_own(page: &impl Page, frame: &Frame) -> String {
    let html = render(page, &frame.texts.lang);
    let here = format!("href=\"/t/acme{}\" aria-current=\"page\"", page.here());
    assert!(html.contains(&here), "{here}");
    assert_eq!(html.matches(" aria-current=\"page\"").count(), 1);
    let places = frame.texts.account.places();
    let all = places
        .iter()
        .all(|(path, _)| html.contains(&format!("href=\"/t/acme{path}\"")));
    assert!(all && html.contains("href=\"/t/acme/oauth/logout\""));
    html
}

#[test]
fn who_one_is_and_whether_the_address_is_proven() {
    for language in LANGUAGES {
        let frame = Frame::sample(language);
        let texts = &frame.texts.account;
        for is_proven in [true, false] {
            let page = Overview {
                frame: &frame,
                csrf: "t0ken",
                done: texts.done("name"),
                name: ODD,
                email: "ada@example.org",
                is_proven,
                resend: if is_proven {
                    ""
                } else {
                    "/t/acme/account/resend"
                },
                links: &[LinkRow {
                    issuer: "https://idp.example".to_owned(),
                    subject: ODD.to_owned(),
                    since: when(&frame),
                }],
                problem: "",
                details: &[],
            };
            let html = render_own(&page, &frame);
            assert!(html.contains(&texts.links) && html.contains("https://idp.example"));
            assert!(html.contains("name=\"name\"") && html.contains("ada@example.org"));
            assert!(html.contains("role=\"status\""), "what was done is said");
            assert_eq!(html.contains(&texts.email_proven), is_proven);
            assert_eq!(html.contains("/t/acme/account/resend"), !is_proven);
        }
    }
}

#[test]
fn a_password_is_changed_by_who_knows_it() {
    for language in LANGUAGES {
        let frame = Frame::sample(language);
        let page = ChangePassword {
            frame: &frame,
            csrf: "t0ken",
            done: "",
            email: ODD,
            min_length: 15,
            problem: ODD,
            details: &[ODD.to_owned()],
        };
        let html = render_own(&page, &frame);
        for part in [
            "name=\"old_password\"",
            "autocomplete=\"current-password\"",
            "name=\"new_password\"",
            "autocomplete=\"new-password\"",
            "autocomplete=\"username\"",
        ] {
            assert!(html.contains(part), "{part}");
        }
        assert!(!html.contains("role=\"status\""), "nothing was done");
        assert_shows_passwords(&html, &frame);
    }
}

#[test]
fn factors_are_listed_and_each_has_its_links() {
    for language in LANGUAGES {
        let frame = Frame::sample(language);
        let passkeys = [PasskeyRow {
            id: "pk1".to_owned(),
            name: ODD,
            created: when(&frame),
            last_used: None,
            is_synced: true,
        }];
        let page = FactorList {
            frame: &frame,
            done: "",
            passkeys: &passkeys,
            app: Some(when(&frame)),
            backup_codes: 7,
        };
        let html = render_own(&page, &frame);
        for path in [
            "/bind-passkey",
            "/account/factors/passkeys/pk1/rename",
            "/account/factors/passkeys/pk1/remove",
            "/account/factors/app/remove",
            "/account/factors/codes",
        ] {
            assert!(html.contains(&format!("href=\"/t/acme{path}\"")), "{path}");
        }
        assert!(html.contains(&frame.texts.account.synced));
        assert!(html.contains(&frame.texts.account.codes_left(7)));
        assert!(!html.contains("/bind-app"), "there is one already");
        let page = FactorList {
            passkeys: &[],
            app: None,
            backup_codes: 0,
            ..page
        };
        let html = render_own(&page, &frame);
        assert!(html.contains("href=\"/t/acme/bind-app\""));
        assert!(
            !html.contains("/account/factors/codes"),
            "codes stand in for a factor"
        );
    }
}

#[test]
fn a_passkey_is_renamed() {
    for language in LANGUAGES {
        let frame = Frame::sample(language);
        let page = RenamePasskey {
            frame: &frame,
            csrf: "t0ken",
            id: "pk1",
            name: ODD,
            problem: "",
            details: &[],
        };
        let html = render_own(&page, &frame);
        assert!(html.contains("action=\"/t/acme/account/factors/passkeys/pk1/rename\""));
        assert!(html.contains("name=\"name\""));
    }
}

#[test]
fn the_sign_in_that_looks_is_marked_and_the_others_can_be_ended() {
    for language in LANGUAGES {
        let frame = Frame::sample(language);
        let row = |id: &str, is_this| SessionRow {
            id: id.to_owned(),
            device: ODD.to_owned(),
            address: "192.0.2.7".to_owned(),
            created: when(&frame),
            last_active: when(&frame),
            is_this,
        };
        let sessions = [row("s1", true), row("s2", false)];
        let mut page = SessionList {
            frame: &frame,
            done: "",
            sessions: &sessions,
        };
        let html = render_own(&page, &frame);
        assert_eq!(html.matches(&frame.texts.account.this_one).count(), 1);
        assert!(html.contains("/account/sessions/s2/end\"") && !html.contains("s1/end"));
        assert!(html.contains("href=\"/t/acme/account/sessions/end-others\""));
        assert_eq!(html.matches("<time datetime=\"").count(), 4);
        page.sessions = &sessions[..1];
        assert!(
            !render_own(&page, &frame).contains("end-others"),
            "there are none"
        );
    }
}

#[test]
fn applications_are_listed_with_what_they_may_do() {
    for language in LANGUAGES {
        let frame = Frame::sample(language);
        let applications = [Application {
            name: ODD,
            scopes: vec![Scope {
                text: frame.texts.scope("email"),
                name: "email",
            }],
            since: when(&frame),
            take_back: "/t/acme/account/applications/take-back?client_id=c%26x".to_owned(),
        }];
        let mut page = ApplicationList {
            frame: &frame,
            done: "",
            applications: &applications,
        };
        let html = render_own(&page, &frame);
        assert!(html.contains(frame.texts.scope("email")) && html.contains("client_id=c%26x\""));
        page.applications = &[];
        let html = render_own(&page, &frame);
        assert!(html.contains(&frame.texts.account.applications_none));
    }
}

#[test]
fn what_happened_is_told_in_words_and_what_is_not_known_is_left_out() {
    for language in LANGUAGES {
        let frame = Frame::sample(language);
        let texts = &frame.texts.account;
        let row = |by, factor, device: &str| ActivityRow {
            what: texts.event("login.failed"),
            factor,
            at: when(&frame),
            by,
            address: if by.is_empty() { "192.0.2.7" } else { "" },
            device: device.to_owned(),
        };
        let rows = [
            row("", texts.factor("totp"), ODD),
            row(texts.doer("administrator"), "", ""),
        ];
        let mut page = ActivityList {
            frame: &frame,
            rows: &rows,
            older: "/t/acme/account/activity?cursor=c1",
        };
        let html = render_own(&page, &frame);
        assert_eq!(html.matches(texts.event("login.failed")).count(), 2);
        assert_eq!(html.matches("<time datetime=\"").count(), 2);
        assert_eq!(
            html.matches(&format!("<dt>{}</dt>", texts.address)).count(),
            1
        );
        assert_eq!(
            html.matches(&format!("<dt>{}</dt>", texts.device)).count(),
            1
        );
        assert!(html.contains(texts.doer("administrator")) && html.contains("cursor=c1\""));
        (page.rows, page.older) = (&[], "");
        let html = render_own(&page, &frame);
        assert!(html.contains(&texts.activity_none) && !html.contains("cursor="));
    }
}

#[test]
fn ones_data_can_be_taken_along() {
    for language in LANGUAGES {
        let frame = Frame::sample(language);
        let page = OwnData { frame: &frame };
        let html = render_own(&page, &frame);
        assert!(html.contains("href=\"/t/acme/account/data/export\""));
    }
}

#[test]
fn what_is_asked_first_can_be_left_alone() {
    for language in LANGUAGES {
        let frame = Frame::sample(language);
        for matter in Matter::ALL {
            let question = frame.texts.account.question(matter);
            let page = Confirm {
                frame: &frame,
                csrf: "t0ken",
                here: "/account/sessions",
                heading: &question.heading,
                text: &question.about(ODD),
                action: "/t/acme/account/sessions/s2/end",
                fields: &[("client_id", ODD)],
                button: &question.button,
                back: "/t/acme/account/sessions",
            };
            let html = render_own(&page, &frame);
            assert!(html.contains("action=\"/t/acme/account/sessions/s2/end\""));
            assert!(html.contains("name=\"client_id\" value=\"&#34;"));
            assert_eq!(html.matches("<button").count(), 1);
        }
    }
}
