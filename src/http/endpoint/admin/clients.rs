//! /admin/clients: what asks for tokens. A secret is shown once, when it is made. Flows:
//! [`clients`].

use domain::client::ClientType;
use domain::rejection::Refusal;
use http::StatusCode;
use serde_json::json;

use super::super::{Answer, Call};
use crate::flow::admin::clients::{self, CreateClient, PatchClient};
use crate::http::entity_tag;
use crate::http::fields::Fields;
use crate::http::paging::read_query;
use crate::http::render;

mod metadata;

use metadata::{take_metadata, view};

const PLURAL: &str = "clients";

/// Lists clients.
pub(in crate::http) fn list(call: Call) -> Answer {
    Box::pin(async move {
        let list = call.list(PLURAL);
        let mut fields = read_query(call.query.as_deref())?;
        let page = list.take_page(&mut fields)?;
        let asked = fields.finish(page)?;
        let page = clients::list(call.flows(), &call.act, asked).await?;
        let body = list.render(asked, page, |client| view(&client));
        Ok(render::json(StatusCode::OK, &body))
    })
}

/// Registers a client.
pub(in crate::http) fn create(mut call: Call) -> Answer {
    Box::pin(async move {
        let message = parse_create(call.take_fields())?;
        let made = clients::create(call.flows(), &call.act, message).await?;
        let (client, secret) = made;
        let mut body = view(&client);
        if let (Some(secret), Some(fields)) = (secret, body.as_object_mut()) {
            fields.insert("client_secret".to_owned(), secret.expose().into());
        }
        let reply = render::json(StatusCode::CREATED, &body);
        Ok(entity_tag::tagged(reply, &client.version))
    })
}

/// Shows a client.
pub(in crate::http) fn show(call: Call) -> Answer {
    Box::pin(async move {
        let id: String = call.id()?;
        let client = clients::get(call.flows(), &call.act, &id).await?;
        let body = view(&client);
        Ok(entity_tag::show(&call.headers, &client.version, &body))
    })
}

/// Changes a client.
pub(in crate::http) fn update(mut call: Call) -> Answer {
    Box::pin(async move {
        let mut message = parse_update(call.id()?, call.take_fields())?;
        message.version = entity_tag::expected(&call.headers, message.version)?;
        let client = clients::patch(call.flows(), &call.act, message).await?;
        let reply = render::json(StatusCode::OK, &view(&client));
        Ok(entity_tag::tagged(reply, &client.version))
    })
}

/// Deletes a client.
pub(in crate::http) fn delete(call: Call) -> Answer {
    Box::pin(async move {
        let id: String = call.id()?;
        let expected = entity_tag::expected(&call.headers, None)?;
        clients::delete(call.flows(), &call.act, id, expected).await?;
        Ok(render::empty(StatusCode::NO_CONTENT))
    })
}

/// Gives a client a new secret; the one before works for another day.
pub(in crate::http) fn rotate_secret(call: Call) -> Answer {
    Box::pin(async move {
        let id: String = call.id()?;
        let rotated = clients::rotate_secret(call.flows(), &call.act, id).await?;
        let (client, secret) = rotated;
        let body = json!({ "client_id": client.id, "client_secret": secret.expose() });
        Ok(render::json(StatusCode::OK, &body))
    })
}

fn parse_create(mut fields: Fields) -> Result<CreateClient, Refusal> {
    let name = fields.text("name");
    let word = fields.text("client_type");
    let client_type = ClientType::from_stored(&word);
    if client_type.is_none() && !word.is_empty() {
        fields.refuse("client_type", "must be service, agent, web or native");
    }
    let metadata = take_metadata(&mut fields);
    fields.finish(CreateClient {
        name,
        // Whatever stands here when none was named: `finish` has refused that.
        client_type: client_type.unwrap_or(ClientType::Native),
        metadata,
    })
}

fn parse_update(client: String, mut fields: Fields) -> Result<PatchClient, Refusal> {
    let message = PatchClient {
        client,
        name: fields.optional_text("name"),
        disabled: fields.optional_flag("disabled"),
        metadata: take_metadata(&mut fields),
        version: fields.optional_number("version").map(i64::from),
    };
    fields.finish(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::json as body;

    fn fields(text: &str) -> Fields {
        Fields::of_json(body::parse(text.as_bytes()).expect("JSON"), true)
    }

    #[test]
    fn a_client_needs_a_name_and_a_type() {
        let refused = parse_create(fields("{}")).expect_err("refused");
        let names: Vec<_> = refused.fields.iter().map(|wrong| &*wrong.field).collect();
        assert_eq!(names, ["name", "client_type"]);
        assert!(parse_create(fields(r#"{"name":"a","client_type":"robot"}"#)).is_err());
        assert!(parse_create(fields(r#"{"name":"a","client_type":"agent"}"#)).is_ok());
    }

    #[test]
    fn null_resets_what_follows_the_service_and_absence_leaves_it() {
        let read = |text: &str| {
            let patch = parse_update("client_x".to_owned(), fields(text)).expect("a patch");
            patch.metadata.access_token_ttl_seconds
        };
        assert_eq!(read("{}"), None);
        assert_eq!(read(r#"{"access_token_ttl_seconds":null}"#), Some(None));
        assert_eq!(read(r#"{"access_token_ttl_seconds":60}"#), Some(Some(60)));
    }

    #[test]
    fn a_typo_is_refused_by_name() {
        let refused = parse_update("x".to_owned(), fields(r#"{"nmae":"y"}"#));
        assert_eq!(refused.expect_err("refused").fields[0].field, "nmae");
    }
}
