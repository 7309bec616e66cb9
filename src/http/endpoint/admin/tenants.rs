//! /admin/tenants/{id}: the switches of the operator's own tenant. Flows: [`tenants`].

use domain::rejection::Refusal;
use domain::tenant::{RegistrationPolicy, Tenant};
use http::StatusCode;
use serde_json::{Value, json};

use super::super::{Answer, Call};
use super::take_mfa;
use crate::flow::admin::tenants::{self, PatchTenant};
use crate::http::fields::Fields;
use crate::http::render;

mod assertions;
mod authenticators;

use assertions::{take_audience, take_issuer};

/// Shows it.
pub(in crate::http) fn show(call: Call) -> Answer {
    Box::pin(async move {
        let name: String = call.id()?;
        let tenant = tenants::get(&call.act, &name)?;
        Ok(render::json(StatusCode::OK, &view(&tenant)))
    })
}

/// Turns switches.
pub(in crate::http) fn update(mut call: Call) -> Answer {
    Box::pin(async move {
        let message = parse(call.id()?, call.take_fields())?;
        let tenant = tenants::patch(call.flows(), &call.act, message).await?;
        Ok(render::json(StatusCode::OK, &view(&tenant)))
    })
}

fn parse(tenant: String, mut fields: Fields) -> Result<PatchTenant, Refusal> {
    let name = fields.optional_text("name");
    let version = fields.optional_number("version").map(i64::from);
    let mut config = fields.optional_fields("config");
    let mut branding = config.optional_fields("branding");
    let message = PatchTenant {
        tenant,
        name,
        version,
        logo_uri: branding.nullable("logo_uri", Fields::optional_text),
        colour: branding.nullable("colour", Fields::optional_text),
        language: branding.nullable("language", Fields::optional_text),
        silent_registration: config.optional_flag("silent_registration"),
        mfa: take_mfa(&mut config, "mfa"),
        passkey_authenticators: config.nullable("passkey_authenticators", authenticators::take),
        registration: take_registration(&mut config),
        max_self_registered_clients: config.optional_number("max_self_registered_clients"),
        client_id_metadata_documents: config.optional_flag("client_id_metadata_documents"),
        resources: config.optional_texts("resources"),
        assertion_issuers: config.optional_list("assertion_issuers", take_issuer),
        assertion_audiences: config.optional_list("assertion_audiences", take_audience),
        login_ui_url: config.nullable("login_ui_url", Fields::optional_text),
        consent_ui_url: config.nullable("consent_ui_url", Fields::optional_text),
    };
    let message = branding.finish(message)?;
    let message = config.finish(message)?;
    fields.finish(message)
}

fn take_registration(config: &mut Fields) -> Option<RegistrationPolicy> {
    let word = config.optional_text("registration")?;
    let policy = match word.as_str() {
        "closed" => RegistrationPolicy::Closed,
        "token" => RegistrationPolicy::Token,
        "open" => RegistrationPolicy::Open,
        _ => {
            config.refuse("registration", "must be closed, token or open");
            return None;
        }
    };
    Some(policy)
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
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::json as body;

    fn read(text: &str) -> Result<PatchTenant, Refusal> {
        let fields = Fields::of_json(body::parse(text.as_bytes()).expect("JSON"), true);
        parse("default".to_owned(), fields)
    }

    #[test]
    fn null_resets_an_address_and_absence_leaves_it() {
        let url = |text| read(text).expect("a patch").login_ui_url;
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
