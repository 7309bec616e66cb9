//! The roles owner: it alone writes roles and policies.
//!
//! A write goes store → publish → reply, so an operator sees their own write at the next look and it
//! decides from then on; other nodes hear of it through the feed, and load that tenant's rules
//! again. A tenant that has none of its own costs nothing.
//!
//! A restart loses nothing: the rules are loaded from the store again, and until then the last
//! published ones go on deciding. While the store is away at the first start there are no rules, and
//! nobody is allowed anything by one but operators.
//!
//! Read past the mailbox: the rules, a snapshot of every tenant's. Only writes and reloads queue.
//!
//! Next: [`protocol::rbac`] for the decision, `owner` for the shell.

use std::collections::HashMap;
use std::sync::Arc;

use domain::event::Entry;
use domain::id::{PolicyId, TenantId};
use domain::rejection::Fault;
use domain::role::{Policy, Role};
use domain::time::UnixMillis;
use futures_util::FutureExt;
use protocol::rbac::Rules;
use store::port::roles as port;
use store::port::roles::RoleWrite;

use crate::deadline::Deadline;
use crate::handle::Handle;
use crate::snapshot::{Snapshot, publish};
use crate::supervision::ChildSpec;

mod message;
mod owner;

use message::Message;
use owner::{Parts, Steward};

/// How many commands may wait.
const CREDITS: usize = 256;

/// Every tenant's rules at one moment.
type RuleBook = HashMap<TenantId, Arc<Rules>>;

/// Speaks to the roles owner. Clones speak to the same one.
#[derive(Clone)]
pub struct Roles {
    handle: Handle<Message>,
    rules: Snapshot<RuleBook>,
    /// What a tenant has that made none of its own.
    none: Arc<Rules>,
}

/// Makes the handle and the owner's child spec.
#[must_use]
pub fn roles(store: Arc<dyn port::Roles>) -> (Roles, ChildSpec) {
    let (publisher, rules) = publish(RuleBook::default());
    let handle = Handle::new("roles", CREDITS);
    let parts = Arc::new(Parts { store, publisher });
    let spec = ChildSpec::owner("roles", handle.clone(), move || {
        Steward::start(Arc::clone(&parts)).boxed()
    });
    let none = Arc::default();
    let roles = Roles {
        handle,
        rules,
        none,
    };
    (roles, spec.patient())
}

// === impl Roles ===

impl Roles {
    /// Gives a tenant's rules at this moment. Never queues.
    #[must_use]
    pub fn of(&self, tenant: TenantId) -> Arc<Rules> {
        let book = self.rules.load();
        Arc::clone(book.get(&tenant).unwrap_or(&self.none))
    }

    /// Stores a new role.
    ///
    /// # Errors
    /// As [`Handle::ask`] and the store; whether it is stored is then unknown.
    ///
    /// # Cancel safety
    /// Once posted it is stored whether or not anybody waits.
    pub async fn create_role(
        &self,
        role: Role,
        entry: Entry,
        deadline: Deadline,
    ) -> Result<RoleWrite, Fault> {
        let order = Box::new((role, entry));
        self.handle
            .ask(deadline, |reply| Message::CreateRole { order, reply })
            .await?
    }

    /// Changes a role, if the stored version is `role.version`.
    ///
    /// # Errors
    /// As [`create_role`](Self::create_role).
    ///
    /// # Cancel safety
    /// As [`create_role`](Self::create_role).
    pub async fn update_role(
        &self,
        role: Role,
        entry: Entry,
        deadline: Deadline,
    ) -> Result<RoleWrite, Fault> {
        let order = Box::new((role, entry));
        self.handle
            .ask(deadline, |reply| Message::UpdateRole { order, reply })
            .await?
    }

    /// Deletes a role of the entry's tenant and its policies. Says whether there was one.
    ///
    /// # Errors
    /// As [`create_role`](Self::create_role).
    ///
    /// # Cancel safety
    /// As [`create_role`](Self::create_role).
    pub async fn delete_role(
        &self,
        name: String,
        expected: Option<(i64, UnixMillis)>,
        entry: Entry,
        deadline: Deadline,
    ) -> Result<bool, Fault> {
        let order = Box::new((name, expected, entry));
        self.handle
            .ask(deadline, |reply| Message::DeleteRole { order, reply })
            .await?
    }

    /// Stores a policy. False when its subject has the very same.
    ///
    /// # Errors
    /// As [`create_role`](Self::create_role).
    ///
    /// # Cancel safety
    /// As [`create_role`](Self::create_role).
    pub async fn create_policy(
        &self,
        policy: Policy,
        entry: Entry,
        deadline: Deadline,
    ) -> Result<bool, Fault> {
        let order = Box::new((policy, entry));
        self.handle
            .ask(deadline, |reply| Message::CreatePolicy { order, reply })
            .await?
    }

    /// Deletes a policy of the entry's tenant. Says whether there was one.
    ///
    /// # Errors
    /// As [`create_role`](Self::create_role).
    ///
    /// # Cancel safety
    /// As [`create_role`](Self::create_role).
    pub async fn delete_policy(
        &self,
        policy: PolicyId,
        entry: Entry,
        deadline: Deadline,
    ) -> Result<bool, Fault> {
        let order = Box::new((policy, entry));
        self.handle
            .ask(deadline, |reply| Message::DeletePolicy { order, reply })
            .await?
    }

    /// Loads a tenant's rules again, or all: another node changed some.
    ///
    /// # Errors
    /// As [`Handle::ask`] and the store; the last rules stay.
    ///
    /// # Cancel safety
    /// As [`create_role`](Self::create_role).
    pub async fn reload(&self, of: Option<TenantId>, deadline: Deadline) -> Result<(), Fault> {
        self.handle
            .ask(deadline, |reply| Message::Reload { of, reply })
            .await?
    }

    /// Gives the owner's failpoint, for a test to arm.
    #[cfg(feature = "failpoints")]
    #[must_use]
    pub fn failpoint(&self) -> &crate::failpoint::FailPoint {
        self.handle.failpoint()
    }
}
