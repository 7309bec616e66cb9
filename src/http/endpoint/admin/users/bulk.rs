//! POST /admin/users/bulk/{lock,unlock,suspend,assign-role}: one thing for up to a hundred accounts →
//! `{affected,results:[{id,status,…}]}`. Flow: [`bulk`].

use domain::id::UserId;
use domain::rejection::{Refusal, Rejection};
use http::StatusCode;
use serde_json::{Value, json};

use super::super::super::{Answer, Call};
use crate::flow::admin::users::bulk::{Bulk, MAX_ACCOUNTS, Row, What, bulk};
use crate::http::fields::Fields;
use crate::http::render::{self, Dialect};

/// Locks accounts: `user_ids`, `reason`.
pub(in crate::http) fn lock(call: Call) -> Answer {
    answer(call, |fields| What::Lock(fields.text("reason")))
}

/// Suspends accounts: `user_ids`, `reason`.
pub(in crate::http) fn suspend(call: Call) -> Answer {
    answer(call, |fields| What::Suspend(fields.text("reason")))
}

/// Unlocks accounts: `user_ids`.
pub(in crate::http) fn unlock(call: Call) -> Answer {
    answer(call, |_| What::Unlock)
}

/// Gives accounts a role: `user_ids`, `role`.
pub(in crate::http) fn assign_role(call: Call) -> Answer {
    answer(call, |fields| What::AssignRole(fields.text("role")))
}

fn answer(mut call: Call, what: fn(&mut Fields) -> What) -> Answer {
    Box::pin(async move {
        let message = parse(call.take_fields(), what)?;
        let rows = bulk(call.flows(), &call.act, message).await?;
        Ok(render::json(StatusCode::OK, &view(&rows)))
    })
}

fn parse(mut fields: Fields, what: fn(&mut Fields) -> What) -> Result<Bulk, Refusal> {
    let named = fields.optional_texts("user_ids").unwrap_or_default();
    let users: Option<Vec<UserId>> = named.iter().map(|id| id.parse().ok()).collect();
    if users.is_none() {
        fields.refuse("user_ids", "each must be an account's id");
    }
    if !(1..=MAX_ACCOUNTS).contains(&named.len()) {
        fields.refuse("user_ids", "must be 1 to 100");
    }
    let message = Bulk {
        users: users.unwrap_or_default(),
        what: what(&mut fields),
    };
    fields.finish(message)
}

fn view(rows: &[Row]) -> Value {
    let changed = rows.iter().filter(|row| matches!(row.result, Ok(true)));
    let results: Vec<Value> = rows.iter().map(view_row).collect();
    json!({ "affected": changed.count(), "results": results })
}

fn view_row(row: &Row) -> Value {
    match &row.result {
        Ok(true) => json!({ "id": row.user, "status": "changed" }),
        Ok(false) => json!({ "id": row.user, "status": "unchanged" }),
        Err(rejection) => {
            let (_, code) = render::words_of(rejection, Dialect::FirstParty);
            let error = match rejection {
                Rejection::Refused(refusal) => refusal.hint.as_ref(),
                Rejection::Failed(_) => "It is unknown what came of it. Ask again.",
            };
            json!({ "id": row.user, "status": "refused", "code": code, "error": error })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::json as body;

    fn read(text: &str) -> Result<Bulk, Refusal> {
        let fields = Fields::of_json(body::parse(text.as_bytes()).expect("JSON"), true);
        parse(fields, |_| What::Unlock)
    }

    #[test]
    fn one_to_a_hundred_accounts_are_named_by_their_ids() {
        let id = "018f2b6e-0000-7000-8000-000000000000";
        let of = |count: usize| format!(r#"{{"user_ids":{:?}}}"#, vec![id; count]);
        assert!(read(&of(1)).is_ok() && read(&of(100)).is_ok());
        for text in [
            of(0),
            of(101),
            "{}".to_owned(),
            r#"{"user_ids":["ada"]}"#.to_owned(),
            format!(r#"{{"user_ids":["{id}"],"all":true}}"#),
        ] {
            assert!(read(&text).is_err(), "{text}");
        }
    }
}
