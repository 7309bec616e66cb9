//! Every page, filled in, in every language: what all of them must be, and what some of them have.

use super::factor::{BackupCodes, BindApp, BindFactor, BindPasskey, RecoverFactor, SecondFactor};
use super::{Register, Reset, Restore, SignIn};
use crate::http::page::{Frame, Page};
use crate::language::LANGUAGES;

mod account;
mod managers;

/// What nobody may get into a page.
const ODD: &str = "\"><script>alert('x')</script>";
const OPTIONS: &str = r#"{"publicKey":{"challenge":"c</script>'"}}"#;

/// Renders a page, and judges what holds for every page.
fn render(page: &impl Page, language: &str) -> String {
    let html = page.render().expect("a page");
    assert!(html.contains(&format!("<html lang=\"{language}\">")));
    assert!(!html.contains("alert('x')</script>"), "{html}");
    assert!(html.matches("<form").count() <= 1, "one form a page");
    assert!(!html.contains("style=\""), "no style but the page's");
    let scripts = html.matches("<script").count();
    let named = html.matches("<script nonce=\"n0nce\">").count();
    assert_eq!(scripts, named, "a script without a name: {html}");
    assert_eq!(scripts, html.matches("</script>").count());
    assert_eq!(scripts > 0, page.runs_script());
    for label in pieces(&html, "<label for=\"") {
        assert!(html.contains(&format!("<input id=\"{label}\" ")), "{label}");
    }
    for described in pieces(&html, "aria-describedby=\"") {
        assert!(html.contains(&format!("id=\"{described}\"")), "{described}");
    }
    if html.contains("<form") {
        assert!(html.contains("name=\"csrf\" value=\"t0ken\""));
        assert!(html.contains("action=\"/t/acme/"));
    }
    html
}

/// Finds what stands between a beginning and the next quotation mark.
fn pieces<'a>(html: &'a str, beginning: &'a str) -> impl Iterator<Item = &'a str> {
    let after = html.split(beginning).skip(1);
    after.map(|rest| rest.split('"').next().unwrap_or_default())
}

fn second_factor<'a>(
    frame: &'a Frame,
    method: &'a str,
    others: &'a [(&'a str, String)],
) -> SecondFactor<'a> {
    SecondFactor {
        frame,
        csrf: "t0ken",
        request: "sealed",
        method,
        others,
        recover: "/t/acme/recover-factor",
        options: OPTIONS,
        state: "st4te",
        problem: ODD,
        details: &[],
    }
}

#[test]
fn a_second_factor_is_a_code_or_a_passkey_and_the_other_ways_are_links() {
    let others = [("backup", "/t/acme/second-factor?method=backup".to_owned())];
    for language in LANGUAGES {
        let frame = Frame::sample(language);
        let texts = &frame.texts.factor;
        let totp = render(&second_factor(&frame, "totp", &others), language);
        for part in [
            "name=\"code\"",
            "inputmode=\"numeric\"",
            "autocomplete=\"one-time-code\"",
            "name=\"method\" value=\"totp\"",
            "name=\"request\" value=\"sealed\"",
            "name=\"decision\" value=\"cancel\"",
            "role=\"alert\"",
            "href=\"/t/acme/second-factor?method=backup\"",
            texts.way("backup"),
            "href=\"/t/acme/recover-factor\"",
            &texts.recover_link,
        ] {
            assert!(totp.contains(part), "{part}");
        }
        let backup = render(&second_factor(&frame, "backup", &[]), language);
        assert!(
            backup.contains("name=\"method\" value=\"backup\"") && backup.contains("id=\"code\"")
        );
        assert!(!backup.contains("one-time-code") && !backup.contains("data-passkey"));
        let passkey = render(&second_factor(&frame, "passkey", &[]), language);
        assert!(!passkey.contains("name=\"code\""));
        assert!(
            passkey.contains(&texts.passkey_no_script),
            "the one exception"
        );
        assert_asks_for_a_passkey(&passkey, "get");
    }
}

#[test]
fn a_lost_factor_is_recovered_by_a_code_that_is_asked_for_first() {
    for language in LANGUAGES {
        let frame = Frame::sample(language);
        let texts = &frame.texts.factor;
        for is_sent in [false, true] {
            let page = RecoverFactor {
                frame: &frame,
                csrf: "t0ken",
                request: "sealed",
                is_sent,
                again: "/t/acme/recover-factor?request=sealed",
                back: "/t/acme/second-factor?request=sealed",
                problem: ODD,
                details: &[],
            };
            let html = render(&page, language);
            assert!(html.contains("action=\"/t/acme/recover-factor\""));
            assert!(html.contains("href=\"/t/acme/second-factor?request=sealed\""));
            assert_eq!(html.contains("name=\"code\""), is_sent);
            assert_eq!(html.contains(&texts.recover_again), is_sent);
            let button = if is_sent {
                &texts.recover_finish
            } else {
                &texts.recover_send
            };
            assert!(html.contains(&format!(">{button}</button>")), "{button}");
        }
    }
}

#[test]
fn a_factor_is_chosen_by_one_of_two_buttons_and_skipped_only_if_it_may_be() {
    for language in LANGUAGES {
        let frame = Frame::sample(language);
        for may_skip in [true, false] {
            let page = BindFactor {
                frame: &frame,
                csrf: "t0ken",
                request: "",
                offers_passkeys: true,
                may_skip,
            };
            let html = render(&page, language);
            assert!(html.contains("name=\"method\" value=\"totp\""));
            assert!(html.contains("name=\"method\" value=\"passkey\""));
            assert_eq!(html.contains("value=\"skip\""), may_skip);
            assert!(
                !html.contains("value=\"cancel\""),
                "there is nobody to go back to"
            );
        }
    }
}

#[test]
fn an_app_is_bound_by_a_picture_or_by_hand() {
    for language in LANGUAGES {
        let frame = Frame::sample(language);
        let page = BindApp {
            frame: &frame,
            csrf: "t0ken",
            request: "sealed",
            setup: "m4rk",
            qr_svg: "<svg role=\"img\" aria-label=\"QR code\"></svg>",
            secret: "ABCD EFGH <",
            problem: "",
            details: &[],
        };
        let html = render(&page, language);
        assert!(
            html.contains("<svg role=\"img\""),
            "the picture is drawn by us"
        );
        assert!(html.contains("ABCD EFGH &#60;"), "the secret is a text");
        assert!(html.contains("name=\"code\"") && html.contains("inputmode=\"numeric\""));
    }
}

#[test]
fn backup_codes_are_shown_without_a_form() {
    for language in LANGUAGES {
        let frame = Frame::sample(language);
        let page = BackupCodes {
            frame: &frame,
            codes: &["abcd-efgh", "ijkl-mnop"],
            onward: "/t/acme/oauth/resume?request=x",
        };
        let html = render(&page, language);
        assert_eq!(html.matches("<li><code>").count(), 2);
        assert!(html.contains(" 2 "), "how many");
        assert!(html.contains("href=\"/t/acme/oauth/resume?request=x\""));
        assert!(html.contains("@media print"), "they can be printed");
    }
}

#[test]
fn a_passkey_is_bound_with_a_name() {
    for language in LANGUAGES {
        let frame = Frame::sample(language);
        let page = BindPasskey {
            frame: &frame,
            csrf: "t0ken",
            request: "",
            options: OPTIONS,
            state: "st4te",
            name: ODD,
            problem: "",
            details: &[],
        };
        let html = render(&page, language);
        assert!(html.contains("id=\"name\" name=\"name\""));
        assert_asks_for_a_passkey(&html, "create");
    }
}

#[test]
fn a_sign_in_offers_passkeys_only_where_there_are_any() {
    for language in LANGUAGES {
        let frame = Frame::sample(language);
        for options in ["", OPTIONS] {
            let page = SignIn {
                frame: &frame,
                csrf: "t0ken",
                request: "sealed",
                client: ODD,
                email: ODD,
                options,
                state: "st4te",
                problem: "",
                details: &[],
            };
            let html = render(&page, language);
            assert_shows_passwords(&html, &frame);
            if options.is_empty() {
                assert!(html.contains("autocomplete=\"username\""));
                assert!(!html.contains("data-passkey=") && !html.contains("name=\"response\""));
            } else {
                assert!(html.contains("autocomplete=\"username webauthn\""));
                assert!(html.contains(" data-offered>"));
                assert_asks_for_a_passkey(&html, "get");
            }
        }
    }
}

#[test]
fn nist_3_1_1_2_every_password_that_is_typed_can_be_seen() {
    for language in LANGUAGES {
        let frame = Frame::sample(language);
        let register = Register {
            frame: &frame,
            csrf: "t0ken",
            request: "",
            name: ODD,
            email: ODD,
            min_length: 15,
            problem: "",
            details: &[],
        };
        assert_shows_passwords(&render(&register, language), &frame);
        let reset = Reset {
            frame: &frame,
            csrf: "t0ken",
            token: ODD,
            min_length: 15,
            problem: "",
            details: &[],
        };
        assert_shows_passwords(&render(&reset, language), &frame);
    }
}

fn assert_asks_for_a_passkey(html: &str, kind: &str) {
    let escaped = "{&#34;publicKey&#34;:{&#34;challenge&#34;:&#34;c&#60;/script&#62;&#39;&#34;}}";
    for part in [
        format!("data-passkey=\"{kind}\" data-options=\"{escaped}\""),
        "name=\"state\" value=\"st4te\"".to_owned(),
        "name=\"response\" value=\"\"".to_owned(),
        "data-passkey-button>".to_owned(),
        "data-passkey-status".to_owned(),
    ] {
        assert!(html.contains(&part), "{part}");
    }
    let button = html
        .split("<button")
        .find(|text| text.contains("data-passkey-button"));
    assert!(
        button.is_some_and(|text| text.contains(" hidden ")),
        "a script shows it"
    );
}

fn assert_shows_passwords(html: &str, frame: &Frame) {
    let fields = html.matches("type=\"password\"").count();
    let marked = format!(
        "type=\"password\" data-show=\"{}\"",
        frame.texts.show_password
    );
    assert!(fields > 0);
    assert_eq!(html.matches(&marked).count(), fields);
    assert!(html.contains("aria-pressed"), "by a script that is there");
}

#[test]
fn a_deleted_account_is_offered_back() {
    for language in LANGUAGES {
        let frame = Frame::sample(language);
        let page = Restore {
            frame: &frame,
            csrf: "t0ken",
            request: "s3aled",
            text: &frame.texts.restore_until(ODD),
        };
        let html = render(&page, &frame.texts.lang);
        assert!(html.contains("action=\"/t/acme/account/restore\""));
        assert!(html.contains("value=\"s3aled\"") && html.contains("value=\"cancel\""));
    }
}
