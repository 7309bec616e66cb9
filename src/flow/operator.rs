//! Who acts at the admin door, and in which tenant.
//!
//! A credential counts in its own tenant. That of the default tenant counts in every other too, for who
//! looks after tenants there: whom its rules allow as much on `admin:tenants` as they are about to do, and
//! the thing itself. Nobody else's credential counts anywhere but at home
//! (`docs/decisions/0023-tenants.md`).

use domain::rejection::{Code, Rejection};

use super::allowed::{Access, Powers, require_operator};
use super::caller::{self, Presented};
use super::issuer::issuer_of;
use super::{Act, Flows};

/// The area of the admin door in which tenants are looked after.
const TENANTS: &str = "tenants";

/// Authenticates an operator of one area and notes in the act who it is, and whether they may make
/// operators. Gives what they may do besides.
///
/// # Errors
/// As [`caller::authenticate`] and [`require_operator`].
///
/// # Cancel safety
/// Nothing is changed.
pub(crate) async fn admit(
    flows: &Flows,
    act: &mut Act,
    presented: Presented,
    wanted: (&str, Access),
) -> Result<Powers, Rejection> {
    let home = act_at_home(flows, act);
    let shown = home.as_ref().map(|_| presented.clone());
    let caller = match caller::authenticate(flows, act, presented).await {
        Err(Rejection::Refused(refusal)) if refusal.code == Code::Unauthorized => {
            let Some((home, shown)) = home.zip(shown) else {
                return Err(refusal.into());
            };
            return admit_from_home(flows, act, (&home, shown), wanted).await;
        }
        judged => judged?,
    };
    act.origin.actor = caller.actor();
    let powers = require_operator(flows, act, &caller, wanted).await?;
    act.may_appoint = powers.may_appoint();
    Ok(powers)
}

async fn admit_from_home(
    flows: &Flows,
    act: &mut Act,
    (home, presented): (&Act, Presented),
    wanted: (&str, Access),
) -> Result<Powers, Rejection> {
    let caller = caller::authenticate(flows, home, presented).await?;
    act.origin.actor = caller.actor();
    require_operator(flows, home, &caller, (TENANTS, wanted.1)).await?;
    let powers = require_operator(flows, home, &caller, wanted).await?;
    act.may_appoint = powers.may_appoint();
    Ok(powers)
}

/// Gives the act as it would be in the default tenant; nothing if it is there.
fn act_at_home(flows: &Flows, act: &Act) -> Option<Act> {
    let directory = flows.tenants.directory();
    let default = directory.default_tenant()?;
    if default.id == act.tenant.id {
        return None;
    }
    let mut home = act.clone();
    home.origin.tenant = default.id;
    home.issuer = issuer_of(&flows.settings, default);
    home.tenant = default.clone();
    Some(home)
}
