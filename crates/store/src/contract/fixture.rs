//! The values that the claims are made with.
//!
//! A [`World`] is one tenant on the store under test. It makes accounts, sign-ins and entries of
//! that tenant; [`World::beside`] gives a second tenant on the same store, for claims about the
//! border between them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use domain::attempt::{AttemptClaim, AttemptKey, AttemptPolicy};
use domain::authorization::GrantDetails;
use domain::email::EmailAddress;
use domain::event::{Actor, Entry, EventKind, Origin};
use domain::factor::{Factor, Proved};
use domain::id::{FamilyId, MailId, RequestId, SessionId, TenantId, UserId};
use domain::mail::MailJob;
use domain::one_time::{OneTime, Purpose};
use domain::page::{PageRequest, PageStart};
use domain::random::Random;
use domain::scope::ScopeSet;
use domain::secret::SecretText;
use domain::session::{Family, Session};
use domain::tenant::{Tenant, TenantConfig, TenantStatus};
use domain::time::UnixMillis;
use domain::user::{PasswordRecord, ROLE_USER, User, UserStatus};
use uuid::Uuid;

use crate::port::Ports;
use crate::port::changes::{Bookmark, ChangesAsked, Interest};
use crate::port::sessions::{NewSession, Turn};
use crate::port::tenants::TenantWrite;
use crate::port::users::{NewUser, Registration};

mod data_keys;
pub mod factors;
mod grants;
pub mod identities;
mod notices;
mod roles;
mod trail;

/// `REFRESH_REUSE_WINDOW` in every case.
pub const WINDOW: Duration = Duration::from_secs(30);
/// `REFRESH_TOKEN_TTL` in every case.
pub const IDLE: Duration = Duration::from_hours(7 * 24);
/// The text of the password hash that [`World::register`] stores.
pub const PHC: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g";

/// A question for the whole feed of a case.
pub const ALL_CHANGES: ChangesAsked = ChangesAsked {
    from: Bookmark::at(UnixMillis::from_millis(0)),
    interest: Interest::Everything,
    limit: 10_000,
};

/// Texts that break whoever glues SQL together.
pub const HOSTILE: [&str; 6] = [
    "'; DROP TABLE users; --",
    "\" OR \"\"=\"",
    "100%_\\%?1 $1 :name @name",
    "\u{202e}\u{1f980} e\u{301} \u{feff}\u{fffd}\u{10ffff}",
    "line\r\nbreak\ttab \u{1}\u{7f}",
    "{\"json\": [null, 1e9]}",
];

/// Unpredictable bytes for ids.
#[derive(Debug, Clone, Copy, Default)]
pub struct Entropy;

impl Random for Entropy {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(4) {
            // The last bytes of a version 4 UUID hold nothing but random bits.
            for (byte, random) in chunk.iter_mut().zip(Uuid::new_v4().as_bytes()[12..].iter()) {
                *byte = *random;
            }
        }
    }
}

/// Gives the instant so many seconds after the beginning of every case's story.
#[must_use]
pub const fn at(seconds: i64) -> UnixMillis {
    UnixMillis::from_seconds(1_800_000_000 + seconds)
}

/// Gives an instant by which everything in a case is long forgotten.
#[must_use]
pub const fn much_later() -> UnixMillis {
    at(10 * 365 * 86_400)
}

/// Makes 32 unpredictable bytes: a signature, a key.
#[must_use]
pub fn bytes() -> [u8; 32] {
    let mut bytes = [0; 32];
    Entropy.fill(&mut bytes);
    bytes
}

/// Checks an address.
///
/// # Panics
/// If the text is not an address.
#[must_use]
pub fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

/// Asks for the page with this number.
#[must_use]
pub const fn page(number: u32, per_page: u32) -> PageRequest {
    PageRequest {
        start: PageStart::Number(number),
        per_page,
    }
}

/// Asks for the page after this entry.
#[must_use]
pub const fn after(id: Uuid, per_page: u32) -> PageRequest {
    PageRequest {
        start: PageStart::After(id),
        per_page,
    }
}

/// Makes a tenant.
#[must_use]
pub fn tenant(slug: &str) -> Tenant {
    Tenant {
        id: TenantId::generate(at(0), &Entropy),
        slug: slug.to_owned(),
        name: format!("Tenant {slug}"),
        status: TenantStatus::Active,
        config: TenantConfig::default(),
        version: 1,
        created_at: at(0),
        erase_at: None,
    }
}

/// Makes an origin in a tenant.
#[must_use]
pub fn origin(tenant: TenantId, at: UnixMillis) -> Origin {
    Origin {
        tenant,
        actor: Actor::System,
        address: Some(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7))),
        user_agent: Some("contract/1".to_owned()),
        request: RequestId::generate(at, &Entropy),
        claimed_in: None,
        at,
    }
}

/// Makes a password record around a hash.
#[must_use]
pub fn password(phc: &str) -> PasswordRecord {
    PasswordRecord {
        phc: SecretText::new(phc.to_owned()),
        pepper: "0badcafe".to_owned(),
        set_at: at(0),
    }
}

/// One tenant on the store under test.
#[derive(Clone)]
pub struct World {
    /// The store.
    pub ports: Ports,
    /// The tenant.
    pub tenant: TenantId,
}

impl World {
    /// Stores the tenant `acme`.
    ///
    /// # Panics
    /// If the store refuses.
    pub async fn new(ports: Ports) -> Self {
        Self::named(ports, "acme").await
    }

    /// Stores the tenant `globex` beside this one.
    ///
    /// # Panics
    /// If the store refuses.
    pub async fn beside(&self) -> Self {
        self.beside_as("globex").await
    }

    /// Stores a tenant with this slug beside this one.
    ///
    /// # Panics
    /// If the store refuses.
    pub async fn beside_as(&self, slug: &str) -> Self {
        Self::named(self.ports.clone(), slug).await
    }

    async fn named(ports: Ports, slug: &str) -> Self {
        let tenant = tenant(slug);
        let id = tenant.id;
        let entry = Entry::new(EventKind::TenantCreated, &origin(id, at(0)));
        let written = ports.tenants.create_tenant(tenant, entry).await.unwrap();
        assert!(matches!(written, TenantWrite::Stored(_)));
        Self { ports, tenant: id }
    }

    /// Makes an entry of this tenant at the beginning of the story.
    #[must_use]
    pub fn entry(&self, kind: EventKind) -> Entry {
        self.entry_at(kind, at(0))
    }

    /// Makes an entry of this tenant.
    #[must_use]
    pub fn entry_at(&self, kind: EventKind, at: UnixMillis) -> Entry {
        Entry::new(kind, &origin(self.tenant, at))
    }

    /// Makes an account that begins now.
    #[must_use]
    pub fn user(&self, email: EmailAddress, now: UnixMillis) -> User {
        User {
            id: UserId::generate(now, &Entropy),
            tenant: self.tenant,
            email,
            email_verified: false,
            name: "Ada Lovelace".to_owned(),
            status: UserStatus::Active,
            locked_reason: None,
            roles: vec![ROLE_USER.to_owned()],
            password_compromised: false,
            password_by_mail: false,
            erase_at: None,
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }

    /// Stores an account with the password [`PHC`].
    ///
    /// # Panics
    /// If the store refuses.
    pub async fn register(&self, email: &str) -> User {
        let user = self.user(address(email), at(0));
        assert_eq!(self.store(user.clone()).await, Registration::Created);
        user
    }

    /// Tries to store an account with the password [`PHC`].
    ///
    /// # Panics
    /// If the store fails.
    pub async fn store(&self, user: User) -> Registration {
        let new = NewUser {
            entry: self.entry(EventKind::UserRegistered).about(&user.id),
            user,
            password: Some(password(PHC)),
            verification: None,
        };
        self.ports.users.register_user(new).await.unwrap()
    }

    /// Makes a sign-in of the user at an instant: a day for the session, thirty for the family.
    #[must_use]
    pub fn sign_in_at(&self, user: UserId, now: UnixMillis) -> NewSession {
        let session = Session {
            id: SessionId::generate(now, &Entropy),
            tenant: self.tenant,
            user,
            auth_time: now,
            amr: vec!["pwd".to_owned(), "otp".to_owned()],
            acr: "aal2".to_owned(),
            proofs: vec![Proved {
                factor: Factor::Password,
                at: now,
            }],
            address: Some(IpAddr::V6(Ipv6Addr::LOCALHOST)),
            user_agent: Some("contract/1".to_owned()),
            created_at: now,
            last_active_at: now,
            expires_at: now + Duration::from_hours(24),
        };
        NewSession {
            family: self.family(&session, now),
            password_set_at: None,
            clear_attempts: None,
            remember_until: much_later(),
            new_device_notice: None,
            entry: self
                .entry_at(EventKind::LoginSucceeded, now)
                .about(&user)
                .within(session.id),
            session,
        }
    }

    fn family(&self, session: &Session, now: UnixMillis) -> Family {
        Family {
            id: FamilyId::generate(now, &Entropy),
            tenant: self.tenant,
            session: session.id,
            user: session.user,
            client: domain::client::FIRST_PARTY.to_owned(),
            scope: ScopeSet::parse("openid email offline_access").unwrap(),
            details: GrantDetails::default(),
            generation: 1,
            rotated_at: now,
            reissued: false,
            idle_expires_at: now + IDLE,
            expires_at: now + Duration::from_hours(30 * 24),
        }
    }

    /// Stores a sign-in of the user at the beginning of the story.
    ///
    /// # Panics
    /// If the store refuses.
    pub async fn sign_in(&self, user: UserId) -> (Session, Family) {
        let new = self.sign_in_at(user, at(0));
        let (session, family) = (new.session.clone(), new.family.clone());
        let begun = self.ports.sessions.begin_session(new).await;
        assert!(begun.unwrap().is_some());
        (session, family)
    }

    /// Makes the presentation of a family's token by its own client.
    #[must_use]
    pub fn turn(&self, family: &Family, generation: u32, now: UnixMillis) -> Turn {
        Turn {
            tenant: self.tenant,
            family: family.id,
            generation,
            client: family.client.clone(),
            rotates: true,
            jkt: None,
            certificate: None,
            now,
            window: WINDOW,
            idle: IDLE,
            remember_until: much_later(),
            origin: origin(self.tenant, now),
        }
    }

    /// Makes a mail written now.
    #[must_use]
    pub fn mail(&self, now: UnixMillis) -> MailJob {
        MailJob {
            id: MailId::generate(now, &Entropy),
            tenant: self.tenant,
            sealed: bytes().to_vec(),
            attempts: 0,
            created_at: now,
        }
    }

    /// Makes a one-time token of the user that begins with the story.
    #[must_use]
    pub fn one_time(&self, user: UserId, purpose: Purpose) -> OneTime {
        OneTime {
            tenant: self.tenant,
            user,
            purpose,
            signature: bytes(),
            created_at: at(0),
            expires_at: at(0) + purpose.lifetime(),
        }
    }

    /// Makes a request to guess under the service's default rule.
    #[must_use]
    pub fn attempt(&self, key: AttemptKey, now: UnixMillis) -> AttemptClaim {
        let policy = AttemptPolicy {
            delay_after: 5,
            lock_after: 10,
            lockout: Duration::from_mins(15),
            disable_after: 100,
        };
        AttemptClaim {
            tenant: self.tenant,
            keys: key.into(),
            now,
            policy,
        }
    }
}
