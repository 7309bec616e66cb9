//! /admin/rbac: roles, policies, who has which role, and why somebody may do something. Flows:
//! [`rbac`].

use domain::rejection::Refusal;
use domain::role::{BUILT_IN, Policy, Role};
use http::StatusCode;
use serde_json::{Value, json};

use super::super::{Answer, Call, user};
use crate::flow::admin::rbac::{
    self, Check, Checked, CreatePolicy, CreateRole, GrantRole, PatchRole,
};
use crate::http::entity_tag;
use crate::http::fields::Fields;
use crate::http::paging::read_query;
use crate::http::render;

const POLICIES: &str = "policies";

/// Lists the roles: those that are there from the start by name alone, then those that operators made.
pub(in crate::http) fn list_roles(call: Call) -> Answer {
    Box::pin(async move {
        let rules = rbac::rules(call.flows(), &call.act);
        let made: Vec<Value> = rules.roles().map(view_role).collect();
        let body = json!({ "built_in": BUILT_IN, "roles": made });
        Ok(render::json(StatusCode::OK, &body))
    })
}

/// Makes a role.
pub(in crate::http) fn create_role(mut call: Call) -> Answer {
    Box::pin(async move {
        let message = parse_create_role(call.take_fields())?;
        let role = rbac::create_role(call.flows(), &call.act, message).await?;
        let reply = render::json(StatusCode::CREATED, &view_role(&role));
        Ok(entity_tag::tagged(reply, &tag_of(&role)))
    })
}

/// Shows a role.
pub(in crate::http) fn show_role(call: Call) -> Answer {
    Box::pin(async move {
        let name: String = call.id()?;
        let role = rbac::get_role(call.flows(), &call.act, &name)?;
        let body = view_role(&role);
        Ok(entity_tag::show(&call.headers, &tag_of(&role), &body))
    })
}

/// Changes a role.
pub(in crate::http) fn update_role(mut call: Call) -> Answer {
    Box::pin(async move {
        let mut message = parse_patch_role(call.id()?, call.take_fields())?;
        message.expected = entity_tag::expected_making(&call.headers)?;
        let role = rbac::patch_role(call.flows(), &call.act, message).await?;
        let reply = render::json(StatusCode::OK, &view_role(&role));
        Ok(entity_tag::tagged(reply, &tag_of(&role)))
    })
}

/// Deletes a role.
pub(in crate::http) fn delete_role(call: Call) -> Answer {
    Box::pin(async move {
        let expected = entity_tag::expected_making(&call.headers)?;
        rbac::delete_role(call.flows(), &call.act, call.id()?, expected).await?;
        Ok(render::empty(StatusCode::NO_CONTENT))
    })
}

/// Lists policies: `subject` and the page.
pub(in crate::http) fn list_policies(call: Call) -> Answer {
    Box::pin(async move {
        let list = call.list(POLICIES);
        let mut fields = read_query(call.query.as_deref())?;
        let subject = fields.optional_text("subject");
        let page = list.take_page(&mut fields)?;
        let asked = fields.finish(page)?;
        let page = rbac::list_policies(call.flows(), &call.act, subject.as_deref(), asked);
        let body = list.render(asked, page, |policy| view_policy(&policy));
        Ok(render::json(StatusCode::OK, &body))
    })
}

/// Allows somebody something.
pub(in crate::http) fn create_policy(mut call: Call) -> Answer {
    Box::pin(async move {
        let message = parse_policy(call.take_fields())?;
        let policy = rbac::create_policy(call.flows(), &call.act, message).await?;
        Ok(render::json(StatusCode::CREATED, &view_policy(&policy)))
    })
}

/// Takes a policy back.
pub(in crate::http) fn delete_policy(call: Call) -> Answer {
    Box::pin(async move {
        rbac::delete_policy(call.flows(), &call.act, call.id()?).await?;
        Ok(render::empty(StatusCode::NO_CONTENT))
    })
}

/// Gives an account a role.
pub(in crate::http) fn grant(mut call: Call) -> Answer {
    Box::pin(async move {
        let message = parse_grant(call.take_fields())?;
        let changed = rbac::grant(call.flows(), &call.act, message).await?;
        Ok(render::json(StatusCode::OK, &user::record(&changed)))
    })
}

/// Takes a role from an account.
pub(in crate::http) fn revoke(mut call: Call) -> Answer {
    Box::pin(async move {
        let message = parse_grant(call.take_fields())?;
        let changed = rbac::revoke(call.flows(), &call.act, message).await?;
        Ok(render::json(StatusCode::OK, &user::record(&changed)))
    })
}

/// Says whether somebody may do something, and why: `subject`, `object`, `action`.
pub(in crate::http) fn check(call: Call) -> Answer {
    Box::pin(async move {
        let message = parse_check(read_query(call.query.as_deref())?)?;
        let checked = rbac::check(call.flows(), &call.act, message).await?;
        Ok(render::json(StatusCode::OK, &view_checked(&checked)))
    })
}

fn parse_create_role(mut fields: Fields) -> Result<CreateRole, Refusal> {
    let message = CreateRole {
        name: fields.text("name"),
        description: fields.optional_text("description").unwrap_or_default(),
        inherits: fields.optional_texts("inherits").unwrap_or_default(),
    };
    fields.finish(message)
}

fn parse_patch_role(name: String, mut fields: Fields) -> Result<PatchRole, Refusal> {
    let message = PatchRole {
        name,
        description: fields.optional_text("description"),
        inherits: fields.optional_texts("inherits"),
        version: fields.optional_number("version").map(i64::from),
        expected: None,
    };
    fields.finish(message)
}

/// Names a version of a role: one of its name may have been deleted and made again.
fn tag_of(role: &Role) -> String {
    entity_tag::tag_of_making(role.version, role.created_at)
}

fn parse_policy(mut fields: Fields) -> Result<CreatePolicy, Refusal> {
    let message = CreatePolicy {
        subject: fields.text("subject"),
        object: fields.text("object"),
        action: fields.text("action"),
    };
    fields.finish(message)
}

fn parse_check(mut fields: Fields) -> Result<Check, Refusal> {
    let message = Check {
        subject: fields.text("subject"),
        object: fields.text("object"),
        action: fields.text("action"),
    };
    fields.finish(message)
}

fn parse_grant(mut fields: Fields) -> Result<GrantRole, Refusal> {
    let (named, role) = (fields.text("user"), fields.text("role"));
    let user = named.parse();
    if user.is_err() && !named.is_empty() {
        fields.refuse("user", "must be an account's id");
    }
    let role = fields.finish(role)?;
    let user = user.map_err(|_| Refusal::field("user", "must be an account's id"))?;
    Ok(GrantRole { user, role })
}

fn view_role(role: &Role) -> Value {
    json!({
        "name": role.name,
        "description": role.description,
        "inherits": role.inherits,
        "created_at": role.created_at.to_string(),
        "updated_at": role.updated_at.to_string(),
        "version": role.version,
    })
}

fn view_policy(policy: &Policy) -> Value {
    json!({
        "id": policy.id,
        "subject": policy.subject,
        "object": policy.object,
        "action": policy.action,
        "created_at": policy.created_at.to_string(),
    })
}

fn view_checked(checked: &Checked) -> Value {
    let why = checked.why.as_ref().map(|why| {
        json!({
            "subject": why.subject,
            "distance": why.distance,
            "policy": why.policy.as_ref().map(view_policy),
        })
    });
    json!({ "allowed": checked.why.is_some(), "why": why })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::json as body;

    fn fields(text: &str) -> Fields {
        Fields::of_json(body::parse(text.as_bytes()).expect("JSON"), true)
    }

    #[test]
    fn a_typo_is_refused_by_name() {
        let refused = parse_policy(fields(r#"{"subject":"a","object":"b","verb":"c"}"#));
        let refused = refused.expect_err("refused");
        let names: Vec<_> = refused.fields.iter().map(|wrong| &*wrong.field).collect();
        assert_eq!(names, ["action", "verb"]);
    }

    #[test]
    fn a_grant_names_an_account_by_its_id() {
        let refused = parse_grant(fields(r#"{"user":"ada","role":"clerk"}"#));
        assert_eq!(refused.expect_err("refused").fields[0].field, "user");
        let id = "018f2b6e-0000-7000-8000-000000000000";
        let fine = parse_grant(fields(&format!(r#"{{"user":"{id}","role":"clerk"}}"#)));
        assert!(fine.is_ok_and(|grant| grant.role == "clerk"));
    }
}
