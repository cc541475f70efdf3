//! What brands have uploaded, counted against their quota.

use crate::store::sqlite::failure::Attempt;
use crate::store::sqlite::statements;
use gametriggers_actors::domain::id::BrandId;
use gametriggers_actors::domain::time::UnixMillis;
use sqlx::SqliteConnection;

statements! {
    HAS = "SELECT count(*) FROM brand_asset WHERE brand_id = ?1 AND name = ?2";
    CHARGE = "INSERT INTO brand_asset (brand_id, name, bytes, created_at) SELECT ?1, ?2, ?3, ?5
        WHERE (SELECT coalesce(sum(bytes), 0) FROM brand_asset WHERE brand_id = ?1) + ?3 <= ?4";
}

/// Whether the asset fits, and is counted.
pub(super) async fn charge(
    connection: &mut SqliteConnection,
    brand: BrandId,
    (name, bytes): (&str, i64),
    quota: i64,
    now: UnixMillis,
) -> Attempt<bool> {
    let has: i64 = sqlx::query_scalar(HAS).bind(brand.0).bind(name).fetch_one(&mut *connection).await?;
    if has > 0 {
        return Ok(true);
    }
    let charge = sqlx::query(CHARGE).bind(brand.0).bind(name).bind(bytes).bind(quota).bind(now.0);
    Ok(charge.execute(connection).await?.rows_affected() == 1)
}
