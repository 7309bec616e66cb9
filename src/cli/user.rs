//! `auth-service user create|unlock`: accounts.

use std::io::{self, BufRead, Read};

use domain::email::EmailAddress;
use domain::secret::SecretText;

use super::failure::Failure;
use super::{UserCommand, office, prepare};
use crate::config::Configuration;
use crate::flow::Flows;
use crate::flow::admin::users::{self, CreateUser};

/// The longest line that is taken for a password, in bytes; longer than any that is accepted.
const LINE_MAX_BYTES: u64 = 8_192;

/// Runs the subcommand.
///
/// # Errors
/// [`Failure`] for what is not acceptable, for an account that is or is not there, or when the store
/// cannot be used.
pub(super) fn run(command: UserCommand, configuration: &Configuration) -> Result<(), Failure> {
    match command {
        UserCommand::Create {
            email,
            name,
            roles,
            password_stdin,
            tenant,
        } => {
            let wanted = password_stdin.then(|| read_password(&mut io::stdin().lock()));
            let message = CreateUser {
                email: email.as_str().to_owned(),
                password: wanted.transpose()?,
                name,
                roles,
            };
            office::run(configuration, async |flows| {
                create(flows, tenant.as_deref(), message).await
            })
        }
        UserCommand::Unlock { email, tenant } => office::run(configuration, async |flows| {
            unlock(flows, tenant.as_deref(), email).await
        }),
    }
}

async fn create(flows: &Flows, tenant: Option<&str>, message: CreateUser) -> Result<(), Failure> {
    let act = office::act(flows, tenant)?;
    let user = users::create(flows, &act, message).await?;
    prepare::show(&format!("user_id={}\n", user.id))
}

async fn unlock(flows: &Flows, tenant: Option<&str>, email: EmailAddress) -> Result<(), Failure> {
    let act = office::act(flows, tenant)?;
    let user = users::find(flows, &act, email).await?;
    let user = users::unlock(flows, &act, user.id).await?;
    let (id, status) = (user.id, user.status.as_str());
    prepare::show(&format!("user_id={id}\nstatus={status}\n"))
}

/// Reads a password up to the first line break, which does not belong to it.
///
/// # Errors
/// When there is none, or the line is no text or too long to be one: it is never cut.
fn read_password(input: &mut impl BufRead) -> Result<SecretText, Failure> {
    let room = usize::try_from(LINE_MAX_BYTES).unwrap_or_default();
    let mut line = String::with_capacity(room.saturating_add(1));
    let read = input.take(LINE_MAX_BYTES + 1).read_line(&mut line);
    let failed = |text: &str| Failure::Failed(format!("standard input: {text}"));
    read.map_err(|error| failed(&error.to_string()))?;
    if line.ends_with('\n') {
        line.pop();
        if line.ends_with('\r') {
            line.pop();
        }
    }
    if line.is_empty() {
        return Err(failed("a password was expected"));
    }
    if line.len() > room {
        return Err(failed("the password is too long"));
    }
    Ok(SecretText::new(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &[u8]) -> Result<String, Failure> {
        let password = read_password(&mut &*input);
        password.map(|password| password.expose().to_owned())
    }

    #[test]
    fn a_password_ends_at_the_first_line_break() {
        for input in [
            "a quiet garden\n",
            "a quiet garden\r\nmore\n",
            "a quiet garden",
        ] {
            assert_eq!(
                read(input.as_bytes()),
                Ok("a quiet garden".to_owned()),
                "{input:?}"
            );
        }
    }

    #[test]
    fn spaces_and_lone_returns_belong_to_it() {
        assert_eq!(read(b"  a b \n"), Ok("  a b ".to_owned()));
        assert_eq!(read(b"a\r"), Ok("a\r".to_owned()));
    }

    #[test]
    fn no_password_and_no_text_are_refused() {
        for input in [&b""[..], b"\n", b"\r\n", b"\xff\xfe\n"] {
            assert!(read(input).is_err(), "{input:?}");
        }
    }

    #[test]
    fn a_line_is_never_cut() {
        let longest = "a".repeat(8_192);
        assert_eq!(read(format!("{longest}\n").as_bytes()), Ok(longest.clone()));
        assert!(read(format!("{longest}a\n").as_bytes()).is_err());
        assert!(read("a".repeat(100_000).as_bytes()).is_err());
    }
}
