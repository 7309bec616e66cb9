//! Endpoints: each reads one route's message and writes its reply, and names the flow that does the
//! work. What it reads and writes are plain functions, `parse` and `render`, tested beside it.

use std::future::Future;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;

use domain::rejection::{Code, Fault, Refusal, Rejection};
use http::HeaderMap;

use super::fields::Fields;
use super::hall::Hall;
use super::paging::List;
use super::render::Reply;
use super::routes::Behind;
use super::visitor::Visitor;
use crate::flow::allowed::Powers;
use crate::flow::caller::Person;
use crate::flow::{Act, Flows};

pub(super) mod admin;
pub(super) mod auth;
pub(super) mod console;
mod export;
pub(super) mod oauth;
pub(super) mod open;
pub(super) mod page;
mod tokens;
mod user;

/// What an endpoint gives: the reply, later.
pub(super) type Answer = Pin<Box<dyn Future<Output = Result<Reply, Rejection>> + Send>>;

/// What answers a route.
#[derive(Clone, Copy)]
pub(super) enum Endpoint {
    /// For no tenant.
    Open(fn(Visit) -> Answer),
    /// For a tenant.
    Act(fn(Call) -> Answer),
}

/// A request for no tenant.
pub(super) struct Visit {
    pub(super) hall: Arc<Hall>,
    pub(super) is_admin_door: bool,
}

/// A request for a tenant, its caller authenticated and its body read.
pub(super) struct Call {
    pub(super) hall: Arc<Hall>,
    pub(super) act: Act,
    pub(super) visitor: Visitor,
    pub(super) headers: HeaderMap,
    pub(super) query: Option<String>,
    /// The path without the tenant's part.
    pub(super) path: String,
    /// What stands for `{id}` in the path.
    pub(super) parameter: Option<String>,
    /// What stands for `{client_id}`, `{session_id}` or `{identity}` in the path.
    pub(super) client: Option<String>,
    pub(super) fields: Fields,
}

// === impl Call ===

impl Call {
    /// Gives what the flow may use.
    pub(super) fn flows(&self) -> &Flows {
        &self.hall.flows
    }

    /// Gives the person who calls.
    ///
    /// # Errors
    /// Only if the route table does not ask for one.
    pub(super) fn person(&self) -> Result<&Person, Fault> {
        match &self.visitor {
            Visitor::Person(person) => Ok(person),
            Visitor::Anyone | Visitor::Operator(_) => {
                Err(Fault::Broken("the route asks for no person".to_owned()))
            }
        }
    }

    /// Gives what the operator who calls may do.
    ///
    /// # Errors
    /// Only if the route table does not ask for one.
    pub(super) fn powers(&self) -> Result<&Powers, Fault> {
        match &self.visitor {
            Visitor::Operator(powers) => Ok(powers),
            Visitor::Anyone | Visitor::Person(_) => {
                Err(Fault::Broken("the route asks for no operator".to_owned()))
            }
        }
    }

    /// Gives what the path names.
    ///
    /// # Errors
    /// 404 if it is no id: nothing has such a name.
    pub(super) fn id<T: FromStr>(&self) -> Result<T, Refusal> {
        let parameter = self.parameter.as_deref().unwrap_or_default();
        parameter.parse().map_err(|_| not_found())
    }

    /// Gives the list that the path names, for its pages.
    pub(super) fn list(&self, plural: &'static str) -> List<'_> {
        List {
            secrets: &self.hall.flows.secrets,
            tenant: self.act.tenant.id,
            plural,
            bound: "",
        }
    }

    /// Takes the fields of the body, once.
    pub(super) fn take_fields(&mut self) -> Fields {
        std::mem::replace(&mut self.fields, Fields::of_json(Vec::new(), false))
    }
}

// === impl Visit ===

impl Visit {
    /// Makes it of a request.
    pub(super) fn new(hall: &Arc<Hall>, door: Behind) -> Self {
        Self {
            hall: Arc::clone(hall),
            is_admin_door: door == Behind::Admin,
        }
    }
}

/// Says that nothing has that name here.
pub(super) fn not_found() -> Refusal {
    Refusal::new(Code::NotFound, "there is no such thing here")
}
