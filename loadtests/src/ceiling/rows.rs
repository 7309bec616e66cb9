//! One durable update of one row of PostgreSQL, over and over: what a refresh cannot do without.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use deadpool_postgres::{Manager, Pool};
use futures_util::future::try_join_all;
use tokio_postgres::NoTls;

use super::{Order, Told};

/// As many as a load has connections.
const CALLERS: usize = 64;
/// As many as the service keeps (`POSTGRES_MAX_CONNS`).
const POOL: usize = 10;
/// As many rows as a small store has families.
const ROWS: i64 = 10_000;

const MAKE: &str = "
    CREATE TABLE IF NOT EXISTS loadtests_rows (
        id         bigint PRIMARY KEY,
        generation bigint NOT NULL,
        rotated_at bigint NOT NULL
    ) WITH (fillfactor = 70);
    INSERT INTO loadtests_rows
    SELECT number, 0, 0
    FROM generate_series(0, 9999) AS number
    ON CONFLICT DO NOTHING";

const UPDATE: &str = "
    UPDATE loadtests_rows
    SET generation = generation + 1, rotated_at = $2
    WHERE id = $1
    RETURNING generation";

/// Updates for as long as told.
pub(super) async fn run(order: &Order) -> Result<Told, String> {
    let config: tokio_postgres::Config = order
        .postgres
        .parse()
        .map_err(|error| format!("PostgreSQL: {error}"))?;
    let pool = Pool::builder(Manager::new(config, NoTls))
        .max_size(POOL)
        .build()
        .map_err(|error| error.to_string())?;
    let client = pool.get().await.map_err(|error| error.to_string())?;
    let made = client.batch_execute(MAKE).await;
    made.map_err(|error| error.to_string())?;
    drop(client);
    let next = AtomicI64::new(0);
    let begun = Instant::now();
    let end = begun + Duration::from_secs_f64(order.seconds);
    let counts = try_join_all((0..CALLERS).map(|_| update_until(&pool, &next, end))).await?;
    Ok(Told {
        answers: counts.iter().sum(),
        seconds: begun.elapsed().as_secs_f64(),
    })
}

async fn update_until(pool: &Pool, next: &AtomicI64, end: Instant) -> Result<u64, String> {
    let mut count = 0;
    while Instant::now() < end {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let client = pool.get().await.map_err(|error| error.to_string())?;
        let statement = client.prepare_cached(UPDATE).await;
        let statement = statement.map_err(|error| error.to_string())?;
        let updated = client
            .query_one(&statement, &[&(number % ROWS), &number])
            .await;
        updated.map_err(|error| error.to_string())?;
        count += 1;
    }
    Ok(count)
}
