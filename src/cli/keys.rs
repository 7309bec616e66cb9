//! `auth-service keys list|rotate|import`: the keys that sign a tenant's tokens.
//!
//! The default tenant's is imported the way `JWT_PRIVATE_KEY_PATH` imports one: the keys owner takes it in
//! when it starts, so that a first ring is of it. What the operator types must therefore be a key before an
//! office is opened for it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use actors::keys::KeyView;
use domain::key::{Algorithm, KeyState};
use domain::rejection::Rejection;
use domain::secret::SecretText;
use protocol::jose::key_pair::KeyPair;

use super::failure::Failure;
use super::{KeysCommand, office, prepare};
use crate::config::Configuration;
use crate::flow::Flows;
use crate::flow::admin::keys;

/// Runs the subcommand.
///
/// # Errors
/// [`Failure`] when the next key may not sign yet, a file holds no usable key, or the store cannot
/// be used.
pub(super) fn run(command: KeysCommand, configuration: &Configuration) -> Result<(), Failure> {
    match command {
        KeysCommand::List { tenant } => {
            office::run(configuration, async |flows| list(flows, tenant).await)
        }
        KeysCommand::Rotate { tenant } => {
            office::run(configuration, async |flows| rotate(flows, tenant).await)
        }
        KeysCommand::Import { path, tenant } => import(path, tenant.as_deref(), configuration),
    }
}

async fn list(flows: &Flows, tenant: Option<String>) -> Result<(), Failure> {
    let act = office::act(flows, tenant.as_deref())?;
    let listed = keys::list(flows, &act).await?;
    prepare::show(&listed.iter().map(line).collect::<String>())
}

async fn rotate(flows: &Flows, tenant: Option<String>) -> Result<(), Failure> {
    let act = office::act(flows, tenant.as_deref())?;
    let active = keys::rotate(flows, &act).await?;
    prepare::show(&format!("active={active}\n"))
}

fn import(
    path: PathBuf,
    tenant: Option<&str>,
    configuration: &Configuration,
) -> Result<(), Failure> {
    let mut settings = prepare::settings(configuration)?;
    let (kid, pem) = read_key(&path, settings.keys.algorithm)?;
    if tenant.is_none() {
        settings.keys.import = Some(path);
    }
    office::run_with(settings, async |flows| {
        let act = office::act(flows, tenant)?;
        if tenant.is_some() {
            let imported = flows.keys.import(pem, act.origin.clone(), act.deadline);
            imported.await.map_err(Rejection::from)?;
        }
        let listed = keys::list(flows, &act).await?;
        check_active(&listed, &kid)?;
        prepare::show(&format!("active={kid}\n"))
    })
}

/// Reads a private key, and gives its name and its text.
///
/// # Errors
/// When the file cannot be read, or holds no private key of the configured algorithm.
fn read_key(path: &Path, algorithm: Algorithm) -> Result<(String, SecretText), Failure> {
    let failed = |text: String| Failure::Failed(format!("{}: {text}", path.display()));
    let pem = fs::read_to_string(path).map(SecretText::new);
    let pem = pem.map_err(|error| failed(error.to_string()))?;
    let pair = KeyPair::from_pem(pem.expose()).map_err(|error| failed(error.to_string()))?;
    if pair.algorithm() == algorithm {
        return Ok((pair.kid().to_owned(), pem));
    }
    let (found, wanted) = (pair.algorithm().as_str(), algorithm.as_str());
    Err(failed(format!(
        "is a key for {found}, but JWT_ALGORITHM is {wanted}"
    )))
}

/// A key that was here before is not taken in again: once retired, it never signs again.
fn check_active(listed: &[KeyView], kid: &str) -> Result<(), Failure> {
    let state = listed
        .iter()
        .find(|key| key.kid == kid)
        .map(|key| key.state);
    match state {
        Some(KeyState::Active) => Ok(()),
        Some(state) => Err(Failure::Failed(format!(
            "the key {kid} was here before and is {} now",
            state.as_str()
        ))),
        None => Err(Failure::Failed(format!(
            "the key {kid} was not taken in: it was here before, and is purged"
        ))),
    }
}

fn line(key: &KeyView) -> String {
    let (kid, algorithm, state) = (&key.kid, key.algorithm.as_str(), key.state.as_str());
    let mut line = format!("kid={kid} algorithm={algorithm} state={state}");
    let instants = [
        ("created_at", Some(key.created_at)),
        ("activated_at", key.activated_at),
        ("retired_at", key.retired_at),
    ];
    for (name, instant) in instants {
        if let Some(instant) = instant {
            // Writing to a string cannot fail.
            let _ = write!(line, " {name}={instant}");
        }
    }
    line + "\n"
}

#[cfg(test)]
mod tests {
    use domain::time::UnixMillis;

    use super::*;

    fn key(kid: &str, state: KeyState) -> KeyView {
        KeyView {
            kid: kid.to_owned(),
            algorithm: Algorithm::Es256,
            state,
            created_at: UnixMillis::from_seconds(0),
            activated_at: (state != KeyState::Next).then(|| UnixMillis::from_seconds(60)),
            retired_at: None,
        }
    }

    #[test]
    fn a_key_is_one_line_of_pairs() {
        assert_eq!(
            line(&key("k", KeyState::Active)),
            "kid=k algorithm=ES256 state=active created_at=1970-01-01T00:00:00Z \
             activated_at=1970-01-01T00:01:00Z\n"
        );
        assert!(!line(&key("k", KeyState::Next)).contains("activated_at"));
    }

    #[test]
    fn a_key_that_was_here_before_is_not_active_again() {
        let listed = [key("new", KeyState::Active), key("old", KeyState::Retired)];
        assert!(check_active(&listed, "new").is_ok());
        let told = check_active(&listed, "old")
            .expect_err("retired")
            .to_string();
        assert!(told.contains("retired"), "{told}");
        assert!(check_active(&listed, "none").is_err());
    }

    #[test]
    fn only_a_key_of_the_configured_algorithm_is_taken() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("key.pem");
        let read = |algorithm| read_key(&path, algorithm).map(|(kid, _)| kid);
        assert!(read(Algorithm::Es256).is_err(), "there is no file");
        fs::write(&path, "nonsense").expect("written");
        assert!(read(Algorithm::Es256).is_err());
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("a key");
        fs::write(&path, pair.serialize_pem()).expect("written");
        assert!(read(Algorithm::EdDsa).is_ok());
        let told = read(Algorithm::Es256).expect_err("another").to_string();
        assert!(
            told.contains("EdDSA") && told.contains("JWT_ALGORITHM"),
            "{told}"
        );
    }
}
