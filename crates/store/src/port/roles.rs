//! Port: roles and policies. Held by the roles owner alone.

use domain::event::Entry;
use domain::id::{PolicyId, TenantId};
use domain::role::{Policy, Role};
use domain::time::UnixMillis;

use super::Pending;

/// What became of a role's change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleWrite {
    /// It is stored; this is how it stands.
    Stored(Box<Role>),
    /// There is a role of this name.
    Taken,
    /// There is no such role, or another version of it is stored.
    Stale,
}

/// Stores roles and policies. Each verb that writes leaves a `RolesChanged` change; the tenant and the
/// instant are the entry's.
pub trait Roles: Send + Sync + 'static {
    /// Loads the roles and the policies of a tenant, or of every tenant, policies in the order in which
    /// they were made.
    fn load_rules(&self, of: Option<TenantId>) -> Pending<'_, (Vec<Role>, Vec<Policy>)>;

    /// Stores a new role.
    fn create_role(&self, role: Role, entry: Entry) -> Pending<'_, RoleWrite>;

    /// Stores description and inheritance if the stored version is `role.version` of the role that was
    /// made then, and counts the version up: whoever makes a deleted role again begins its versions anew.
    fn update_role(&self, role: Role, entry: Entry) -> Pending<'_, RoleWrite>;

    /// Deletes a role and the policies of which it is the subject. Says whether there was one: of the
    /// version, and made at the instant, that are expected if they are.
    fn delete_role(
        &self,
        name: String,
        expected: Option<(i64, UnixMillis)>,
        entry: Entry,
    ) -> Pending<'_, bool>;

    /// Stores a policy; false, and nothing written, when the subject has the very same.
    fn create_policy(&self, policy: Policy, entry: Entry) -> Pending<'_, bool>;

    /// Deletes a policy. Says whether there was one.
    fn delete_policy(&self, policy: PolicyId, entry: Entry) -> Pending<'_, bool>;
}
