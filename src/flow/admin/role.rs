//! Role names, as operators write them; and who may have to do with roles that open the admin door.

use domain::rejection::{Code, Refusal};
use domain::role::is_role_name;

use crate::flow::account::Mistakes;
use crate::flow::allowed::ADMIN;
use crate::flow::{Act, Flows};

/// How many roles one account or client may have.
const MAX_ROLES: usize = 100;

/// Checks the names of roles, names the field of a bad one, and drops repeats.
pub(super) fn check_roles(mistakes: &mut Mistakes, roles: Vec<String>) -> Vec<String> {
    if roles.len() > MAX_ROLES {
        mistakes.add("roles", "must be 100 at most");
    }
    if !roles.iter().all(|role| is_role_name(role)) {
        mistakes.add(
            "roles",
            "each must be 1 to 64 of a-z, 0-9, _, : and -, not user: or client:",
        );
    }
    let mut kept: Vec<String> = Vec::with_capacity(roles.len().min(MAX_ROLES));
    for role in roles.into_iter().take(MAX_ROLES) {
        if !kept.contains(&role) {
            kept.push(role);
        }
    }
    kept
}

/// Refuses to give these roles, or to touch who has them, if one of them opens any of the admin door and
/// whoever acts may not make operators: who looks after one area would else make themselves one for all,
/// by a new operator or by an old one's address or secret (OWASP ASVS 5.0 §8.2.1).
pub(super) fn require_appointer(
    flows: &Flows,
    act: &Act,
    subjects: &[String],
) -> Result<(), Refusal> {
    if act.may_appoint {
        return Ok(());
    }
    let rules = flows.roles.of(act.tenant.id);
    if !rules.reaches(subjects.iter().map(String::as_str), ADMIN) {
        return Ok(());
    }
    Err(Refusal::new(
        Code::Forbidden,
        "This opens one area only: it may neither make operators, change them, nor sign them in.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(roles: &[&str]) -> Option<Vec<String>> {
        let mut mistakes = Mistakes::default();
        let kept = check_roles(
            &mut mistakes,
            roles.iter().map(ToString::to_string).collect(),
        );
        mistakes.into_result().ok().map(|()| kept)
    }

    #[test]
    fn roles_are_kept_in_order_without_repeats() {
        let kept = check(&["user", "admin", "user", "team:a-b_2"]);
        let expected = ["user", "admin", "team:a-b_2"].map(str::to_owned).to_vec();
        assert_eq!(kept, Some(expected));
        assert_eq!(check(&[]), Some(Vec::new()));
    }

    #[test]
    fn a_name_of_64_is_the_longest() {
        assert!(check(&[&"a".repeat(64)]).is_some());
        assert_eq!(check(&[&"a".repeat(65)]), None);
    }

    #[test]
    fn what_is_no_role_name_is_refused() {
        for name in ["", "Admin", "a b", "a.b", "ä", "a\0", "a/b", "*"] {
            assert_eq!(check(&["user", name]), None, "{name:?}");
        }
    }

    #[test]
    fn a_list_is_bounded() {
        let names: Vec<String> = (0..=MAX_ROLES).map(|n| n.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert!(check(&names[..MAX_ROLES]).is_some());
        assert_eq!(check(&names), None);
    }
}
