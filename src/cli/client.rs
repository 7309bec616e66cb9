//! `auth-service client create`: a client, its id and, once, its secret.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::failure::Failure;
use super::{ClientCommand, office, prepare};
use crate::config::Configuration;
use crate::flow::Flows;
use crate::flow::admin::clients::{self, CreateClient, KeysPatch, MetadataPatch, PolicyPatch};

/// Runs the subcommand.
///
/// # Errors
/// [`Failure`] for what may not be registered, a file that cannot be read, or when the store cannot be
/// used.
pub(super) fn run(command: ClientCommand, configuration: &Configuration) -> Result<(), Failure> {
    let (message, tenant) = message(command)?;
    office::run(configuration, async |flows| {
        create(flows, tenant.as_deref(), message).await
    })
}

async fn create(flows: &Flows, tenant: Option<&str>, message: CreateClient) -> Result<(), Failure> {
    let act = office::act(flows, tenant)?;
    let (client, secret) = clients::create(flows, &act, message).await?;
    let id = client.id;
    let secret = secret.map(|secret| format!("client_secret={}\n", secret.expose()));
    prepare::show(&format!("client_id={id}\n{}", secret.unwrap_or_default()))
}

/// What is not said is registered as the client's type has it.
///
/// # Errors
/// When the file of keys cannot be read.
fn message(command: ClientCommand) -> Result<(CreateClient, Option<String>), Failure> {
    let ClientCommand::Create {
        name,
        client_type,
        redirect_uris,
        scopes,
        roles,
        auth_method,
        first_party,
        jwks,
        tenant,
    } = command;
    let jwks = jwks.as_deref().map(read_keys).transpose()?;
    let metadata = MetadataPatch {
        redirect_uris: Some(redirect_uris),
        scopes: Some(scopes),
        roles: Some(roles),
        token_endpoint_auth_method: auth_method,
        policy: PolicyPatch {
            is_first_party: Some(first_party),
            ..PolicyPatch::default()
        },
        keys: KeysPatch {
            jwks: jwks.map(Some),
            ..KeysPatch::default()
        },
        ..MetadataPatch::default()
    };
    let message = CreateClient {
        name,
        client_type,
        metadata,
    };
    Ok((message, tenant))
}

/// Reads a JWK set; the flow judges what is in it.
///
/// # Errors
/// When the file cannot be read or holds no JSON. What it holds is not repeated: it may be a private
/// key.
fn read_keys(path: &Path) -> Result<Value, Failure> {
    let failed = |text: String| Failure::Failed(format!("{}: {text}", path.display()));
    let text = fs::read(path).map_err(|error| failed(error.to_string()))?;
    serde_json::from_slice(&text).map_err(|_| failed("expected a JWK set in JSON".to_owned()))
}

#[cfg(test)]
mod tests {
    use domain::client::ClientType;

    use super::*;

    fn create(jwks: Option<&Path>) -> Result<MetadataPatch, Failure> {
        let command = ClientCommand::Create {
            name: "x".to_owned(),
            client_type: ClientType::Web,
            redirect_uris: Vec::new(),
            scopes: Vec::new(),
            roles: Vec::new(),
            auth_method: Some("private_key_jwt".to_owned()),
            first_party: true,
            jwks: jwks.map(Path::to_path_buf),
            tenant: None,
        };
        message(command).map(|(message, _)| message.metadata)
    }

    #[test]
    fn what_is_said_is_registered_and_keys_are_read_from_a_file() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("jwks.json");
        fs::write(&path, r#"{"keys":[]}"#).expect("a file");
        let metadata = create(Some(&path)).expect("read");
        assert_eq!(
            metadata.keys.jwks,
            Some(Some(serde_json::json!({ "keys": [] })))
        );
        assert_eq!(metadata.policy.is_first_party, Some(true));
        assert_eq!(
            metadata.token_endpoint_auth_method.as_deref(),
            Some("private_key_jwt")
        );
        assert_eq!(create(None).map(|said| said.keys.jwks), Ok(None));
    }

    #[test]
    fn a_file_without_json_is_named_and_not_quoted() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("jwks.json");
        assert!(create(Some(&path)).is_err(), "no such file");
        fs::write(&path, "hunter2").expect("a file");
        let told = create(Some(&path)).expect_err("no JSON").to_string();
        assert!(
            told.contains("jwks.json") && !told.contains("hunter2"),
            "{told}"
        );
    }
}
