//! API keys, as operators make, list and revoke them.
//!
//! A presented key is looked up each time, so what happens here holds on every node at once.

use std::time::Duration;

use domain::api_key::ApiKey;
use domain::event::EventKind;
use domain::id::ApiKeyId;
use domain::rejection::{Code, Refusal, Rejection};
use domain::scope::ScopeSet;
use domain::secret::SecretText;
use protocol::opaque::RandomToken;
use serde_json::json;

use crate::flow::account::{Mistakes, parse_name};
use crate::flow::{Act, Flows};

/// Make an API key.
#[derive(Debug, Clone)]
pub struct CreateApiKey {
    /// Its name for people.
    pub name: String,
    /// What it may be used for; `admin:*` opens the admin door.
    pub scopes: Vec<String>,
    /// How long it works; for good, when absent.
    pub lifetime: Option<Duration>,
}

/// How many characters of a key people may see later.
const VISIBLE_CHARS: usize = 12;

/// Makes an API key. Only here the key itself is ever seen.
///
/// # Errors
/// 422 naming every wrong field; or a fault.
pub async fn create(
    flows: &Flows,
    act: &Act,
    message: CreateApiKey,
) -> Result<(ApiKey, SecretText), Rejection> {
    let (name, scopes) = check(&message)?;
    let random = flows.random.as_ref();
    let minted = RandomToken::ApiKey.mint(&flows.secrets, random);
    let key = ApiKey {
        id: ApiKeyId::generate(act.now, random),
        tenant: act.tenant.id,
        name,
        visible_prefix: minted.token.expose().chars().take(VISIBLE_CHARS).collect(),
        signature: minted.signature,
        scopes,
        created_at: act.now,
        expires_at: message.lifetime.map(|span| act.now + span),
        revoked_at: None,
    };
    let entry = act
        .entry(EventKind::ApiKeyCreated)
        .about(&key.id)
        .with(json!({ "scopes": message.scopes }));
    act.wait(flows.api_keys.create_api_key(key.clone(), entry))
        .await?;
    Ok((key, minted.token))
}

/// Lists the tenant's keys, live or not, oldest first.
///
/// # Errors
/// A fault.
pub async fn list(flows: &Flows, act: &Act) -> Result<Vec<ApiKey>, Rejection> {
    let listed = flows.api_keys.list_api_keys(act.tenant.id);
    Ok(act.wait(listed).await?)
}

/// Revokes a key.
///
/// # Errors
/// 404 when the tenant has no live key of this name; or a fault.
pub async fn revoke(flows: &Flows, act: &Act, key: ApiKeyId) -> Result<(), Rejection> {
    let entry = act.entry(EventKind::ApiKeyRevoked).about(&key);
    let revoked = flows
        .api_keys
        .revoke_api_key(act.tenant.id, key, act.now, entry);
    if act.wait(revoked).await? {
        return Ok(());
    }
    Err(Refusal::new(Code::NotFound, "there is no live API key of this id").into())
}

fn check(message: &CreateApiKey) -> Result<(String, ScopeSet), Refusal> {
    let mut mistakes = Mistakes::default();
    let name = mistakes.check("name", parse_name(&message.name));
    let scopes = mistakes.check("scopes", ScopeSet::parse(&message.scopes.join(" ")));
    if scopes.as_ref().is_some_and(ScopeSet::is_empty) {
        mistakes.add("scopes", "must name what the key may do");
    }
    mistakes.into_result()?;
    name.zip(scopes)
        .ok_or_else(|| Refusal::field("name", "is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(name: &str, scopes: &[&str]) -> Result<String, Vec<String>> {
        let message = CreateApiKey {
            name: name.to_owned(),
            scopes: scopes.iter().map(ToString::to_string).collect(),
            lifetime: None,
        };
        let fields =
            |refusal: Refusal| refusal.fields.iter().map(|f| f.field.to_string()).collect();
        check(&message)
            .map(|(name, scopes)| format!("{name}: {scopes}"))
            .map_err(fields)
    }

    #[test]
    fn a_key_has_a_name_and_scopes() {
        let judged = judge(" ci ", &["admin:read", "admin:users", "admin:read"]);
        assert_eq!(judged, Ok("ci: admin:read admin:users".to_owned()));
    }

    #[test]
    fn a_key_that_may_do_nothing_or_nonsense_is_refused() {
        for scopes in [&[][..], &[""], &["a b\n"], &["é"]] {
            assert_eq!(
                judge("ci", scopes),
                Err(vec!["scopes".to_owned()]),
                "{scopes:?}"
            );
        }
        let both = judge("", &["\""]);
        assert_eq!(both, Err(vec!["name".to_owned(), "scopes".to_owned()]));
    }
}
