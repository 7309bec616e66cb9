//! What can be asked of the roles owner.

use domain::event::Entry;
use domain::id::{PolicyId, TenantId};
use domain::rejection::Fault;
use domain::role::{Policy, Role};
use domain::time::UnixMillis;
use store::port::roles::RoleWrite;

use crate::handle::Reply;

/// The version that a role is to have, and when it was read.
type Expected = (i64, UnixMillis);

/// Orders to the owner.
#[derive(Debug)]
pub(super) enum Message {
    /// Store a new role.
    CreateRole {
        order: Box<(Role, Entry)>,
        reply: Reply<Result<RoleWrite, Fault>>,
    },
    /// Change a role.
    UpdateRole {
        order: Box<(Role, Entry)>,
        reply: Reply<Result<RoleWrite, Fault>>,
    },
    /// Delete a role and its policies.
    DeleteRole {
        order: Box<(String, Option<Expected>, Entry)>,
        reply: Reply<Result<bool, Fault>>,
    },
    /// Store a policy.
    CreatePolicy {
        order: Box<(Policy, Entry)>,
        reply: Reply<Result<bool, Fault>>,
    },
    /// Delete a policy.
    DeletePolicy {
        order: Box<(PolicyId, Entry)>,
        reply: Reply<Result<bool, Fault>>,
    },
    /// Load a tenant's rules again, or all: another node changed some.
    Reload {
        of: Option<TenantId>,
        reply: Reply<Result<(), Fault>>,
    },
}
