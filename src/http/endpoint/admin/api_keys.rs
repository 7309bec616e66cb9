//! /admin/apikeys: long-lived credentials. A key is shown once, when it is made or rotated. Flows:
//! [`api_keys`].

use std::num::NonZeroU32;

use domain::api_key::{ApiKey, ApiKeyFilter};
use domain::id::ApiKeyId;
use domain::rejection::Refusal;
use domain::secret::SecretText;
use domain::time::UnixMillis;
use http::StatusCode;
use serde_json::{Value, json};

use super::super::{Answer, Call};
use crate::flow::admin::api_keys::{self, MintApiKey, PatchApiKey};
use crate::http::fields::Fields;
use crate::http::paging::read_query;
use crate::http::render;

const PLURAL: &str = "apikeys";

/// Lists keys: `client_id`, `live` and the page.
pub(in crate::http) fn list(call: Call) -> Answer {
    Box::pin(async move {
        let (list, now) = (call.list(PLURAL), call.act.now);
        let mut fields = read_query(call.query.as_deref())?;
        let filter = ApiKeyFilter {
            client: fields.optional_text("client_id"),
            live: take_live(&mut fields).map(|live| (live, now)),
        };
        let page = list.take_page(&mut fields)?;
        let (filter, asked) = fields.finish((filter, page))?;
        let page = api_keys::list(call.flows(), &call.act, filter, asked).await?;
        let body = list.render(asked, page, |key| view(&key, now));
        Ok(render::json(StatusCode::OK, &body))
    })
}

/// Makes a key.
pub(in crate::http) fn create(mut call: Call) -> Answer {
    Box::pin(async move {
        let message = parse_create(call.take_fields())?;
        let powers = call.powers()?;
        let (key, secret) = api_keys::mint(call.flows(), &call.act, powers, message).await?;
        let body = shown_once(&key, &secret, call.act.now);
        Ok(render::json(StatusCode::CREATED, &body))
    })
}

/// Shows a key, never what it is.
pub(in crate::http) fn show(call: Call) -> Answer {
    Box::pin(async move {
        let key = api_keys::get(call.flows(), &call.act, call.id()?).await?;
        Ok(render::json(StatusCode::OK, &view(&key, call.act.now)))
    })
}

/// Changes a key.
pub(in crate::http) fn update(mut call: Call) -> Answer {
    Box::pin(async move {
        let message = parse_update(call.id()?, call.take_fields())?;
        let powers = call.powers()?;
        let key = api_keys::patch(call.flows(), &call.act, powers, message).await?;
        Ok(render::json(StatusCode::OK, &view(&key, call.act.now)))
    })
}

/// Revokes a key.
pub(in crate::http) fn delete(call: Call) -> Answer {
    Box::pin(async move {
        api_keys::delete(call.flows(), &call.act, call.powers()?, call.id()?).await?;
        Ok(render::empty(StatusCode::NO_CONTENT))
    })
}

/// Gives a key a new secret; the one before works for another day.
pub(in crate::http) fn rotate(call: Call) -> Answer {
    Box::pin(async move {
        let rotated = api_keys::rotate(call.flows(), &call.act, call.powers()?, call.id()?);
        let (key, secret) = rotated.await?;
        let body = shown_once(&key, &secret, call.act.now);
        Ok(render::json(StatusCode::OK, &body))
    })
}

fn parse_create(mut fields: Fields) -> Result<MintApiKey, Refusal> {
    let message = MintApiKey {
        client: fields.optional_text("client_id"),
        name: fields.text("name"),
        scopes: fields.optional_texts("scopes").unwrap_or_default(),
        rate_limit: fields.optional_number("rate_limit"),
        expires_at: take_instant(&mut fields, "expires_at"),
    };
    fields.finish(message)
}

fn parse_update(key: ApiKeyId, mut fields: Fields) -> Result<PatchApiKey, Refusal> {
    let message = PatchApiKey {
        key,
        name: fields.optional_text("name"),
        scopes: fields.optional_texts("scopes"),
        rate_limit: fields.nullable("rate_limit", Fields::optional_number),
        expires_at: fields.nullable("expires_at", take_instant),
        version: fields.optional_number("version").map(i64::from),
    };
    fields.finish(message)
}

fn take_instant(fields: &mut Fields, name: &'static str) -> Option<UnixMillis> {
    let text = fields.optional_text(name)?;
    let instant = text.parse().ok();
    if instant.is_none() {
        fields.refuse(name, "must be an instant as in RFC 3339");
    }
    instant
}

fn take_live(fields: &mut Fields) -> Option<bool> {
    match fields.optional_text("live")?.as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => {
            fields.refuse("live", "must be true or false");
            None
        }
    }
}

fn shown_once(key: &ApiKey, secret: &SecretText, now: UnixMillis) -> Value {
    let mut body = view(key, now);
    if let Some(fields) = body.as_object_mut() {
        fields.insert("key".to_owned(), secret.expose().into());
    }
    body
}

fn view(key: &ApiKey, now: UnixMillis) -> Value {
    let text = |instant: Option<UnixMillis>| instant.map(|instant| instant.to_string());
    let former = key.superseded.as_ref().map(|former| former.works_until);
    json!({
        "id": key.id,
        "client_id": key.client,
        "name": key.name,
        "begins_with": key.visible_prefix,
        "scopes": key.scopes.iter().collect::<Vec<_>>(),
        "rate_limit": key.rate_limit.map(NonZeroU32::get),
        "live": key.is_live(now),
        "created_at": key.created_at.to_string(),
        "expires_at": text(key.expires_at),
        "revoked_at": text(key.revoked_at),
        "last_used_at": text(key.last_used_at),
        "former_works_until": text(former.filter(|until| now < *until)),
        "version": key.version,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::json as body;

    fn fields(text: &str) -> Fields {
        Fields::of_json(body::parse(text.as_bytes()).expect("JSON"), true)
    }

    #[test]
    fn an_instant_is_rfc_3339_or_refused_by_name() {
        let read = |text: &str| {
            let text = format!(r#"{{"name":"k","scopes":["a"],"expires_at":"{text}"}}"#);
            parse_create(fields(&text)).map(|made| made.expires_at)
        };
        let noon = read("2026-11-29T12:00:00Z").expect("an instant");
        assert_eq!(read("2026-11-29T13:00:00+01:00").expect("an instant"), noon);
        assert_eq!(
            noon.map(|at| at.to_string()).as_deref(),
            Some("2026-11-29T12:00:00Z")
        );
        for wrong in ["tomorrow", "2026-11-29", "1700000000"] {
            let refused = read(wrong).expect_err("refused");
            assert_eq!(refused.fields[0].field, "expires_at", "{wrong}");
        }
    }

    #[test]
    fn null_takes_a_limit_away_and_absence_leaves_it() {
        let read = |text: &str| {
            let id = "018f2b6e-0000-7000-8000-000000000000"
                .parse()
                .expect("an id");
            parse_update(id, fields(text)).expect("a patch").rate_limit
        };
        assert_eq!(read("{}"), None);
        assert_eq!(read(r#"{"rate_limit":null}"#), Some(None));
        assert_eq!(read(r#"{"rate_limit":60}"#), Some(Some(60)));
    }
}
