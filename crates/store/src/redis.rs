//! Short-lived state in Redis: the backend of [`Shared`] for any number of nodes.
//!
//! Every verb is one command or one script, so Redis itself makes it atomic, and every call ends
//! within [`CALL_LIMIT`]: with an answer, or with [`Fault::Store`] when Redis is down, stalled or
//! unreachable. Nothing needs restarting afterwards; `link` says how the connection comes back.
//!
//! Keys are `auth:count:{…}` and `auth:claim:{…}`. The braces make the caller's key the hash tag,
//! so that on a cluster whatever is kept under one key lives on one shard.
//!
//! Losing Redis' contents (a crash, a flush, an eviction) loses counts and claims, which the port
//! allows. A verb that failed may have happened: a count may be one too high, a claim may be held
//! by nobody until it ends. Both err on the strict side.
//!
//! Run [`Redis::keep_link`] under a supervisor. Next: `link`, then [`crate::memory`] for the same
//! port within one process.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use domain::rejection::Fault;
use domain::secret::SecretText;
use redis::{Script, Value};

use crate::port::shared::Shared;
use crate::port::{Health, Pending};

mod link;

use link::Link;

/// How long one call may take, connecting included.
pub const CALL_LIMIT: Duration = Duration::from_millis(800);

/// How often [`Redis::keep_link`] asks whether Redis is there.
const PING_INTERVAL: Duration = Duration::from_secs(1);

/// The longest window Redis is asked for, ten years: it refuses instants that overflow.
const LONGEST_WINDOW_MS: u64 = 10 * 366 * 24 * 60 * 60 * 1000;

/// Counts one and opens a window if none is open. A key without an end, which nothing of ours
/// leaves behind, gets one here instead of counting for ever.
const COUNT: &str = "
local count = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  left = tonumber(ARGV[1])
end
return {count, left}";

/// Reads a count and what is left of its window as one step.
const PEEK: &str = "
local count = redis.call('GET', KEYS[1])
if not count then return {0, 0} end
return {tonumber(count), redis.call('PTTL', KEYS[1])}";

/// Where Redis is and how to speak to it.
#[derive(Debug, Clone)]
pub struct RedisOptions {
    /// The host name or address; on a cluster, of any node.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// The password of the default user, if it has one.
    pub password: Option<SecretText>,
    /// The number of the database; a cluster has only 0.
    pub database: i64,
    /// Whether to speak TLS and judge the server's certificate.
    pub tls: bool,
    /// Whether the server is a Redis cluster.
    pub cluster: bool,
}

/// Counts and claims that nodes share through Redis. A clone is another handle to the same link.
#[derive(Clone)]
pub struct Redis {
    link: Arc<Link>,
    scripts: Arc<Scripts>,
}

struct Scripts {
    count: Script,
    peek: Script,
}

impl Redis {
    /// Prepares a link without using it: the first call connects, so Redis need not be up yet.
    ///
    /// # Errors
    /// [`Fault::Broken`] if the options contradict themselves.
    pub fn connect(options: &RedisOptions) -> Result<Self, Fault> {
        Ok(Self {
            link: Arc::new(Link::new(options)?),
            scripts: Arc::new(Scripts {
                count: Script::new(COUNT),
                peek: Script::new(PEEK),
            }),
        })
    }

    /// Pings Redis each second and never ends. A dead connection is so found and replaced before a
    /// caller meets it, and an outage is logged once when it begins and once when it is over.
    ///
    /// # Cancel safety
    /// May be dropped at any time; callers then find out for themselves.
    pub fn keep_link(&self) -> impl Future<Output = ()> + Send + 'static {
        let redis = self.clone();
        async move {
            let mut reachable = true;
            loop {
                reachable = redis.note_reachability(reachable).await;
                tokio::time::sleep(PING_INTERVAL).await;
            }
        }
    }

    /// Opens the link if need be, pings once, logs a change, and tells whether Redis answered.
    async fn note_reachability(&self, before: bool) -> bool {
        match self.open_and_ping().await {
            Ok(()) if !before => tracing::info!("Redis answers again"),
            Err(fault) if before => tracing::warn!(%fault, "Redis does not answer"),
            Ok(()) | Err(_) => return before,
        }
        !before
    }

    async fn open_and_ping(&self) -> Result<(), Fault> {
        self.link.open().await?;
        self.ping().await
    }

    async fn ping(&self) -> Result<(), Fault> {
        // On a cluster each node answers for itself, so the answer has no one form.
        let _pong: Value = self.link.send(&redis::cmd("PING")).await?;
        Ok(())
    }
}

/// Names where the count under `key` is kept.
fn count_key(key: &str) -> String {
    format!("auth:count:{{{key}}}")
}

/// Names where the claim on `key` is kept.
fn claim_key(key: &str) -> String {
    format!("auth:claim:{{{key}}}")
}

/// Gives a window as Redis takes it: whole milliseconds, at least one.
fn millis(window: Duration) -> u64 {
    u64::try_from(window.as_millis())
        .unwrap_or(LONGEST_WINDOW_MS)
        .clamp(1, LONGEST_WINDOW_MS)
}

// === impl Shared ===

impl Shared for Redis {
    fn count(&self, key: String, window: Duration) -> Pending<'_, (u64, Duration)> {
        Box::pin(async move {
            let mut script = self.scripts.count.key(count_key(&key));
            let (count, left) = self.link.run(script.arg(millis(window))).await?;
            Ok((count, Duration::from_millis(left)))
        })
    }

    fn peek(&self, key: String) -> Pending<'_, (u64, Duration)> {
        Box::pin(async move {
            let script = self.scripts.peek.key(count_key(&key));
            let (count, left) = self.link.run(&script).await?;
            Ok((count, Duration::from_millis(left)))
        })
    }

    fn forget(&self, key: String) -> Pending<'_, ()> {
        Box::pin(async move {
            let mut command = redis::cmd("DEL");
            self.link.send(command.arg(count_key(&key))).await
        })
    }

    fn claim(&self, key: String, ttl: Duration) -> Pending<'_, bool> {
        Box::pin(async move {
            let mut command = redis::cmd("SET");
            command.arg(claim_key(&key)).arg(1).arg("NX");
            let answer: Option<String> = self.link.send(command.arg("PX").arg(millis(ttl))).await?;
            Ok(answer.is_some())
        })
    }
}

impl Health for Redis {
    fn check(&self) -> Pending<'_, ()> {
        Box::pin(self.ping())
    }

    fn name(&self) -> &'static str {
        "redis"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_at_least_a_millisecond_and_never_overflows() {
        assert_eq!(millis(Duration::ZERO), 1);
        assert_eq!(millis(Duration::from_secs(2)), 2_000);
        assert_eq!(millis(Duration::MAX), LONGEST_WINDOW_MS);
    }

    #[test]
    fn keys_are_prefixed_and_hash_tagged() {
        assert_eq!(count_key("a:b"), "auth:count:{a:b}");
        assert_eq!(claim_key("a:b"), "auth:claim:{a:b}");
    }
}
