//! `auth.v1.AuthService`: each call reads its message, runs its flow and shows what comes of it.
//!
//! Who calls, and for which tenant, was found out before (see [`Visit`]) and travels with the request.

use std::sync::Arc;

use domain::rejection::{Fault, Rejection};
use domain::secret::SecretText;
use tonic::{Request, Response, Status};

use super::status::refuse;
use super::view;
use super::wire::auth_service_server::AuthService;
use super::wire::{
    CheckPermissionRequest, CheckPermissionResponse, GetUserRequest, GetUserResponse,
    IntrospectTokenRequest, IntrospectTokenResponse, ValidateTokenRequest, ValidateTokenResponse,
};
use crate::flow::admin::rbac::Check;
use crate::flow::caller::Caller;
use crate::flow::inquiry::{self, ValidateToken};
use crate::flow::{Act, Flows};

/// The service.
pub(super) struct Service(pub(super) Arc<Flows>);

/// Who calls, and for which tenant.
#[derive(Clone)]
pub(super) struct Visit {
    pub(super) act: Act,
    pub(super) caller: Caller,
    /// What the log calls the request.
    pub(super) request_id: String,
}

#[tonic::async_trait]
impl AuthService for Service {
    async fn validate_token(
        &self,
        request: Request<ValidateTokenRequest>,
    ) -> Result<Response<ValidateTokenResponse>, Status> {
        let (visit, asked) = open(request)?;
        let message = ValidateToken {
            token: SecretText::new(asked.token),
            audience: asked.audience,
        };
        let found = inquiry::validate_token(&self.0, &visit.act, &visit.caller, message).await;
        visit.answer(found, |found| ValidateTokenResponse {
            valid: found.is_some(),
            claims: found.map(view::claims),
        })
    }

    async fn introspect_token(
        &self,
        request: Request<IntrospectTokenRequest>,
    ) -> Result<Response<IntrospectTokenResponse>, Status> {
        let (visit, asked) = open(request)?;
        let token = SecretText::new(asked.token);
        let found = inquiry::introspect_token(&self.0, &visit.act, &visit.caller, token).await;
        visit.answer(found, |found| IntrospectTokenResponse {
            active: found.is_some(),
            claims: found.map(view::claims),
        })
    }

    async fn get_user(
        &self,
        request: Request<GetUserRequest>,
    ) -> Result<Response<GetUserResponse>, Status> {
        let (visit, asked) = open(request)?;
        let found = inquiry::get_user(&self.0, &visit.act, &visit.caller, &asked.user_id).await;
        visit.answer(found, |found| GetUserResponse {
            user: Some(view::user(found)),
        })
    }

    async fn check_permission(
        &self,
        request: Request<CheckPermissionRequest>,
    ) -> Result<Response<CheckPermissionResponse>, Status> {
        let (visit, asked) = open(request)?;
        let message = Check {
            subject: asked.subject,
            object: asked.object,
            action: asked.action,
        };
        let found = inquiry::check_permission(&self.0, &visit.act, &visit.caller, message).await;
        visit.answer(found, view::checked)
    }
}

// === impl Visit ===

impl Visit {
    fn answer<T, R>(
        &self,
        found: Result<T, Rejection>,
        show: impl FnOnce(T) -> R,
    ) -> Result<Response<R>, Status> {
        match found {
            Ok(found) => Ok(Response::new(show(found))),
            Err(rejection) => Err(refuse(&rejection, &self.request_id)),
        }
    }
}

/// Takes apart a request that the door let in.
fn open<T>(mut request: Request<T>) -> Result<(Visit, T), Status> {
    let visit = request.extensions_mut().remove::<Visit>();
    let visit = visit.ok_or_else(|| {
        let fault = Fault::Broken("a call came past the door".to_owned());
        refuse(&fault.into(), "")
    })?;
    Ok((visit, request.into_inner()))
}
