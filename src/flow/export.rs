//! Everything that is kept of a person, for themselves (GDPR Articles 15 and 20).
//!
//! No secret, no hash and nothing of other people is in it: what the store keeps to check a password or a
//! factor says nothing of the person, and an operator who acted is told of as one. That somebody took
//! the data along is itself written down first, and told among what happened.

use domain::event::EventKind;
use domain::factor::Factors;
use domain::id::UserId;
use domain::identity::ExternalIdentity;
use domain::page::{MAX_PER_PAGE, PageRequest, PageStart};
use domain::rejection::Rejection;
use domain::time::UnixMillis;
use domain::user::User;
use protocol::assurance::Level;

use super::account::AccountHolder;
use super::activity::{self, Happened};
use super::admin::users::get;
use super::consents::{self, Allowed};
use super::fresh::Fresh;
use super::mfa::{self, actor};
use super::sessions::{self, OwnSessions};
use super::{Act, Flows};

/// What is kept of a person.
#[derive(Debug, Clone)]
pub struct Export {
    /// Their account.
    pub user: User,
    /// When their password was set, if they have one.
    pub password_set_at: Option<UnixMillis>,
    /// What they bound beside it.
    pub bound: Factors,
    /// What other issuers call them.
    pub identities: Vec<ExternalIdentity>,
    /// Where they are signed in.
    pub sessions: OwnSessions,
    /// What they allowed whom.
    pub allowed: Vec<Allowed>,
    /// What happened to the account, newest first.
    pub activity: Vec<Happened>,
    /// How much happened to it altogether.
    pub activity_total: u64,
}

/// The most that is told of what happened: as many pages as are read for one export.
const MOST_PAGES: usize = 100;

/// Gathers what is kept of a person.
///
/// # Errors
/// A fault when the store is away.
pub async fn export(
    flows: &Flows,
    act: &Act,
    fresh: Fresh,
    person: AccountHolder,
) -> Result<Export, Rejection> {
    let entry = act.entry_by(actor(&fresh.user), EventKind::UserExported);
    let told = flows.audit.append(vec![entry.about(&fresh.user.id)]);
    act.wait(told).await?;
    gather(flows, act, fresh, person).await
}

/// Gathers for an operator what is kept of a person: what they would be given themselves.
///
/// # Errors
/// 404 when there is no such account; or a fault.
pub async fn of_another(flows: &Flows, act: &Act, user: UserId) -> Result<Export, Rejection> {
    let user = get(flows, act, user).await?;
    let entry = act.entry(EventKind::UserExported).about(&user.id);
    act.wait(flows.audit.append(vec![entry])).await?;
    let bound = mfa::load(flows, act, user.id).await?;
    let person = AccountHolder {
        user: user.id,
        session: None,
        level: Level::Aal1,
    };
    gather(flows, act, Fresh { user, bound }, person).await
}

async fn gather(
    flows: &Flows,
    act: &Act,
    fresh: Fresh,
    person: AccountHolder,
) -> Result<Export, Rejection> {
    let found = flows.users.load_password(act.tenant.id, fresh.user.id);
    let password = act.wait(found).await?.and_then(|found| found.password);
    let identities = flows
        .identities
        .list_identities(act.tenant.id, fresh.user.id);
    let (activity, activity_total) = load_activity(flows, act, person).await?;
    Ok(Export {
        password_set_at: password.map(|password| password.set_at),
        identities: act.wait(identities).await?,
        sessions: sessions::list(flows, act, person).await?,
        allowed: consents::list(flows, act, person.user).await?,
        user: fresh.user,
        bound: fresh.bound,
        activity,
        activity_total,
    })
}

async fn load_activity(
    flows: &Flows,
    act: &Act,
    person: AccountHolder,
) -> Result<(Vec<Happened>, u64), Rejection> {
    let (mut all, mut total) = (Vec::new(), 0);
    let mut start = PageStart::Number(1);
    for _ in 0..MOST_PAGES {
        let per_page = MAX_PER_PAGE;
        let page = activity::list(flows, act, person, PageRequest { start, per_page }).await?;
        all.extend(page.items);
        total = page.total;
        match page.next {
            Some(id) => start = PageStart::After(id),
            None => break,
        }
    }
    Ok((all, total))
}
