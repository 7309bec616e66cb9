//! Deciding what a role allows (INCITS 359-2012, hierarchical RBAC).
//!
//! [`Rules`] are one tenant's roles and policies, with every role's inheritance worked out when they
//! are made, so a decision only looks at what its subjects are allowed: microseconds. Nothing forbids,
//! so the order of policies does not matter; what no policy allows is refused. A role that inherits
//! itself, by whatever way, gains nothing by it.
//!
//! The role `admin` is allowed everything, whatever is stored: an operator cannot lock operators out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use domain::role::{BUILT_IN, Policy, Role};
use domain::user::ROLE_ADMIN;

/// What one tenant's operators decided.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    roles: BTreeMap<String, Role>,
    policies: Vec<Policy>,
    /// What each subject is allowed, by itself or by what it inherits; nearest first.
    allowed: BTreeMap<String, Vec<Grant>>,
    /// The roles that inherit `admin`, with their distance.
    admins: BTreeMap<String, usize>,
}

/// A policy that a subject has, and by which way.
#[derive(Debug, Clone, Copy)]
struct Grant {
    /// Its place among the policies.
    policy: usize,
    /// How many steps of inheritance lie between.
    distance: usize,
}

/// Why something is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason<'r> {
    /// The role or the subject that asks.
    pub subject: String,
    /// How many steps of inheritance lie between it and who has the policy; 0 for its own.
    pub distance: usize,
    /// The policy; none for what the role `admin` is allowed by itself.
    pub policy: Option<&'r Policy>,
}

// === impl Rules ===

impl Rules {
    /// Works out what every subject is allowed.
    #[must_use]
    pub fn new(roles: Vec<Role>, policies: Vec<Policy>) -> Self {
        let roles: BTreeMap<String, Role> = roles
            .into_iter()
            .map(|role| (role.name.clone(), role))
            .collect();
        let mut rules = Self {
            roles,
            policies,
            ..Self::default()
        };
        let mut subjects: BTreeSet<&str> = rules.roles.keys().map(String::as_str).collect();
        subjects.extend(rules.policies.iter().map(|policy| policy.subject.as_str()));
        rules.allowed = subjects
            .into_iter()
            .map(|subject| (subject.to_owned(), rules.grants_of(subject)))
            .collect();
        let names = rules.roles.keys();
        let to_admin = names.filter_map(|name| {
            let distance = *rules.line_of(name).get(ROLE_ADMIN)?;
            Some((name.clone(), distance))
        });
        rules.admins = to_admin.collect();
        rules
    }

    /// Says why one of these subjects is allowed an action on an object; nothing when none is.
    #[must_use]
    pub fn decide<'s>(
        &self,
        subjects: impl IntoIterator<Item = &'s str>,
        object: &str,
        action: &str,
    ) -> Option<Reason<'_>> {
        subjects
            .into_iter()
            .find_map(|subject| self.decide_one(subject, object, action))
    }

    /// Says whether one of these subjects is allowed anything on an object that begins so.
    #[must_use]
    pub fn reaches<'s>(
        &self,
        subjects: impl IntoIterator<Item = &'s str>,
        beginning: &str,
    ) -> bool {
        let mut subjects = subjects.into_iter();
        subjects.any(|subject| {
            self.distance_to_admin(subject).is_some()
                || self
                    .policies_of(subject)
                    .any(|(_, policy)| policy.object.reaches(beginning))
        })
    }

    /// Gives a role by its name, as operators made it; the built-in ones have nothing stored until
    /// somebody changes them.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.get(name)
    }

    /// Says whether a role of this name is there.
    #[must_use]
    pub fn has_role(&self, name: &str) -> bool {
        BUILT_IN.contains(&name) || self.roles.contains_key(name)
    }

    /// Gives the roles that are stored, by name.
    pub fn roles(&self) -> impl Iterator<Item = &Role> {
        self.roles.values()
    }

    /// Gives the policies, oldest first.
    #[must_use]
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// Names the roles that inherit a role themselves.
    pub fn heirs<'r>(&'r self, name: &'r str) -> impl Iterator<Item = &'r str> {
        let inherits = move |role: &&Role| role.inherits.iter().any(|one| one == name);
        self.roles
            .values()
            .filter(inherits)
            .map(|role| role.name.as_str())
    }

    /// Says whether a role is another or inherits it, however far away.
    #[must_use]
    pub fn inherits(&self, heir: &str, name: &str) -> bool {
        self.line_of(heir).contains_key(name)
    }

    fn decide_one(&self, subject: &str, object: &str, action: &str) -> Option<Reason<'_>> {
        if let Some(distance) = self.distance_to_admin(subject) {
            return Some(Reason {
                subject: subject.to_owned(),
                distance,
                policy: None,
            });
        }
        self.policies_of(subject)
            .find(|(_, policy)| policy.object.covers(object) && policy.action.covers(action))
            .map(|(distance, policy)| Reason {
                subject: subject.to_owned(),
                distance,
                policy: Some(policy),
            })
    }

    fn policies_of(&self, subject: &str) -> impl Iterator<Item = (usize, &Policy)> {
        let grants = self.allowed.get(subject).into_iter().flatten();
        grants.filter_map(|grant| Some((grant.distance, self.policies.get(grant.policy)?)))
    }

    fn grants_of(&self, subject: &str) -> Vec<Grant> {
        let line = self.line_of(subject);
        let mut grants: Vec<Grant> = self
            .policies
            .iter()
            .enumerate()
            .filter_map(|(policy, one)| {
                let distance = *line.get(one.subject.as_str())?;
                Some(Grant { policy, distance })
            })
            .collect();
        grants.sort_by_key(|grant| grant.distance);
        grants
    }

    /// Names a subject and everything it inherits, with the shortest distance to each.
    fn line_of<'r>(&'r self, subject: &'r str) -> BTreeMap<&'r str, usize> {
        let mut line = BTreeMap::from([(subject, 0)]);
        let mut waiting = VecDeque::from([(subject, 0)]);
        while let Some((name, distance)) = waiting.pop_front() {
            let parents = self.roles.get(name).map(|role| role.inherits.as_slice());
            for parent in parents.unwrap_or_default() {
                if !line.contains_key(parent.as_str()) {
                    line.insert(parent, distance + 1);
                    waiting.push_back((parent, distance + 1));
                }
            }
        }
        line
    }

    fn distance_to_admin(&self, subject: &str) -> Option<usize> {
        if subject == ROLE_ADMIN {
            return Some(0);
        }
        self.admins.get(subject).copied()
    }
}

#[cfg(test)]
mod tests {
    use domain::id::{PolicyId, TenantId};
    use domain::random::Counting;
    use domain::role::Pattern;
    use domain::time::UnixMillis;
    use domain::user::ROLE_USER;

    use super::*;

    const NOW: UnixMillis = UnixMillis::from_seconds(1);

    fn role(name: &str, inherits: &[&str]) -> Role {
        Role {
            tenant: TenantId::generate(NOW, &Counting::default()),
            name: name.to_owned(),
            description: String::new(),
            inherits: inherits.iter().map(ToString::to_string).collect(),
            version: 1,
            created_at: NOW,
            updated_at: NOW,
        }
    }

    fn policy(subject: &str, object: &str, action: &str) -> Policy {
        let random = Counting::default();
        Policy {
            id: PolicyId::generate(NOW, &random),
            tenant: TenantId::generate(NOW, &random),
            subject: subject.to_owned(),
            object: Pattern::parse(object).expect("a pattern"),
            action: Pattern::parse(action).expect("a pattern"),
            created_at: NOW,
        }
    }

    fn rules() -> Rules {
        let roles = vec![
            role("clerk", &["user"]),
            role("chief", &["clerk"]),
            role("a", &["b"]),
            role("b", &["a"]),
        ];
        let policies = vec![
            policy("user", "profile", "read"),
            policy("clerk", "invoices/*", "read"),
            policy("chief", "invoices/*", "*"),
            policy("b", "loops", "run"),
            policy("user:7", "vault", "open"),
        ];
        Rules::new(roles, policies)
    }

    #[test]
    fn incits_359_a_senior_role_has_what_its_juniors_have() {
        let rules = rules();
        let why = rules.decide(["chief"], "profile", "read").expect("allowed");
        assert_eq!(why.distance, 2);
        assert_eq!(
            why.policy.map(|policy| policy.subject.as_str()),
            Some("user")
        );
        assert!(rules.decide(["user"], "invoices/7", "read").is_none());
        assert!(rules.decide(["clerk"], "invoices/7", "write").is_none());
        assert!(rules.decide(["chief"], "invoices/7", "write").is_some());
    }

    #[test]
    fn the_nearest_policy_is_the_reason() {
        let rules = rules();
        let why = rules
            .decide(["chief"], "invoices/7", "read")
            .expect("allowed");
        assert_eq!((why.distance, why.subject.as_str()), (0, "chief"));
    }

    #[test]
    fn roles_that_inherit_each_other_end_and_share() {
        let rules = rules();
        for name in ["a", "b"] {
            assert!(rules.decide([name], "loops", "run").is_some());
            assert!(rules.decide([name], "invoices/7", "read").is_none());
        }
    }

    #[test]
    fn what_no_policy_allows_is_refused() {
        let rules = rules();
        assert!(rules.decide([], "profile", "read").is_none());
        assert!(rules.decide(["nobody"], "profile", "read").is_none());
        assert!(
            Rules::default()
                .decide([ROLE_USER], "profile", "read")
                .is_none()
        );
        assert!(rules.decide(["user:7"], "vault", "open").is_some());
        assert!(rules.decide(["user:8"], "vault", "open").is_none());
    }

    #[test]
    fn admin_is_allowed_everything_whatever_is_stored() {
        let why = Rules::default();
        let why = why.decide([ROLE_ADMIN], "admin:rbac", "write");
        assert!(why.is_some_and(|why| why.policy.is_none() && why.distance == 0));
        let heirs = Rules::new(vec![role("root", &["admin"])], Vec::new());
        let why = heirs.decide(["user", "root"], "x", "y").expect("allowed");
        assert_eq!((why.subject.as_str(), why.distance), ("root", 1));
    }

    #[test]
    fn who_reaches_the_admin_door_is_known() {
        let policies = vec![
            policy("support", "admin:users", "read"),
            policy("clerk", "invoices/*", "*"),
            policy("all", "*", "read"),
        ];
        let rules = Rules::new(vec![role("lead", &["support"])], policies);
        for name in ["admin", "support", "lead", "all"] {
            assert!(rules.reaches([name], "admin:"), "{name}");
        }
        assert!(!rules.reaches(["clerk", "user"], "admin:"));
    }
}
