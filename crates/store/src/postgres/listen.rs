//! Hearing of changes that other nodes commit.
//!
//! A connection of its own, because a pooled one is handed around. What it hears is a hint: a
//! notice that was missed while there was no connection is made good by one bump after each
//! reconnect, and readers ask at intervals besides.

use std::future::poll_fn;
use std::time::Duration;

use domain::rejection::Fault;
use futures_util::future::try_join;
use tokio::time::Instant;
use tokio_postgres::AsyncMessage;

use super::Postgres;
use super::pool::failure::connection_fault;

/// The first wait before a new connection; it doubles with each that fails.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest wait.
const LAST_WAIT: Duration = Duration::from_secs(5);
/// How often the log is reminded of an outage.
const REMIND_EVERY: Duration = Duration::from_secs(30);

impl Postgres {
    /// Listens for changes and moves the counter of [`Changes::notices`], reconnecting for ever. To
    /// be run under a supervisor; it never returns.
    ///
    /// # Cancel safety
    /// Dropping it closes its connection and loses nothing but notices.
    ///
    /// [`Changes::notices`]: crate::port::changes::Changes::notices
    pub fn listen(&self) -> impl Future<Output = ()> + Send + use<> {
        let store = self.clone();
        async move {
            let mut wait = FIRST_WAIT;
            // When the log was last told of this outage.
            let mut told = None::<Instant>;
            loop {
                let mut heard = false;
                let Err(fault) = store.hear(&mut heard).await;
                if heard {
                    (wait, told) = (FIRST_WAIT, None);
                }
                if told.is_none_or(|told| told.elapsed() >= REMIND_EVERY) {
                    tracing::warn!(
                        %fault,
                        "not listening for PostgreSQL changes; connecting until it works"
                    );
                    told = Some(Instant::now());
                }
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(LAST_WAIT);
            }
        }
    }

    /// Listens on one connection until it breaks. Sets `heard` once it listens.
    async fn hear(&self, heard: &mut bool) -> Result<std::convert::Infallible, Fault> {
        let connected = self.0.config.connect(self.0.tls.clone()).await;
        let (client, mut connection) = connected.map_err(|error| connection_fault(&error))?;
        let begin = async {
            let listening = client.batch_execute("LISTEN auth_changes").await;
            listening.map_err(|error| connection_fault(&error))?;
            *heard = true;
            self.bump();
            Ok(())
        };
        let drive = async {
            loop {
                match poll_fn(|cx| connection.poll_message(cx)).await {
                    Some(Ok(AsyncMessage::Notification(_))) => self.bump(),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(connection_fault(&error)),
                    None => return Err(Fault::Store("the server closed the feed".to_owned())),
                }
            }
        };
        try_join(begin, drive).await.map(|((), never)| never)
    }

    fn bump(&self) {
        self.0
            .notices
            .send_modify(|count| *count = count.wrapping_add(1));
    }
}
