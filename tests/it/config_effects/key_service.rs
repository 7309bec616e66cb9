//! `KMS_URL`, `KMS_KEY`, `KMS_MOUNT`, `KMS_NAMESPACE`, `KMS_TOKEN_PATH`, `KMS_CA_PATH`, `KMS_WRAPS`: a key
//! service that wraps data keys, against one that is in every mood it could be in.

use std::sync::Arc;
use std::time::Duration;

use actors::vault::{KeyName, KeyWrapping as _};
use auth_service::config::KeyServiceSettings;
use auth_service::key_service::Wrappings;
use domain::id::{DataKeyId, TenantId};
use domain::rejection::Fault;
use domain::secret::SecretBytes;
use protocol::entropy::SystemRandom;
use protocol::envelope::DataKeyBytes;
use protocol::system_secrets::SystemSecrets;
use serde_json::json;
use uuid::Uuid;

use super::keys::person_at;
use crate::auth::mfa::Owner;
use crate::backend::Backend;
use crate::client::{Client, Person};
use crate::doors::certificates::{Authority, Files};
use crate::house::House;
use crate::scenes;
use crate::transit::{Mood, Transit};

scenes![
    a_key_service_takes_over_what_the_secrets_wrapped_and_gives_it_back,
    while_a_key_service_is_away_what_is_at_hand_is_used_and_nothing_is_made,
    a_key_is_unwrapped_for_its_own_name_alone,
    a_key_service_that_does_not_bind_or_keep_keys_wraps_none,
    a_token_is_read_for_each_question,
    an_authority_of_kms_ca_path_alone_vouches_for_the_key_service,
];

/// How many data keys there are, that a key service wrapped under a version of its key.
async fn wrapped_under(house: &House, version: u32) -> i64 {
    let table = format!("data_keys WHERE INSTR(wrapped, CAST('vault:v{version}:' AS BLOB)) > 0");
    house.count_rows(&table).await
}

async fn see_wrapped(house: &House, version: u32, count: i64) {
    for _ in 0..1_000 {
        if wrapped_under(house, version).await == count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("there are never {count} keys wrapped under version {version}");
}

/// Waits until the service says whether it is ready, and what of the key service.
async fn see_ready(house: &House, is_ready: bool) {
    let status = if is_ready { "ok" } else { "failing" };
    for _ in 0..1_000 {
        let answer = house.public().get("/ready").await;
        let told = answer.json();
        if told["checks"]["key_service"]["status"] == status {
            assert_eq!(answer.status == 200, is_ready, "{told}");
            assert_eq!(told["checks"]["key_service"]["backend"], "transit");
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the key service is never {status}");
}

/// Somebody of another tenant, who is to set up an app.
async fn beside(house: &House) -> Client {
    house.add_tenant("acme").await;
    let door = house.public().with("x-tenant-id", "acme");
    let person = Person::register(&door, "bob").await;
    door.bearer(&person.login().await.access)
}

fn at(house: &House, owner: Owner) -> Owner {
    Owner {
        person: person_at(house, &owner.person),
        ..owner
    }
}

async fn a_key_service_takes_over_what_the_secrets_wrapped_and_gives_it_back() {
    let house = House::open(Backend::Sqlite).await;
    let owner = Owner::enroll(&house, "ada").await;
    let transit = Transit::new();
    let variables = transit.variables();
    let pairs = variables
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));

    let house = house.restart(&pairs).await;
    see_wrapped(&house, 1, 1).await;
    let owner = at(&house, owner);
    owner.login().await;
    // A new version of the master key is known from the next key that is wrapped.
    transit.rotate();
    let bob = beside(&house).await;
    bob.post("/auth/mfa/setup", json!({})).await.expect(200);
    for _ in 0..1_000 {
        if wrapped_under(&house, 1).await == 0 {
            break;
        }
        // A round begins an hour after the last.
        house.clock.advance(Duration::from_mins(1));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(wrapped_under(&house, 1).await, 0);
    assert_eq!(wrapped_under(&house, 2).await, 2);
    owner.login().await;

    // Whoever does not know the key service opens nothing, and wraps nothing anew.
    let house = house.restart(&[("KMS_URL", "")]).await;
    let owner = at(&house, owner);
    let token = owner.begin().await;
    owner
        .verify(&token, &owner.app.next_code())
        .await
        .expect(500);
    assert_eq!(wrapped_under(&house, 2).await, 2);

    let house = house.restart(&[pairs[0], ("KMS_WRAPS", "false")]).await;
    see_wrapped(&house, 2, 0).await;
    see_ready(&house, true).await;
    drop(transit);
    let unset = [("KMS_URL", ""), ("KMS_TOKEN_PATH", "")];
    let house = house.restart(&unset).await;
    let owner = at(&house, owner);
    owner.login().await;
    house.stop().await;
}

async fn while_a_key_service_is_away_what_is_at_hand_is_used_and_nothing_is_made() {
    let transit = Transit::new();
    let variables = transit.variables();
    let pairs = variables
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let house = House::with(Backend::Sqlite, &pairs).await;
    let owner = Owner::enroll(&house, "ada").await;
    assert_eq!(wrapped_under(&house, 1).await, 1);
    // Whoever asks for a tenant's key set first has its signing keys made, which its data key seals.
    house.add_tenant("acme").await;
    let acme = house.public().with("x-tenant-id", "acme");
    let away = [
        Mood::Sealed,
        Mood::Overloaded,
        Mood::StandsBy,
        Mood::Garbage,
        Mood::TooLong,
        Mood::Hangs,
    ];
    for mood in away {
        transit.be(mood);
        let refused = acme.get("/.well-known/jwks.json").await.expect(503);
        assert!(!refused.text.contains("vault"), "{}", refused.text);
        see_ready(&house, false).await;
        owner.login().await;
        assert_eq!(house.count_rows("data_keys").await, 1, "{mood:?}");
        transit.be(Mood::Fine);
        see_ready(&house, true).await;
    }
    transit.take("s.another");
    acme.get("/.well-known/jwks.json").await.expect(503);
    see_ready(&house, false).await;
    owner.login().await;
    transit.tell("s.another");
    see_ready(&house, true).await;
    acme.get("/.well-known/jwks.json").await.expect(200);
    assert_eq!(house.count_rows("data_keys").await, 2);
    house.stop().await;
}

/// Wrappings of this key service and of secrets of a seed.
fn wrappings(settings: &KeyServiceSettings) -> Wrappings {
    let secrets = SystemSecrets::new(&[SecretBytes::new(vec![1; 32])]).expect("secrets");
    Wrappings::new(Arc::new(secrets), Some(settings)).expect("a client")
}

fn name(key: u128) -> KeyName {
    KeyName {
        tenant: TenantId::from_uuid(Uuid::from_u128(1)),
        id: DataKeyId::from_uuid(Uuid::from_u128(key)),
    }
}

fn a_key() -> DataKeyBytes {
    DataKeyBytes::generate(&SystemRandom)
}

async fn a_key_is_unwrapped_for_its_own_name_alone() {
    let transit = Transit::new();
    let wrappings = wrappings(&transit.settings());
    let key = a_key();
    let wrapped = wrappings
        .wrap_key(name(1), key.clone())
        .await
        .expect("wrapped");
    let again = wrappings.unwrap_key(name(1), wrapped.clone()).await;
    assert_eq!(again.expect("unwrapped").expose(), key.expose());
    assert!(wrappings.is_current(name(1), &wrapped));
    let moved = wrappings.unwrap_key(name(2), wrapped.clone()).await;
    assert!(matches!(moved, Err(Fault::Broken(_))), "{moved:?}");
    for place in 0..wrapped.len() {
        let mut altered = wrapped.clone();
        altered[place] ^= 1;
        let refused = wrappings.unwrap_key(name(1), altered).await;
        assert!(refused.is_err(), "byte {place}");
    }
    let other = KeyServiceSettings {
        key: "other".to_owned(),
        ..transit.settings()
    };
    let asked = transit.kept().len();
    let other = self::wrappings(&other);
    let refused = other.unwrap_key(name(1), wrapped.clone()).await;
    assert!(matches!(refused, Err(Fault::Broken(_))), "{refused:?}");
    assert!(!other.is_current(name(1), &wrapped));
    assert_eq!(transit.kept().len(), asked, "nobody is asked for it");
    let missing = other.wrap_key(name(1), key).await;
    assert!(matches!(missing, Err(Fault::Upstream(_))), "{missing:?}");
}

async fn a_key_service_that_does_not_bind_or_keep_keys_wraps_none() {
    for mood in [Mood::BindsNothing, Mood::Forgets] {
        let transit = Transit::new();
        transit.be(mood);
        let wrappings = wrappings(&transit.settings());
        let refused = wrappings.wrap_key(name(1), a_key()).await;
        assert!(matches!(refused, Err(Fault::Upstream(_))), "{mood:?}");
        let asked = transit.kept().len();
        // It is left alone for a while.
        let refused = wrappings.wrap_key(name(1), a_key()).await;
        assert!(matches!(refused, Err(Fault::Upstream(_))), "{mood:?}");
        assert_eq!(transit.kept().len(), asked);
    }
}

async fn a_token_is_read_for_each_question() {
    let transit = Transit::new();
    let wrappings = wrappings(&transit.settings());
    let wrapped = wrappings.wrap_key(name(1), a_key()).await.expect("wrapped");
    transit.take("s.second");
    transit.tell("s.second");
    let unwrapped = wrappings.unwrap_key(name(1), wrapped.clone()).await;
    assert!(unwrapped.is_ok(), "{unwrapped:?}");
    for spoilt in ["", "s.\u{1}second", "s.first"] {
        let wrappings = self::wrappings(&transit.settings());
        transit.tell(spoilt);
        let refused = wrappings.unwrap_key(name(1), wrapped.clone()).await;
        let Err(Fault::Upstream(why)) = refused else {
            panic!("{spoilt}: {refused:?}");
        };
        assert!(spoilt.is_empty() || !why.contains(spoilt), "{why}");
    }
}

async fn an_authority_of_kms_ca_path_alone_vouches_for_the_key_service() {
    let authority = Authority::new();
    let (own, elsewhere) = (authority.sign("127.0.0.1"), authority.sign("127.0.0.2"));
    let files = Files::new(&own);
    let trusted = files.write("ca.pem", &authority.pem());
    let another = files.write("another.pem", &Authority::new().pem());
    for (shown, ca, is_trusted) in [
        (&own, Some(&trusted), true),
        (&own, Some(&another), false),
        (&own, None, false),
        (&elsewhere, Some(&trusted), false),
    ] {
        let transit = Transit::over_tls(shown.server());
        let settings = KeyServiceSettings {
            ca: ca.map(Into::into),
            ..transit.settings()
        };
        let wrapped = wrappings(&settings).wrap_key(name(1), a_key()).await;
        assert_eq!(wrapped.is_ok(), is_trusted, "{ca:?}: {wrapped:?}");
        assert_eq!(transit.kept().is_empty(), !is_trusted, "no token is told");
    }
}
