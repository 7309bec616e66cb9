//! What can be asked of the tenants owner.

use domain::client::{Client, ClientPatch};
use domain::event::Entry;
use domain::id::TenantId;
use domain::rejection::Fault;
use domain::tenant::Tenant;
use store::port::clients::ClientWrite;
use store::port::tenants::TenantWrite;

use crate::handle::Reply;

/// Orders to the owner.
#[derive(Debug)]
pub(super) enum Message {
    /// Store a new tenant.
    CreateTenant {
        order: Box<(Tenant, Entry)>,
        reply: Reply<Result<TenantWrite, Fault>>,
    },
    /// Change a tenant.
    UpdateTenant {
        order: Box<(Tenant, Entry)>,
        reply: Reply<Result<TenantWrite, Fault>>,
    },
    /// Load a tenant again that another node changed, or all.
    Reload {
        of: Option<TenantId>,
        reply: Reply<Result<(), Fault>>,
    },
    /// Store a new client.
    CreateClient {
        order: Box<(Client, Entry)>,
        reply: Reply<Result<(), Fault>>,
    },
    /// Store a client that described itself, unless there are too many.
    RegisterClient {
        order: Box<(Client, u32, Entry)>,
        reply: Reply<Result<bool, Fault>>,
    },
    /// Change a client.
    UpdateClient {
        order: Box<(String, ClientPatch, Entry)>,
        reply: Reply<Result<ClientWrite, Fault>>,
    },
    /// Delete a client.
    DeleteClient {
        order: Box<(String, Option<i64>, Entry)>,
        reply: Reply<Result<bool, Fault>>,
    },
}
