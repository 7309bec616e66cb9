//! Many people and many tenants, loaded straight into the store while the service is stopped.
//!
//! Signing a million people up would take a day: a password is hashed for each. Instead one person is
//! registered and signed in as anybody is, and their rows (account, session, refresh family) are copied
//! with other names, and so are the tenant and its clients. All therefore have one password, and rows
//! that are as the service wrote them, whatever columns it has. The names follow from numbers, so that
//! the askers know them without asking.

use domain::id::{FamilyId, SessionId, TenantId, UserId};
use uuid::{Builder, Uuid};

mod postgres;
mod sqlite;

use crate::house::House;
use crate::numbers::float;

/// How many there are to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Crowd {
    /// People, each signed in once: even numbers in the default tenant, odd ones in the others.
    pub(crate) people: u32,
    /// Tenants beside the default one.
    pub(crate) tenants: u32,
}

/// Whose rows are copied.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Template {
    /// The default tenant.
    pub(crate) tenant: TenantId,
    /// Who was registered.
    pub(crate) user: UserId,
    /// Their sign-in.
    pub(crate) session: SessionId,
    /// Its refresh family.
    pub(crate) family: FamilyId,
}

/// One person of the crowd, by number.
#[derive(Debug, Clone, Copy)]
struct Copied {
    tenant: Uuid,
    user: Uuid,
    session: Uuid,
    family: Uuid,
    number: u32,
}

/// What numbers name.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Tenant,
    User,
    Session,
    Family,
}

/// When the crowd came, in Unix milliseconds: before the service did, so that its own rows come after.
const CAME: u64 = 1_760_000_000_000;
/// How many came in a millisecond.
const AT_ONCE: u32 = 100;

/// Loads a crowd; gives when its sign-ins were made, in Unix milliseconds.
///
/// # Errors
/// The store's.
pub(crate) async fn load(house: &House, crowd: Crowd, template: &Template) -> Result<i64, String> {
    match &house.servers.postgres {
        Some(address) => postgres::load(address, crowd, template).await,
        None => {
            sqlite::load(&house.file(), crowd, template).map_err(|error| format!("SQLite: {error}"))
        }
    }
}

// === impl Crowd ===

impl Crowd {
    /// Gives the tenant of a person; `None`: the default one.
    pub(crate) const fn tenant_of(self, person: u32) -> Option<u32> {
        if self.tenants == 0 || person.is_multiple_of(2) {
            None
        } else {
            Some((person / 2) % self.tenants)
        }
    }

    fn each(self, template: &Template) -> impl Iterator<Item = Copied> {
        let default = template.tenant.as_uuid();
        (0..self.people).map(move |number| Copied {
            tenant: self.tenant_of(number).map_or(default, tenant_id),
            user: id(Kind::User, number),
            session: id(Kind::Session, number),
            family: id(Kind::Family, number),
            number,
        })
    }
}

/// Gives the address of a person.
pub(crate) fn email(person: u32) -> String {
    format!("somebody{person:07}@example.org")
}

/// Gives the slug of a tenant.
pub(crate) fn slug(tenant: u32) -> String {
    format!("tenant-{tenant:05}")
}

/// Gives the id of a tenant.
pub(crate) fn tenant_id(tenant: u32) -> Uuid {
    id(Kind::Tenant, tenant)
}

/// Gives the session of a person.
pub(crate) fn session(person: u32) -> SessionId {
    SessionId::from_uuid(id(Kind::Session, person))
}

/// Gives the refresh family of a person.
pub(crate) fn family(person: u32) -> FamilyId {
    FamilyId::from_uuid(id(Kind::Family, person))
}

/// A UUID version 7 that follows from a number: its time grows with it, the rest looks random.
fn id(kind: Kind, number: u32) -> Uuid {
    let salt: u64 = match kind {
        Kind::Tenant => 1,
        Kind::User => 2,
        Kind::Session => 3,
        Kind::Family => 4,
    };
    let one = mixed(u64::from(number) | salt << 40);
    let two = mixed(one ^ salt);
    let mut bits = [0; 10];
    let (head, tail) = bits.split_at_mut(8);
    head.copy_from_slice(&one.to_be_bytes());
    tail.copy_from_slice(two.to_be_bytes().get(..2).unwrap_or(&[0, 0]));
    Builder::from_unix_timestamp_millis(CAME + u64::from(number / AT_ONCE), &bits).into_uuid()
}

/// splitmix64.
const fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Says how far it is, every so often.
fn progress(what: &str, done: u32, of: u32) {
    if done > 0 && done.is_multiple_of(100_000) {
        let percent = float(u64::from(done)) / float(u64::from(of)) * 100.0;
        eprintln!("seeding: {what} {percent:.0} %");
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_distinct_grow_and_follow_from_their_numbers() {
        let kinds = [Kind::Tenant, Kind::User, Kind::Session, Kind::Family];
        let ids: BTreeSet<Uuid> = kinds
            .into_iter()
            .flat_map(|kind| (0..10_000).map(move |number| id(kind, number)))
            .collect();
        assert_eq!(ids.len(), 40_000);
        assert!(id(Kind::User, 100) > id(Kind::User, 99));
        assert_eq!(id(Kind::User, 5), id(Kind::User, 5));
        assert_eq!(id(Kind::User, 5).get_version_num(), 7);
    }

    #[test]
    fn half_of_the_crowd_is_in_the_default_tenant() {
        let crowd = Crowd {
            people: 8,
            tenants: 3,
        };
        let tenants: Vec<_> = (0..8).map(|person| crowd.tenant_of(person)).collect();
        let expected = [None, Some(0), None, Some(1), None, Some(2), None, Some(0)];
        assert_eq!(tenants, expected);
    }
}
