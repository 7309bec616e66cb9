//! An answer in few bytes: some two hundred, where the values themselves take two thousand.
//!
//! Ids are their sixteen bytes and are written once, instants are told by how far they are from another,
//! and words that almost every session has are not spelled out. Whoever asks for a repeat is rare; what all
//! others need to know of a copy stands in its [`Head`], which is read without the rest.
//!
//! What does not read gives no answer, and the store is asked.

use std::net::IpAddr;

use domain::authorization::GrantDetails;
use domain::client::FIRST_PARTY;
use domain::email::EmailAddress;
use domain::factor::{Factor, Proved};
use domain::id::{FamilyId, SessionId, TenantId, UserId};
use domain::scope::ScopeSet;
use domain::session::{Family, Session};
use domain::time::UnixMillis;
use domain::user::{User, UserStatus};
use protocol::assurance::Level;
use store::port::sessions::Granted;

use super::bytes::{Reader, Writer};

/// A packed answer.
#[derive(Debug)]
pub(super) struct Packed(Box<[u8]>);

/// What is read of a copy before the rest is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) family: FamilyId,
    pub(super) session: SessionId,
    pub(super) user: UserId,
    tenant: TenantId,
    /// The number of the family's current token.
    pub(super) generation: u32,
    /// When it was issued; what other instants are told by.
    rotated_at: UnixMillis,
    /// When the copy repeats nothing any more.
    pub(super) expires_at: UnixMillis,
}

pub(super) const FACTORS: [Factor; 5] = [
    Factor::Password,
    Factor::Totp,
    Factor::BackupCode,
    Factor::Passkey,
    Factor::VerifyingPasskey,
];
const STATUSES: [UserStatus; 4] = [
    UserStatus::Active,
    UserStatus::Locked,
    UserStatus::Suspended,
    UserStatus::Deleted,
];
const LEVELS: [Level; 2] = [Level::Aal1, Level::Aal2];

// === impl Packed ===

impl Packed {
    /// Packs an answer that can be repeated until `expires_at`; `writer` lends its room. Nothing of details
    /// that cannot be written.
    pub(super) fn of(
        granted: &Granted,
        expires_at: UnixMillis,
        writer: &mut Writer,
    ) -> Option<Self> {
        let Granted {
            family,
            session,
            user,
            // A repeat advances nothing.
            advanced: _,
        } = granted;
        writer.clear();
        write_family(writer, family, expires_at)?;
        write_session(writer, session, family);
        write_user(writer, user, family);
        Some(Self(writer.bytes().into()))
    }

    /// Reads what a copy is found and judged by.
    pub(super) fn head(&self) -> Option<Head> {
        read_head(&mut Reader::new(&self.0))
    }

    /// Reads the answer, as it is to be repeated.
    pub(super) fn unpack(&self) -> Option<Granted> {
        let mut reader = Reader::new(&self.0);
        let head = read_head(&mut reader)?;
        let family = read_family(&mut reader, head)?;
        Some(Granted {
            session: read_session(&mut reader, head, family.expires_at)?,
            user: read_user(&mut reader, head)?,
            family,
            advanced: false,
        })
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

fn write_family(writer: &mut Writer, family: &Family, expires_at: UnixMillis) -> Option<()> {
    writer.id(family.id.as_uuid());
    writer.id(family.session.as_uuid());
    writer.id(family.user.as_uuid());
    writer.id(family.tenant.as_uuid());
    writer.number(family.generation.into());
    writer.signed(family.rotated_at.as_millis());
    let since = family.rotated_at;
    write_instant(writer, expires_at, since);
    let is_ours = family.client == FIRST_PARTY;
    writer.text(if is_ours { "" } else { &family.client });
    let scope: Vec<&str> = family.scope.iter().collect();
    writer.texts(scope.into_iter());
    if family.details == GrantDetails::default() {
        writer.raw(&[]);
    } else {
        writer.raw(&serde_json::to_vec(&family.details).ok()?);
    }
    writer.number(family.reissued.into());
    write_instant(writer, family.idle_expires_at, since);
    write_instant(writer, family.expires_at, since);
    Some(())
}

fn read_head(reader: &mut Reader<'_>) -> Option<Head> {
    let family = FamilyId::from_uuid(reader.id()?);
    let session = SessionId::from_uuid(reader.id()?);
    let user = UserId::from_uuid(reader.id()?);
    let tenant = TenantId::from_uuid(reader.id()?);
    let generation = u32::try_from(reader.number()?).ok()?;
    let rotated_at = UnixMillis::from_millis(reader.signed()?);
    Some(Head {
        family,
        session,
        user,
        tenant,
        generation,
        rotated_at,
        expires_at: read_instant(reader, rotated_at)?,
    })
}

fn read_family(reader: &mut Reader<'_>, head: Head) -> Option<Family> {
    let mut client = reader.text()?;
    if client.is_empty() {
        FIRST_PARTY.clone_into(&mut client);
    }
    let scope = ScopeSet::from_stored(reader.texts()?);
    let details = match reader.raw()? {
        [] => GrantDetails::default(),
        written => serde_json::from_slice(written).ok()?,
    };
    Some(Family {
        id: head.family,
        tenant: head.tenant,
        session: head.session,
        user: head.user,
        client,
        scope,
        details,
        generation: head.generation,
        rotated_at: head.rotated_at,
        reissued: reader.number()? == 1,
        idle_expires_at: read_instant(reader, head.rotated_at)?,
        expires_at: read_instant(reader, head.rotated_at)?,
    })
}

fn write_session(writer: &mut Writer, session: &Session, family: &Family) {
    let since = session.created_at;
    write_instant(writer, since, family.rotated_at);
    write_instant(writer, session.auth_time, since);
    write_instant(writer, session.last_active_at, family.rotated_at);
    write_instant(writer, session.expires_at, family.expires_at);
    writer.texts(session.amr.iter().map(String::as_str));
    let is_ours = Level::parse(&session.acr).and_then(|level| place(&LEVELS, &level));
    if let Some(level) = is_ours {
        writer.count(level);
    } else {
        writer.count(LEVELS.len());
        writer.text(&session.acr);
    }
    writer.count(session.proofs.len());
    for proved in &session.proofs {
        writer.count(place(&FACTORS, &proved.factor).unwrap_or(FACTORS.len()));
        write_instant(writer, proved.at, since);
    }
    match session.address {
        None => writer.raw(&[]),
        Some(IpAddr::V4(address)) => writer.raw(&address.octets()),
        Some(IpAddr::V6(address)) => writer.raw(&address.octets()),
    }
    write_optional(writer, session.user_agent.as_deref());
}

fn read_session(reader: &mut Reader<'_>, head: Head, ends: UnixMillis) -> Option<Session> {
    let created_at = read_instant(reader, head.rotated_at)?;
    let auth_time = read_instant(reader, created_at)?;
    let last_active_at = read_instant(reader, head.rotated_at)?;
    let expires_at = read_instant(reader, ends)?;
    let amr = reader.texts()?;
    let acr = match LEVELS.get(usize::try_from(reader.number()?).ok()?) {
        Some(level) => level.as_str().to_owned(),
        None => reader.text()?,
    };
    let mut proofs = Vec::new();
    for _ in 0..reader.number()? {
        proofs.push(Proved {
            factor: read_one(reader, &FACTORS)?,
            at: read_instant(reader, created_at)?,
        });
    }
    let address = match reader.raw()? {
        [] => None,
        written => Some(read_address(written)?),
    };
    Some(Session {
        id: head.session,
        tenant: head.tenant,
        user: head.user,
        auth_time,
        amr,
        acr,
        proofs,
        address,
        user_agent: reader.texts()?.pop(),
        created_at,
        last_active_at,
        expires_at,
    })
}

fn read_address(written: &[u8]) -> Option<IpAddr> {
    let short: Option<[u8; 4]> = written.try_into().ok();
    let long: Option<[u8; 16]> = written.try_into().ok();
    short.map(IpAddr::from).or_else(|| long.map(IpAddr::from))
}

fn write_user(writer: &mut Writer, user: &User, family: &Family) {
    write_instant(writer, user.created_at, family.rotated_at);
    write_instant(writer, user.updated_at, user.created_at);
    writer.text(user.email.as_str());
    writer.text(&user.name);
    writer.count(place(&STATUSES, &user.status).unwrap_or(STATUSES.len()));
    write_optional(writer, user.locked_reason.as_deref());
    writer.number(user.erase_at.is_some().into());
    if let Some(at) = user.erase_at {
        write_instant(writer, at, user.created_at);
    }
    writer.texts(user.roles.iter().map(String::as_str));
    let flags = [
        user.email_verified,
        user.password_compromised,
        user.password_by_mail,
    ];
    writer.number(
        flags
            .into_iter()
            .fold(0, |all, one| (all << 1) | u64::from(one)),
    );
    writer.signed(user.version);
}

fn read_user(reader: &mut Reader<'_>, head: Head) -> Option<User> {
    let created_at = read_instant(reader, head.rotated_at)?;
    let updated_at = read_instant(reader, created_at)?;
    let email = EmailAddress::from_stored(reader.text()?);
    let name = reader.text()?;
    let status = read_one(reader, &STATUSES)?;
    let locked_reason = reader.texts()?.pop();
    let erase_at = match reader.number()? {
        0 => None,
        _ => Some(read_instant(reader, created_at)?),
    };
    let roles = reader.texts()?;
    let flags = reader.number()?;
    Some(User {
        id: head.user,
        tenant: head.tenant,
        email,
        email_verified: flags & 4 != 0,
        name,
        status,
        locked_reason,
        erase_at,
        roles,
        password_compromised: flags & 2 != 0,
        password_by_mail: flags & 1 != 0,
        created_at,
        updated_at,
        version: reader.signed()?,
    })
}

fn write_instant(writer: &mut Writer, at: UnixMillis, since: UnixMillis) {
    writer.signed(at.as_millis().wrapping_sub(since.as_millis()));
}

fn read_instant(reader: &mut Reader<'_>, since: UnixMillis) -> Option<UnixMillis> {
    let at = since.as_millis().wrapping_add(reader.signed()?);
    Some(UnixMillis::from_millis(at))
}

/// Writes a text that there may be as a list, which may be empty.
fn write_optional(writer: &mut Writer, text: Option<&str>) {
    writer.texts(text.into_iter());
}

fn place<T: PartialEq>(all: &[T], one: &T) -> Option<usize> {
    all.iter().position(|known| known == one)
}

fn read_one<T: Copy>(reader: &mut Reader<'_>, all: &[T]) -> Option<T> {
    all.get(usize::try_from(reader.number()?).ok()?).copied()
}
