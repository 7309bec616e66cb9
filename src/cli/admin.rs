//! `auth-service admin create-key|list-keys|revoke-key`: API keys for the admin door. A new one is
//! shown once; one that leaked is refused by every node from its revocation on.

use std::fmt::Write as _;

use domain::api_key::{ApiKey, ApiKeyFilter};
use domain::id::ApiKeyId;
use domain::page::{MAX_PER_PAGE, PageRequest, PageStart};
use domain::time::UnixMillis;

use super::failure::Failure;
use super::{AdminCommand, office, prepare};
use crate::config::Configuration;
use crate::flow::Flows;
use crate::flow::admin::api_keys::{self, CreateApiKey};

/// Runs the subcommand.
///
/// # Errors
/// [`Failure`] for a name or scope that is not acceptable, for a key that is none or is dead
/// already, or when the store cannot be used.
pub(super) fn run(command: AdminCommand, configuration: &Configuration) -> Result<(), Failure> {
    match command {
        AdminCommand::CreateKey {
            name,
            scopes,
            expires,
            tenant,
        } => {
            let message = CreateApiKey {
                name,
                scopes,
                lifetime: expires,
            };
            office::run(configuration, async |flows| {
                create_key(flows, tenant.as_deref(), message).await
            })
        }
        AdminCommand::ListKeys { tenant } => office::run(configuration, async |flows| {
            list_keys(flows, tenant.as_deref()).await
        }),
        AdminCommand::RevokeKey { id, tenant } => office::run(configuration, async |flows| {
            revoke_key(flows, tenant.as_deref(), id).await
        }),
    }
}

async fn create_key(
    flows: &Flows,
    tenant: Option<&str>,
    message: CreateApiKey,
) -> Result<(), Failure> {
    let act = office::act(flows, tenant)?;
    let (key, secret) = api_keys::create(flows, &act, message).await?;
    let (id, secret) = (key.id, secret.expose());
    prepare::show(&format!("api_key_id={id}\napi_key={secret}\n"))
}

async fn list_keys(flows: &Flows, tenant: Option<&str>) -> Result<(), Failure> {
    let act = office::act(flows, tenant)?;
    let mut start = PageStart::Number(1);
    loop {
        let page = PageRequest {
            start,
            per_page: MAX_PER_PAGE,
        };
        let listed = api_keys::list(flows, &act, ApiKeyFilter::default(), page).await?;
        let lines = listed.items.iter().map(|key| line(key, act.now));
        prepare::show(&lines.collect::<String>())?;
        match listed.next {
            Some(last) => start = PageStart::After(last),
            None => return Ok(()),
        }
    }
}

async fn revoke_key(flows: &Flows, tenant: Option<&str>, id: ApiKeyId) -> Result<(), Failure> {
    let act = office::act(flows, tenant)?;
    api_keys::revoke(flows, &act, id).await?;
    prepare::show(&format!("revoked={id}\n"))
}

/// A name is quoted: it is what somebody typed.
fn line(key: &ApiKey, now: UnixMillis) -> String {
    let (id, name, prefix) = (key.id, &key.name, &key.visible_prefix);
    let state = match key.revoked_at {
        Some(_) => "revoked",
        None if key.is_live(now) => "live",
        None => "expired",
    };
    let scopes = key.scopes.to_string().replace(' ', ",");
    let mut line = format!(
        "api_key_id={id} state={state} name={name:?} begins_with={prefix} scopes={scopes} \
         created_at={}",
        key.created_at
    );
    let instants = [
        ("expires_at", key.expires_at),
        ("revoked_at", key.revoked_at),
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
    use domain::id::TenantId;
    use domain::random::Counting;
    use domain::scope::ScopeSet;

    use super::*;

    fn key() -> ApiKey {
        let (now, random) = (UnixMillis::from_seconds(0), Counting::default());
        ApiKey {
            id: ApiKeyId::generate(now, &random),
            tenant: TenantId::generate(now, &random),
            client: None,
            name: "nightly\njob".to_owned(),
            visible_prefix: "qf_ak_ab12".to_owned(),
            signature: [0; 32],
            superseded: None,
            scopes: ScopeSet::parse("admin:clients admin:users").expect("scopes"),
            rate_limit: None,
            created_at: now,
            expires_at: Some(UnixMillis::from_seconds(60)),
            revoked_at: None,
            last_used_at: None,
            version: 1,
        }
    }

    #[test]
    fn a_key_is_one_line_that_says_whether_it_works() {
        let (early, late) = (UnixMillis::from_seconds(59), UnixMillis::from_seconds(60));
        let live = line(&key(), early);
        assert_eq!(live.lines().count(), 1, "{live}");
        for part in [
            "state=live",
            r#"name="nightly\njob""#,
            "begins_with=qf_ak_ab12",
            "scopes=admin:clients,admin:users",
            "expires_at=1970-01-01T00:01:00Z",
        ] {
            assert!(live.contains(part), "{part} is missing: {live}");
        }
        assert!(line(&key(), late).contains("state=expired"));
        let revoked = ApiKey {
            revoked_at: Some(early),
            ..key()
        };
        assert!(line(&revoked, early).contains("state=revoked"));
    }
}
