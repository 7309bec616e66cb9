//! /admin/users: accounts, as operators see and change them. Flows: [`users`].

use domain::id::UserId;
use domain::rejection::Refusal;
use domain::user::{UserFilter, UserStatus};
use http::StatusCode;

use super::super::{Answer, Call, user};
use crate::flow::admin::users::{self, CreateUser, ListUsers, LockUser, PatchUser};
use crate::http::fields::Fields;
use crate::http::paging::{List, read_query};
use crate::http::render;

const PLURAL: &str = "users";
/// The words of [`UserStatus`].
const STATUSES: [UserStatus; 4] = [
    UserStatus::Active,
    UserStatus::Locked,
    UserStatus::Suspended,
    UserStatus::Deleted,
];

/// Lists accounts: `search`, `status`, `role` and the page.
pub(in crate::http) fn list(call: Call) -> Answer {
    Box::pin(async move {
        let list = call.list(PLURAL);
        let message = parse_list(list, read_query(call.query.as_deref())?)?;
        let asked = message.page;
        let page = users::list(call.flows(), &call.act, message).await?;
        let body = list.render(asked, page, |one| user::record(&one));
        Ok(render::json(StatusCode::OK, &body))
    })
}

/// Makes an account.
pub(in crate::http) fn create(mut call: Call) -> Answer {
    Box::pin(async move {
        let message = parse_create(call.take_fields())?;
        let made = users::create(call.flows(), &call.act, message).await?;
        Ok(render::json(StatusCode::CREATED, &user::record(&made)))
    })
}

/// Shows an account.
pub(in crate::http) fn show(call: Call) -> Answer {
    Box::pin(async move {
        let id = call.id()?;
        let found = users::get(call.flows(), &call.act, id).await?;
        Ok(render::json(StatusCode::OK, &user::record(&found)))
    })
}

/// Changes an account.
pub(in crate::http) fn update(mut call: Call) -> Answer {
    Box::pin(async move {
        let message = parse_update(call.id()?, call.take_fields())?;
        let changed = users::patch(call.flows(), &call.act, message).await?;
        Ok(render::json(StatusCode::OK, &user::record(&changed)))
    })
}

/// Deletes an account.
pub(in crate::http) fn delete(call: Call) -> Answer {
    Box::pin(async move {
        let id = call.id()?;
        users::delete(call.flows(), &call.act, id).await?;
        Ok(render::empty(StatusCode::NO_CONTENT))
    })
}

/// Locks an account: `reason`.
pub(in crate::http) fn lock(mut call: Call) -> Answer {
    Box::pin(async move {
        let message = parse_lock(call.id()?, call.take_fields())?;
        let locked = users::lock(call.flows(), &call.act, message).await?;
        Ok(render::json(StatusCode::OK, &user::record(&locked)))
    })
}

/// Unlocks an account.
pub(in crate::http) fn unlock(call: Call) -> Answer {
    Box::pin(async move {
        let id = call.id()?;
        let opened = users::unlock(call.flows(), &call.act, id).await?;
        Ok(render::json(StatusCode::OK, &user::record(&opened)))
    })
}

fn parse_list(list: List<'_>, mut fields: Fields) -> Result<ListUsers, Refusal> {
    let message = ListUsers {
        page: list.take_page(&mut fields)?,
        filter: UserFilter {
            search: fields.optional_text("search"),
            status: take_status(&mut fields),
            role: fields.optional_text("role"),
        },
    };
    fields.finish(message)
}

fn parse_create(mut fields: Fields) -> Result<CreateUser, Refusal> {
    let message = CreateUser {
        email: fields.text("email"),
        password: fields.optional_secret("password"),
        name: fields.text("name"),
        roles: fields.optional_texts("roles").unwrap_or_default(),
    };
    fields.finish(message)
}

fn parse_update(user: UserId, mut fields: Fields) -> Result<PatchUser, Refusal> {
    let message = PatchUser {
        user,
        email: fields.optional_text("email"),
        email_verified: fields.optional_flag("email_verified"),
        name: fields.optional_text("name"),
        status: take_new_status(&mut fields),
        roles: fields.optional_texts("roles"),
        password_compromised: take_compromised(&mut fields),
        version: fields.optional_number("version").map(i64::from),
    };
    fields.finish(message)
}

fn parse_lock(user: UserId, mut fields: Fields) -> Result<LockUser, Refusal> {
    let message = LockUser {
        user,
        reason: Some(fields.text("reason")),
    };
    fields.finish(message)
}

/// Takes that others know the password. Who says so does not take it back: a new password does.
fn take_compromised(fields: &mut Fields) -> bool {
    let is_compromised = fields.optional_flag("password_compromised");
    if is_compromised == Some(false) {
        fields.refuse(
            "password_compromised",
            "must be true: a new password ends it",
        );
    }
    is_compromised == Some(true)
}

/// Takes a status that an operator may give: an account is deleted by its owner, and erased by operators.
fn take_new_status(fields: &mut Fields) -> Option<UserStatus> {
    let status = take_status(fields)?;
    if status == UserStatus::Deleted {
        fields.refuse("status", "must be active, locked or suspended");
        return None;
    }
    Some(status)
}

fn take_status(fields: &mut Fields) -> Option<UserStatus> {
    let word = fields.optional_text("status")?;
    let status = STATUSES.into_iter().find(|status| status.as_str() == word);
    if status.is_none() {
        fields.refuse("status", "must be active, locked, suspended or deleted");
    }
    status
}

#[cfg(test)]
mod tests {
    use domain::random::Counting;
    use domain::rejection::Code;
    use domain::time::UnixMillis;

    use super::*;
    use crate::http::json;

    fn fields(body: &str) -> Fields {
        Fields::of_json(json::parse(body.as_bytes()).expect("JSON"), true)
    }

    #[test]
    fn an_account_may_be_made_without_a_password_and_roles() {
        let made = parse_create(fields(r#"{"email":"a@b.c","name":"A"}"#));
        assert!(made.is_ok_and(|user| user.password.is_none() && user.roles.is_empty()));
    }

    #[test]
    fn what_is_not_a_status_is_refused_by_name() {
        let id = UserId::generate(UnixMillis::default(), &Counting::default());
        for word in ["gone", "deleted"] {
            let body = format!(r#"{{"status":"{word}"}}"#);
            let refused = parse_update(id, fields(&body)).expect_err("refused");
            assert_eq!(refused.code, Code::Validation);
            assert_eq!(refused.fields[0].field, "status");
        }
        assert!(parse_update(id, fields(r#"{"status":"suspended","version":3}"#)).is_ok());
    }
}
