//! The embedded store under test.

use std::any::Any;
use std::path::{Path, PathBuf};

use domain::event::EventKind;
use domain::rejection::Fault;
use futures_util::future::{BoxFuture, join_all};
use libtest_mimic::Trial;
use store::contract::fixture::{World, at, bytes};
use store::port::Ports;
use store::port::authorizations::CodeIssue;
use store::port::sessions::{Redeemed, Rotation};
use store::sqlite::Sqlite;
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::backend;

/// Lists the trials of this backend.
pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = backend::trials("sqlite", open);
    trials.extend([
        backend::trial("sqlite::what_was_answered_survives_a_reopening", survives),
        backend::trial("sqlite::a_file_in_use_is_refused", refuses),
        backend::trial("sqlite::files_are_readable_by_their_owner_alone", private),
        backend::trial("sqlite::concurrent_callers_share_commits", groups),
    ]);
    trials
}

fn open() -> BoxFuture<'static, (Ports, Box<dyn Any + Send>)> {
    Box::pin(async {
        let directory = tempfile::tempdir().unwrap();
        let (sqlite, task) = start(&file(&directory));
        let guard: Box<dyn Any + Send> = Box::new((task, directory));
        (sqlite.ports(), guard)
    })
}

fn file(directory: &TempDir) -> PathBuf {
    directory.path().join("auth.db")
}

/// Opens and migrates a file and runs its writer.
fn start(path: &Path) -> (Sqlite, JoinSet<()>) {
    let sqlite = Sqlite::open(path).unwrap();
    sqlite.migrate().unwrap();
    let mut task = JoinSet::new();
    task.spawn(sqlite.serve_writes());
    (sqlite, task)
}

async fn survives() {
    let directory = tempfile::tempdir().unwrap();
    let (sqlite, mut task) = start(&file(&directory));
    let world = World::new(sqlite.ports()).await;
    let user = world.register("ada@example.org").await;
    let (session, family) = world.sign_in(user.id).await;
    let turn = world.turn(&family, 1, at(1));
    world.ports.sessions.rotate_refresh(turn).await.unwrap();
    let (tenant, key) = (world.tenant, bytes());
    assert_eq!(
        world.ports.spent.claim_id(tenant, key, at(60)).await,
        Ok(true)
    );
    let code = world.code(&session, at(1));
    let issued = world.ports.authorizations.issue_code(code.clone()).await;
    assert_eq!(issued, Ok(CodeIssue::Issued));
    let trail = world.trail().await;
    drop((world, sqlite));
    task.shutdown().await;

    let (sqlite, _task) = start(&file(&directory));
    let ports = sqlite.ports();
    let world = World { ports, tenant };
    assert_eq!(world.trail().await, trail);
    let found = world.ports.users.load_user(tenant, user.id).await;
    assert_eq!(found.unwrap(), Some(user));
    assert_eq!(
        world.ports.spent.claim_id(tenant, key, at(60)).await,
        Ok(false)
    );
    let order = world.redemption(&code, &session, at(2));
    let redeemed = world.ports.sessions.redeem_code(order).await.unwrap();
    assert!(matches!(redeemed, Redeemed::Granted(_)), "{redeemed:?}");
    let turn = world.turn(&family, 2, at(2));
    let Rotation::Granted(granted) = world.ports.sessions.rotate_refresh(turn).await.unwrap()
    else {
        panic!("the family goes on")
    };
    assert_eq!(
        (granted.family.generation, granted.session.id),
        (3, session.id)
    );
}

async fn refuses() {
    let directory = tempfile::tempdir().unwrap();
    let first = Sqlite::open(&file(&directory)).unwrap();
    let Err(Fault::Store(why)) = Sqlite::open(&file(&directory)) else {
        panic!("a second process is refused")
    };
    assert!(why.contains("another process is using it"), "{why}");
    drop(first);
    Sqlite::open(&file(&directory)).unwrap();
}

async fn private() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().unwrap();
    let (sqlite, _task) = start(&file(&directory));
    World::new(sqlite.ports()).await;
    let files: Vec<_> = directory
        .path()
        .read_dir()
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(files.len() >= 3, "the file, its log and its lock");
    for file in files {
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.path().display());
    }
}

async fn groups() {
    let directory = tempfile::tempdir().unwrap();
    let (sqlite, mut task) = start(&file(&directory));
    let world = World::new(sqlite.ports()).await;
    let ada = world.register("ada@example.org").await.id;
    let bob = world.register("bob@example.org").await.id;
    let before = sqlite.written();
    let users = (0..100).flat_map(|_| [ada, bob]);
    // Everybody has asked before the writer goes on.
    task.shutdown().await;
    let signed = join_all(users.map(|user| world.sign_in(user)));
    let go_on = async {
        task.spawn(sqlite.serve_writes());
    };
    let (signed, ()) = tokio::join!(biased; signed, go_on);
    let after = sqlite.written();
    assert_eq!(after.orders - before.orders, 200);
    assert!(after.commits - before.commits <= 20, "{after:?}");
    assert_eq!(signed.len(), 200);
    assert_eq!(world.count_events(EventKind::LoginSucceeded).await, 100);
}
