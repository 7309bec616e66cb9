//! What the flows answer, in the words of `api/auth.proto`.

use domain::role::{self, is_role_name};
use domain::time::UnixMillis;
use domain::user;
use protocol::access_token::{self, Audience};
use protocol::introspection::{ActiveToken, TokenType};
use protocol::oauth::exchange::ActingParty;

use super::wire::{CheckPermissionResponse, Claims, Confirmation, Policy, User, Why};
use crate::flow::admin::rbac;

/// Shows what a token says.
pub(super) fn claims(token: ActiveToken) -> Claims {
    let acting = token.act.iter().flat_map(ActingParty::subjects);
    let actors = acting.map(str::to_owned).collect();
    let details = token.authorization_details.as_ref();
    Claims {
        iss: token.iss,
        sub: token.sub,
        aud: match token.aud {
            None => Vec::new(),
            Some(Audience::One(only)) => vec![only],
            Some(Audience::Many(all)) => all,
        },
        client_id: token.client_id,
        iat: token.iat,
        exp: token.exp,
        jti: token.jti.unwrap_or_default(),
        scope: token.scope,
        tid: token.tid,
        client_type: token.client_type,
        roles: token.roles,
        sid: token.sid.unwrap_or_default(),
        auth_time: token.auth_time.unwrap_or_default(),
        acr: token.acr.unwrap_or_default(),
        amr: token.amr,
        token_type: match token.token_type {
            None => String::new(),
            Some(TokenType::Bearer) => "Bearer".to_owned(),
            Some(TokenType::DPoP) => "DPoP".to_owned(),
        },
        cnf: token.cnf.map(confirmation),
        actors,
        authorization_details: details.map(ToString::to_string).unwrap_or_default(),
    }
}

/// Shows an account.
pub(super) fn user(user: user::User) -> User {
    User {
        id: user.id.to_string(),
        email: user.email.as_str().to_owned(),
        email_verified: user.email_verified,
        name: user.name,
        status: user.status.as_str().to_owned(),
        roles: user.roles,
        created_at: UnixMillis::as_seconds(user.created_at),
        updated_at: UnixMillis::as_seconds(user.updated_at),
    }
}

/// Shows whether something is allowed, and why.
pub(super) fn checked(checked: rbac::Checked) -> CheckPermissionResponse {
    CheckPermissionResponse {
        allowed: checked.why.is_some(),
        why: checked.why.map(why),
    }
}

fn why(why: rbac::Why) -> Why {
    Why {
        explanation: explain(&why),
        subject: why.subject,
        distance: u32::try_from(why.distance).unwrap_or(u32::MAX),
        policy: why.policy.map(policy),
    }
}

fn policy(policy: role::Policy) -> Policy {
    Policy {
        id: policy.id.to_string(),
        subject: policy.subject,
        object: policy.object.as_str().to_owned(),
        action: policy.action.as_str().to_owned(),
    }
}

/// Says in a sentence why something is allowed.
fn explain(why: &rbac::Why) -> String {
    let kind = if is_role_name(&why.subject) {
        "the role "
    } else {
        ""
    };
    let subject = &why.subject;
    match &why.policy {
        None => format!("{kind}{subject} is allowed everything"),
        Some(policy) => {
            let (action, object) = (policy.action.as_str(), policy.object.as_str());
            let heir = if why.distance == 0 {
                String::new()
            } else {
                format!(", which inherits it from {}", policy.subject)
            };
            format!("{action} on {object} is allowed to {kind}{subject}{heir}")
        }
    }
}

fn confirmation(bound: access_token::Confirmation) -> Confirmation {
    Confirmation {
        jkt: bound.jkt.unwrap_or_default(),
        x5t_s256: bound.x5t_s256.unwrap_or_default(),
    }
}
