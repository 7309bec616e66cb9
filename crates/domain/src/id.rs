//! Identifiers, each its own type so that one cannot stand in for another.
//!
//! Rows are named by UUID version 7 (RFC 9562 §5.7): the leading bits are a time, so inserts land
//! at the right end of an index, and the trailing 62 bits are random. Ids are names, never
//! credentials: whoever knows an id may do nothing with it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::random::Random;
use crate::time::UnixMillis;

/// The text was not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID")]
pub struct InvalidId;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes a new id from an instant and 74 random bits.
            pub fn generate(now: UnixMillis, random: &dyn Random) -> Self {
                Self(generate(now, random))
            }

            /// Takes an id as a store returned it.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// Gives the id as a store keeps it.
            #[must_use]
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::try_parse(text).map(Self).map_err(|_| InvalidId)
            }
        }
    )+};
}

ids! {
    /// Names a tenant: the border that no row, key or token crosses.
    TenantId,
    /// Names a person's account; the `sub` of the tokens issued for it.
    UserId,
    /// Names a sign-in on a device; the `sid` claim.
    SessionId,
    /// Names a refresh family: a sign-in at one client.
    FamilyId,
    /// Names an API key.
    ApiKeyId,
    /// Names a mail waiting in the outbox.
    MailId,
    /// Names a passkey of an account.
    PasskeyId,
    /// Names a data key of a tenant.
    DataKeyId,
    /// Names a policy of a tenant.
    PolicyId,
    /// Names one HTTP or gRPC request, for logs and audit.
    RequestId,
}

impl UserId {
    /// Gives what every id sorts after that was made at this instant or later, and no other.
    #[must_use]
    pub fn first_at(instant: UnixMillis) -> Uuid {
        let millis = u128::try_from(instant.as_millis()).unwrap_or(0);
        Uuid::from_u128(millis << 80)
    }
}

impl FamilyId {
    /// Gives the low 64 bits, of which 62 are random: what a shard is chosen by.
    #[must_use]
    pub fn shard_bits(self) -> u64 {
        self.0.as_u64_pair().1
    }
}

fn generate(now: UnixMillis, random: &dyn Random) -> Uuid {
    let mut bits = [0_u8; 10];
    random.fill(&mut bits);
    let millis = u64::try_from(now.as_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &bits).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Counting;

    #[test]
    fn an_id_survives_its_text() {
        let id = UserId::generate(
            UnixMillis::from_millis(1_700_000_000_000),
            &Counting::default(),
        );
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn a_later_id_sorts_after_an_earlier_one() {
        let random = Counting::default();
        let earlier = UserId::generate(UnixMillis::from_millis(1), &random);
        let later = UserId::generate(UnixMillis::from_millis(2), &random);
        assert!(earlier < later);
    }

    #[test]
    fn text_that_is_no_uuid_is_refused() {
        assert_eq!("robert'); --".parse::<UserId>(), Err(InvalidId));
    }
}
