//! What pages say of second factors.

use serde::Deserialize;

use super::fill;

/// The texts about factors.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct FactorTexts {
    pub(in crate::http) second: String,
    lead_totp: String,
    lead_backup: String,
    lead_passkey: String,
    way_totp: String,
    way_backup: String,
    way_passkey: String,
    pub(in crate::http) code: String,
    pub(in crate::http) backup_code: String,
    pub(in crate::http) use_the_passkey: String,
    pub(in crate::http) passkey_sign_in: String,
    pub(in crate::http) passkey_no_script: String,
    pub(in crate::http) passkey_unsupported: String,
    pub(in crate::http) passkey_failed: String,
    pub(in crate::http) passkey_known: String,
    pub(in crate::http) bind: String,
    pub(in crate::http) bind_lead: String,
    pub(in crate::http) bind_totp: String,
    pub(in crate::http) bind_totp_hint: String,
    pub(in crate::http) bind_passkey: String,
    pub(in crate::http) bind_passkey_hint: String,
    pub(in crate::http) bind_skip: String,
    pub(in crate::http) app_lead: String,
    pub(in crate::http) app_secret: String,
    pub(in crate::http) codes: String,
    codes_lead: String,
    pub(in crate::http) codes_once: String,
    pub(in crate::http) codes_kept: String,
    pub(in crate::http) passkey_bind_lead: String,
    pub(in crate::http) passkey_name: String,
    pub(in crate::http) passkey_name_hint: String,
    pub(in crate::http) make_passkey: String,
    pub(in crate::http) recover: String,
    pub(in crate::http) recover_link: String,
    pub(in crate::http) recover_lead: String,
    pub(in crate::http) recover_send: String,
    pub(in crate::http) recover_sent: String,
    pub(in crate::http) recover_code: String,
    pub(in crate::http) recover_finish: String,
    pub(in crate::http) recover_again: String,
    pub(in crate::http) recover_back: String,
    pub(in crate::http) recover_impossible: String,

    pub(in crate::http) problem_code: String,
    pub(in crate::http) problem_passkey: String,
    pub(in crate::http) problem_authenticator: String,
    pub(in crate::http) problem_recovery: String,
}

// === impl FactorTexts ===

impl FactorTexts {
    /// Says what to do to show a factor: `totp`, `backup` or `passkey`.
    pub(in crate::http) fn lead(&self, method: &str) -> &str {
        match method {
            "passkey" => &self.lead_passkey,
            "backup" => &self.lead_backup,
            _ => &self.lead_totp,
        }
    }

    /// Says what backup codes are for, and how many there are.
    pub(in crate::http) fn codes_lead(&self, codes: &[&str]) -> String {
        fill(&self.codes_lead, &codes.len())
    }

    /// Names the way to show it instead of another.
    pub(in crate::http) fn way(&self, method: &str) -> &str {
        match method {
            "passkey" => &self.way_passkey,
            "backup" => &self.way_backup,
            _ => &self.way_totp,
        }
    }
}
