//! Who the client believes the person to be, and how they are to be met.

use domain::authorization::{AuthorizationRequest, Prompt};

use super::{Asked, AuthorizationError, Verdict, invalid_request};

/// The longest `login_hint`, in bytes: as long as the longest e-mail address.
const MAX_LOGIN_HINT: usize = 320;

/// The longest `acr_values`, in bytes.
const MAX_ACR_VALUES: usize = 1024;

/// How many languages are looked at.
const MAX_LOCALES: usize = 10;

/// The longest language tag that is looked at (RFC 5646 §4.4.1).
const MAX_LOCALE: usize = 35;

pub(super) fn read_prompt(asked: &Asked<'_>, request: &mut AuthorizationRequest) -> Verdict {
    if let Some(text) = asked.get("prompt") {
        request.prompt = parse_prompt(text)?;
    }
    Ok(())
}

fn parse_prompt(text: &str) -> Result<Prompt, AuthorizationError> {
    let mut prompt = Prompt::default();
    for word in words(text) {
        match word {
            "none" => prompt.none = true,
            "login" => prompt.login = true,
            "consent" => prompt.consent = true,
            "select_account" => prompt.select_account = true,
            _ => {
                return Err(invalid_request(
                    "prompt must be none, or some of login, consent and select_account.",
                ));
            }
        }
    }
    if prompt.none && (prompt.login || prompt.consent || prompt.select_account) {
        return Err(invalid_request("prompt=none must stand alone."));
    }
    Ok(prompt)
}

pub(super) fn read_max_age(asked: &Asked<'_>, request: &mut AuthorizationRequest) -> Verdict {
    request.max_age = match asked.get("max_age") {
        None => asked.client.metadata.default_max_age,
        Some(text) => Some(parse_seconds(text).ok_or_else(|| {
            invalid_request("max_age must be a number of seconds, zero or more.")
        })?),
    };
    Ok(())
}

/// Reads digits; not the sign that `parse` would let pass.
fn parse_seconds(text: &str) -> Option<u64> {
    let only_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    only_digits.then(|| text.parse().ok()).flatten()
}

pub(super) fn read_login_hint(asked: &Asked<'_>, request: &mut AuthorizationRequest) -> Verdict {
    let hint = asked.bounded("login_hint", MAX_LOGIN_HINT)?;
    request.login_hint = hint.map(str::to_owned);
    Ok(())
}

pub(super) fn read_acr_values(asked: &Asked<'_>, request: &mut AuthorizationRequest) -> Verdict {
    let text = asked.bounded("acr_values", MAX_ACR_VALUES)?;
    request.acr_values = words(text.unwrap_or_default()).map(str::to_owned).collect();
    Ok(())
}

/// Takes the languages that may be ones; no other is an error, as the section says.
#[expect(clippy::unnecessary_wraps, reason = "every row has the same type")]
pub(super) fn read_ui_locales(asked: &Asked<'_>, request: &mut AuthorizationRequest) -> Verdict {
    let text = asked.get("ui_locales").unwrap_or_default();
    let known = words(text).filter(|word| is_language_tag(word));
    request.ui_locales = known.take(MAX_LOCALES).map(str::to_owned).collect();
    Ok(())
}

fn is_language_tag(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    text.len() <= MAX_LOCALE && text.bytes().all(fits)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::AuthorizationErrorCode as Code;
    use super::super::sample::{changed, judge, judge_for};

    #[test]
    fn openid_connect_core_3_1_2_1_prompt_none_stands_alone() {
        let prompt = |text: &str| judge(&[("prompt", text)]).map(|request| request.prompt);
        assert!(prompt("none").is_ok_and(|prompt| prompt.none));
        assert!(prompt("login consent").is_ok_and(|prompt| prompt.login && prompt.consent));
        assert!(prompt("select_account").is_ok_and(|prompt| prompt.select_account));
        for odd in [
            "none login",
            "consent none",
            "create",
            "Login",
            "login,consent",
        ] {
            assert_eq!(prompt(odd), Err(Code::InvalidRequest), "{odd}");
        }
    }

    #[test]
    fn openid_connect_core_3_1_2_1_max_age_is_a_number_of_seconds() {
        let max_age = |text: &str| judge(&[("max_age", text)]).map(|request| request.max_age);
        assert_eq!(max_age("0"), Ok(Some(0)));
        assert_eq!(max_age("3600"), Ok(Some(3600)));
        for odd in ["-1", "+1", "1.5", " 1", "1e3", "x", "99999999999999999999"] {
            assert_eq!(max_age(odd), Err(Code::InvalidRequest), "{odd}");
        }
    }

    #[test]
    fn openid_connect_registration_2_default_max_age_is_overridden_by_max_age() {
        let strict = changed(|client| client.metadata.default_max_age = Some(60));
        let max_age = |text: &str| judge_for(&strict, &[("max_age", text)]).map(|one| one.max_age);
        assert_eq!(max_age(""), Ok(Some(60)));
        assert_eq!(max_age("600"), Ok(Some(600)));
    }

    #[test]
    fn openid_connect_core_3_1_2_1_hints_about_the_person_are_bounded() {
        let request = judge(&[("login_hint", "a@b.example"), ("acr_values", "aal2 aal1")]);
        let request = request.expect("a good request");
        assert_eq!(request.login_hint.as_deref(), Some("a@b.example"));
        assert_eq!(request.acr_values, ["aal2", "aal1"]);
        assert_eq!(
            judge(&[("login_hint", &"x".repeat(321))]),
            Err(Code::InvalidRequest)
        );
        assert_eq!(
            judge(&[("acr_values", &"x".repeat(1025))]),
            Err(Code::InvalidRequest)
        );
    }

    #[test]
    fn openid_connect_core_3_1_2_1_odd_languages_are_no_error() {
        let locales = |text: &str| judge(&[("ui_locales", text)]).map(|request| request.ui_locales);
        let two = ["de-CH", "en"].map(str::to_owned).to_vec();
        assert_eq!(locales("de-CH <b> ../x en"), Ok(two));
        assert_eq!(locales(&"de ".repeat(1000)).map(|all| all.len()), Ok(10));
    }
}
