//! Connections, and the one way to use them: statements sent together as one transaction.
//!
//! [`Pool::run`] and [`Pool::run_all`] send `BEGIN`, the scope, the statements and `COMMIT` without
//! waiting in between. PostgreSQL works through them in order; if one fails it skips the rest and
//! takes `COMMIT` for a rollback, so the connection is always idle once `COMMIT` was answered.
//!
//! A [`Link`] is a connection that is in nobody else's hands. It goes back to the pool only if its
//! last transaction was answered to the end; otherwise (an error of the connection, a deadline, a
//! future that was dropped) it is closed, and the server rolls back what was open.

use std::time::Duration;

use deadpool_postgres::{ClientWrapper, RecyclingMethod, Runtime, TimeoutType, Timeouts};
use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Object, PoolError};
use domain::id::TenantId;
use domain::rejection::Fault;
use futures_util::future::{join_all, join3};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Config, Row, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;
use uuid::Uuid;

use super::scope::{ENTER, Scope};
use super::{PostgresOptions, SslMode};
use failure::Failure;

pub(super) mod failure;

/// A verb's whole time, waiting for a connection included.
const VERB: Duration = Duration::from_millis(1_900);
/// How long a verb waits for another to give a connection back.
const WAIT: Duration = Duration::from_millis(1_500);
/// How long a new connection may take.
const CREATE: Duration = Duration::from_millis(1_500);

/// What every pooled connection is told at its start. The server gives a statement up a little
/// before we would, so that a slow statement does not cost the connection.
const SESSION_OPTIONS: &str = "-c statement_timeout=1700 -c lock_timeout=1500 \
     -c idle_in_transaction_session_timeout=5000 -c jit=off";

/// Asks whether the connected role passes row-level security, and whether it may become the role
/// that cannot. Since PostgreSQL 16 being a member does not imply that one may `SET ROLE`.
const WHO: &str = "
    SELECT me.rolsuper OR me.rolbypassrls,
           coalesce((
               SELECT pg_has_role(session_user, app.oid, CASE
                   WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET'
                   ELSE 'MEMBER'
               END)
               FROM pg_roles AS app
               WHERE app.rolname = 'auth_service_app'
           ), false)
    FROM pg_roles AS me
    WHERE me.rolname = current_user";

/// The value of a statement's parameter.
pub(super) type Parameter<'a> = &'a (dyn ToSql + Sync);

/// The values of a statement's parameters.
pub(super) type Values<'a> = &'a [Parameter<'a>];

/// One statement of a transaction. Its text is constant: prepared statements are cached by it.
#[derive(Clone, Copy)]
pub(super) struct Step<'a> {
    pub(super) sql: &'static str,
    pub(super) values: Values<'a>,
}

/// A bounded number of connections.
pub(super) struct Pool(deadpool_postgres::Pool);

/// A connection in use.
pub(super) struct Link {
    object: Option<Object>,
    /// Whether the last transaction was answered to its end.
    settled: bool,
}

/// Gives the settings of a connection.
pub(super) fn config(options: PostgresOptions) -> Config {
    use tokio_postgres::config::SslMode as Wire;
    let mut config = Config::new();
    config
        .host(&options.host)
        .port(options.port)
        .dbname(options.database)
        .user(options.user)
        .application_name("auth-service")
        .connect_timeout(CREATE)
        .tcp_user_timeout(VERB)
        .keepalives(true)
        .keepalives_idle(Duration::from_secs(5))
        .keepalives_interval(Duration::from_secs(2))
        .keepalives_retries(3)
        .ssl_mode(match options.ssl_mode {
            SslMode::Disable => Wire::Disable,
            SslMode::Prefer => Wire::Prefer,
            SslMode::Require | SslMode::VerifyFull => Wire::Require,
        });
    if !options.password.expose().is_empty() {
        config.password(options.password.expose());
    }
    config
}

// === impl Pool ===

impl Pool {
    /// Makes a pool without connecting.
    pub(super) fn new(config: &Config, tls: MakeRustlsConnect, max: usize) -> Result<Self, Fault> {
        let mut config = config.clone();
        config.options(SESSION_OPTIONS);
        // Fast: no round trip to see whether the connection is alive; a verb finds out by itself.
        let recycling_method = RecyclingMethod::Fast;
        let manager = Manager::from_config(config, tls, ManagerConfig { recycling_method });
        deadpool_postgres::Pool::builder(manager)
            .max_size(max)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts {
                wait: Some(WAIT),
                create: Some(CREATE),
                recycle: Some(CREATE),
            })
            .post_create(Hook::async_fn(|client, _| Box::pin(confine(client))))
            .build()
            .map(Self)
            .map_err(|error| Fault::Broken(format!("the pool cannot be built: {error}")))
    }

    /// Runs one statement as one transaction in one round trip.
    pub(super) async fn run(
        &self,
        scope: Scope,
        sql: &'static str,
        values: Values<'_>,
    ) -> Result<Vec<Row>, Fault> {
        let mut answers = self.run_all(scope, &[Step { sql, values }]).await?;
        Ok(answers.pop().unwrap_or_default())
    }

    /// Runs statements in order as one transaction in one round trip. Each sees what was committed
    /// when it began, so a first that takes locks lets the next see what the locks protect.
    ///
    /// A statement here must not rely on the others having been sent: parameters of a wrong type are
    /// found before sending, and the rest is sent all the same.
    pub(super) async fn run_all(
        &self,
        scope: Scope,
        steps: &[Step<'_>],
    ) -> Result<Vec<Vec<Row>>, Fault> {
        within(async {
            let mut link = self.link().await?;
            Ok(link.whole(scope, steps).await?)
        })
        .await
    }

    /// Runs a statement in one tenant after the other, with values for each, as one transaction in one round
    /// trip; gives the rows of each.
    pub(super) async fn run_in_each<const N: usize>(
        &self,
        sql: &'static str,
        tenants: &[(Uuid, [Parameter<'_>; N])],
    ) -> Result<Vec<Vec<Row>>, Fault> {
        let Some(((first, values), others)) = tenants.split_first() else {
            return Ok(Vec::new());
        };
        let names: Vec<_> = others.iter().map(|(id, _)| id.to_string()).collect();
        let enters: Vec<Parameter<'_>> =
            names.iter().map(|name| -> Parameter<'_> { name }).collect();
        let mut steps = vec![Step { sql, values }];
        for (name, (_, values)) in enters.chunks(1).zip(others) {
            steps.push(Step {
                sql: ENTER,
                values: name,
            });
            steps.push(Step { sql, values });
        }
        let scope = Scope::Tenant(TenantId::from_uuid(*first));
        let answers = self.run_all(scope, &steps).await?;
        Ok(answers.into_iter().step_by(2).collect())
    }

    /// Takes a connection. For verbs that look before they write; wrap them in [`within`].
    pub(super) async fn link(&self) -> Result<Link, Fault> {
        let object = self.0.get().await.map_err(|error| pool_fault(&error))?;
        Ok(Link {
            object: Some(object),
            settled: false,
        })
    }
}

const COMMIT: &str = "COMMIT";
/// So many futures [`join_all`] polls in the order they are given.
const FEW: usize = 30;

/// Gives a verb its deadline.
pub(super) async fn within<T>(verb: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    match tokio::time::timeout(VERB, verb).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Fault::Store("PostgreSQL did not answer in time".to_owned())),
    }
}

// === impl Link ===

impl Link {
    /// Runs statements as one whole transaction: one round trip. Like [`Pool::run_all`], for a
    /// caller that wants to know of a duplicate.
    pub(super) async fn whole(
        &mut self,
        scope: Scope,
        steps: &[Step<'_>],
    ) -> Result<Vec<Vec<Row>>, Failure> {
        self.exchange(&scope.begin(), steps, COMMIT).await
    }

    /// Opens a transaction and runs statements in it: one round trip.
    pub(super) async fn begin(
        &mut self,
        scope: Scope,
        steps: &[Step<'_>],
    ) -> Result<Vec<Vec<Row>>, Failure> {
        self.exchange(&scope.begin(), steps, "").await
    }

    /// Runs statements in the open transaction: one round trip.
    pub(super) async fn go_on(&mut self, steps: &[Step<'_>]) -> Result<Vec<Vec<Row>>, Failure> {
        self.exchange("", steps, "").await
    }

    /// Runs the last statements of the transaction and commits: one round trip.
    pub(super) async fn commit(&mut self, steps: &[Step<'_>]) -> Result<Vec<Vec<Row>>, Failure> {
        self.exchange("", steps, COMMIT).await
    }

    /// Gives the transaction up: there was nothing to write.
    pub(super) async fn leave(&mut self) -> Result<(), Failure> {
        self.commit(&[]).await.map(drop)
    }

    /// Sends everything at once, in order, and gathers the answers.
    ///
    /// The order holds because each of these futures sends its message when it is first polled, and
    /// the joins poll them in the order they are given, if they are few: of many [`join_all`] may leave some
    /// for later, and the `COMMIT` would be sent before them.
    async fn exchange(
        &mut self,
        head: &str,
        steps: &[Step<'_>],
        tail: &str,
    ) -> Result<Vec<Vec<Row>>, Failure> {
        let client = self.object.as_ref().ok_or_else(Failure::given_back)?;
        let mut prepared = Vec::with_capacity(steps.len());
        for step in steps {
            prepared.push((client.prepare_cached(step.sql).await?, step.values));
        }
        let middle = prepared.chunks(FEW).map(|some| {
            let queries = some
                .iter()
                .map(|(statement, values)| client.query(statement, values));
            join_all(queries)
        });
        let (head, answers, tail_outcome) = join3(
            client.batch_execute(head),
            join_all(middle),
            client.batch_execute(tail),
        )
        .await;
        self.settled = tail == COMMIT && tail_outcome.is_ok();
        head?;
        let answers = answers.into_iter().flatten().collect::<Result<_, _>>()?;
        tail_outcome?;
        Ok(answers)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if let Some(object) = self.object.take().filter(|_| !self.settled) {
            // Out of the pool and closed: nobody may find an open transaction on it.
            drop(Object::take(object));
        }
    }
}

/// Becomes the role that row-level security binds, or refuses the connection.
async fn confine(client: &mut ClientWrapper) -> Result<(), HookError> {
    let (passes, may_become) = who(client).await?;
    if !may_become {
        return if passes { Err(unconfined()) } else { Ok(()) };
    }
    client
        .batch_execute("SET ROLE auth_service_app")
        .await
        .map_err(HookError::Backend)?;
    match who(client).await? {
        (false, _) => Ok(()),
        (true, _) => Err(unconfined()),
    }
}

async fn who(client: &ClientWrapper) -> Result<(bool, bool), HookError> {
    let answer = client.simple_query(WHO).await.map_err(HookError::Backend)?;
    let row = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let says = |column: usize| row.and_then(|row| row.try_get(column).ok().flatten());
    // What cannot be read counts as a role that passes: checks fail closed.
    Ok((says(0) != Some("f"), says(1) == Some("t")))
}

fn unconfined() -> HookError {
    HookError::message(
        "the role that connects passes row-level security and there is no role auth_service_app \
         to become: run `auth-service migrate up`, or connect as a role that is neither superuser \
         nor BYPASSRLS",
    )
}

fn pool_fault(error: &PoolError) -> Fault {
    match error {
        PoolError::Timeout(TimeoutType::Wait) => Fault::Busy("the PostgreSQL pool"),
        PoolError::Timeout(TimeoutType::Create | TimeoutType::Recycle) => {
            Fault::Store("PostgreSQL did not accept a connection in time".to_owned())
        }
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
            failure::connection_fault(error)
        }
        PoolError::PostCreateHook(HookError::Message(text)) => Fault::Store(text.to_string()),
        PoolError::Closed => Fault::Store("the PostgreSQL pool is closed".to_owned()),
        PoolError::NoRuntimeSpecified => Fault::Broken("the pool has no timer".to_owned()),
    }
}
