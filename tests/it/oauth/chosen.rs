//! A house of which a tenant has chosen something.

use auth_service::flow::Act;
use auth_service::flow::admin::api_keys::{self, CreateApiKey};
use auth_service::flow::issuer::issuer_of;
use domain::event::{Actor, Origin};
use domain::id::RequestId;
use domain::tenant::{Tenant, TenantConfig};
use domain::time::Clock as _;
use protocol::entropy::SystemRandom;
use store::port::tenants::TenantWrite;

use crate::house::House;
use crate::patience::PATIENCE;

/// Lets the default tenant choose.
pub async fn choose(house: &House, config: TenantConfig) {
    choose_for(house, "default", config).await;
}

/// Lets a tenant choose.
pub async fn choose_for(house: &House, slug: &str, config: TenantConfig) {
    let act = act(house, slug);
    let tenants = &house.running().flows().tenants;
    let tenant = Tenant {
        config,
        ..act.tenant.as_ref().clone()
    };
    let entry = act.entry(domain::event::EventKind::TenantUpdated);
    let written = tenants.update_tenant(tenant, entry, act.deadline).await;
    assert!(matches!(written, Ok(TenantWrite::Stored(_))), "{written:?}");
}

/// Makes an API key of the default tenant.
pub async fn add_key(house: &House, scope: &str) -> String {
    add_key_for(house, "default", scope).await
}

/// Makes an API key of a tenant.
pub async fn add_key_for(house: &House, slug: &str, scope: &str) -> String {
    let message = CreateApiKey {
        name: "a key".to_owned(),
        scopes: vec![scope.to_owned()],
        lifetime: None,
    };
    let made = api_keys::create(house.running().flows(), &act(house, slug), message).await;
    made.expect("a key").1.expose().to_owned()
}

fn act(house: &House, slug: &str) -> Act {
    let (flows, now) = (house.running().flows(), house.clock.now());
    let directory = flows.tenants.directory();
    let tenant = directory.by_slug(slug).expect("the tenant").clone();
    Act {
        issuer: issuer_of(&flows.settings, &tenant),
        origin: Origin {
            tenant: tenant.id,
            actor: Actor::System,
            address: None,
            user_agent: None,
            request: RequestId::generate(now, &SystemRandom),
            claimed_in: None,
            at: now,
        },
        tenant,
        may_appoint: true,
        network: None,
        certificate: None,
        language: None,
        deadline: actors::deadline::Deadline::after(PATIENCE),
        now,
    }
}
