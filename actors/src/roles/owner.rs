//! The shell of the roles owner: store, load again, publish, reply.

use std::collections::HashMap;
use std::sync::Arc;

use domain::id::TenantId;
use domain::rejection::Fault;
use domain::role::{Policy, Role};
use protocol::rbac::Rules;
use store::port::Pending;
use store::port::roles::Roles;

use super::RuleBook;
use super::message::Message;
use crate::patience::patiently;
use crate::snapshot::Publisher;
use crate::supervision::Owner;

/// What the owner is made from at each start.
pub(super) struct Parts {
    pub(super) store: Arc<dyn Roles>,
    pub(super) publisher: Publisher<RuleBook>,
}

/// Writes roles and policies, one order at a time.
pub(super) struct Steward {
    parts: Arc<Parts>,
    book: RuleBook,
}

// === impl Steward ===

impl Owner for Steward {
    type Message = Message;

    async fn handle(&mut self, message: Message) -> Result<(), Fault> {
        let store = Arc::clone(&self.parts.store);
        match message {
            Message::CreateRole { order, reply } => {
                let (role, entry) = *order;
                let tenant = entry.origin.tenant;
                reply.send(self.write(tenant, store.create_role(role, entry)).await);
            }
            Message::UpdateRole { order, reply } => {
                let (role, entry) = *order;
                let tenant = entry.origin.tenant;
                reply.send(self.write(tenant, store.update_role(role, entry)).await);
            }
            Message::DeleteRole { order, reply } => {
                let (name, expected, entry) = *order;
                let tenant = entry.origin.tenant;
                let verb = store.delete_role(name, expected, entry);
                reply.send(self.write(tenant, verb).await);
            }
            Message::CreatePolicy { order, reply } => {
                let (policy, entry) = *order;
                let tenant = entry.origin.tenant;
                reply.send(self.write(tenant, store.create_policy(policy, entry)).await);
            }
            Message::DeletePolicy { order, reply } => {
                let (policy, entry) = *order;
                let tenant = entry.origin.tenant;
                reply.send(self.write(tenant, store.delete_policy(policy, entry)).await);
            }
            Message::Reload { of, reply } => reply.send(self.load(of).await),
        }
        Ok(())
    }
}

impl Steward {
    /// Loads and publishes all rules.
    pub(super) async fn start(parts: Arc<Parts>) -> Result<Self, Fault> {
        let mut steward = Self {
            parts,
            book: RuleBook::default(),
        };
        steward.load(None).await?;
        Ok(steward)
    }

    /// Writes, and shows what is stored of the tenant then to every reader before it is answered. What
    /// others wrote meanwhile is shown with it.
    async fn write<T>(&mut self, tenant: TenantId, verb: Pending<'_, T>) -> Result<T, Fault> {
        let written = patiently(verb).await?;
        self.load(Some(tenant)).await?;
        Ok(written)
    }

    /// Loads a tenant's rules, or all.
    async fn load(&mut self, of: Option<TenantId>) -> Result<(), Fault> {
        let (roles, policies) = patiently(self.parts.store.load_rules(of)).await?;
        let loaded = sort(roles, policies);
        match of {
            Some(tenant) => {
                self.book.remove(&tenant);
                self.book.extend(loaded);
            }
            None => self.book = loaded,
        }
        self.parts.publisher.publish(self.book.clone());
        Ok(())
    }
}

/// Sorts roles and policies by their tenants.
fn sort(roles: Vec<Role>, policies: Vec<Policy>) -> RuleBook {
    let mut shares: HashMap<TenantId, (Vec<Role>, Vec<Policy>)> = HashMap::new();
    for role in roles {
        shares.entry(role.tenant).or_default().0.push(role);
    }
    for policy in policies {
        shares.entry(policy.tenant).or_default().1.push(policy);
    }
    let made = |(tenant, (roles, policies))| (tenant, Arc::new(Rules::new(roles, policies)));
    shares.into_iter().map(made).collect()
}
