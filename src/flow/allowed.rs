//! What roles allow whoever calls, or somebody who is asked about.
//!
//! An account is known to the rules by its roles and by `user:` and its id; a client by its roles and by
//! `client:` and its id. Who acts for another, shows another issuer's word or has no sign-in is known by
//! nothing, and so is an application that a person signed in to: what it was allowed is no operator's power
//! (RFC 9700 §2.3). The decision is [`protocol::rbac`]'s, from the roles owner's snapshot; the account and the
//! client are read from memory, so a role that was taken away is gone everywhere within a second.

use std::sync::Arc;

use domain::api_key::{ApiKey, SCOPE_INTROSPECT, SCOPE_REVOKE};
use domain::client::{CONSOLE, Client, FIRST_PARTY};
use domain::id::UserId;
use domain::rejection::{Fault, OAuthCode, Refusal, Rejection};
use domain::role::{SUBJECT_CLIENT, SUBJECT_USER, is_role_name};
use domain::user::{User, UserStatus};
use protocol::access_token::AccessClaims;
use protocol::rbac::Rules;

use super::caller::Caller;
use super::{Act, Flows, live};

/// The object of everything on one part of the admin door, without the part's name.
pub(crate) const ADMIN: &str = "admin:";
/// The action of what changes nothing.
pub(crate) const READ: &str = "read";
/// The action of what changes something.
pub(crate) const WRITE: &str = "write";

/// What an operator is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Something that changes nothing.
    Read,
    /// Something that changes something.
    Write,
}

/// What services ask of us about others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// What a token is worth.
    Tokens,
    /// Who an account is.
    Users,
    /// What somebody may do.
    Permissions,
}

/// The area of the admin door in which roles and policies are made.
const RULES: &str = "rbac";

/// The scope that opens everything on the admin door.
const ADMIN_EVERYTHING: &str = "admin:*";

/// Names an account to the rules.
pub(crate) fn subjects_of_user(user: &User) -> Vec<String> {
    subjects(&user.roles, format!("{SUBJECT_USER}{}", user.id))
}

/// Names a client to the rules.
pub(crate) fn subjects_of_client(client: &Client) -> Vec<String> {
    subjects(
        &client.metadata.roles,
        format!("{SUBJECT_CLIENT}{}", client.id),
    )
}

/// Names a caller to the rules; by nothing who may not be judged by them. An API key has scopes instead.
///
/// # Errors
/// A fault when the store is away.
pub(crate) async fn subjects_of(
    flows: &Flows,
    act: &Act,
    caller: &Caller,
) -> Result<Vec<String>, Fault> {
    match caller {
        Caller::Person(claims, ..) | Caller::System(claims) if claims.act.is_some() => {
            Ok(Vec::new())
        }
        Caller::Person(claims, user, Some(_)) if is_ours(claims) => {
            let found = load_user(flows, act, *user).await?;
            Ok(found.unwrap_or_default())
        }
        Caller::Person(..) | Caller::ApiKey(_) => Ok(Vec::new()),
        Caller::System(claims) => {
            let found = live::find_client(flows, act, &claims.client_id).await?;
            Ok(found.map_or_else(Vec::new, |client| subjects_of_client(&client)))
        }
    }
}

/// Says whether a token was issued to the person here or in the console, and to no application.
fn is_ours(claims: &AccessClaims) -> bool {
    [FIRST_PARTY, CONSOLE].contains(&claims.client_id.as_str())
}

/// Names the account of this id to the rules, if it may be used.
///
/// # Errors
/// A fault when the store is away.
pub(crate) async fn load_user(
    flows: &Flows,
    act: &Act,
    user: UserId,
) -> Result<Option<Vec<String>>, Fault> {
    let found = flows.accounts.load(act.tenant.id, user, act.deadline);
    let active = found
        .await?
        .filter(|user| user.status == UserStatus::Active);
    Ok(active.map(|user| subjects_of_user(&user)))
}

/// Demands an operator of one area of the admin door: whom the rules allow `read` or `write` on
/// `admin:<area>`, or an API key with the scope `admin:*` or `admin:<area>`, or one of those with `:read`
/// behind it for what changes nothing. Gives what they may do besides.
///
/// # Errors
/// 403 for anybody else; a fault when a store is away.
pub(crate) async fn require_operator(
    flows: &Flows,
    act: &Act,
    caller: &Caller,
    (area, access): (&str, Access),
) -> Result<Powers, Rejection> {
    let powers = powers_of(flows, act, caller).await?;
    if powers.may(area, access) {
        return Ok(powers);
    }
    Err(Refusal::oauth(
        OAuthCode::InsufficientScope,
        "Only an operator may do this.",
    )
    .into())
}

/// What somebody may do on the admin door.
pub(crate) enum Powers {
    /// What the key's scopes say.
    Key(Arc<ApiKey>),
    /// What the rules allow these subjects.
    Rules(Vec<String>, Arc<Rules>),
}

/// Gives what a caller may do on the admin door.
async fn powers_of(flows: &Flows, act: &Act, caller: &Caller) -> Result<Powers, Fault> {
    if let Caller::ApiKey(key) = caller {
        return Ok(Powers::Key(Arc::clone(key)));
    }
    let subjects = subjects_of(flows, act, caller).await?;
    Ok(Powers::Rules(subjects, flows.roles.of(act.tenant.id)))
}

// === impl Powers ===

impl Powers {
    /// Says whether they open an area; `*` is all of them.
    fn may(&self, area: &str, access: Access) -> bool {
        match self {
            Self::Key(key) => opens(key, area, access),
            Self::Rules(subjects, rules) => {
                let named = subjects.iter().map(String::as_str);
                let object = format!("{ADMIN}{area}");
                rules.decide(named, &object, access.action()).is_some()
            }
        }
    }

    /// Says whether they are enough to make operators: to change the rules, or a key for everything.
    pub(crate) fn may_appoint(&self) -> bool {
        match self {
            Self::Key(_) => self.may("*", Access::Write),
            Self::Rules(..) => self.may(RULES, Access::Write),
        }
    }

    /// Says whether whoever has them can do all that a key with this scope can: only then may they make
    /// such a key, or have it shown anew (OWASP ASVS 5.0 §8.2.1).
    pub(crate) fn cover(&self, scope: &str) -> bool {
        let has_it = matches!(self, Self::Key(key) if key.scopes.contains(scope));
        let (area, access) = needed_for(scope);
        has_it || self.may_appoint() || self.may(area, access)
    }
}

/// Names what whoever makes a key with a scope must be able to do themselves. What a scope of somebody
/// else's words opens, its clients know: who looks after clients may give it.
fn needed_for(scope: &str) -> (&str, Access) {
    match scope {
        SCOPE_INTROSPECT => ("tokens", Access::Read),
        SCOPE_REVOKE => ("tokens", Access::Write),
        "users:read" => ("users", Access::Read),
        "permissions:check" => (RULES, Access::Read),
        _ => match scope
            .strip_prefix(ADMIN)
            .map(|rest| (rest, rest.strip_suffix(":read")))
        {
            Some((_, Some(area))) => (area, Access::Read),
            Some((area, None)) => (area, Access::Write),
            None => ("clients", Access::Write),
        },
    }
}

/// Says whether a caller may ask about others: the holder of a key with the scope for it, whom the rules
/// allow it, and whoever is told the same at the admin door.
///
/// # Errors
/// A fault when a store is away.
pub(crate) async fn may_ask(
    flows: &Flows,
    act: &Act,
    caller: &Caller,
    about: About,
) -> Result<bool, Fault> {
    if let Caller::ApiKey(key) = caller {
        let has_scope = key.scopes.contains(about.scope());
        return Ok(has_scope || opens(key, about.area(), Access::Read));
    }
    let subjects = subjects_of(flows, act, caller).await?;
    let rules = flows.roles.of(act.tenant.id);
    let decide = |object: &str, action: &str| {
        let named = subjects.iter().map(String::as_str);
        rules.decide(named, object, action).is_some()
    };
    let (object, action) = about.right();
    Ok(decide(object, action) || decide(&format!("{ADMIN}{}", about.area()), READ))
}

// === impl About ===

impl About {
    /// Names the scope of an API key that is enough.
    pub(crate) const fn scope(self) -> &'static str {
        match self {
            Self::Tokens => "tokens:introspect",
            Self::Users => "users:read",
            Self::Permissions => "permissions:check",
        }
    }

    /// Names the object and the action that the rules must allow.
    const fn right(self) -> (&'static str, &'static str) {
        match self {
            Self::Tokens => ("grpc:tokens", "introspect"),
            Self::Users => ("grpc:users", READ),
            Self::Permissions => ("grpc:permissions", "check"),
        }
    }

    /// Names the area of the admin door where operators are told the same.
    const fn area(self) -> &'static str {
        match self {
            Self::Tokens => "tokens",
            Self::Users => "users",
            Self::Permissions => RULES,
        }
    }
}

// === impl Access ===

impl Access {
    const fn action(self) -> &'static str {
        match self {
            Self::Read => READ,
            Self::Write => WRITE,
        }
    }
}

/// Says whether a key opens an area; `*` is all of them.
fn opens(key: &ApiKey, area: &str, access: Access) -> bool {
    let has = |scope: &str| {
        key.scopes.contains(scope)
            || access == Access::Read && key.scopes.contains(&format!("{scope}:{READ}"))
    };
    has(ADMIN_EVERYTHING) || has(&format!("{ADMIN}{area}"))
}

/// A role that is named like one account or client alone is none of anybody's roles.
fn subjects(roles: &[String], own: String) -> Vec<String> {
    let roles = roles.iter().filter(|role| is_role_name(role)).cloned();
    roles.chain([own]).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use domain::id::{ApiKeyId, TenantId};
    use domain::random::Counting;
    use domain::scope::ScopeSet;
    use domain::time::UnixMillis;

    use super::*;

    pub(in crate::flow) fn key(scopes: &str) -> ApiKey {
        let (now, random) = (UnixMillis::from_millis(1), Counting::default());
        ApiKey {
            id: ApiKeyId::generate(now, &random),
            tenant: TenantId::generate(now, &random),
            client: None,
            name: "k".to_owned(),
            visible_prefix: "qf_ak_ab".to_owned(),
            signature: [0; 32],
            superseded: None,
            scopes: ScopeSet::parse(scopes).expect("a scope"),
            rate_limit: None,
            created_at: now,
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
            version: 1,
        }
    }

    #[test]
    fn no_key_covers_more_than_it_opens_itself() {
        let covers = |own: &str, scope: &str| Powers::Key(Arc::new(key(own))).cover(scope);
        for (own, scope) in [
            ("admin:*", "admin:*"),
            ("admin:*", "reports"),
            ("admin:apikeys", "admin:apikeys:read"),
            ("admin:*:read", "admin:users:read"),
            ("admin:apikeys reports", "reports"),
            ("admin:tokens:read", "tokens:introspect"),
            ("admin:clients", "reports"),
        ] {
            assert!(covers(own, scope), "{own}: {scope}");
        }
        for (own, scope) in [
            ("admin:apikeys", "admin:*"),
            ("admin:apikeys", "admin:*:read"),
            ("admin:apikeys", "admin:users"),
            ("admin:apikeys admin:users:read", "admin:users"),
            ("admin:apikeys", "users:read"),
            ("admin:apikeys", "tokens:introspect"),
            ("admin:apikeys", "permissions:check"),
            ("admin:tokens:read", "tokens:revoke"),
            ("admin:apikeys", "reports"),
            ("admin:*:read", "admin:*"),
        ] {
            assert!(!covers(own, scope), "{own}: {scope}");
        }
    }

    #[test]
    fn a_role_named_like_another_account_stands_for_nobody() {
        let roles = ["user", "user:7", "client:x"].map(str::to_owned);
        assert_eq!(subjects(&roles, "user:8".to_owned()), ["user", "user:8"]);
    }

    #[test]
    fn a_key_opens_its_areas_and_no_other() {
        let opens = |scopes, area| super::opens(&key(scopes), area, Access::Write);
        assert!(opens("admin:*", "users") && opens("admin:*", "*"));
        assert!(opens("read admin:users", "users"));
        assert!(!opens("admin:users", "clients"));
        assert!(!opens("admin:users", "*"));
        assert!(!opens("admin", "users"));
    }

    #[test]
    fn a_key_that_reads_changes_nothing() {
        for scopes in ["admin:users:read", "admin:*:read"] {
            assert!(opens(&key(scopes), "users", Access::Read));
            assert!(!opens(&key(scopes), "users", Access::Write));
        }
        assert!(!opens(&key("admin:users:read"), "clients", Access::Read));
        assert!(opens(&key("admin:users"), "users", Access::Read));
    }
}
