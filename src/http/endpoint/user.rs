//! How an account is shown: to its owner, and to an operator.

use domain::time::UnixMillis;
use domain::user::User;
use serde_json::{Value, json};

/// Shows an account to the person it belongs to.
pub(super) fn profile(user: &User) -> Value {
    json!({
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "email_verified": user.email_verified,
        "created_at": user.created_at.to_string(),
    })
}

/// Shows an account to an operator.
pub(super) fn record(user: &User) -> Value {
    json!({
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "email_verified": user.email_verified,
        "status": user.status,
        "locked_reason": user.locked_reason,
        "erase_at": user.erase_at.as_ref().map(UnixMillis::to_string),
        "roles": user.roles,
        "password_compromised": user.password_compromised,
        "created_at": user.created_at.to_string(),
        "updated_at": user.updated_at.to_string(),
        "version": user.version,
    })
}
