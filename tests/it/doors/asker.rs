//! Whoever calls `auth.v1.AuthService`: thin words over the generated client.

use actors::supervision::TaskGroup;
use auth_service::grpc::wire::auth_service_client::AuthServiceClient;
use auth_service::grpc::wire::{
    CheckPermissionRequest, CheckPermissionResponse, GetUserRequest, IntrospectTokenRequest, User,
    ValidateTokenRequest, ValidateTokenResponse,
};
use tonic::{Request, Status};

use super::grpc::{Line, line};
use crate::admin::areas::key_in;
use crate::house::House;

/// Who calls: a door, and what goes with every call.
pub struct Asker {
    pub client: AuthServiceClient<Line>,
    metadata: Vec<(&'static str, String)>,
    _group: TaskGroup,
}

impl Asker {
    pub async fn new(house: &House, metadata: &[(&'static str, &str)]) -> Self {
        let group = TaskGroup::new("clients");
        let to = house.grpc_address();
        let line = line(to, &group).await;
        Self::over(line, &format!("http://{to}"), metadata, group)
    }

    /// Whoever has opened a line already.
    pub fn over(
        line: Line,
        origin: &str,
        metadata: &[(&'static str, &str)],
        group: TaskGroup,
    ) -> Self {
        let origin = origin.parse().expect("an origin");
        let owned = |(name, value): &(&'static str, &str)| (*name, (*value).to_owned());
        Self {
            client: AuthServiceClient::with_origin(line, origin),
            metadata: metadata.iter().map(owned).collect(),
            _group: group,
        }
    }

    pub async fn bearer(house: &House, token: &str) -> Self {
        Self::new(house, &[("authorization", &format!("Bearer {token}"))]).await
    }

    pub async fn key(house: &House, scope: &str) -> Self {
        let key = key_in(house, "default", scope).await;
        Self::new(house, &[("x-api-key", &key)]).await
    }

    pub fn say<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        for (name, value) in &self.metadata {
            let value = value.parse().expect("metadata");
            request.metadata_mut().insert(*name, value);
        }
        request
    }

    pub async fn validate(&self, token: &str) -> Result<ValidateTokenResponse, Status> {
        self.validate_for(token, "").await
    }

    pub async fn validate_for(
        &self,
        token: &str,
        audience: &str,
    ) -> Result<ValidateTokenResponse, Status> {
        let request = self.say(ValidateTokenRequest {
            token: token.to_owned(),
            audience: audience.to_owned(),
        });
        let answer = self.client.clone().validate_token(request).await;
        answer.map(tonic::Response::into_inner)
    }

    /// Whether a token is active.
    pub async fn introspect(&self, token: &str) -> Result<bool, Status> {
        let token = token.to_owned();
        let request = self.say(IntrospectTokenRequest { token });
        let answer = self.client.clone().introspect_token(request).await?;
        Ok(answer.into_inner().active)
    }

    pub async fn user(&self, id: &str) -> Result<User, Status> {
        let user_id = id.to_owned();
        let request = self.say(GetUserRequest { user_id });
        let answer = self.client.clone().get_user(request).await?;
        Ok(answer.into_inner().user.expect("an account"))
    }

    pub async fn check(&self, asked: [&str; 3]) -> Result<CheckPermissionResponse, Status> {
        let [subject, object, action] = asked.map(str::to_owned);
        let request = self.say(CheckPermissionRequest {
            subject,
            object,
            action,
        });
        let answer = self.client.clone().check_permission(request).await;
        answer.map(tonic::Response::into_inner)
    }
}
