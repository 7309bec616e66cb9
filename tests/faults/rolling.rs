//! Two nodes on one PostgreSQL and one Redis, restarted one after the other under load.

use std::time::Duration;

use libtest_mimic::Trial;

use crate::load::Load;
use crate::process::{Process, Site, Store, setting};
use crate::servers::{self, Server};
use crate::trial_of;

/// Names the binary of an older build, whose schema is older.
const OLD_BUILD: &str = "FAULT_OLD_BINARY";
/// How long a node may take to drain.
const DRAINED_WITHIN: Duration = Duration::from_secs(30);

/// The trials of this file, as far as there are servers for them.
pub fn trials() -> Vec<Trial> {
    if !Store::available().contains(&Store::Postgres) || !servers::has_redis() {
        println!("not run: a rolling restart of two nodes: no PostgreSQL and Redis to share");
        return Vec::new();
    }
    let mut trials = vec![
        trial_of("a_rolling_restart_loses_no_session_and_revives_none", rolls),
        trial_of("a_killed_node_costs_no_session", loses_a_node),
    ];
    if setting(OLD_BUILD).is_some() {
        trials.push(trial_of(
            "two_versions_side_by_side_lose_no_session",
            two_versions,
        ));
    } else {
        // A clone has none: it is named by hand, before a release.
        println!("skipped: two versions side by side: {OLD_BUILD} names no older build");
    }
    trials
}

async fn rolls() {
    let redis = Server::redis();
    let (here, there) = two(&redis).await;
    let load = Load::on(&[&here, &there]).in_order();
    let (mut one, mut other) = (here.start().await.0, there.start().await.0);
    let work = async {
        for _ in 0..2 {
            load.serve(120, Duration::from_secs(30)).await;
            one = restart(&here, one).await;
            load.serve(120, Duration::from_secs(30)).await;
            other = restart(&there, other).await;
        }
        (one, other)
    };
    let _running = load.during(work).await;
    load.hold_to_it(&there, "two nodes, each restarted twice")
        .await;
    load.revoked_stays_revoked(&here).await;
}

/// An upgrade as it is made: one node after the other, the first of the new ones brings the schema up to
/// date under the feet of the old.
async fn two_versions() {
    let old = setting(OLD_BUILD).expect(OLD_BUILD);
    let redis = Server::redis();
    let (here, there) = two(&redis).await;
    let load = Load::on(&[&here, &there]).in_order();
    let one = here.start_build(&old).await;
    let other = there.start_build(&old).await;
    let work = async {
        load.serve(120, Duration::from_secs(30)).await;
        ends(&here, one).await;
        let one = here.start().await.0;
        // Otherwise it shows less than it says.
        let log = here.log();
        let migrated = log.matches("the schema was brought up to date").count();
        assert!(
            migrated == 2,
            "the older build's schema is not older: {log}"
        );
        load.serve(240, Duration::from_secs(30)).await;
        ends(&there, other).await;
        let other = there.start().await.0;
        load.serve(120, Duration::from_secs(30)).await;
        (one, other)
    };
    let _running = load.during(work).await;
    load.hold_to_it(&there, "two nodes, an older version beside a newer")
        .await;
    load.revoked_stays_revoked(&here).await;
}

async fn loses_a_node() {
    let redis = Server::redis();
    let (here, there) = two(&redis).await;
    let load = Load::on(&[&here, &there]);
    let (one, _other) = (here.start().await.0, there.start().await.0);
    let work = async {
        load.serve(200, Duration::from_secs(30)).await;
        one.kill();
        load.serve(200, Duration::from_secs(30)).await;
    };
    load.during(work).await;
    load.hold_to_it(&there, "two nodes, one killed").await;
}

async fn two(redis: &Server) -> (Site, Site) {
    let here = Site::with(Store::Postgres, redis.settings()).await;
    let there = here.twin();
    (here, there)
}

/// Ends a node as an orchestrator does, and starts it again.
async fn restart(site: &Site, process: Process) -> Process {
    ends(site, process).await;
    site.start().await.0
}

async fn ends(site: &Site, process: Process) {
    process.terminate();
    let status = process.exit_status(DRAINED_WITHIN).await;
    assert_eq!(status, Some(0), "{}", site.log());
}
