//! /admin/tenants: tenants, as operators see and change them. Flows: [`tenants`].

use domain::rejection::Refusal;
use domain::tenant::{Tenant, TenantFilter, TenantStatus};
use domain::time::UnixMillis;
use http::StatusCode;
use serde_json::{Value, json};

use super::super::{Answer, Call};
use super::take_mfa;
use crate::flow::admin::tenants::{self, CreateTenant, ListTenants, PatchTenant, Turn, TurnTenant};
use crate::http::entity_tag;
use crate::http::fields::Fields;
use crate::http::paging::{List, read_query};
use crate::http::render;

mod assertions;
mod authenticators;
mod choices;

pub(super) use choices::take_rules;

const PLURAL: &str = "tenants";

/// Lists tenants: `status`, `slug` and the page.
pub(in crate::http) fn list(call: Call) -> Answer {
    Box::pin(async move {
        let list = call.list(PLURAL);
        let message = parse_list(list, read_query(call.query.as_deref())?)?;
        let asked = message.page;
        let page = tenants::list(call.flows(), &call.act, message).await?;
        let body = list.render(asked, page, |one| view(&one));
        Ok(render::json(StatusCode::OK, &body))
    })
}

/// Makes one.
pub(in crate::http) fn create(mut call: Call) -> Answer {
    Box::pin(async move {
        let message = parse_create(call.take_fields())?;
        let made = tenants::create(call.flows(), &call.act, message).await?;
        let reply = render::json(StatusCode::CREATED, &view(&made));
        Ok(entity_tag::tagged(reply, &made.version))
    })
}

/// Shows one.
pub(in crate::http) fn show(call: Call) -> Answer {
    Box::pin(async move {
        let name: String = call.id()?;
        let tenant = tenants::get(call.flows(), &call.act, &name)?;
        let body = view(&tenant);
        Ok(entity_tag::show(&call.headers, &tenant.version, &body))
    })
}

/// Turns switches.
pub(in crate::http) fn update(mut call: Call) -> Answer {
    Box::pin(async move {
        let mut message = parse_patch(call.id()?, call.take_fields())?;
        message.version = entity_tag::expected(&call.headers, message.version)?;
        let tenant = tenants::patch(call.flows(), &call.act, message).await?;
        let reply = render::json(StatusCode::OK, &view(&tenant));
        Ok(entity_tag::tagged(reply, &tenant.version))
    })
}

/// Closes one: `reason`.
pub(in crate::http) fn suspend(mut call: Call) -> Answer {
    Box::pin(async move {
        let message = parse_suspend(call.id()?, call.take_fields())?;
        let tenant = tenants::turn(call.flows(), &call.act, message).await?;
        Ok(render::json(StatusCode::OK, &view(&tenant)))
    })
}

/// Opens one again.
pub(in crate::http) fn activate(call: Call) -> Answer {
    Box::pin(async move {
        let message = TurnTenant {
            tenant: call.id()?,
            to: Turn::Active,
            reason: None,
        };
        let tenant = tenants::turn(call.flows(), &call.act, message).await?;
        Ok(render::json(StatusCode::OK, &view(&tenant)))
    })
}

/// Deletes one.
pub(in crate::http) fn delete(call: Call) -> Answer {
    Box::pin(async move {
        let name: String = call.id()?;
        let expected = entity_tag::expected(&call.headers, None)?;
        tenants::delete(call.flows(), &call.act, &name, expected).await?;
        Ok(render::empty(StatusCode::NO_CONTENT))
    })
}

/// Has a deleted one back.
pub(in crate::http) fn restore(call: Call) -> Answer {
    Box::pin(async move {
        let name: String = call.id()?;
        let tenant = tenants::restore(call.flows(), &call.act, &name).await?;
        Ok(render::json(StatusCode::OK, &view(&tenant)))
    })
}

fn parse_list(list: List<'_>, mut fields: Fields) -> Result<ListTenants, Refusal> {
    let message = ListTenants {
        page: list.take_page(&mut fields)?,
        filter: TenantFilter {
            status: take_status(&mut fields),
            slug: fields.optional_text("slug"),
        },
    };
    fields.finish(message)
}

fn parse_create(mut fields: Fields) -> Result<CreateTenant, Refusal> {
    let message = CreateTenant {
        slug: fields.text("slug"),
        name: fields.text("name"),
        choices: choices::take(&mut fields)?,
    };
    fields.finish(message)
}

fn parse_patch(tenant: String, mut fields: Fields) -> Result<PatchTenant, Refusal> {
    let message = PatchTenant {
        tenant,
        name: fields.optional_text("name"),
        version: fields.optional_number("version").map(i64::from),
        choices: choices::take(&mut fields)?,
    };
    fields.finish(message)
}

fn parse_suspend(tenant: String, mut fields: Fields) -> Result<TurnTenant, Refusal> {
    let message = TurnTenant {
        tenant,
        to: Turn::Suspended,
        reason: Some(fields.text("reason")),
    };
    fields.finish(message)
}

fn take_status(fields: &mut Fields) -> Option<TenantStatus> {
    let word = fields.optional_text("status")?;
    let statuses = [
        TenantStatus::Active,
        TenantStatus::Suspended,
        TenantStatus::Deleted,
    ];
    let found = statuses.into_iter().find(|one| one.as_str() == word);
    if found.is_none() {
        fields.refuse("status", "must be active, suspended or deleted");
    }
    found
}

fn view(tenant: &Tenant) -> Value {
    json!({
        "id": tenant.id,
        "slug": tenant.slug,
        "name": tenant.name,
        "status": tenant.status,
        "config": tenant.config,
        "version": tenant.version,
        "created_at": tenant.created_at.to_string(),
        "erase_at": tenant.erase_at.filter(|day| *day != UnixMillis::default()).map(|day| day.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::json as body;

    fn read(text: &str) -> Result<PatchTenant, Refusal> {
        let fields = Fields::of_json(body::parse(text.as_bytes()).expect("JSON"), true);
        parse_patch("default".to_owned(), fields)
    }

    #[test]
    fn null_resets_an_address_and_absence_leaves_it() {
        let url = |text| read(text).expect("a patch").choices.login_ui_url;
        assert_eq!(url("{}"), None);
        assert_eq!(url(r#"{"config":{"login_ui_url":null}}"#), Some(None));
        let set = url(r#"{"config":{"login_ui_url":"https://a.example/"}}"#);
        assert_eq!(set, Some(Some("https://a.example/".to_owned())));
    }

    #[test]
    fn a_typo_is_refused_by_name_at_both_depths() {
        for (text, name) in [
            (r#"{"confg":{}}"#, "confg"),
            (r#"{"config":{"login_url":"x"}}"#, "login_url"),
            (r#"{"config":{"registration":"ajar"}}"#, "registration"),
            (r#"{"config":{"mfa":"maybe"}}"#, "mfa"),
            (r#"{"slug":"other"}"#, "slug"),
            (
                r#"{"config":{"allowed_oauth_provider":[]}}"#,
                "allowed_oauth_provider",
            ),
            (r#"{"config":{"token_ttls":{"access":60}}}"#, "access"),
            (r#"{"config":{"password_policy":{"history":5}}}"#, "history"),
            (r##"{"config":{"branding":{"color":"#fff"}}}"##, "color"),
            (
                r#"{"config":{"assertion_issuers":[{"issuer":"x","key":1}]}}"#,
                "assertion_issuers",
            ),
            (
                r#"{"config":{"assertion_audiences":[{"issuer":"x","clients":{"a":1}}]}}"#,
                "assertion_audiences",
            ),
        ] {
            let refused = read(text).expect_err("refused");
            assert_eq!(refused.fields[0].field, name);
        }
        assert!(read(r#"{"config":[]}"#).is_err());
        assert!(read(r#"{"config":{"registration":"open"},"version":3}"#).is_ok());
    }
}
