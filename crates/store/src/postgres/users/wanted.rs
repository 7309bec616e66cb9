//! Accounts that several callers want at the same moment, read in one transaction.
//!
//! Whoever shows a token that was not seen lately has its account read: by itself that is a transaction for each
//! request, which costs the server and us more than the row does. Accounts of one tenant share a
//! statement. Without the task that serves what is gathered each is read by itself, as in a command of an operator.

use std::collections::{BTreeMap, HashMap};

use domain::id::{TenantId, UserId};
use domain::rejection::Fault;
use domain::user::User;
use uuid::Uuid;

use super::super::Postgres;
use super::super::gather::Gathered;
use super::super::pool::{Parameter, Pool};
use super::super::row::{self, user_columns};
use crate::port::Pending;

/// An account that somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::postgres) struct Wanted {
    tenant: Uuid,
    user: Uuid,
}

/// What one statement reads: accounts of one tenant.
struct Share {
    tenant: Uuid,
    users: Vec<Uuid>,
}

/// Accounts of one tenant; those that are not there are left out.
const LOAD_USERS: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM users AS u WHERE u.tenant_id = $1 AND u.id = ANY($2)"
);

impl Postgres {
    pub(super) async fn user(&self, tenant: TenantId, user: UserId) -> Result<Option<User>, Fault> {
        let wanted = Wanted {
            tenant: tenant.as_uuid(),
            user: user.as_uuid(),
        };
        if self.0.accounts.is_served() {
            return self.0.accounts.order(wanted).await?;
        }
        let found = Wanted::fulfil(self.pool(), &[wanted]).await?.pop();
        found.unwrap_or(Ok(None))
    }
}

// === impl Wanted ===

impl Gathered for Wanted {
    /// An account that cannot be read is nobody else's fault.
    type Done = Result<Option<User>, Fault>;

    const NAME: &'static str = "the queue of accounts to be read";

    fn fulfil<'a>(pool: &'a Pool, batch: &'a [Self]) -> Pending<'a, Vec<Self::Done>> {
        Box::pin(async move {
            let shares = Share::of_each(batch);
            let values: Vec<_> = shares.iter().map(Share::values).collect();
            let answers = pool.run_in_each(LOAD_USERS, &values).await?;
            let mut found = HashMap::new();
            for row in answers.iter().flatten() {
                let user = row::get(row, "u_id")?;
                let tenant = row::get(row, "u_tenant")?;
                found.insert(Self { tenant, user }, row::user(row));
            }
            let of = |wanted| found.get(wanted).cloned().transpose();
            Ok(batch.iter().map(of).collect())
        })
    }
}

// === impl Share ===

impl Share {
    /// Sorts what is wanted by tenant.
    fn of_each(batch: &[Wanted]) -> Vec<Self> {
        let mut shares = BTreeMap::<Uuid, Self>::new();
        for Wanted { tenant, user } in batch {
            let share = shares.entry(*tenant).or_insert_with(|| Self {
                tenant: *tenant,
                users: Vec::new(),
            });
            share.users.push(*user);
        }
        shares.into_values().collect()
    }

    /// Gives the tenant and the parameters of [`LOAD_USERS`].
    fn values(&self) -> (Uuid, [Parameter<'_>; 2]) {
        (self.tenant, [&self.tenant, &self.users])
    }
}
