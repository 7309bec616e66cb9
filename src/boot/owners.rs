//! Hiring the owners: each gets its port, and nobody else does.

use std::sync::Arc;
use std::time::Duration;

use actors::accounts::Accounts;
use actors::api_keys::api_keys;
use actors::attempts::attempts;
use actors::audit::{AuditNeeds, audit};
use actors::feed::{FeedNeeds, feed};
use actors::janitor::janitor;
use actors::keys::{Keys, KeysConfig, KeysNeeds, keys};
use actors::limits::{LimitsConfig, limits};
use actors::mail::{Courier, Mail, MailNeeds, mail};
use actors::notices::{Notices, NoticesNeeds};
use actors::roles::roles;
use actors::sessions::sessions;
use actors::supervision::ChildSpec;
use actors::tenants::{Tenants, TenantsConfig, TenantsNeeds, tenants};
use actors::vault::{Vault, VaultNeeds, vault};
use blocklist::Common;
use domain::attempt::AttemptPolicy;
use domain::random::Random;
use domain::secret::SecretText;
use domain::time::Clock;
use protocol::system_secrets::SystemSecrets;
use store::port::changes::Changes;
use store::port::shared::SharedState;
use store::port::{Health, Ports};
use url::Url;
use webauthn::RelyingParty;

use super::sealing::ByVault;
use super::{StartError, hashing};
use crate::authorities::ClientAuthorities;
use crate::config::Settings;
use crate::courier::{self, Letterhead, LetterheadOf};
use crate::egress::Egress;
use crate::flow::Flows;
use crate::flow::breached::BreachedPasswords;
use crate::flow::client_keys::KeptKeys;
use crate::flow::clients::KeptDocuments;
use crate::flow::issuer::issuer_of;
use crate::flow::notice::ByLogoutToken;
use crate::flow::subject::KeptSalts;
use crate::flow::token::mint::{JWKS_MAX_AGE, longest_lifetime};
use crate::flow::verified::VerifiedTokens;
use crate::key_service::Wrappings;
use crate::key_service::transit::Transit;
use crate::telemetry::meters::Meters;

/// What the owners need that is no store.
pub(crate) struct Outside {
    pub(crate) settings: Arc<Settings>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) courier: Option<Arc<dyn Courier>>,
}

/// The owners, ready to be supervised, and the flows that speak to them.
pub(crate) struct Staff {
    pub(crate) flows: Arc<Flows>,
    pub(crate) owners: Vec<ChildSpec>,
    pub(crate) outflow: Vec<ChildSpec>,
    /// Who wraps data keys, if it is another service.
    pub(crate) key_service: Option<Arc<dyn Health>>,
}

/// The most consecutive failures that NIST SP 800-63B-4 §3.2.2 allows.
const DISABLE_AFTER: u32 = 100;
/// What a retired key is kept beyond the longest token: nodes' clocks differ.
const SKEW: Duration = Duration::from_mins(1);

/// Makes every owner, gives it its port, and builds the flows on their handles.
///
/// # Errors
/// [`StartError::Setting`] when a secret, a key file or the hashing parameters cannot be used.
#[expect(clippy::too_many_lines, reason = "a line for each owner and each port")]
pub(crate) fn hire(
    outside: Outside,
    ports: Ports,
    shared: SharedState,
) -> Result<Staff, StartError> {
    let settings = &outside.settings;
    let secrets = Arc::new(SystemSecrets::new(&settings.secrets.system).map_err(setting)?);
    let (meters, is_shared) = (Arc::new(Meters::new()), ports.changes.is_shared());

    let (tenants, tenants_spec) = hire_tenants(&outside, &ports);
    let (limits, limits_spec) = limits(limits_config(settings), shared, Arc::clone(&outside.clock));
    let (roles, roles_spec) = roles(Arc::clone(&ports.roles));
    let wrappings = wrappings(settings, &secrets)?;
    let key_service: Option<Arc<dyn Health>> = match wrappings.service() {
        Some(service) => Some(Arc::<Transit>::clone(service)),
        None => None,
    };
    let (vault, vault_spec) = hire_vault(&outside, &ports, wrappings);
    let (keys, keys_spec) = hire_keys(&outside, &ports, (&secrets, &vault), &tenants)?;
    let (sessions, sessions_specs) = sessions(Arc::clone(&ports.sessions), is_shared);
    let (attempts, attempts_specs) = attempts(&ports.attempts, attempt_policy(settings));
    let (mail, mut outflow) = hire_outflow(&outside, &ports, &secrets, &tenants)?;
    let (known_keys, used_spec) = api_keys(Arc::clone(&ports.api_keys));
    let notices = Notices::default();

    // Tenants come first: which is the default one, whose keys are made first, is known from them.
    let first = [tenants_spec, keys_spec, limits_spec, roles_spec, vault_spec];
    let shards = sessions_specs.into_iter().chain(attempts_specs);
    let flows = Arc::new(Flows {
        hashing: hashing::start(&outside, &meters).map_err(setting)?,
        breached: breached(settings, &meters)?,
        egress: egress(settings)?,
        verified: VerifiedTokens::default(),
        client_authorities: client_authorities(settings)?,
        kept_keys: KeptKeys::default(),
        kept_documents: KeptDocuments::default(),
        relying_party: relying_party(settings)?,
        salts: KeptSalts::new(ports.salts),
        settings: outside.settings,
        clock: outside.clock,
        random: outside.random,
        secrets,
        keys,
        tenants,
        roles,
        limits,
        sessions,
        attempts,
        vault,
        mail,
        notices: notices.clone(),
        accounts: Accounts::new(Arc::clone(&ports.users)),
        users: ports.users,
        factors: ports.factors,
        identities: ports.identities,
        one_time: ports.one_time,
        authorizations: ports.authorizations,
        devices: ports.devices,
        idempotency: ports.idempotency,
        spent: ports.spent,
        known_keys,
        api_keys: ports.api_keys,
        audit: ports.audit,
        checkpoints: ports.checkpoints,
        tallies: ports.tallies,
        blocklist: Arc::new(Common::new()),
        meters,
    });
    let feed_spec = hire_feed(&flows, ports.changes);
    let owners = first
        .into_iter()
        .chain(shards)
        .chain([feed_spec, used_spec])
        .collect();
    outflow.push(hire_notices(&notices, &flows, ports.notices));
    outflow.push(hashing::rest(flows.hashing.clone()));
    Ok(Staff {
        flows,
        owners,
        outflow,
        key_service,
    })
}

/// Makes whom passkeys are bound to; nothing where the issuer is an address, which they cannot be.
fn relying_party(settings: &Settings) -> Result<Option<Arc<RelyingParty>>, StartError> {
    let Some(party) = &settings.webauthn else {
        return Ok(None);
    };
    let origins: Result<Vec<Url>, _> = party.origins.iter().map(|one| Url::parse(one)).collect();
    let origins = origins.map_err(|error| invalid("WEBAUTHN_RP_ORIGINS", error))?;
    let made = RelyingParty::new(&party.id, &party.name, &origins);
    let made = made.map_err(|error| invalid("WEBAUTHN_RP_ID", error))?;
    Ok(Some(Arc::new(made)))
}

fn hire_tenants(outside: &Outside, ports: &Ports) -> (Tenants, ChildSpec) {
    let settings = &outside.settings.tenants;
    let config = TenantsConfig {
        default: Some(settings.default.as_str().into()),
        cache_ttl: settings.cache_ttl,
    };
    tenants(
        config,
        TenantsNeeds {
            tenants: Arc::clone(&ports.tenants),
            clients: Arc::clone(&ports.clients),
            clock: Arc::clone(&outside.clock),
            random: Arc::clone(&outside.random),
        },
    )
}

fn hire_keys(
    outside: &Outside,
    ports: &Ports,
    (secrets, vault): (&Arc<SystemSecrets>, &Vault),
    tenants: &Tenants,
) -> Result<(Keys, ChildSpec), StartError> {
    let settings = &outside.settings;
    let known = tenants.clone();
    let config = KeysConfig {
        tenant: Arc::new(move || known.directory().default_tenant().map(|tenant| tenant.id)),
        algorithm: settings.keys.algorithm,
        rotation_interval: settings.keys.rotation_interval,
        retired_for: longest_lifetime(&settings.tokens).max(settings.oidc.id_token_ttl) + SKEW,
        jwks_max_age: JWKS_MAX_AGE,
        import_pem: imported_key(settings)?,
    };
    let needs = KeysNeeds {
        store: Arc::clone(&ports.keys),
        secrets: Arc::clone(secrets),
        sealing: Arc::new(ByVault(vault.clone())),
        clock: Arc::clone(&outside.clock),
        random: Arc::clone(&outside.random),
    };
    keys(config, needs).map_err(|error| invalid("JWT_PRIVATE_KEY_PATH", error))
}

fn wrappings(settings: &Settings, secrets: &Arc<SystemSecrets>) -> Result<Wrappings, StartError> {
    Wrappings::new(Arc::clone(secrets), settings.key_service.as_ref()).map_err(setting)
}

fn hire_vault(outside: &Outside, ports: &Ports, wrappings: Wrappings) -> (Vault, ChildSpec) {
    vault(VaultNeeds {
        store: Arc::clone(&ports.data_keys),
        wrapping: Arc::new(wrappings),
        clock: Arc::clone(&outside.clock),
        random: Arc::clone(&outside.random),
    })
}

fn hire_outflow(
    outside: &Outside,
    ports: &Ports,
    secrets: &Arc<SystemSecrets>,
    tenants: &Tenants,
) -> Result<(Mail, Vec<ChildSpec>), StartError> {
    let courier = match &outside.courier {
        Some(courier) => Arc::clone(courier),
        None => courier::from_settings(&outside.settings, letterheads(&outside.settings, tenants))
            .map_err(setting)?,
    };
    let (mail, mail_spec) = mail(MailNeeds {
        outbox: Arc::clone(&ports.outbox),
        courier,
        secrets: Arc::clone(secrets),
        clock: Arc::clone(&outside.clock),
        random: Arc::clone(&outside.random),
    });
    let (_, audit_spec) = audit(AuditNeeds {
        trail: Arc::clone(&ports.audit),
        checkpoints: Arc::clone(&ports.checkpoints),
        secrets: Arc::clone(secrets),
        clock: Arc::clone(&outside.clock),
        retention: outside.settings.audit_retention,
    });
    let known = tenants.clone();
    let (_, janitor_spec) = janitor(
        Arc::clone(&ports.janitor),
        Arc::new(move || known.directory().default_tenant().map(|tenant| tenant.id)),
        Arc::clone(&outside.clock),
    );
    Ok((mail, vec![audit_spec, mail_spec, janitor_spec]))
}

/// Makes the task that keeps this node's memory true to what others change.
fn hire_feed(flows: &Flows, changes: Arc<dyn Changes>) -> ChildSpec {
    feed(FeedNeeds {
        changes,
        sessions: flows.sessions.clone(),
        accounts: flows.accounts.clone(),
        api_keys: flows.known_keys.clone(),
        tenants: flows.tenants.clone(),
        roles: flows.roles.clone(),
        keys: flows.keys.clone(),
        clock: Arc::clone(&flows.clock),
    })
}

/// Makes the task that tells clients of ended sessions, which is a flow's to do.
fn hire_notices(
    notices: &Notices,
    flows: &Arc<Flows>,
    store: Arc<dyn store::port::notices::Notices>,
) -> ChildSpec {
    notices.spec(NoticesNeeds {
        notices: store,
        teller: Arc::new(ByLogoutToken(Arc::clone(flows))),
        clock: Arc::clone(&flows.clock),
        random: Arc::clone(&flows.random),
    })
}

/// Tells couriers in whose name they write, from the settings and the directory alone.
fn letterheads(settings: &Arc<Settings>, tenants: &Tenants) -> LetterheadOf {
    let (settings, tenants) = (Arc::clone(settings), tenants.clone());
    Arc::new(move |tenant| {
        let directory = tenants.directory();
        directory
            .by_id(tenant)
            .map(|tenant| Letterhead::of(tenant, issuer_of(&settings, tenant)))
    })
}

fn limits_config(settings: &Settings) -> LimitsConfig {
    LimitsConfig {
        per_second: settings.limits.rps,
        burst: settings.limits.burst,
        max_failures: settings.limits.max_failed,
        lockout: settings.limits.lockout,
    }
}

fn attempt_policy(settings: &Settings) -> AttemptPolicy {
    AttemptPolicy {
        delay_after: settings.limits.delay_after,
        lock_after: settings.limits.max_failed,
        lockout: settings.limits.lockout,
        disable_after: DISABLE_AFTER,
    }
}

fn imported_key(settings: &Settings) -> Result<Option<SecretText>, StartError> {
    let Some(path) = &settings.keys.import else {
        return Ok(None);
    };
    let text = std::fs::read_to_string(path);
    text.map(|text| Some(SecretText::new(text)))
        .map_err(|error| invalid("JWT_PRIVATE_KEY_PATH", error))
}

fn breached(
    settings: &Settings,
    meters: &Arc<Meters>,
) -> Result<Option<BreachedPasswords>, StartError> {
    let Some(url) = settings.passwords.breached_url.clone() else {
        return Ok(None);
    };
    BreachedPasswords::new(url, Arc::clone(meters))
        .map(Some)
        .map_err(|error| invalid("BREACHED_PASSWORDS_API_URL", error))
}

fn egress(settings: &Settings) -> Result<Egress, StartError> {
    Egress::new(&settings.egress).map_err(|error| invalid("EGRESS_CA_PATH", error))
}

fn client_authorities(settings: &Settings) -> Result<Option<Arc<ClientAuthorities>>, StartError> {
    let Some(path) = settings.client_ca.clone() else {
        return Ok(None);
    };
    ClientAuthorities::load(path)
        .map(|loaded| Some(Arc::new(loaded)))
        .map_err(|error| invalid("TLS_CLIENT_CA_PATH", error))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "made to be given to `map_err`"
)]
fn setting(error: impl ToString) -> StartError {
    StartError::Setting(error.to_string())
}

#[expect(clippy::needless_pass_by_value, reason = "an error that ends here")]
fn invalid(variable: &str, error: impl ToString) -> StartError {
    StartError::Setting(format!("{variable}: {}", error.to_string()))
}
