//! Looking at a password once, paid for: what sign-in and password change have in common.
//!
//! The order keeps guesses counted and durations equal: the network's failures, the account's price,
//! the stored password, one hash, the verdict. An account that does not exist takes every step that
//! one that does takes (NIST SP 800-63B-4 §3.2.2, OWASP ASVS 5.0 §6.3.8).

use std::time::Duration;

use actors::attempts::{Claimed, Ticket};
use actors::deadline::Deadline;
use domain::attempt::{AttemptKey, AttemptKeys};
use domain::email::EmailAddress;
use domain::event::Entry;
use domain::id::TenantId;
use domain::rejection::{Code, Fault, Refusal, Rejection};
use domain::time::UnixMillis;
use domain::user::User;
use protocol::system_secrets::{Label, SystemSecrets};
use tokio::time::timeout;

use super::{Act, Flows, PATIENCE};

/// How long an answer waits for a price to be given back. It goes on being given back after that.
const REFUND_WITHIN: Duration = Duration::from_millis(200);

/// What a claim to look at a password came to.
pub(crate) enum Turn {
    /// Look once, and say what became of it.
    Granted(Ticket),
    /// The password is disabled until it is reset. Look at a dummy, so that nobody can tell.
    Disabled,
}

/// Names the account that a typed address belongs to, whether or not it exists or is an address at
/// all. Two spellings of one address give one name, under each of the secrets.
#[must_use]
pub fn attempt_keys(secrets: &SystemSecrets, tenant: TenantId, typed: &str) -> AttemptKeys {
    let mut message = tenant.as_uuid().as_bytes().to_vec();
    if let Ok(address) = EmailAddress::parse(typed) {
        message.extend_from_slice(address.key().as_bytes());
    } else {
        // No address contains a NUL, so no text that is none can name another's account.
        message.push(0);
        message.extend_from_slice(typed.as_bytes());
    }
    let (newest, older) = secrets.signatures(Label::AttemptKey, &message);
    AttemptKeys {
        newest: AttemptKey(newest),
        older: older.into_iter().map(AttemptKey).collect(),
    }
}

/// Refuses a network whose people failed too often, then pays for one look at an account's password.
///
/// # Errors
/// 429 with the time to wait, the same for accounts that exist and those that do not; or a fault.
pub(crate) async fn claim(flows: &Flows, act: &Act, keys: AttemptKeys) -> Result<Turn, Rejection> {
    if let Some(network) = act.network {
        let judged = flows.limits.check_failures(network, act.deadline).await?;
        judged.map_err(|rest| too_many().retry_after(rest))?;
    }
    let claimed = flows
        .attempts
        .claim(act.tenant.id, keys, act.now, act.deadline);
    match claimed.await? {
        Claimed::Granted(ticket) => Ok(Turn::Granted(ticket)),
        Claimed::Disabled => Ok(Turn::Disabled),
        Claimed::Delayed { until } => Err(delayed(until, act.now).into()),
    }
}

/// Counts a wrong password against the network and writes the audit entry, whether the look was paid
/// for or the password is disabled: the trail shows who goes on guessing, and it takes as long.
///
/// # Errors
/// A fault; the price of the look stays paid all the same.
pub(crate) async fn fail(
    flows: &Flows,
    act: &Act,
    ticket: Option<Ticket>,
    entry: Entry,
) -> Result<(), Fault> {
    let written = async {
        match ticket {
            Some(ticket) => ticket.fail(entry, act.deadline).await,
            None => act.wait(flows.audit.append(vec![entry])).await,
        }
    };
    let counted = async {
        match act.network {
            Some(network) => flows.limits.record_failure(network, act.deadline).await,
            None => Ok(()),
        }
    };
    let (written, counted) = tokio::join!(written, counted);
    written.and(counted)
}

/// Gives the price of a look back after `cause`: the password was not looked at, or it was right and
/// no session follows. Failing to costs the person one of their tries, nothing more.
pub(crate) async fn refund(act: &Act, ticket: Option<Ticket>, cause: Option<&Fault>) {
    let Some(ticket) = ticket else {
        return;
    };
    if let Some(fault @ Fault::Store(_)) = cause {
        // Whoever is told of an outage has waited for the store already.
        ticket.strand(fault.clone(), act.deadline);
        return;
    }
    // Not by the request's deadline: a request that came too late gets its try back as well.
    let refund = ticket.refund(Deadline::after(PATIENCE));
    if let Ok(Err(fault)) = timeout(REFUND_WITHIN, refund).await {
        tracing::warn!(%fault, "a sign-in attempt could not be refunded");
    }
}

/// Forgets a person's failures: they just proved themselves, and no session begins whose commit
/// would. Failing to leaves the count as it is.
pub(crate) async fn clear(flows: &Flows, act: &Act, user: &User) {
    let keys = attempt_keys(&flows.secrets, act.tenant.id, user.email.as_str());
    forget(flows, act, keys).await;
}

/// Forgets what was counted under a name, as [`clear`] does for a password.
pub(crate) async fn forget(flows: &Flows, act: &Act, keys: AttemptKeys) {
    let cleared = flows.attempts.clear(act.tenant.id, keys, act.deadline);
    if let Err(fault) = cleared.await {
        tracing::warn!(%fault, "failed sign-ins could not be forgotten");
    }
}

fn delayed(until: UnixMillis, now: UnixMillis) -> Refusal {
    too_many().retry_after(until.since(now))
}

fn too_many() -> Refusal {
    Refusal::new(
        Code::RateLimited,
        "Too many failed sign-ins. Try again later.",
    )
}

#[cfg(test)]
mod tests {
    use domain::random::Counting;
    use domain::secret::SecretBytes;

    use super::*;

    fn secrets() -> SystemSecrets {
        SystemSecrets::new(&[SecretBytes::new(vec![1; 32])]).expect("one secret")
    }

    #[test]
    fn spellings_of_one_address_are_one_account_and_tenants_are_apart() {
        let (all, random) = (secrets(), Counting::default());
        let now = UnixMillis::from_millis(1);
        let (one, two) = (
            TenantId::generate(now, &random),
            TenantId::generate(now, &random),
        );
        let key = |tenant, text| attempt_keys(&all, tenant, text);
        assert_eq!(key(one, "Ada@Example.org"), key(one, " ada@example.org "));
        assert_ne!(key(one, "ada@example.org"), key(two, "ada@example.org"));
        assert_ne!(key(one, "no address"), key(one, "another"));
    }

    #[test]
    fn an_account_keeps_its_older_names_while_their_secrets_are_listed() {
        let secret = |byte| SecretBytes::new(vec![byte; 32]);
        let before = secrets();
        let after = SystemSecrets::new(&[secret(2), secret(1)]).expect("two secrets");
        let tenant = TenantId::generate(UnixMillis::from_millis(1), &Counting::default());
        let keys = attempt_keys(&after, tenant, "ada@example.org");
        let old = attempt_keys(&before, tenant, "ada@example.org");
        assert_eq!(keys.older, [old.newest]);
        assert!(old.older.is_empty() && keys.newest != old.newest);
    }

    #[test]
    fn the_wait_is_told_from_now() {
        let now = UnixMillis::from_seconds(100);
        let until = UnixMillis::from_seconds(104);
        let refusal = delayed(until, now);
        assert_eq!(refusal.code, Code::RateLimited);
        assert_eq!(refusal.retry_after, Some(std::time::Duration::from_secs(4)));
    }
}
