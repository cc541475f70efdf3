//! The schema, step by step.

use crate::store::{OpenError, compare};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Connection, SqlSafeStr, SqliteConnection};

/// The steps in their order, paired by number with those of the other database.
const STEPS: &[(i64, &str, &str)] = &[
    (1, "catalogue", include_str!("../../../migrations/sqlite/0001_catalogue.sql")),
    (2, "ledger", include_str!("../../../migrations/sqlite/0002_ledger.sql")),
    (3, "play log", include_str!("../../../migrations/sqlite/0003_play_log.sql")),
    (4, "motion", include_str!("../../../migrations/sqlite/0004_motion.sql")),
    (5, "key mask", include_str!("../../../migrations/sqlite/0005_key_mask.sql")),
    (6, "brand asset", include_str!("../../../migrations/sqlite/0006_brand_asset.sql")),
    (7, "conflict rule", include_str!("../../../migrations/sqlite/0007_conflict_rule.sql")),
    (8, "suitability", include_str!("../../../migrations/sqlite/0008_suitability.sql")),
    (9, "daily cap", include_str!("../../../migrations/sqlite/0009_daily_cap.sql")),
    (10, "supply", include_str!("../../../migrations/sqlite/0010_supply.sql")),
    (11, "play shown", include_str!("../../../migrations/sqlite/0011_play_shown.sql")),
    (12, "brand blocklist", include_str!("../../../migrations/sqlite/0012_brand_blocklist.sql")),
    (13, "asset", include_str!("../../../migrations/sqlite/0013_asset.sql")),
    (14, "identity", include_str!("../../../migrations/sqlite/0014_identity.sql")),
    (15, "webhook", include_str!("../../../migrations/sqlite/0015_webhook.sql")),
    (16, "participation", include_str!("../../../migrations/sqlite/0016_participation.sql")),
    (17, "campaign life", include_str!("../../../migrations/sqlite/0017_campaign_life.sql")),
    (18, "profile", include_str!("../../../migrations/sqlite/0018_profile.sql")),
    (19, "key", include_str!("../../../migrations/sqlite/0019_key.sql")),
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

/// Applies the steps that are missing, and names them. The checksum of a step that was applied must still
/// be the same. The driver takes no lock of its own on SQLite, so all of it runs in one write
/// transaction: a second process waits, and then finds nothing to do.
pub(super) async fn run(connection: &mut SqliteConnection) -> Result<Vec<String>, OpenError> {
    let failed = |error: String| OpenError::Migration(error);
    let mut transaction =
        connection.begin_with("BEGIN IMMEDIATE").await.map_err(|error| failed(error.to_string()))?;
    let applied = "SELECT version FROM _sqlx_migrations WHERE success";
    // There is no such table before the first step.
    let before: Vec<i64> = sqlx::query_scalar(applied).fetch_all(&mut *transaction).await.unwrap_or_default();
    migrator().run_direct(None, &mut *transaction, false).await.map_err(|error| failed(error.to_string()))?;
    transaction.commit().await.map_err(|error| failed(error.to_string()))?;
    let new = STEPS.iter().filter(|(number, ..)| !before.contains(number));
    Ok(new.map(|(number, name, _)| format!("{number:04} {name}")).collect())
}

/// Checks that every step was applied as it stands here, without writing. There may be more, of a newer
/// release.
pub(super) async fn verify(connection: &mut SqliteConnection) -> Result<(), OpenError> {
    let applied: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT version, checksum FROM _sqlx_migrations WHERE success ORDER BY version")
            .fetch_all(connection)
            .await
            .map_err(|error| OpenError::Migration(error.to_string()))?;
    compare(&applied, migrator().iter())
}
