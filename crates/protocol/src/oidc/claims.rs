//! Claims about a person: which of them an ID token and userinfo carry (OpenID Connect Core §5).
//!
//! A client asks in two ways: by scope (§5.4), which is answered at userinfo, because every flow of
//! ours issues an access token; and one by one with the `claims` parameter (§5.5), which is answered
//! where it says. What is not stored, or is not what was asked for, is left out: that is no error
//! (§5.5.1), except for `sub` ([`is_about_another`]) and an essential `acr` ([`required_acr`]),
//! which the caller judges before it answers at all.
//!
//! The members of a `claims` parameter are read leniently: what makes no sense asks for nothing.

use domain::scope::ScopeSet;
use domain::user::User;
use serde_json::{Map, Value};

/// Which claims a scope asks for (OpenID Connect Core §5.4), of those that are stored. `address` and
/// `phone` ask for nothing as long as neither is.
pub const BY_SCOPE: [(&str, &[&str]); 2] = [
    ("profile", &["name", "updated_at"]),
    ("email", &["email", "email_verified"]),
];

/// Where claims go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimsTarget {
    /// Into the ID token.
    IdToken,
    /// Into the answer of the userinfo endpoint.
    Userinfo,
}

/// A person as claims tell of them.
#[derive(Debug, Clone, Copy)]
pub struct Profile<'a> {
    /// The account.
    pub user: &'a User,
}

/// Gives the claims about a person that go to a target, `sub` apart. `requested` is the `claims`
/// parameter.
#[must_use]
pub fn claims_for(
    target: ClaimsTarget,
    scope: &ScopeSet,
    requested: Option<&Value>,
    user: &User,
) -> Map<String, Value> {
    let profile = Profile { user };
    let by_scope = BY_SCOPE
        .into_iter()
        .filter(|(token, _)| target == ClaimsTarget::Userinfo && scope.contains(token))
        .flat_map(|(_, names)| names)
        .filter_map(|&name| Some((name.to_owned(), profile.claim(name)?)));
    let one_by_one = wishes(requested, target).filter_map(|(name, wish)| {
        let value = profile.claim(name)?;
        is_granted(wish, &value).then(|| (name.to_owned(), value))
    });
    by_scope.chain(one_by_one).collect()
}

/// Says whether the `claims` parameter asks for another person than whom `is_subject` names: then the
/// request must fail (OpenID Connect Core §5.5.1).
#[must_use]
pub fn is_about_another(requested: Option<&Value>, is_subject: impl Fn(&str) -> bool) -> bool {
    let is_named = |choice: &Value| choice.as_str().is_some_and(&is_subject);
    [ClaimsTarget::IdToken, ClaimsTarget::Userinfo]
        .into_iter()
        .filter_map(|target| wish(requested, target, "sub"))
        .filter_map(choices)
        .any(|mut choices| !choices.any(is_named))
}

/// Leaves of a `claims` parameter what these scopes allow; none when that is nothing. What belongs to no
/// scope, as `acr` and `sub`, is always left.
#[must_use]
pub fn within(requested: Value, scope: &ScopeSet) -> Option<Value> {
    let Value::Object(mut members) = requested else {
        return None;
    };
    let is_allowed = |name: &str| scope_of(name).is_none_or(|needed| scope.contains(needed));
    for wanted in members.values_mut().filter_map(Value::as_object_mut) {
        wanted.retain(|name, _| is_allowed(name));
    }
    members.retain(|_, wanted| wanted.as_object().is_none_or(|wanted| !wanted.is_empty()));
    (!members.is_empty()).then_some(Value::Object(members))
}

/// Gives the `acr` values of which the ID token must have one; else the sign-in counts as failed
/// (OpenID Connect Core §5.5.1.1). None when no value is essential.
#[must_use]
pub fn required_acr(requested: Option<&Value>) -> Option<Vec<&str>> {
    let wish = wish(requested, ClaimsTarget::IdToken, "acr")?;
    if wish.get("essential") != Some(&Value::Bool(true)) {
        return None;
    }
    let values = choices(wish)?;
    Some(values.filter_map(Value::as_str).collect())
}

/// Gives the scopes whose claims are asked for one by one: what a consent must say beside the
/// scopes that were requested.
#[must_use]
pub fn scopes_of(requested: Option<&Value>) -> ScopeSet {
    let is_wished = |name: &&str| {
        [ClaimsTarget::IdToken, ClaimsTarget::Userinfo]
            .into_iter()
            .any(|target| wish(requested, target, name).is_some())
    };
    let scopes = BY_SCOPE
        .into_iter()
        .filter(|(_, names)| names.iter().any(is_wished))
        .map(|(token, _)| token.to_owned());
    ScopeSet::from_stored(scopes.collect())
}

/// Names the scope that asks for a claim, if one does.
fn scope_of(claim: &str) -> Option<&'static str> {
    let mut scopes = BY_SCOPE.into_iter();
    let found = scopes.find(|(_, names)| names.contains(&claim));
    found.map(|(token, _)| token)
}

// === impl Profile ===

impl Profile<'_> {
    /// Gives a claim by its registered name; none when it is not stored or empty, for an empty text
    /// is no claim (OpenID Connect Core §5.3.2).
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<Value> {
        let user = self.user;
        match name {
            "name" => Some(user.name.as_str())
                .filter(|name| !name.is_empty())
                .map(Value::from),
            "updated_at" => Some(Value::from(user.updated_at.as_seconds())),
            "email" => Some(Value::from(user.email.as_str())),
            "email_verified" => Some(Value::from(user.email_verified)),
            _ => None,
        }
    }
}

// === impl ClaimsTarget ===

impl ClaimsTarget {
    /// Gives the member of the `claims` parameter that is for this target (OpenID Connect Core
    /// §5.5).
    const fn as_str(self) -> &'static str {
        match self {
            Self::IdToken => "id_token",
            Self::Userinfo => "userinfo",
        }
    }
}

/// Visits what is asked for at a target: `null`, or an object that says more (§5.5.1).
fn wishes(requested: Option<&Value>, target: ClaimsTarget) -> impl Iterator<Item = (&str, &Value)> {
    requested
        .and_then(|claims| claims.get(target.as_str())?.as_object())
        .into_iter()
        .flatten()
        .filter(|(_, wish)| wish.is_null() || wish.is_object())
        .map(|(name, wish)| (name.as_str(), wish))
}

fn wish<'a>(requested: Option<&'a Value>, target: ClaimsTarget, name: &str) -> Option<&'a Value> {
    wishes(requested, target)
        .find(|(known, _)| *known == name)
        .map(|(_, wish)| wish)
}

/// Gives the values of which a wish wants one; none when any will do.
fn choices(wish: &Value) -> Option<impl Iterator<Item = &Value>> {
    let (one, several) = (wish.get("value"), wish.get("values"));
    if one.is_none() && several.is_none() {
        return None;
    }
    let several = several.and_then(Value::as_array).into_iter().flatten();
    Some(one.into_iter().chain(several))
}

fn is_granted(wish: &Value, value: &Value) -> bool {
    choices(wish).is_none_or(|mut choices| choices.any(|choice| choice == value))
}

#[cfg(test)]
mod tests {
    use domain::email::EmailAddress;
    use domain::id::{TenantId, UserId};
    use domain::random::Counting;
    use domain::time::UnixMillis;
    use domain::user::UserStatus;
    use serde_json::json;

    use super::*;

    fn user() -> User {
        let (now, random) = (UnixMillis::from_seconds(1_700_000_000), Counting::default());
        User {
            id: UserId::generate(now, &random),
            tenant: TenantId::generate(now, &random),
            email: EmailAddress::from_stored("ada@example.org".to_owned()),
            email_verified: true,
            name: "Ada".to_owned(),
            status: UserStatus::Active,
            locked_reason: None,
            roles: vec!["user".to_owned()],
            password_compromised: false,
            password_by_mail: false,
            erase_at: None,
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }

    fn given(target: ClaimsTarget, scope: &str, requested: &Value) -> Value {
        let scope = ScopeSet::parse(scope).expect("a scope");
        Value::from(claims_for(target, &scope, Some(requested), &user()))
    }

    #[test]
    fn openid_connect_core_5_4_scopes_ask_for_claims_at_userinfo() {
        let of = |scope| given(ClaimsTarget::Userinfo, scope, &Value::Null);
        assert_eq!(of("openid"), json!({}));
        assert_eq!(of("openid address phone offline_access"), json!({}));
        assert_eq!(
            of("openid profile"),
            json!({ "name": "Ada", "updated_at": 1_700_000_000 })
        );
        assert_eq!(
            of("openid email"),
            json!({ "email": "ada@example.org", "email_verified": true })
        );
    }

    #[test]
    fn openid_connect_core_5_4_the_id_token_beside_an_access_token_has_no_claims_of_scopes() {
        let of = |requested| given(ClaimsTarget::IdToken, "openid profile email", &requested);
        assert_eq!(of(Value::Null), json!({}));
        assert_eq!(of(json!({ "userinfo": { "email": null } })), json!({}));
        assert_eq!(
            of(json!({ "id_token": { "email": { "essential": true } } })),
            json!({ "email": "ada@example.org" })
        );
    }

    #[test]
    fn openid_connect_core_5_5_single_claims_come_beside_those_of_scopes() {
        let requested = json!({
            "userinfo": { "name": null, "nickname": { "essential": true }, "sub": null },
        });
        assert_eq!(
            given(ClaimsTarget::Userinfo, "openid email", &requested),
            json!({ "name": "Ada", "email": "ada@example.org", "email_verified": true })
        );
    }

    #[test]
    fn openid_connect_core_5_5_1_a_claim_with_another_value_than_asked_for_is_left_out() {
        let of = |wish: Value| {
            let requested = json!({ "id_token": { "name": wish } });
            given(ClaimsTarget::IdToken, "openid", &requested) == json!({ "name": "Ada" })
        };
        assert!(of(json!({})) && of(json!({ "value": "Ada" })));
        assert!(of(json!({ "values": ["Grace", "Ada"], "essential": true })));
        assert!(!of(json!({ "value": "Grace" })) && !of(json!({ "values": [] })));
    }

    #[test]
    fn openid_connect_core_5_3_2_an_empty_claim_is_left_out() {
        let mut nameless = user();
        nameless.name = String::new();
        let scope = ScopeSet::parse("openid profile").expect("a scope");
        let given = claims_for(ClaimsTarget::Userinfo, &scope, None, &nameless);
        assert_eq!(Value::from(given), json!({ "updated_at": 1_700_000_000 }));
    }

    #[test]
    fn openid_connect_core_5_5_1_a_request_about_another_subject_is_noticed() {
        let is_subject = |named: &str| named == "u";
        let another = |requested: Value| is_about_another(Some(&requested), is_subject);
        assert!(
            !is_about_another(None, is_subject) && !another(json!({ "id_token": { "sub": null } }))
        );
        assert!(!another(json!({ "id_token": { "sub": { "value": "u" } } })));
        assert!(!another(
            json!({ "userinfo": { "sub": { "values": ["v", "u"] } } })
        ));
        for target in ["id_token", "userinfo"] {
            assert!(another(json!({ target: { "sub": { "value": "v" } } })));
            assert!(another(
                json!({ target: { "sub": { "values": ["v", 1] } } })
            ));
        }
    }

    #[test]
    fn openid_connect_core_5_5_1_1_an_essential_acr_must_be_one_of_its_values() {
        let required = |wish: Value| {
            let requested = json!({ "id_token": { "acr": wish } });
            required_acr(Some(&requested)).map(|values| values.join(" "))
        };
        let essential = |values: Value| json!({ "essential": true, "values": values });
        assert_eq!(
            required(essential(json!(["a", "b"]))).as_deref(),
            Some("a b")
        );
        let one = json!({ "essential": true, "value": "a" });
        assert_eq!(required(one).as_deref(), Some("a"));
        assert_eq!(required(json!({ "values": ["a"] })), None);
        assert_eq!(required(json!({ "essential": true })), None);
        assert_eq!(required_acr(None), None);
    }

    #[test]
    fn claims_that_are_asked_for_one_by_one_need_the_consent_of_their_scope() {
        let scopes = |requested: Value| scopes_of(Some(&requested)).to_string();
        assert_eq!(scopes(json!({ "id_token": { "email": null } })), "email");
        let both = json!({ "userinfo": { "email_verified": null, "name": {} } });
        assert_eq!(scopes(both), "profile email");
        assert_eq!(scopes(json!({ "userinfo": { "sub": null } })), "");
    }

    #[test]
    fn what_is_asked_for_one_by_one_is_left_as_far_as_the_scopes_allow() {
        let left = |requested: Value, scope: &str| {
            within(requested, &ScopeSet::parse(scope).expect("a scope"))
        };
        let wanted = json!({
            "id_token": { "email": null, "acr": { "essential": true } },
            "userinfo": { "name": {}, "email_verified": null },
        });
        assert_eq!(
            left(wanted.clone(), "openid profile email"),
            Some(wanted.clone())
        );
        assert_eq!(
            left(wanted.clone(), "openid profile"),
            Some(
                json!({ "id_token": { "acr": { "essential": true } }, "userinfo": { "name": {} } })
            )
        );
        assert_eq!(
            left(wanted, "openid"),
            Some(json!({ "id_token": { "acr": { "essential": true } } }))
        );
        assert_eq!(
            left(json!({ "userinfo": { "email": null } }), "openid"),
            None
        );
        assert_eq!(left(json!([]), "openid"), None);
    }

    #[test]
    fn a_claims_parameter_that_makes_no_sense_asks_for_nothing() {
        for odd in [json!([]), json!("x"), json!({ "id_token": [] })] {
            assert_eq!(given(ClaimsTarget::IdToken, "openid", &odd), json!({}));
            assert!(!is_about_another(Some(&odd), |named| named == "u"));
        }
        let odd = json!({ "id_token": { "email": "please", "name": true } });
        assert_eq!(given(ClaimsTarget::IdToken, "openid", &odd), json!({}));
    }
}
