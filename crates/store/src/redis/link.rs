//! The one connection to Redis: opened on first use, shared by all callers, replaced when it dies.
//!
//! Commands of all callers are multiplexed over one TCP connection (on a cluster, over one for each
//! node), so nothing that blocks may ever be sent here. The connection sits in a slot. A caller
//! takes a copy; one that meets an error of the connection, rather than of the command, empties the
//! slot, unless somebody has refilled it meanwhile, and the next caller connects anew. Connecting is
//! done by one caller at a time; the others wait for their turn within their own limit.
//!
//! A command whose connection died is not sent again: it may have been carried out.
//!
//! Cancel safety: a caller that leaves while connecting hands the turn to the next.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::rejection::Fault;
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, FromRedisValue,
    IntoConnectionInfo, Pipeline, RedisConnectionInfo, RedisFuture, RedisResult, ScriptInvocation,
    Value,
};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{CALL_LIMIT, RedisOptions};

/// How long connecting may take, and how long one answer.
const STEP_LIMIT: Duration = Duration::from_millis(500);

/// How long opening may take when no caller waits for it: a large cluster has many nodes to greet.
const OPENING_LIMIT: Duration = Duration::from_secs(5);

/// How many commands may wait to be written before callers wait for room. The crate's default is
/// 50, which a burst of sign-ins exceeds.
const PIPELINE_BUFFER: usize = 4096;

/// How to reach Redis, and the connection to it if there is one.
pub(super) struct Link {
    opener: Opener,
    slot: Mutex<Option<Arc<Connection>>>,
    turn: Semaphore,
}

enum Opener {
    Single(Box<Client>),
    Cluster(Box<ClusterClient>),
}

/// An open connection; a copy speaks over the same socket.
#[derive(Clone)]
enum Connection {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Link {
    /// Prepares a link; connects to nothing.
    ///
    /// # Errors
    /// [`Fault::Broken`] if the options contradict themselves.
    pub(super) fn new(options: &RedisOptions) -> Result<Self, Fault> {
        let opener = Opener::new(options)
            .map_err(|error| Fault::Broken(format!("redis cannot be reached so: {error}")))?;
        Ok(Self {
            opener,
            slot: Mutex::new(None),
            turn: Semaphore::new(1),
        })
    }

    /// Opens the connection if there is none, with more patience than a caller's.
    ///
    /// # Errors
    /// [`Fault::Store`] if it cannot be opened within [`OPENING_LIMIT`].
    pub(super) async fn open(&self) -> Result<(), Fault> {
        within(OPENING_LIMIT, async { self.connection().await.map(drop) }).await
    }

    /// Sends one command and gives its answer.
    ///
    /// # Errors
    /// [`Fault::Store`] if there is no good answer within [`CALL_LIMIT`].
    pub(super) async fn send<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Fault> {
        within(CALL_LIMIT, async {
            let shared = self.connection().await?;
            let mut connection = Connection::clone(&shared);
            let answer = command.query_async(&mut connection).await;
            self.judge(&shared, answer)
        })
        .await
    }

    /// Runs a script, loading it first where Redis has forgotten it, and gives its answer.
    ///
    /// # Errors
    /// [`Fault::Store`] if there is no good answer within [`CALL_LIMIT`].
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, Fault> {
        within(CALL_LIMIT, async {
            let shared = self.connection().await?;
            let mut connection = Connection::clone(&shared);
            let answer = script.invoke_async(&mut connection).await;
            self.judge(&shared, answer)
        })
        .await
    }

    /// Gives the connection in the slot, or opens one.
    async fn connection(&self) -> RedisResult<Arc<Connection>> {
        if let Some(open) = self.slot().clone() {
            return Ok(open);
        }
        // The semaphore is never closed; if it were, connecting side by side would do no harm.
        let _turn = self.turn.acquire().await;
        if let Some(open) = self.slot().clone() {
            return Ok(open);
        }
        let fresh = Arc::new(self.opener.open().await?);
        *self.slot() = Some(Arc::clone(&fresh));
        Ok(fresh)
    }

    /// Passes `answer` on. If it says that the connection is no good any more, the slot is emptied.
    fn judge<T>(&self, used: &Arc<Connection>, answer: RedisResult<T>) -> RedisResult<T> {
        if let Err(error) = &answer
            && (error.is_io_error() || error.is_unrecoverable_error())
        {
            let mut slot = self.slot();
            if slot.as_ref().is_some_and(|open| Arc::ptr_eq(open, used)) {
                *slot = None;
            }
        }
        answer
    }

    fn slot(&self) -> MutexGuard<'_, Option<Arc<Connection>>> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for `call`, at most as long as `limit`.
async fn within<T>(
    limit: Duration,
    call: impl Future<Output = RedisResult<T>>,
) -> Result<T, Fault> {
    match timeout(limit, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(Fault::Store(format!("redis: {error}"))),
        Err(_) => Err(Fault::Store(format!(
            "redis: no answer within {} ms",
            limit.as_millis()
        ))),
    }
}

// === impl Opener ===

impl Opener {
    fn new(options: &RedisOptions) -> RedisResult<Self> {
        let information = connection_information(options)?;
        if !options.cluster {
            return Ok(Self::Single(Box::new(Client::open(information)?)));
        }
        ClusterClient::builder([information])
            .connection_timeout(STEP_LIMIT)
            .response_timeout(STEP_LIMIT)
            .retries(1)
            .tcp_settings(tcp_settings())
            .build()
            .map(|client| Self::Cluster(Box::new(client)))
    }

    async fn open(&self) -> RedisResult<Connection> {
        match self {
            Self::Single(client) => {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(STEP_LIMIT))
                    .set_response_timeout(Some(STEP_LIMIT))
                    .set_pipeline_buffer_size(PIPELINE_BUFFER);
                client
                    .get_multiplexed_async_connection_with_config(&config)
                    .await
                    .map(Connection::Single)
            }
            Self::Cluster(client) => client.get_async_connection().await.map(Connection::Cluster),
        }
    }
}

fn connection_information(options: &RedisOptions) -> RedisResult<ConnectionInfo> {
    let host = options.host.clone();
    let address = if options.tls {
        ConnectionAddr::TcpTls {
            host,
            port: options.port,
            insecure: false,
            tls_params: None,
        }
    } else {
        ConnectionAddr::Tcp(host, options.port)
    };
    let mut settings = RedisConnectionInfo::default().set_db(options.database);
    if let Some(password) = &options.password {
        settings = settings.set_password(password.expose());
    }
    Ok(address
        .into_connection_info()?
        .set_tcp_settings(tcp_settings())
        .set_redis_settings(settings))
}

/// Small commands go out at once instead of waiting for company.
fn tcp_settings() -> TcpSettings {
    TcpSettings::default().set_nodelay(true)
}

// === impl ConnectionLike for Connection ===

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Single(connection) => connection.req_packed_command(command),
            Self::Cluster(connection) => connection.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        commands: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Single(connection) => connection.req_packed_commands(commands, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(commands, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Single(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}
