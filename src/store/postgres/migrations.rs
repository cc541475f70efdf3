//! The schema, step by step.

use super::connection::LOCK_CLASS;
use crate::store::{OpenError, compare};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{PgConnection, SqlSafeStr};

/// The steps in their order, paired by number with those of the other database.
const STEPS: &[(i64, &str, &str)] = &[
    (1, "catalogue", include_str!("../../../migrations/postgres/0001_catalogue.sql")),
    (2, "ledger", include_str!("../../../migrations/postgres/0002_ledger.sql")),
    (3, "play log", include_str!("../../../migrations/postgres/0003_play_log.sql")),
    (4, "motion", include_str!("../../../migrations/postgres/0004_motion.sql")),
    (5, "key mask", include_str!("../../../migrations/postgres/0005_key_mask.sql")),
    (6, "brand asset", include_str!("../../../migrations/postgres/0006_brand_asset.sql")),
    (7, "conflict rule", include_str!("../../../migrations/postgres/0007_conflict_rule.sql")),
    (8, "suitability", include_str!("../../../migrations/postgres/0008_suitability.sql")),
    (9, "daily cap", include_str!("../../../migrations/postgres/0009_daily_cap.sql")),
    (10, "supply", include_str!("../../../migrations/postgres/0010_supply.sql")),
    (11, "play shown", include_str!("../../../migrations/postgres/0011_play_shown.sql")),
    (12, "brand blocklist", include_str!("../../../migrations/postgres/0012_brand_blocklist.sql")),
    (13, "asset", include_str!("../../../migrations/postgres/0013_asset.sql")),
    (14, "identity", include_str!("../../../migrations/postgres/0014_identity.sql")),
    (15, "webhook", include_str!("../../../migrations/postgres/0015_webhook.sql")),
    (16, "participation", include_str!("../../../migrations/postgres/0016_participation.sql")),
    (17, "campaign life", include_str!("../../../migrations/postgres/0017_campaign_life.sql")),
    (18, "profile", include_str!("../../../migrations/postgres/0018_profile.sql")),
    (19, "key", include_str!("../../../migrations/postgres/0019_key.sql")),
];

fn migrator() -> Migrator {
    let step = |(number, name, sql): &(i64, &'static str, &'static str)| {
        Migration::new(*number, (*name).into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    let mut migrator = Migrator::with_migrations(STEPS.iter().map(step).collect());
    // A newer release may have been here: its steps leave what this one needs.
    migrator.set_ignore_missing(true);
    migrator
}

/// Applies the steps that are missing, and names them. The checksum of a step that was applied must still be
/// the same. A second process waits, and then finds nothing to do; the lock goes with the connection, which
/// is for this alone.
pub(super) async fn run(connection: &mut PgConnection) -> Result<Vec<String>, OpenError> {
    let failed = |error: sqlx::migrate::MigrateError| OpenError::Migration(error.to_string());
    let waited =
        sqlx::query("SELECT pg_advisory_lock($1, 0)").bind(LOCK_CLASS).execute(&mut *connection).await;
    waited.map_err(|error| OpenError::Server { reason: error.to_string() })?;
    let before = applied(connection).await.unwrap_or_default();
    migrator().run_direct(None, connection, false).await.map_err(failed)?;
    let new = |step: &&Migration| !before.iter().any(|(version, _)| *version == step.version);
    let name = |step: &Migration| format!("{:04} {}", step.version, step.description);
    Ok(migrator().iter().filter(new).map(name).collect())
}

async fn applied(connection: &mut PgConnection) -> Result<Vec<(i64, Vec<u8>)>, sqlx::Error> {
    sqlx::query_as("SELECT version, checksum FROM _sqlx_migrations WHERE success ORDER BY version")
        .fetch_all(connection)
        .await
}

/// Checks that every step was applied as it stands here, without writing. There may be more: a newer release
/// migrates while this one runs, and this one has to come back if it is restarted meanwhile.
pub(super) async fn verify(connection: &mut PgConnection) -> Result<(), OpenError> {
    let applied = match applied(connection).await {
        // A database without any schema has no such table, or none that this role may see.
        Err(sqlx::Error::Database(_)) => Vec::new(),
        applied => applied.map_err(|error| OpenError::Server { reason: error.to_string() })?,
    };
    compare(&applied, migrator().iter())
}
