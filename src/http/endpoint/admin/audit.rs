//! GET /admin/audit: the audit trail, searched; /admin/audit/{id}: one entry; /admin/audit/export: a search as
//! JSON lines; /admin/audit/checkpoints: how far it was signed. Flow: [`audit`].

use std::fmt::Write as _;

use bytes::Bytes;
use domain::rejection::{Fault, Refusal};
use domain::time::UnixMillis;
use futures_util::stream;
use http::header::CONTENT_DISPOSITION;
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value, json};
use store::port::audit::{AuditFilter, AuditRow};
use store::port::checkpoints::Checkpoint;

use super::super::{Answer, Call};
use crate::flow::admin::audit::{self, Export};
use crate::http::fields::Fields;
use crate::http::paging::read_query;
use crate::http::render::{self, Parts, Reply};

/// What entries are called in JSON.
pub(in crate::http::endpoint) const ENTRIES: &str = "entries";
/// What checkpoints are called there.
pub(in crate::http::endpoint) const CHECKPOINTS: &str = "checkpoints";
/// The longest text that is searched for.
const MAX_TEXT: usize = 256;

static JSON_LINES: HeaderValue = HeaderValue::from_static("application/jsonl");
static AS_FILE: HeaderValue = HeaderValue::from_static("attachment; filename=\"audit.jsonl\"");

/// Finds entries.
pub(in crate::http) fn list(call: Call) -> Answer {
    Box::pin(async move {
        let list = call.list(ENTRIES);
        let mut fields = read_query(call.query.as_deref())?;
        let page = list.take_page(&mut fields)?;
        let (filter, asked) = parse(fields, page)?;
        let found = audit::find(call.flows(), &call.act, filter, asked).await?;
        let body = list.render(asked, found, |row| view(&row));
        Ok(render::json(StatusCode::OK, &body))
    })
}

/// Shows an entry.
pub(in crate::http) fn show(call: Call) -> Answer {
    Box::pin(async move {
        let row = audit::get(call.flows(), &call.act, call.id()?).await?;
        Ok(render::json(StatusCode::OK, &view(&row)))
    })
}

/// Gives a search whole, one entry a line.
pub(in crate::http) fn export(call: Call) -> Answer {
    Box::pin(async move {
        let (filter, ()) = parse(read_query(call.query.as_deref())?, ())?;
        let export = audit::export(&call.hall.flows, &call.act, filter).await?;
        Ok(render_lines(export))
    })
}

/// Renders an export as a file.
pub(in crate::http::endpoint) fn render_lines(export: Export) -> Reply {
    let mut reply = render::parts(StatusCode::OK, &JSON_LINES, lines(export));
    let headers = reply.headers_mut();
    headers.insert(CONTENT_DISPOSITION, AS_FILE.clone());
    reply
}

/// Lists the checkpoints.
pub(in crate::http) fn checkpoints(call: Call) -> Answer {
    Box::pin(async move {
        let list = call.list(CHECKPOINTS);
        let mut fields = read_query(call.query.as_deref())?;
        let page = list.take_page(&mut fields)?;
        let asked = fields.finish(page)?;
        let listed = audit::checkpoints(call.flows(), &call.act, asked).await?;
        let body = list.render(asked, listed, |one| view_checkpoint(&one));
        Ok(render::json(StatusCode::OK, &body))
    })
}

/// Reads what is searched for beside a page.
fn parse<T>(mut fields: Fields, page: T) -> Result<(AuditFilter, T), Refusal> {
    let filter = AuditFilter {
        subject: take_text(&mut fields, "user"),
        client: take_text(&mut fields, "client"),
        actor: take_text(&mut fields, "actor"),
        event: take_text(&mut fields, "event"),
        success: take_outcome(&mut fields),
        from: take_instant(&mut fields, "from"),
        until: take_instant(&mut fields, "to"),
    };
    fields.finish((filter, page))
}

fn take_text(fields: &mut Fields, name: &'static str) -> Option<String> {
    let text = fields.optional_text(name)?;
    if !(1..=MAX_TEXT).contains(&text.len()) {
        fields.refuse(name, "must be 1 to 256 bytes");
    }
    Some(text)
}

fn take_outcome(fields: &mut Fields) -> Option<bool> {
    match fields.optional_text("outcome")?.as_str() {
        "success" => return Some(true),
        "failure" => return Some(false),
        _ => fields.refuse("outcome", "must be success or failure"),
    }
    None
}

fn take_instant(fields: &mut Fields, name: &'static str) -> Option<UnixMillis> {
    let instant = fields.optional_text(name)?.parse().ok();
    if instant.is_none() {
        fields.refuse(name, "must be an instant such as 2026-01-31T12:00:00Z");
    }
    instant
}

/// Writes an export part by part.
fn lines(export: Export) -> Parts {
    Box::pin(stream::try_unfold(export, async |mut export| {
        let rows = export.next().await.inspect_err(note)?;
        Ok(rows.map(|rows| (write_lines(&rows), export)))
    }))
}

fn write_lines(rows: &[AuditRow]) -> Bytes {
    let mut text = String::new();
    for row in rows {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", view(row));
    }
    text.into()
}

/// The status was sent long ago: the answer breaks off, and the log says why.
fn note(fault: &Fault) {
    tracing::warn!(%fault, "an export of the audit trail broke off");
}

fn view(row: &AuditRow) -> Value {
    let mut members = Map::new();
    members.insert("id".to_owned(), row.seq.into());
    members.insert("at".to_owned(), row.at.to_string().into());
    let fields = row.fields.as_object().into_iter().flatten();
    members.extend(fields.map(|(name, value)| (name.clone(), value.clone())));
    members.insert("chain_no".to_owned(), row.chain_no.into());
    let seal = row.seal.map(|seal| hexadecimal(&seal));
    members.insert("seal".to_owned(), seal.into());
    members.into()
}

fn view_checkpoint(one: &Checkpoint) -> Value {
    json!({
        "tenant_id": one.tenant,
        "chain_no": one.head.chain_no,
        "seal": hexadecimal(&one.head.seal),
        "at": one.at.to_string(),
        "signature": hexadecimal(&one.signature),
        "purged": one.purged.is_some(),
    })
}

/// Writes bytes in hexadecimal digits.
pub(in crate::http::endpoint) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<AuditFilter, Vec<String>> {
        let fields = read_query(Some(query)).expect("a query");
        let names = |refusal: Refusal| {
            let wrong = refusal.fields.iter().map(|wrong| wrong.field.to_string());
            wrong.collect::<Vec<_>>()
        };
        parse(fields, ()).map(|(filter, ())| filter).map_err(names)
    }

    #[test]
    fn what_is_searched_for_is_read_by_name() {
        let filter = read(
            "user=u&client=c&actor=a&event=login.failed&outcome=failure\
                           &from=2026-01-31T12:00:00Z&to=2026-02-01T12:00:00%2B01:00",
        );
        let filter = filter.expect("read");
        assert_eq!(filter.subject.as_deref(), Some("u"));
        assert_eq!(filter.success, Some(false));
        assert!(filter.from < filter.until);
        assert_eq!(read(""), Ok(AuditFilter::default()));
    }

    #[test]
    fn nonsense_and_typos_are_refused_by_name() {
        for (query, name) in [
            ("outcome=maybe", "outcome"),
            ("from=yesterday", "from"),
            ("to=1700000000", "to"),
            ("usr=x", "usr"),
        ] {
            assert_eq!(read(query), Err(vec![name.to_owned()]), "{query}");
        }
    }
}
