//! Whose rows a transaction may see: the two settings that row-level security reads.

use domain::id::TenantId;

/// Turns to another tenant within a transaction: row-level security binds each of its statements to
/// the tenant that was named last.
pub(super) const ENTER: &str = "SELECT set_config('app.tenant', $1, true)";

/// Whose rows a transaction may see and write.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scope {
    /// One tenant's.
    Tenant(TenantId),
    /// Everybody's. For the few verbs that are of no tenant: loading tenants and keys at boot,
    /// making a tenant, the feed, claiming mails, finding unsealed entries, purging.
    System,
}

impl Scope {
    /// Gives the text that opens a transaction in this scope. `SET LOCAL` ends with the transaction,
    /// so no scope outlives the verb that chose it.
    ///
    /// The tenant is written into the text because `SET` takes no parameters; a UUID formats as
    /// hexadecimal digits and hyphens only.
    pub(super) fn begin(self) -> String {
        const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
        match self {
            Self::Tenant(id) => format!("{BEGIN}; SET LOCAL app.tenant = '{}'", id.as_uuid()),
            Self::System => format!("{BEGIN}; SET LOCAL app.scope = 'system'"),
        }
    }
}
