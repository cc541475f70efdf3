//! What everybody writes first: one transaction for each play.

use crate::postgres::Server;
use crate::{Outcome, say};
use sqlx::{Connection, PgConnection};
use std::time::{Duration, Instant};

const STREAMERS: i64 = 100_000;
const SCHEMA: &str = "
    CREATE TABLE wallet (id BIGINT PRIMARY KEY, balance BIGINT NOT NULL CHECK (balance >= 0));
    CREATE TABLE event (id UUID PRIMARY KEY, campaign BIGINT NOT NULL, streamer BIGINT NOT NULL,
        price BIGINT NOT NULL, at TIMESTAMPTZ NOT NULL DEFAULT now());
    INSERT INTO wallet SELECT n, 1000000000000 FROM generate_series(1, 101000) AS n;";

/// Plays a second.
pub(crate) struct Naive {
    /// At the number of clients that it does best with: they share the flushes of the disk.
    pub(crate) best: f64,
    /// With one client, as our settlement is one.
    pub(crate) alone: f64,
}

/// Plays a second with one client and with several.
pub(crate) async fn measure(server: &Server, campaigns: usize, span: Duration) -> Outcome<Naive> {
    let mut naive = Naive { best: 0.0, alone: 0.0 };
    for clients in [1_usize, 4, 16] {
        let database = server.database("naive").await?;
        let mut connection = PgConnection::connect(&database.url).await?;
        sqlx::raw_sql(SCHEMA).execute(&mut connection).await?;
        sqlx::query("VACUUM ANALYZE wallet").execute(&mut connection).await?;
        let begun = Instant::now();
        let campaigns = i64::try_from(campaigns)?;
        let workers: Vec<_> = (0..clients)
            .map(|seed| tokio::task::spawn_local(play(database.url.clone(), seed, campaigns, span)))
            .collect();
        let mut plays = 0_u32;
        for worker in workers {
            plays += worker.await?.map_err(|error| error.to_string())?;
        }
        let rate = f64::from(plays) / begun.elapsed().as_secs_f64();
        say(&format!("naive, {campaigns} campaigns, {clients} clients: {rate:.0} plays/s"));
        naive.best = naive.best.max(rate);
        naive.alone = if clients == 1 { rate } else { naive.alone };
        database.drop().await?;
    }
    Ok(naive)
}

async fn play(url: String, seed: usize, campaigns: i64, span: Duration) -> Result<u32, sqlx::Error> {
    let mut connection = PgConnection::connect(&url).await?;
    let begun = Instant::now();
    let mut state = i64::try_from(seed).unwrap_or(0) * 7919 + 1;
    let mut plays = 0;
    while begun.elapsed() < span {
        state = (state * 48_271) % 2_147_483_647;
        let campaign = STREAMERS + 1 + state % campaigns;
        state = (state * 48_271) % 2_147_483_647;
        let streamer = 1 + state % STREAMERS;
        let mut transaction = connection.begin().await?;
        for (wallet, amount) in [(campaign, -20_000_i64), (streamer, 16_000)] {
            sqlx::query("UPDATE wallet SET balance = balance + $2 WHERE id = $1")
                .bind(wallet)
                .bind(amount)
                .execute(&mut *transaction)
                .await?;
        }
        let event = "INSERT INTO event (id, campaign, streamer, price)
            VALUES (gen_random_uuid(), $1, $2, 20000)";
        sqlx::query(event).bind(campaign).bind(streamer).execute(&mut *transaction).await?;
        transaction.commit().await?;
        plays += 1;
    }
    Ok(plays)
}
