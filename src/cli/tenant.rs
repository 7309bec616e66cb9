//! `auth-service tenant create|list|suspend|activate|delete|restore`: tenants, as operators of the default
//! one look after them.

use std::fmt::Write as _;

use clap::Subcommand;
use domain::page::{MAX_PER_PAGE, PageRequest, PageStart};
use domain::tenant::{Tenant, TenantFilter, TenantStatus};

use super::failure::Failure;
use super::{office, prepare};
use crate::config::Configuration;
use crate::flow::admin::tenants::{self, Choices, CreateTenant, ListTenants, Turn, TurnTenant};
use crate::flow::{Act, Flows};

/// `auth-service tenant`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum TenantCommand {
    /// Make a tenant and print its id
    Create {
        /// Its name in hosts and paths: 1 to 63 of a-z, 0-9 and -
        slug: String,
        /// Its name for people; the slug when absent
        #[arg(long)]
        name: Option<String>,
    },
    /// List the tenants, newest first
    List {
        /// Only those that stand so
        #[arg(long, value_name = "active|suspended|deleted", value_parser = parse_tenant_status)]
        status: Option<TenantStatus>,
    },
    /// Close a tenant: every node refuses everything there until it is activated
    Suspend {
        /// Its id or slug
        tenant: String,
        /// Why, for the audit trail
        #[arg(long)]
        reason: Option<String>,
    },
    /// Open a suspended tenant again
    Activate {
        /// Its id or slug
        tenant: String,
    },
    /// Delete a tenant: it is erased with all that belongs to it once its days of grace are over
    Delete {
        /// Its id or slug
        tenant: String,
    },
    /// Have a deleted tenant back, suspended
    Restore {
        /// Its id or slug
        tenant: String,
    },
}

/// Runs the subcommand.
///
/// # Errors
/// [`Failure`] for what is not acceptable, for a tenant that is none or does not stand so, or when the
/// store cannot be used.
pub(super) fn run(command: TenantCommand, configuration: &Configuration) -> Result<(), Failure> {
    office::run(configuration, async |flows| {
        let act = office::act(flows, None)?;
        match command {
            TenantCommand::Create { slug, name } => create(flows, &act, slug, name).await,
            TenantCommand::List { status } => list(flows, &act, status).await,
            TenantCommand::Suspend { tenant, reason } => {
                turn(flows, &act, (tenant, Turn::Suspended, reason)).await
            }
            TenantCommand::Activate { tenant } => {
                turn(flows, &act, (tenant, Turn::Active, None)).await
            }
            TenantCommand::Delete { tenant } => {
                show(&tenants::delete(flows, &act, &tenant, None).await?)
            }
            TenantCommand::Restore { tenant } => {
                show(&tenants::restore(flows, &act, &tenant).await?)
            }
        }
    })
}

async fn create(
    flows: &Flows,
    act: &Act,
    slug: String,
    name: Option<String>,
) -> Result<(), Failure> {
    let message = CreateTenant {
        name: name.unwrap_or_else(|| slug.clone()),
        slug,
        choices: Choices::default(),
    };
    show(&tenants::create(flows, act, message).await?)
}

async fn turn(
    flows: &Flows,
    act: &Act,
    (tenant, to, reason): (String, Turn, Option<String>),
) -> Result<(), Failure> {
    let message = TurnTenant { tenant, to, reason };
    show(&tenants::turn(flows, act, message).await?)
}

async fn list(flows: &Flows, act: &Act, status: Option<TenantStatus>) -> Result<(), Failure> {
    let mut start = PageStart::Number(1);
    loop {
        let message = ListTenants {
            page: PageRequest {
                start,
                per_page: MAX_PER_PAGE,
            },
            filter: TenantFilter { status, slug: None },
        };
        let page = tenants::list(flows, act, message).await?;
        let lines = page.items.iter().map(line);
        prepare::show(&lines.collect::<String>())?;
        match page.next {
            Some(last) => start = PageStart::After(last),
            None => return Ok(()),
        }
    }
}

/// A name is quoted: it is what somebody typed.
fn line(tenant: &Tenant) -> String {
    let (id, slug, name) = (tenant.id, &tenant.slug, &tenant.name);
    let status = tenant.status.as_str();
    let mut line = format!("tenant_id={id} slug={slug} status={status} name={name:?}");
    if let Some(day) = tenant.erase_at {
        let _ = write!(line, " erase_at={day}");
    }
    line.push('\n');
    line
}

fn show(tenant: &Tenant) -> Result<(), Failure> {
    let (id, status) = (tenant.id, tenant.status.as_str());
    prepare::show(&format!("tenant_id={id}\nstatus={status}\n"))
}

/// Reads a status strictly: what a store keeps is read as closed where it is unknown.
fn parse_tenant_status(text: &str) -> Result<TenantStatus, &'static str> {
    let status = TenantStatus::from_stored(text);
    let is_known = status.as_str() == text;
    is_known
        .then_some(status)
        .ok_or("expected active, suspended or deleted")
}

#[cfg(test)]
mod tests {
    use domain::id::TenantId;
    use domain::random::Counting;
    use domain::tenant::TenantConfig;
    use domain::time::UnixMillis;

    use super::*;

    #[test]
    fn a_line_says_what_a_program_may_read_and_when_a_deleted_tenant_goes() {
        let now = UnixMillis::default();
        let mut tenant = Tenant {
            id: TenantId::generate(now, &Counting::default()),
            slug: "acme".to_owned(),
            name: "Acme \"quoted\"".to_owned(),
            status: TenantStatus::Active,
            config: TenantConfig::default(),
            version: 1,
            created_at: now,
            erase_at: None,
        };
        let told = line(&tenant);
        assert!(told.contains(" slug=acme status=active "), "{told}");
        assert!(told.ends_with("name=\"Acme \\\"quoted\\\"\"\n"), "{told}");
        tenant.status = TenantStatus::Deleted;
        tenant.erase_at = Some(UnixMillis::from_seconds(1));
        let told = line(&tenant);
        assert!(told.ends_with(" erase_at=1970-01-01T00:00:01Z\n"), "{told}");
    }
}
