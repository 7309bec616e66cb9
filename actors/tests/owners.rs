//! The owners on the real embedded store: what they promise, and what a crash loses.

#[cfg(test)]
#[path = "owners/attempts.rs"]
mod attempts;
#[cfg(test)]
#[path = "owners/audit.rs"]
mod audit;
#[cfg(test)]
#[path = "owners/belated.rs"]
mod belated;
#[cfg(test)]
#[path = "owners/crash.rs"]
mod crash;
#[cfg(test)]
#[path = "owners/feed.rs"]
mod feed;
#[cfg(test)]
#[path = "owners/house.rs"]
mod house;
#[cfg(test)]
#[path = "owners/janitor.rs"]
mod janitor;
#[cfg(test)]
#[path = "owners/keys.rs"]
mod keys;
#[cfg(test)]
#[path = "owners/limits.rs"]
mod limits;
#[cfg(test)]
#[path = "owners/mail.rs"]
mod mail;
#[cfg(test)]
#[path = "owners/notices.rs"]
mod notices;
#[cfg(test)]
#[path = "owners/redemption.rs"]
mod redemption;
#[cfg(test)]
#[path = "owners/rings.rs"]
mod rings;
#[cfg(test)]
#[path = "owners/sessions.rs"]
mod sessions;
#[cfg(test)]
#[path = "owners/stall.rs"]
mod stall;
#[cfg(test)]
#[path = "owners/tenants.rs"]
mod tenants;
#[cfg(test)]
#[path = "owners/torn.rs"]
mod torn;
#[cfg(test)]
#[path = "owners/treachery.rs"]
mod treachery;
#[cfg(test)]
#[path = "owners/vault.rs"]
mod vault;
