//! The server that everything is measured on.

use crate::{Outcome, say};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::time::Duration;

/// A Postgres that this run may fill.
pub(crate) struct Server {
    url: String,
}

/// A database of its own for one trial.
pub(crate) struct Database<'a> {
    server: &'a Server,
    name: String,
    pub(crate) url: String,
}

impl Server {
    /// The one that `scripts/databases` started.
    pub(crate) fn of_environment() -> Outcome<Self> {
        let url = std::env::var("GAMETRIGGERS_TEST_POSTGRES")
            .map_err(|_| "GAMETRIGGERS_TEST_POSTGRES is not set: run scripts/bench settle")?;
        Ok(Self { url })
    }

    fn of(&self, database: &str) -> String {
        let (server, _) = self.url.rsplit_once('/').unwrap_or((&self.url, ""));
        format!("{server}/{database}")
    }

    /// What decides about the figures.
    pub(crate) async fn settings(&self) -> Outcome<String> {
        let mut connection = PgConnection::connect(&self.url).await?;
        let mut settings = Vec::new();
        for name in ["server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers"] {
            let sql = AssertSqlSafe(format!("SHOW {name}"));
            let value: String = sqlx::query_scalar(sql).fetch_one(&mut connection).await?;
            settings.push(format!("{name}={value}"));
        }
        if !settings.iter().any(|setting| setting == "fsync=on") {
            return Err("fsync is off: these figures would mean nothing".into());
        }
        Ok(settings.join(" "))
    }

    /// An empty database.
    pub(crate) async fn database(&self, purpose: &str) -> Outcome<Database<'_>> {
        let mut connection = PgConnection::connect(&self.url).await?;
        let name = format!("bench_{purpose}_{}", std::process::id());
        for sql in [
            format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
            format!("CREATE DATABASE {name}"),
            "CHECKPOINT".to_owned(),
        ] {
            sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await?;
        }
        Ok(Database { server: self, url: self.of(&name), name })
    }

    /// Transactions a second of pgbench's own script, at the number of clients that it does best with.
    pub(crate) async fn tpcb(&self, span: Duration) -> Outcome<f64> {
        let database = self.database("tpcb").await?;
        let seconds = span.as_secs().max(1).to_string();
        pgbench(&["-i", "-q", "-s", "20", &database.url]).await?;
        let mut best = 0.0_f64;
        for clients in ["4", "16"] {
            let text = pgbench(&["-n", "-c", clients, "-j", "2", "-T", &seconds, &database.url]).await?;
            let tps = text.lines().find_map(|line| line.strip_prefix("tps = "));
            let tps: f64 = tps.and_then(|tps| tps.split(' ').next()).ok_or("no tps")?.parse()?;
            say(&format!("pgbench TPC-B, {clients} clients: {tps:.0}/s"));
            best = best.max(tps);
        }
        database.drop().await?;
        Ok(best)
    }
}

async fn pgbench(arguments: &[&str]) -> Outcome<String> {
    let output = tokio::process::Command::new("pgbench").args(arguments).output().await?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("pgbench: {}", String::from_utf8_lossy(&output.stderr)).into())
    }
}

impl Database<'_> {
    /// Table and index of the events and of the ledger, for each event.
    pub(crate) async fn bytes_per_event(&self) -> Outcome<f64> {
        let mut connection = PgConnection::connect(&self.url).await?;
        let sql = "SELECT sum(pg_total_relation_size(c.oid))::float8 / (SELECT count(*) FROM settle_event)
            FROM pg_class AS c WHERE c.relkind = 'r'
              AND (c.relname IN ('ledger_tx', 'ledger_entry', 'settle_click', 'settle_reject')
                OR c.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'settle_event'::regclass))";
        Ok(sqlx::query_scalar(sql).fetch_one(&mut connection).await?)
    }

    pub(crate) async fn drop(self) -> Outcome<()> {
        let mut connection = PgConnection::connect(&self.server.url).await?;
        let sql = AssertSqlSafe(format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        sqlx::query(sql).execute(&mut connection).await?;
        Ok(())
    }
}
