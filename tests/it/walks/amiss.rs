//! What the service has stored as bound, held against what was bound before our eyes.

use std::collections::BTreeMap;

use super::walker::{TENANTS, Walk};

// === impl Walk ===

impl Walk<'_> {
    /// Holds what the service has stored as bound against what was bound before our eyes.
    pub async fn look_at_factors(&self) {
        if let Some(amiss) = self.find_amiss().await {
            self.sees_to(false, &amiss);
        }
    }

    /// Tells of the first factor that is stored and was not seen to be bound, or the other way round.
    pub async fn find_amiss(&self) -> Option<String> {
        let flows = self.place.house.running().flows();
        let directory = flows.tenants.directory();
        for of in &self.model.users {
            let tenant = directory
                .by_slug(TENANTS[of.tenant])
                .expect("the tenant")
                .id;
            let user = of.id.parse().expect("an id");
            let stored = flows.factors.load_factors(tenant, user).await;
            let stored = stored.expect("the factors");
            let has_app = stored.confirmed_totp().is_some();
            let passkeys = stored.passkeys.iter();
            let passkeys = passkeys.map(|one| (one.id.to_string(), one.name.clone()));
            let passkeys: BTreeMap<String, String> = passkeys.collect();
            let bound = of.bound().map(|one| (one.id.clone(), one.name.clone()));
            let left = usize::try_from(stored.backup_codes).expect("few");
            let spent = of.codes.iter().filter(|one| one.is_shown).count();
            let has_codes = left <= of.codes.len() && left + spent >= of.codes.len();
            let is_so =
                has_app == of.app.is_some() && bound.collect::<BTreeMap<_, _>>() == passkeys;
            if !(is_so && has_codes) {
                return Some(format!(
                    "{} has an app: {has_app}, passkeys: {passkeys:?}, codes: {left}",
                    of.email
                ));
            }
        }
        None
    }
}
