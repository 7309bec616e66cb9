//! What goes back to a client's redirect URI: a code, or why there is none.
//!
//! Every answer carries the issuer, so that a client with several of them notices a mix-up (RFC 9207),
//! and the `state` as it came. In the modes `query` and `form_post` the parameters stand for
//! themselves. In the JWT modes (JARM) the caller signs [`Answer::jwt_claims`] and makes the answer
//! that carries the result with [`Answer::signed`]; an unsigned one of these is never sent.
//!
//! The code is a credential: it is in no debug output.

use std::fmt;
use std::time::Duration;

use domain::authorization::ResponseMode;
use domain::time::UnixMillis;
use form_urlencoded::Serializer;
use serde_json::{Map, Value};

use super::authorization::{AuthorizationError, Target};

/// An authorization response (RFC 6749 §4.1.2, §4.1.2.1).
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// Where it goes.
    pub redirect_uri: String,
    /// How it goes there.
    pub mode: ResponseMode,
    /// What it says, in order.
    pub parameters: Vec<(&'static str, String)>,
}

/// How long an answer that is a JWT may be on its way; JARM §2.1 recommends ten minutes at most.
const JWT_LIFETIME: Duration = Duration::from_mins(10);

// === impl Answer ===

impl Answer {
    /// Gives a code to whoever asked (RFC 6749 §4.1.2).
    #[must_use]
    pub fn code(target: impl Into<Target>, code: &str, issuer: &str) -> Self {
        Self::new(target.into(), vec![("code", code.to_owned())], issuer)
    }

    /// Says why there is no code (RFC 6749 §4.1.2.1).
    #[must_use]
    pub fn error(target: impl Into<Target>, error: &AuthorizationError, issuer: &str) -> Self {
        let said = vec![
            ("error", error.code.as_str().to_owned()),
            ("error_description", printable(&error.hint)),
        ];
        Self::new(target.into(), said, issuer)
    }

    fn new(target: Target, said: Vec<(&'static str, String)>, issuer: &str) -> Self {
        let state = target.state.map(|state| ("state", state));
        let issuer = ("iss", issuer.to_owned());
        Self {
            redirect_uri: target.redirect_uri,
            mode: target.mode,
            parameters: said.into_iter().chain(state).chain([issuer]).collect(),
        }
    }

    /// Gives the claims of an answer that is a JWT (JARM §2.1). The issuer among the parameters is
    /// the `iss` of the JWT.
    #[must_use]
    pub fn jwt_claims(&self, client_id: &str, now: UnixMillis) -> Map<String, Value> {
        let said = self.parameters.iter();
        let mut claims: Map<String, Value> = said
            .map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())))
            .collect();
        let expires = (now + JWT_LIFETIME).as_seconds();
        claims.insert("aud".to_owned(), Value::from(client_id));
        claims.insert("exp".to_owned(), Value::from(expires));
        claims
    }

    /// Puts the signed claims in place of the parameters (JARM §2.3).
    #[must_use]
    pub fn signed(self, jwt: String) -> Self {
        Self {
            parameters: vec![("response", jwt)],
            ..self
        }
    }

    /// Gives the address that the browser is sent to in the modes that use the query. What stands in
    /// the query already stays (RFC 6749 §3.1.2); a fragment does not.
    #[must_use]
    pub fn location(&self) -> String {
        let (base, _) = self
            .redirect_uri
            .split_once('#')
            .unwrap_or((&self.redirect_uri, ""));
        let glue = match base.split_once('?') {
            None => "?",
            Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
            Some(_) => "&",
        };
        let mut encoded = Serializer::new(String::new());
        encoded.extend_pairs(&self.parameters);
        format!("{base}{glue}{}", encoded.finish())
    }

    /// Gives the fields of the form that the browser posts in the other modes.
    #[must_use]
    pub fn fields(&self) -> &[(&'static str, String)] {
        &self.parameters
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.parameters.iter().map(|(name, _)| *name).collect();
        f.debug_struct("Answer")
            .field("redirect_uri", &self.redirect_uri)
            .field("mode", &self.mode)
            .field("parameters", &names)
            .finish_non_exhaustive()
    }
}

/// Leaves out what an `error_description` must not have: all but `%x20-21 / %x23-5B / %x5D-7E` (RFC
/// 6749 §4.1.2.1).
fn printable(hint: &str) -> String {
    let allowed = |c: &char| matches!(c, '\u{20}'..='\u{7e}') && !matches!(c, '"' | '\\');
    hint.chars().filter(allowed).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::authorization::AuthorizationErrorCode;
    use super::super::authorization::sample::{CALLBACK, judge};
    use super::*;

    const ISSUER: &str = "https://auth.example.org/t/a";

    fn target(redirect_uri: &str) -> Target {
        Target {
            redirect_uri: redirect_uri.to_owned(),
            mode: ResponseMode::Query,
            state: Some("a b&c=d".to_owned()),
        }
    }

    fn location(redirect_uri: &str) -> String {
        Answer::code(target(redirect_uri), "x", "https://i").location()
    }

    fn denied(hint: &str) -> AuthorizationError {
        AuthorizationError::new(AuthorizationErrorCode::AccessDenied, hint)
    }

    #[test]
    fn rfc_6749_4_1_2_a_code_is_appended_to_the_query() {
        let said = "code=x&state=a+b%26c%3Dd&iss=https%3A%2F%2Fi";
        for (uri, before) in [
            ("https://a.example/cb", "https://a.example/cb?"),
            ("https://a.example", "https://a.example?"),
            ("https://a.example/cb?", "https://a.example/cb?"),
            ("https://a.example/cb?x=%20", "https://a.example/cb?x=%20&"),
            ("https://a.example/cb?x=1&", "https://a.example/cb?x=1&"),
            ("https://a.example/cb?x=?", "https://a.example/cb?x=?&"),
            ("https://a.example/cb#f", "https://a.example/cb?"),
            ("https://a.example/cb?x=1#?f", "https://a.example/cb?x=1&"),
            ("org.example.app:/cb", "org.example.app:/cb?"),
        ] {
            assert_eq!(location(uri), format!("{before}{said}"), "{uri}");
        }
    }

    #[test]
    fn rfc_9207_2_every_answer_names_its_issuer() {
        let request = judge(&[]).expect("a good request");
        let code = Answer::code(&request, "x", ISSUER);
        let error = Answer::error(&request, &denied("No."), ISSUER);
        for answer in [code, error] {
            let last = answer.fields().last();
            assert_eq!(last, Some(&("iss", ISSUER.to_owned())));
            assert_eq!(answer.redirect_uri, CALLBACK);
        }
    }

    #[test]
    fn rfc_9207_2_1_and_2_2_the_examples_are_written_alike() {
        let target = |state: &str| Target {
            redirect_uri: "https://client.example/cb".to_owned(),
            mode: ResponseMode::Query,
            state: Some(state.to_owned()),
        };
        let issuer = "https://honest.as.example";
        let code = "x1848ZT64p4IirMPT0R-X3141MFPTuBX-VFL_cvaplMH58";
        let state = "ZWVlNDBlYzA1NjdkMDNhYjg3ZjUxZjAyNGQzMTM2NzI";
        assert_eq!(
            Answer::code(target(state), code, issuer).location(),
            format!(
                "https://client.example/cb?code={code}&state={state}&iss=https%3A%2F%2Fhonest.as.example"
            )
        );
        let state = "N2JjNGJhY2JiZjRhYzA3MGJkMzNmMDE5OWJhZmJhZjA";
        assert_eq!(
            Answer::error(target(state), &denied(""), issuer).location(),
            format!(
                "https://client.example/cb?error=access_denied&error_description=&state={state}&iss=https%3A%2F%2Fhonest.as.example"
            )
        );
    }

    #[test]
    fn rfc_6749_4_1_2_1_an_error_says_its_code_and_the_state_as_it_came() {
        let answer = Answer::error(target(CALLBACK), &denied("The person said no."), ISSUER);
        let expected = [
            ("error", "access_denied"),
            ("error_description", "The person said no."),
            ("state", "a b&c=d"),
            ("iss", ISSUER),
        ];
        let fields = answer.fields().iter();
        let fields: Vec<(&str, &str)> = fields.map(|(name, value)| (*name, &**value)).collect();
        assert_eq!(fields, expected);
    }

    #[test]
    fn rfc_6749_4_1_2_1_an_absent_state_stays_absent() {
        let mut stateless = target(CALLBACK);
        stateless.state = None;
        let answer = Answer::code(&stateless, "x", ISSUER);
        assert!(answer.fields().iter().all(|(name, _)| *name != "state"));
    }

    #[test]
    fn rfc_6749_4_1_2_1_a_description_has_no_odd_characters() {
        let answer = Answer::error(target(CALLBACK), &denied("a\"b\\c\r\nd\u{e9}~ !"), ISSUER);
        assert_eq!(answer.fields()[1].1, "abcd~ !");
    }

    #[test]
    fn jarm_2_1_the_claims_are_issuer_audience_expiry_and_the_parameters() {
        let now = UnixMillis::from_seconds(1_000);
        let claims = Answer::code(target(CALLBACK), "x", ISSUER).jwt_claims("client_x", now);
        let expected = serde_json::json!({
            "iss": ISSUER, "aud": "client_x", "exp": 1_600, "code": "x", "state": "a b&c=d",
        });
        assert_eq!(Value::Object(claims), expected);
    }

    #[test]
    fn jarm_2_3_a_signed_answer_has_one_parameter() {
        let answer = Answer::code(target(CALLBACK), "x", ISSUER).signed("a.b.c".to_owned());
        assert_eq!(answer.location(), format!("{CALLBACK}?response=a.b.c"));
    }

    #[test]
    fn a_code_is_in_no_debug_output() {
        let answer = Answer::code(target(CALLBACK), "qf_ac_secret", ISSUER);
        assert!(!format!("{answer:?}").contains("secret"));
    }

    proptest! {
        #[test]
        fn a_state_comes_back_as_it_came_and_adds_nothing(state in ".{0,80}") {
            let mut given = target("https://a.example/cb?x=1");
            given.state = Some(state.clone());
            let location = Answer::code(&given, "c", ISSUER).location();
            let (base, query) = location.split_once('?').expect("a query");
            let pairs: Vec<(String, String)> =
                form_urlencoded::parse(query.as_bytes()).into_owned().collect();
            let expected = [("x", "1"), ("code", "c"), ("state", &*state), ("iss", ISSUER)];
            let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
            prop_assert_eq!(base, "https://a.example/cb");
            prop_assert_eq!(pairs, expected.to_vec());
            prop_assert!(location.bytes().all(|byte| byte.is_ascii_graphic()));
        }

        #[test]
        fn no_redirect_uri_makes_answering_panic(uri in ".{0,80}") {
            prop_assert!(!location(&uri).contains('#'));
        }
    }
}
