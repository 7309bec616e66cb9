//! What a test does to the store of a house that runs: takes a table away, or refuses what is written to
//! one. Either is an outage of exactly the step that needs the table, on every backend.

use rusqlite::Connection;
use tokio_postgres::{Config, NoTls};

use super::House;

/// What is done to a table.
#[derive(Clone, Copy, Debug)]
pub enum Harm {
    /// It can neither be read nor written.
    Away(&'static str),
    /// It can be read, and nothing can be written to it.
    Fixed(&'static str),
}

// === impl House ===

impl House {
    /// Does harm to the store.
    pub async fn harm(&self, harm: Harm) {
        match harm {
            Harm::Away(table) => self.run(&rename(table, &away(table))).await,
            Harm::Fixed(table) if self.is_embedded() => {
                for verb in VERBS {
                    self.run(&format!(
                        "CREATE TRIGGER harm_{verb} BEFORE {verb} ON {table}
                         BEGIN SELECT RAISE(ABORT, 'a test refuses it'); END"
                    ))
                    .await;
                }
            }
            Harm::Fixed(table) => {
                self.run(REFUSE).await;
                self.run(&format!(
                    "CREATE TRIGGER harm BEFORE INSERT OR UPDATE OR DELETE ON {table}
                     FOR EACH STATEMENT EXECUTE FUNCTION harm()"
                ))
                .await;
            }
        }
    }

    /// Undoes it.
    pub async fn heal(&self, harm: Harm) {
        match harm {
            Harm::Away(table) => self.run(&rename(&away(table), table)).await,
            Harm::Fixed(_) if self.is_embedded() => {
                for verb in VERBS {
                    self.run(&format!("DROP TRIGGER harm_{verb}")).await;
                }
            }
            Harm::Fixed(table) => self.run(&format!("DROP TRIGGER harm ON {table}")).await,
        }
    }

    /// Does what somebody could who got at the store itself.
    pub async fn tamper(&self, statement: &str) {
        self.run(statement).await;
    }

    /// How many rows a table has.
    pub async fn count_rows(&self, table: &str) -> i64 {
        let query = format!("SELECT COUNT(*) FROM {table}");
        if self.is_embedded() {
            let counted = self.connection().query_row(&query, [], |row| row.get(0));
            return counted.expect("a count");
        }
        let config = self.config();
        let (session, connection) = config.connect(NoTls).await.expect("PostgreSQL");
        let work = async move {
            session
                .query_one(&query, &[])
                .await
                .expect("a count")
                .get(0)
        };
        let (count, _) = tokio::join!(work, connection);
        count
    }

    fn is_embedded(&self) -> bool {
        !self.settings.contains_key("POSTGRES_HOST")
    }

    async fn run(&self, statement: &str) {
        if self.is_embedded() {
            let ran = self.connection().execute_batch(statement);
            return ran.expect("the statement runs");
        }
        let config = self.config();
        let (session, connection) = config.connect(NoTls).await.expect("PostgreSQL");
        let work = async move {
            let ran = session.batch_execute(statement).await;
            ran.expect("the statement runs");
        };
        let ((), _) = tokio::join!(work, connection);
    }

    fn connection(&self) -> Connection {
        let path = self.directory.path().join("auth.db");
        let connection = Connection::open(path).expect("the file");
        let patience = crate::patience::PATIENCE;
        connection.busy_timeout(patience).expect("a setting");
        connection
    }

    fn config(&self) -> Config {
        let told = |name: &str| self.settings.get(name).expect(name).as_str();
        let mut config = Config::new();
        config.host(told("POSTGRES_HOST"));
        config.port(told("POSTGRES_PORT").parse().expect("a port"));
        config.user(told("POSTGRES_USER"));
        config.password(told("POSTGRES_PASSWORD"));
        config.dbname(told("POSTGRES_DB"));
        config
    }
}

const VERBS: [&str; 3] = ["INSERT", "UPDATE", "DELETE"];

/// As a disk that fails: an outage, and no mistake of whoever asks.
const REFUSE: &str = "CREATE OR REPLACE FUNCTION harm() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'a test refuses it' USING ERRCODE = '58030'; END $$";

fn away(table: &str) -> String {
    format!("{table}_away")
}

fn rename(from: &str, to: &str) -> String {
    format!("ALTER TABLE {from} RENAME TO {to}")
}
