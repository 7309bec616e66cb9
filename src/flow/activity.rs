//! What happened to one's own account, out of the audit trail.
//!
//! Told are the entries whose subject the person is, without what happens by itself all the time; the
//! store knows which. Who did it is told as far as it is the person's own: where an operator acted, it
//! says so, and neither who nor from where.

use domain::id::UserId;
use domain::page::{Page, PageRequest};
use domain::rejection::Rejection;
use domain::time::UnixMillis;
use serde_json::Value;
use store::port::audit::AuditRow;

use super::account::AccountHolder;
use super::{Act, Flows};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happened {
    /// When.
    pub at: UnixMillis,
    /// What, in the word of the audit trail.
    pub event: String,
    /// Who did it.
    pub by: By,
    /// Whether it succeeded.
    pub is_success: bool,
    /// From which address, unless another's.
    pub address: Option<String>,
    /// With which program, unless another's.
    pub user_agent: Option<String>,
    /// Through which client.
    pub client: Option<String>,
    /// Which factor it is about.
    pub factor: Option<String>,
}

/// Who did something, as far as its subject is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The person.
    Owner,
    /// Whoever it was did not prove who they are.
    Somebody,
    /// An operator.
    Administrator,
    /// A client.
    Application,
    /// The service itself.
    Service,
}

/// Lists what happened to the person's account, newest first.
///
/// # Errors
/// A fault when the store is away.
pub async fn list(
    flows: &Flows,
    act: &Act,
    person: AccountHolder,
    page: PageRequest,
) -> Result<Page<Happened>, Rejection> {
    let listed = rows(flows, act, person.user, page).await?;
    let items = listed
        .items
        .iter()
        .map(|row| Happened::of(row, person.user));
    Ok(Page {
        items: items.collect(),
        total: listed.total,
        next: listed.next,
    })
}

/// Lists what happened to an account, as the trail has it.
///
/// # Errors
/// A fault when the store is away.
pub async fn rows(
    flows: &Flows,
    act: &Act,
    user: UserId,
    page: PageRequest,
) -> Result<Page<AuditRow>, Rejection> {
    let listed = flows.audit.list_activity(act.tenant.id, user, page);
    Ok(act.wait(listed).await?)
}

// === impl Happened ===

impl Happened {
    /// Reads an entry about this account.
    pub(crate) fn of(row: &AuditRow, user: UserId) -> Self {
        let by = By::of(row, user);
        let field = |name: &str| text(&row.fields, name);
        Self {
            at: row.at,
            event: field("event").unwrap_or_default(),
            by,
            is_success: row.fields.get("success") == Some(&Value::Bool(true)),
            address: field("address").filter(|_| by.is_told_where()),
            user_agent: field("user_agent").filter(|_| by.is_told_where()),
            client: field("client_id"),
            factor: row
                .fields
                .get("detail")
                .and_then(|detail| text(detail, "factor")),
        }
    }
}

// === impl By ===

impl By {
    /// Gives the word JSON shows.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Somebody => "somebody",
            Self::Administrator => "administrator",
            Self::Application => "application",
            Self::Service => "service",
        }
    }

    fn of(row: &AuditRow, user: UserId) -> Self {
        let field = |name: &str| text(&row.fields, name).unwrap_or_default();
        match field("actor_type").as_str() {
            "anonymous" => Self::Somebody,
            "user" if field("actor_id") == user.to_string() => Self::Owner,
            "client" => Self::Application,
            "system" => Self::Service,
            // Whoever else acts on an account is an operator, by a key or signed in.
            _ => Self::Administrator,
        }
    }

    /// Says whether the person is told from where it came: an operator's address is the operator's.
    const fn is_told_where(self) -> bool {
        matches!(self, Self::Owner | Self::Somebody)
    }
}

fn text(fields: &Value, name: &str) -> Option<String> {
    let found = fields.get(name).and_then(Value::as_str);
    found.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use domain::id::TenantId;
    use domain::random::Counting;
    use serde_json::json;

    use super::*;

    fn happened(fields: Value, user: UserId) -> Happened {
        let row = AuditRow {
            seq: 1,
            tenant: TenantId::generate(UnixMillis::default(), &Counting::default()),
            at: UnixMillis::default(),
            fields,
            chain_no: None,
            seal: None,
        };
        Happened::of(&row, user)
    }

    #[test]
    fn an_operator_is_told_of_as_one_and_no_more() {
        let random = Counting::default();
        let [user, other] = [1, 2].map(|at| UserId::generate(UnixMillis::from_millis(at), &random));
        for (kind, id, by) in [
            ("user", user.to_string(), By::Owner),
            ("user", other.to_string(), By::Administrator),
            ("api_key", "k-1".to_owned(), By::Administrator),
            ("client", "c-1".to_owned(), By::Application),
            ("system", String::new(), By::Service),
            ("anonymous", String::new(), By::Somebody),
            ("?", String::new(), By::Administrator),
        ] {
            let fields = json!({
                "event": "user.updated", "actor_type": kind, "actor_id": id, "success": true,
                "address": "192.0.2.7", "user_agent": "agent/1",
                "detail": { "factor": "totp", "accepted_by": "k-9" },
            });
            let told = happened(fields, user);
            assert_eq!((told.by, told.is_success), (by, true), "{kind}");
            let is_told = matches!(by, By::Owner | By::Somebody);
            assert_eq!(told.address.is_some(), is_told, "{kind}");
            assert_eq!(told.user_agent.is_some(), is_told, "{kind}");
            assert_eq!(told.factor.as_deref(), Some("totp"));
        }
    }
}
