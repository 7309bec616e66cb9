//! /admin/users: accounts, as operators see and change them. Flows: [`users`].

use domain::id::UserId;
use domain::rejection::Refusal;
use domain::time::UnixMillis;
use domain::user::{UserFilter, UserSort, UserStatus};
use http::StatusCode;

use super::super::{Answer, Call, user};
use crate::flow::admin::users::{self, CreateUser, ListUsers, LockUser, PatchUser};
use crate::http::entity_tag;
use crate::http::fields::Fields;
use crate::http::paging::read_query;
use crate::http::render;

pub(in crate::http) mod about;
pub(in crate::http) mod bulk;
pub(in crate::http) mod identities;

const PLURAL: &str = "users";
/// The words of [`UserStatus`].
const STATUSES: [UserStatus; 4] = [
    UserStatus::Active,
    UserStatus::Locked,
    UserStatus::Suspended,
    UserStatus::Deleted,
];

/// Lists accounts: what they are narrowed by, how they are sorted, and the page.
pub(in crate::http) fn list(call: Call) -> Answer {
    Box::pin(async move {
        let mut query = read_query(call.query.as_deref())?;
        let filter = take_filter(&mut query);
        // A cursor leads on in the list that gave it, and in no other.
        let bound = format!("{filter:?}");
        let list = call.list(PLURAL).bound_to(&bound);
        let page = list.take_page(&mut query)?;
        let message = query.finish(ListUsers { filter, page })?;
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
        let reply = render::json(StatusCode::CREATED, &user::record(&made));
        Ok(entity_tag::tagged(reply, &made.version))
    })
}

/// Shows an account.
pub(in crate::http) fn show(call: Call) -> Answer {
    Box::pin(async move {
        let id = call.id()?;
        let found = users::get(call.flows(), &call.act, id).await?;
        let body = user::record(&found);
        Ok(entity_tag::show(&call.headers, &found.version, &body))
    })
}

/// Changes an account.
pub(in crate::http) fn update(mut call: Call) -> Answer {
    Box::pin(async move {
        let mut message = parse_update(call.id()?, call.take_fields())?;
        message.version = entity_tag::expected(&call.headers, message.version)?;
        let changed = users::patch(call.flows(), &call.act, message).await?;
        let reply = render::json(StatusCode::OK, &user::record(&changed));
        Ok(entity_tag::tagged(reply, &changed.version))
    })
}

/// Deletes an account.
pub(in crate::http) fn delete(call: Call) -> Answer {
    Box::pin(async move {
        let id = call.id()?;
        let expected = entity_tag::expected(&call.headers, None)?;
        users::delete(call.flows(), &call.act, id, expected).await?;
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

fn take_filter(fields: &mut Fields) -> UserFilter {
    UserFilter {
        search: fields.optional_text("search"),
        status: take_status(fields),
        role: fields.optional_text("role"),
        is_email_verified: fields.optional_flag("email_verified"),
        has_mfa: fields.optional_flag("mfa"),
        created_from: take_instant(fields, "created_from"),
        created_before: take_instant(fields, "created_before"),
        sort: take_sort(fields),
    }
}

fn take_instant(fields: &mut Fields, name: &'static str) -> Option<UnixMillis> {
    let instant = fields.optional_text(name)?.parse();
    if instant.is_err() {
        fields.refuse(name, "must be an instant such as 2026-01-31T12:00:00Z");
    }
    instant.ok()
}

fn take_sort(fields: &mut Fields) -> UserSort {
    match fields.optional_text("sort").as_deref() {
        None | Some("newest") => UserSort::Newest,
        Some("email") => UserSort::Email(None),
        Some(_) => {
            fields.refuse("sort", "must be newest or email");
            UserSort::Newest
        }
    }
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
