//! Claims about the log, and when it begins anew.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tempfile::TempDir;

use super::super::folding::Folding;
use super::super::schema;

/// A log this long is full.
const FULL: i32 = 100;
/// How long a test waits for what happens in a moment.
const PATIENCE: Duration = Duration::from_secs(20);

struct File {
    connection: Connection,
    directory: TempDir,
}

impl File {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("auth.db"), []).unwrap();
        let connection = schema::connect_writer(&directory.path().join("auth.db")).unwrap();
        connection
            .execute_batch("CREATE TABLE page (number INTEGER PRIMARY KEY, bytes BLOB) STRICT")
            .unwrap();
        Self {
            connection,
            directory,
        }
    }

    fn begin(&mut self) -> Folding {
        let path = self.directory.path().join("auth.db");
        Folding::begin(path, &mut self.connection, FULL).unwrap()
    }

    /// Commits ten pages.
    fn commit(&self, number: i64) {
        let sql = "INSERT INTO page VALUES (?1, zeroblob(40000))";
        self.connection.execute(sql, [number]).unwrap();
    }

    /// How often the log began anew, as its own head says, and how many pages it ever had at once.
    fn log(&self) -> (u32, u64) {
        let log = fs::read(self.directory.path().join("auth.db-wal")).unwrap();
        let began = log[12..16].try_into().unwrap();
        let pages = u64::try_from(log.len()).unwrap() / (4096 + 24);
        (u32::from_be_bytes(began), pages)
    }
}

#[test]
fn a_full_log_is_folded_beside_the_writer_and_begins_anew() {
    let mut file = File::new();
    let mut folding = file.begin();
    let (before, since) = (file.log().0, Instant::now());
    for number in 0.. {
        file.commit(number);
        folding.look(&file.connection);
        let (began, pages) = file.log();
        if began >= before + 3 {
            break;
        }
        assert!(
            pages < 390,
            "the writer would have to fold all of it: {pages}"
        );
        assert!(
            since.elapsed() < PATIENCE,
            "it began anew {} times",
            began - before
        );
        // So that the thread is not outrun by a writer that answers nobody.
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_log_that_a_reader_keeps_is_folded_when_the_reader_has_gone() {
    let mut file = File::new();
    let mut folding = file.begin();
    let before = file.log().0;
    let reader = schema::connect_reader(&file.directory.path().join("auth.db")).unwrap();
    file.commit(0);
    reader.execute_batch("BEGIN").unwrap();
    let count = |reader: &Connection| -> i64 {
        let sql = "SELECT count(*) FROM page";
        reader.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(count(&reader), 1);
    for number in 1..60 {
        file.commit(number);
        folding.look(&file.connection);
    }
    assert_eq!(count(&reader), 1, "what it began to read");
    assert_eq!(file.log().0, before, "not while it is read");
    reader.execute_batch("COMMIT").unwrap();
    let since = Instant::now();
    for number in 60.. {
        file.commit(number);
        folding.look(&file.connection);
        if file.log().0 > before {
            break;
        }
        assert!(since.elapsed() < PATIENCE, "it never began anew");
        thread::sleep(Duration::from_millis(2));
    }
    assert!(count(&reader) > 60);
}

#[test]
fn a_log_that_nobody_folds_is_folded_by_the_writer() {
    let mut file = File::new();
    let mut folding = file.begin();
    let before = file.log().0;
    folding.stop();
    for number in 0..100 {
        file.commit(number);
        folding.look(&file.connection);
    }
    let (began, pages) = file.log();
    assert!(began > before);
    assert!(pages < 450, "{pages}");
}
