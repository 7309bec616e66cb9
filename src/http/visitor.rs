//! Who comes in: for which tenant, and with which credential, as the route demands.

use std::str::FromStr;
use std::sync::Arc;

use actors::tenants::Directory;
use domain::event::{Actor, Origin};
use domain::id::TenantId;
use domain::rejection::Rejection;
use domain::tenant::Tenant;
use http::header::USER_AGENT;
use http::request::Parts;
use http::{HeaderMap, Uri};

use super::arrival::Arrival;
use super::credential;
use super::hall::Hall;
use super::routes::{Caller, Route, Work};
use super::tenant::{Named, Tenants};
use crate::flow::allowed::{Access, Powers};
use crate::flow::caller::{self, Person};
use crate::flow::issuer::issuer_of;
use crate::flow::{Act, Flows, operator};
use crate::language;

/// The most of a `User-Agent` header that is kept, in bytes.
const MAX_USER_AGENT: usize = 256;

/// Who calls.
pub(super) enum Visitor {
    /// Somebody the route does not ask.
    Anyone,
    /// A person.
    Person(Box<Person>),
    /// An operator, who is named in the act.
    Operator(Powers),
}

/// Makes the act of a request for a tenant.
pub(crate) fn enter(
    hall: &Hall,
    arrival: &Arrival,
    headers: &HeaderMap,
    tenant: Arc<Tenant>,
) -> Act {
    Act {
        issuer: issuer_of(&hall.flows.settings, &tenant),
        origin: Origin {
            tenant: tenant.id,
            actor: Actor::Anonymous,
            address: Some(arrival.client),
            user_agent: user_agent(headers),
            request: arrival.id,
            claimed_in: None,
            at: arrival.now,
        },
        may_appoint: false,
        tenant,
        network: Some(arrival.network),
        certificate: arrival.certificate.clone(),
        language: language::accepted(headers),
        deadline: arrival.deadline,
        now: arrival.now,
    }
}

/// Finds the tenant.
///
/// # Errors
/// 400, 403 or 404 about the tenant.
pub(crate) fn find_tenant(
    hall: &Hall,
    head: (&Uri, &HeaderMap),
    path: Option<&str>,
) -> Result<Arc<Tenant>, Rejection> {
    let flows = &hall.flows;
    let named = Named::collect(&flows.settings.tenants, head, path)?;
    named.resolve(&*flows.tenants.directory())
}

/// Authenticates the caller if the route asks who it is, and notes it in the act.
///
/// # Errors
/// 401 without a valid credential, 403 when it is not enough.
///
/// # Cancel safety
/// Nothing is changed.
pub(super) async fn authenticate(
    flows: &Flows,
    act: &mut Act,
    route: &'static Route,
    (request, path): (&Parts, &str),
) -> Result<Visitor, Rejection> {
    if matches!(route.caller, Caller::Anyone | Caller::Browser) {
        return Ok(Visitor::Anyone);
    }
    if route.caller == Caller::Signing && !credential::is_there(&request.headers) {
        return Ok(Visitor::Anyone);
    }
    let presented = credential::read(&request.headers, route.method.as_str(), path)?;
    if route.caller == Caller::Admin {
        // What is asked by a POST only to keep a token out of the address changes nothing.
        let access = match route.work {
            Work::Attached => Access::Read,
            Work::Detached | Work::Once => Access::Write,
        };
        let wanted = (area_of(route.path), access);
        let powers = operator::admit(flows, act, presented, wanted).await?;
        // It is the operator's, not that of the person who is told of what they do.
        act.language = None;
        return Ok(Visitor::Operator(powers));
    }
    let caller = caller::authenticate(flows, act, presented).await?;
    act.origin.actor = caller.actor();
    let person = caller::require_person(&caller)?;
    if matches!(route.caller, Caller::Person | Caller::Signing) {
        caller::require_self(&person)?;
    }
    Ok(Visitor::Person(Box::new(person)))
}

/// Names the part of the admin door that a route belongs to: what an API key's scope
/// `admin:<area>` opens.
fn area_of(path: &str) -> &str {
    path.split('/').nth(2).unwrap_or("*")
}

/// Takes the beginning of the `User-Agent` header, cut between characters.
fn user_agent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(USER_AGENT)?.to_str().ok()?;
    let end = text.floor_char_boundary(MAX_USER_AGENT);
    text.get(..end).map(str::to_owned)
}

impl Tenants for Directory {
    fn by_slug(&self, slug: &str) -> Option<Arc<Tenant>> {
        Self::by_slug(self, slug).cloned()
    }

    fn by_name(&self, name: &str) -> Option<Arc<Tenant>> {
        let by_id = TenantId::from_str(name).ok().and_then(|id| self.by_id(id));
        by_id.or_else(|| Self::by_slug(self, name)).cloned()
    }

    fn default_tenant(&self) -> Option<Arc<Tenant>> {
        Self::default_tenant(self).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_admin_route_belongs_to_an_area() {
        assert_eq!(area_of("/admin/users/{id}/lock"), "users");
        assert_eq!(area_of("/admin/keys"), "keys");
    }

    #[test]
    fn a_long_user_agent_is_cut() {
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, "x".repeat(1_000).parse().expect("a header"));
        assert_eq!(
            user_agent(&headers).map(|text| text.len()),
            Some(MAX_USER_AGENT)
        );
        assert_eq!(user_agent(&HeaderMap::new()), None);
    }
}
