//! The vault: who opens what, one key between nodes, changes of the secrets, a crash, an outage.

use std::sync::Arc;

use actors::supervision::ChildSpec;
use actors::vault::{LocalWrapping, Vault, VaultNeeds, vault};
use domain::id::{DataKeyId, TenantId};
use domain::rejection::Fault;
use protocol::entropy::SystemRandom;
use store::port::Pending;
use store::port::data_keys::{DataKey, DataKeys, Rewrap};

use crate::house::{House, SOON, in_time, raise, secrets_of, within};

const CONTEXT: &str = "totp/ada";

/// Makes a vault under these secrets, the newest first.
fn under(house: &House, secrets: &[u8]) -> (Vault, ChildSpec) {
    on(house, house.ports.data_keys.clone(), secrets)
}

fn on(house: &House, store: Arc<dyn DataKeys>, secrets: &[u8]) -> (Vault, ChildSpec) {
    vault(VaultNeeds {
        store,
        wrapping: Arc::new(LocalWrapping::new(secrets_of(secrets))),
        clock: house.clock.clone(),
        random: Arc::new(SystemRandom),
    })
}

async fn seal(vault: &Vault, tenant: TenantId) -> Vec<u8> {
    let sealed = vault.seal(tenant, CONTEXT, b"secret", in_time()).await;
    sealed.unwrap()
}

async fn opens(vault: &Vault, tenant: TenantId, sealed: &[u8]) -> bool {
    match vault.open(tenant, CONTEXT, sealed, in_time()).await {
        Ok(plain) => {
            assert_eq!(plain.as_slice(), b"secret");
            true
        }
        Err(Fault::Broken(_)) => false,
        Err(fault) => panic!("{fault}"),
    }
}

async fn stored(house: &House) -> Vec<DataKey> {
    let keys = house.ports.data_keys.load_data_keys(house.world.tenant);
    keys.await.unwrap()
}

/// A store that is away.
struct Away;

impl Away {
    fn fault<T: Send + 'static>() -> Pending<'static, T> {
        Box::pin(async { Err(Fault::Store("away".to_owned())) })
    }
}

impl DataKeys for Away {
    fn load_data_keys(&self, _tenant: TenantId) -> Pending<'_, Vec<DataKey>> {
        Self::fault()
    }

    fn make_data_key(&self, _new: DataKey) -> Pending<'_, DataKey> {
        Self::fault()
    }

    fn rewrap_data_key(&self, _rewrap: Rewrap) -> Pending<'_, bool> {
        Self::fault()
    }

    fn list_data_keys(
        &self,
        _after: Option<(TenantId, DataKeyId)>,
        _limit: u32,
    ) -> Pending<'_, Vec<DataKey>> {
        Self::fault()
    }
}

#[tokio::test]
async fn a_sealed_value_opens_for_its_tenant_and_context_alone() {
    let house = House::new().await;
    let other = house.world.beside().await;
    let (vault, spec) = under(&house, &[1]);
    let _tree = raise(vec![spec]).await;
    let tenant = house.world.tenant;
    let sealed = seal(&vault, tenant).await;
    let foreign = seal(&vault, other.tenant).await;
    assert!(opens(&vault, tenant, &sealed).await);
    assert!(opens(&vault, other.tenant, &foreign).await);
    assert!(
        !opens(&vault, other.tenant, &sealed).await,
        "another tenant"
    );
    assert!(!opens(&vault, tenant, &foreign).await, "of another tenant");
    let context = vault.open(tenant, "totp/bob", &sealed, in_time()).await;
    assert!(matches!(context, Err(Fault::Broken(_))), "another context");
    assert!(!sealed.windows(6).any(|bytes| bytes == b"secret"));
}

#[tokio::test]
async fn a_sealed_value_that_was_altered_does_not_open() {
    let house = House::new().await;
    let (vault, spec) = under(&house, &[1]);
    let _tree = raise(vec![spec]).await;
    let sealed = seal(&vault, house.world.tenant).await;
    for position in 0..sealed.len() {
        let mut altered = sealed.clone();
        altered[position] ^= 1;
        assert!(!opens(&vault, house.world.tenant, &altered).await);
        assert!(!opens(&vault, house.world.tenant, &sealed[..position]).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_vaults_on_one_store_make_one_key() {
    let house = House::new().await;
    let ((one, spec_one), (two, spec_two)) = (under(&house, &[1]), under(&house, &[1]));
    let _trees = tokio::join!(raise(vec![spec_one]), raise(vec![spec_two]));
    let tenant = house.world.tenant;
    let (first, second) = tokio::join!(seal(&one, tenant), seal(&two, tenant));
    assert_eq!(stored(&house).await.len(), 1);
    assert!(opens(&one, tenant, &second).await);
    assert!(opens(&two, tenant, &first).await);
}

#[tokio::test]
async fn what_a_vault_sealed_opens_after_a_restart_and_under_no_other_secret() {
    let house = House::new().await;
    let (vault, spec) = under(&house, &[1]);
    let tree = raise(vec![spec]).await;
    let sealed = seal(&vault, house.world.tenant).await;
    tree.stop(SOON).await;
    let ((same, spec), (other, foreign)) = (under(&house, &[1]), under(&house, &[2]));
    let _trees = tokio::join!(raise(vec![spec]), raise(vec![foreign]));
    assert!(opens(&same, house.world.tenant, &sealed).await);
    assert!(!opens(&other, house.world.tenant, &sealed).await);
}

#[tokio::test]
async fn data_keys_are_wrapped_anew_when_the_secrets_move_on_though_nobody_asks_for_them() {
    let house = House::new().await;
    let (vault, spec) = under(&house, &[1]);
    let tree = raise(vec![spec]).await;
    let sealed = seal(&vault, house.world.tenant).await;
    tree.stop(SOON).await;
    let before = stored(&house).await;

    let (_, spec) = under(&house, &[2, 1]);
    let tree = raise(vec![spec]).await;
    let is_anew = || async { stored(&house).await != before };
    within(SOON, "the key is wrapped anew", is_anew).await;
    tree.stop(SOON).await;
    let (vault, spec) = under(&house, &[2]);
    let _tree = raise(vec![spec]).await;
    assert!(opens(&vault, house.world.tenant, &sealed).await);
}

#[tokio::test]
async fn a_data_key_is_wrapped_anew_when_it_is_needed() {
    let house = House::new().await;
    // It is on while the other begins: what it wraps then is only found by whoever needs it.
    let ((old, spec_old), (new, spec_new)) = (under(&house, &[1]), under(&house, &[2, 1]));
    let _trees = tokio::join!(raise(vec![spec_old]), raise(vec![spec_new]));
    let sealed = seal(&old, house.world.tenant).await;
    let before = stored(&house).await;
    assert!(opens(&new, house.world.tenant, &sealed).await);
    let after = stored(&house).await;
    assert_eq!(after.len(), 1);
    assert_ne!(after, before);
    assert!(opens(&old, house.world.tenant, &sealed).await, "at hand");
}

#[tokio::test]
async fn a_wrapped_key_in_another_tenants_row_does_not_unwrap() {
    let house = House::new().await;
    let other = house.world.beside().await;
    let (vault, spec) = under(&house, &[1]);
    let _tree = raise(vec![spec]).await;
    seal(&vault, house.world.tenant).await;
    let moved = DataKey {
        tenant: other.tenant,
        ..stored(&house).await.remove(0)
    };
    house.ports.data_keys.make_data_key(moved).await.unwrap();
    let refused = vault.seal(other.tenant, CONTEXT, b"x", in_time()).await;
    assert!(matches!(refused, Err(Fault::Broken(_))), "{refused:?}");
}

#[tokio::test]
async fn while_the_store_is_away_nothing_is_sealed_or_opened() {
    let house = House::new().await;
    let ((vault, spec), (cut_off, alone)) = (under(&house, &[1]), on(&house, Arc::new(Away), &[1]));
    let _trees = tokio::join!(raise(vec![spec]), raise(vec![alone]));
    let tenant = house.world.tenant;
    let sealed = seal(&vault, tenant).await;
    let opened = cut_off.open(tenant, CONTEXT, &sealed, in_time()).await;
    assert!(matches!(opened, Err(Fault::Store(_))), "{opened:?}");
    let made = cut_off.seal(tenant, CONTEXT, b"secret", in_time()).await;
    assert!(matches!(made, Err(Fault::Store(_))), "{made:?}");
}

#[cfg(feature = "failpoints")]
#[tokio::test]
async fn a_vault_that_crashes_loses_nothing_that_was_sealed() {
    use actors::failpoint::Action;

    let house = House::new().await;
    let (vault, spec) = under(&house, &[1]);
    let tree = raise(vec![spec]).await;
    let sealed = seal(&vault, house.world.tenant).await;
    vault.failpoint().arm(Action::Panic, 1);
    let lost = vault.open(house.world.tenant, CONTEXT, &sealed, in_time());
    assert!(matches!(lost.await, Err(Fault::Restarting(_))));
    within(SOON, "the vault is back", || async { tree.is_healthy() }).await;
    assert!(opens(&vault, house.world.tenant, &sealed).await);
    assert_eq!(stored(&house).await.len(), 1);
}
