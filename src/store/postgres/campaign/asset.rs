//! What brands have uploaded, counted against their quota.

use crate::store::postgres::failure::Attempt;
use crate::store::postgres::statements;
use gametriggers_actors::domain::id::BrandId;
use gametriggers_actors::domain::time::UnixMillis;
use sqlx::PgConnection;

statements! {
    /// Uploads of one brand at the same time are counted one after the other.
    LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('brand_asset', $1))";
    HAS = "SELECT count(*) FROM brand_asset WHERE brand_id = $1 AND name = $2";
    CHARGE = "INSERT INTO brand_asset (brand_id, name, bytes, created_at) SELECT $1, $2, $3::bigint, $5
        WHERE (SELECT coalesce(sum(bytes), 0) FROM brand_asset WHERE brand_id = $1) + $3::bigint
          <= $4::bigint";
}

/// Whether the asset fits, and is counted.
pub(super) async fn charge(
    connection: &mut PgConnection,
    brand: BrandId,
    (name, bytes): (&str, i64),
    quota: i64,
    now: UnixMillis,
) -> Attempt<bool> {
    sqlx::query(LOCK).bind(brand.0).execute(&mut *connection).await?;
    let has: i64 = sqlx::query_scalar(HAS).bind(brand.0).bind(name).fetch_one(&mut *connection).await?;
    if has > 0 {
        return Ok(true);
    }
    let charge = sqlx::query(CHARGE).bind(brand.0).bind(name).bind(bytes).bind(quota).bind(now.0);
    Ok(charge.execute(connection).await?.rows_affected() == 1)
}
