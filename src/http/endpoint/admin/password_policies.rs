//! /admin/password-policies: what new passwords of the tenant must be. Flows: [`tenants`].

use domain::rejection::Refusal;
use domain::tenant::Tenant;
use http::StatusCode;
use serde_json::{Value, json};

use super::super::{Answer, Call};
use super::tenants::take_rules;
use crate::config::PasswordSettings;
use crate::flow::admin::tenants::{self, Choices, PatchTenant};
use crate::http::fields::Fields;
use crate::http::render;

/// Shows what was chosen, and what holds.
pub(in crate::http) fn show(call: Call) -> Answer {
    Box::pin(async move {
        let passwords = &call.flows().settings.passwords;
        Ok(render::json(
            StatusCode::OK,
            &view(passwords, &call.act.tenant),
        ))
    })
}

/// Replaces what was chosen.
pub(in crate::http) fn replace(mut call: Call) -> Answer {
    Box::pin(async move {
        let message = parse(call.act.tenant.slug.clone(), call.take_fields())?;
        let tenant = tenants::patch(call.flows(), &call.act, message).await?;
        let passwords = &call.flows().settings.passwords;
        Ok(render::json(StatusCode::OK, &view(passwords, &tenant)))
    })
}

fn parse(tenant: String, mut fields: Fields) -> Result<PatchTenant, Refusal> {
    let message = PatchTenant {
        tenant,
        version: fields.optional_number("version").map(i64::from),
        choices: Choices {
            password_policy: Some(take_rules(&mut fields)),
            ..Choices::default()
        },
        ..PatchTenant::default()
    };
    fields.finish(message)
}

/// What holds is what was chosen within what the service allows; it is more where no second factor is
/// asked for.
fn view(passwords: &PasswordSettings, tenant: &Tenant) -> Value {
    let (config, rules) = (&tenant.config, &tenant.config.password_policy);
    json!({
        "min_length": rules.min_length,
        "max_length": rules.max_length,
        "forbidden_words": rules.forbidden_words,
        "in_effect": {
            "min_length": passwords.least_of(config.mfa, rules),
            "max_length": passwords.greatest(rules),
        },
        "version": tenant.version,
    })
}
