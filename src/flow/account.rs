//! Whose account it is, and what they tell of themselves: the fields that several flows check alike.

use domain::email::EmailAddress;
use domain::event::Actor;
use domain::id::{SessionId, UserId};
use domain::rejection::Refusal;
use protocol::assurance::Level;

/// Whose account it is, and in which sign-in they come: by an access token, or in a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountHolder {
    /// Their account.
    pub user: UserId,
    /// The sign-in.
    pub session: Option<SessionId>,
    /// How well they proved in it who they are.
    pub level: Level,
}

/// The longest name, in characters.
const NAME_MAX_CHARS: usize = 200;

/// The fields that were found wrong, to be named together.
#[derive(Debug, Default)]
pub(crate) struct Mistakes(Option<Refusal>);

// === impl AccountHolder ===

impl AccountHolder {
    /// Names them for the audit trail.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::User(self.user.to_string())
    }
}

// === impl Mistakes ===

impl Mistakes {
    /// Names a wrong field.
    pub(crate) fn add(&mut self, field: &'static str, message: impl Into<String>) {
        let message = message.into();
        self.0 = Some(match self.0.take() {
            None => Refusal::field(field, message),
            Some(refusal) => Refusal {
                hint: "some fields are not acceptable".into(),
                ..refusal.and_field(field, message)
            },
        });
    }

    /// Keeps a good value and names the field of a bad one.
    pub(crate) fn check<T, E: ToString>(
        &mut self,
        field: &'static str,
        checked: Result<T, E>,
    ) -> Option<T> {
        match checked {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(field, error.to_string());
                None
            }
        }
    }

    /// Gives the refusal that names every wrong field, if there is one.
    ///
    /// # Errors
    /// That refusal.
    pub(crate) fn into_result(self) -> Result<(), Refusal> {
        self.0.map_or(Ok(()), Err)
    }
}

/// Checks a person's name and trims it: 1 to 200 characters, none of them a control character.
///
/// # Errors
/// What is wrong, in words for people.
pub(crate) fn parse_name(name: &str) -> Result<String, &'static str> {
    let name = name.trim();
    if name.is_empty() {
        return Err("must not be empty");
    }
    if name.chars().count() > NAME_MAX_CHARS {
        return Err("must have at most 200 characters");
    }
    if name.chars().any(char::is_control) {
        return Err("must not contain control characters");
    }
    Ok(name.to_owned())
}

/// Gives an address that belongs to nobody, for asking the store about a text that is no address:
/// the question costs the same and finds nothing.
pub(crate) fn nobody() -> EmailAddress {
    EmailAddress::from_stored(String::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_and_bounded() {
        assert_eq!(parse_name("  Ada Lovelace "), Ok("Ada Lovelace".to_owned()));
        assert!(parse_name(&"ü".repeat(200)).is_ok());
        for bad in ["", "   ", "a\nb", "a\0b", &"a".repeat(201)] {
            assert!(parse_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn wrong_fields_are_named_together_in_order() {
        let mut mistakes = Mistakes::default();
        assert_eq!(
            mistakes.check("fine", parse_name("x")),
            Some("x".to_owned())
        );
        mistakes.add("email", "must be one");
        mistakes.add("name", "must not be empty");
        let refusal = mistakes.into_result().expect_err("two mistakes");
        let fields: Vec<_> = refusal.fields.iter().map(|f| f.field.as_ref()).collect();
        assert_eq!(fields, ["email", "name"]);
    }

    #[test]
    fn no_mistake_is_no_refusal() {
        assert_eq!(Mistakes::default().into_result(), Ok(()));
    }

    #[test]
    fn nobody_is_no_address_anyone_could_register() {
        assert!(EmailAddress::parse(nobody().as_str()).is_err());
    }
}
