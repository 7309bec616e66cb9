//! The claims that only a server which dies, freezes or forgets can put to the test.

use std::time::{Duration, Instant};

use domain::rejection::Fault;
use libtest_mimic::{Failed, Trial};
use store::port::Health;
use store::port::shared::Shared;
use store::redis::Redis;
use tokio::task::JoinSet;

use crate::server::{Server, options, options_with_password};
use crate::{Verdict, hold, trial};

const LONG: Duration = Duration::from_mins(10);

/// How long calls take. The promise is 800 ms; the best of three tries is held to it, with some more
/// for a loaded machine.
const ANSWER_LIMIT: Duration = Duration::from_millis(1_500);

/// The longest any call may take, on any machine.
const ANSWER_AT_WORST: Duration = Duration::from_secs(6);

/// How long recovery may take before the claim fails.
const RECOVERY_LIMIT: Duration = Duration::from_secs(15);

/// How many call at once.
const BURST: u64 = 200;

macro_rules! claims {
    ($($name:ident),* $(,)?) => {
        vec![$(trial(format!("outage::{}", stringify!($name)), $name)),*]
    };
}

/// Makes a trial of each claim.
pub(crate) fn trials() -> Vec<Trial> {
    claims![
        a_stopped_server_is_a_fault_and_a_restarted_one_is_used_again,
        a_frozen_server_is_a_fault_and_a_thawed_one_is_used_again,
        a_server_that_is_not_up_yet_is_no_reason_not_to_start,
        a_server_that_forgets_everything_is_used_on,
        a_kept_link_is_whole_again_before_a_caller_needs_it,
        a_burst_of_callers_is_served_by_one_connection,
        a_password_is_used_and_never_shown,
        a_plain_server_is_a_fault_where_tls_is_demanded,
    ]
}

fn link(server: &Server) -> Result<Redis, Fault> {
    Redis::connect(&options(server.port()))
}

async fn count(redis: &Redis) -> Result<u64, Fault> {
    Ok(redis.count("key".to_owned(), LONG).await?.0)
}

/// Every verb fails as a store does, and soon.
async fn every_verb_fails_soon(redis: &Redis) -> Verdict {
    let mut spans = Vec::new();
    for _ in 0..3 {
        let took = every_verb_fails(redis).await?;
        hold(took < ANSWER_AT_WORST, format!("it took {took:?}"))?;
        if took < ANSWER_LIMIT {
            return Ok(());
        }
        spans.push(took);
    }
    hold(false, format!("each time it took long: {spans:?}"))
}

/// Every verb fails as a store does; says how long that took.
async fn every_verb_fails(redis: &Redis) -> Result<Duration, Failed> {
    let key = || "key".to_owned();
    let started = Instant::now();
    let faults = tokio::join!(
        async { redis.count(key(), LONG).await.err() },
        async { redis.peek(key()).await.err() },
        async { redis.forget(key()).await.err() },
        async { redis.claim(key(), LONG).await.err() },
        async { redis.check().await.err() },
    );
    let took = started.elapsed();
    for fault in [faults.0, faults.1, faults.2, faults.3, faults.4] {
        hold(
            matches!(fault, Some(Fault::Store(_))),
            format!("not a fault of the store: {fault:?}"),
        )?;
    }
    Ok(took)
}

/// Waits until Redis is used again.
async fn until_served(redis: &Redis) -> Verdict {
    let started = Instant::now();
    while let Err(fault) = count(redis).await {
        hold(
            started.elapsed() < RECOVERY_LIMIT,
            format!("no recovery: {fault}"),
        )?;
    }
    Ok(())
}

async fn a_stopped_server_is_a_fault_and_a_restarted_one_is_used_again() -> Verdict {
    let mut server = Server::start(&[])?;
    let redis = link(&server)?;
    hold(count(&redis).await? == 1, "it does not count")?;
    server.kill();
    every_verb_fails_soon(&redis).await?;
    server.run()?;
    until_served(&redis).await
}

async fn a_frozen_server_is_a_fault_and_a_thawed_one_is_used_again() -> Verdict {
    let server = Server::start(&[])?;
    let redis = link(&server)?;
    hold(count(&redis).await? == 1, "it does not count")?;
    server.signal("STOP")?;
    every_verb_fails_soon(&redis).await?;
    every_verb_fails_soon(&redis).await?;
    server.signal("CONT")?;
    until_served(&redis).await
}

async fn a_server_that_is_not_up_yet_is_no_reason_not_to_start() -> Verdict {
    let mut server = Server::prepare(&[])?;
    let redis = link(&server)?;
    every_verb_fails_soon(&redis).await?;
    server.run()?;
    hold(count(&redis).await? == 1, "it does not count")
}

async fn a_server_that_forgets_everything_is_used_on() -> Verdict {
    let server = Server::start(&[])?;
    let redis = link(&server)?;
    count(&redis).await?;
    let mut other = server
        .client()?
        .get_connection()
        .map_err(|error| error.to_string())?;
    for words in [["FLUSHALL", "SYNC"], ["SCRIPT", "FLUSH"]] {
        let flushed: redis::RedisResult<()> = redis::cmd(words[0]).arg(words[1]).query(&mut other);
        flushed.map_err(|error| error.to_string())?;
    }
    hold(count(&redis).await? == 1, "a flushed count went on")?;
    hold(count(&redis).await? == 2, "it does not count any more")
}

/// Tells how many clients the server has beside the one that asks.
fn clients_of(server: &Server) -> Result<usize, String> {
    let list: redis::RedisResult<String> = server
        .client()?
        .get_connection()
        .and_then(|mut other| redis::cmd("CLIENT").arg("LIST").query(&mut other));
    let list = list.map_err(|error| error.to_string())?;
    Ok(list.lines().count().saturating_sub(1))
}

async fn a_kept_link_is_whole_again_before_a_caller_needs_it() -> Verdict {
    let mut server = Server::start(&[])?;
    let redis = link(&server)?;
    count(&redis).await?;
    let mut supervisor = JoinSet::new();
    supervisor.spawn(redis.keep_link());
    server.kill();
    server.run()?;
    let started = Instant::now();
    while clients_of(&server)? == 0 {
        hold(started.elapsed() < RECOVERY_LIMIT, "it does not reconnect")?;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    hold(count(&redis).await? == 1, "it does not count")
}

async fn a_burst_of_callers_is_served_by_one_connection() -> Verdict {
    let server = Server::start(&[])?;
    let redis = link(&server)?;
    let mut callers = JoinSet::new();
    for _ in 0..BURST {
        let redis = redis.clone();
        callers.spawn(async move { count(&redis).await });
    }
    for answer in callers.join_all().await {
        answer?;
    }
    hold(count(&redis).await? == BURST + 1, "some were not counted")?;
    let clients = clients_of(&server)?;
    hold(clients == 1, format!("{clients} connections were opened"))
}

async fn a_password_is_used_and_never_shown() -> Verdict {
    let server = Server::start(&["--requirepass", "right-password"])?;
    let right = Redis::connect(&options_with_password(server.port(), "right-password"))?;
    hold(count(&right).await? == 1, "it does not count")?;
    let options = options_with_password(server.port(), "wrong-password");
    let fault = count(&Redis::connect(&options)?).await.err();
    let shown = format!("{options:?} {fault:?}");
    hold(
        matches!(fault, Some(Fault::Store(_))) && !shown.contains("wrong-password"),
        format!("not as it should be: {shown}"),
    )
}

async fn a_plain_server_is_a_fault_where_tls_is_demanded() -> Verdict {
    let server = Server::start(&[])?;
    let mut options = options(server.port());
    options.tls = true;
    every_verb_fails_soon(&Redis::connect(&options)?).await
}
