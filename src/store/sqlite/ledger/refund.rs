//! What an ended campaign did not spend goes back to its brand.

use super::entry::{Post, post};
use crate::store::sqlite::failure::{Attempt, expect_rows};
use crate::store::sqlite::row::Columns;
use crate::store::sqlite::statements;
use gametriggers_actors::domain::id::{BrandId, CampaignId};
use gametriggers_actors::domain::settlement::{Account, transfer};
use gametriggers_actors::domain::time::UnixMillis;
use sqlx::SqliteConnection;

statements! {
    /// Not before the last lease has given back: until then a claim may still cost money.
    UNSPENT = "SELECT c.id, c.brand_id, b.currency, b.funded - b.spent AS rest
        FROM campaign AS c JOIN campaign_budget AS b ON b.campaign_id = c.id
        WHERE c.status = 'ended' AND b.leased = 0 AND b.funded > b.spent ORDER BY c.id LIMIT 1000";
    SHRINK = "UPDATE campaign_budget SET funded = funded - ?2, version = version + 1
        WHERE campaign_id = ?1 AND leased = 0 AND funded - spent = ?2";
}

/// Returns the rest of every campaign that has ended and has no lease.
pub(super) async fn return_unspent(connection: &mut SqliteConnection, now: UnixMillis) -> Attempt<()> {
    for row in sqlx::query(UNSPENT).fetch_all(&mut *connection).await? {
        let (campaign, brand) = (CampaignId(row.number("id")?), BrandId(row.number("brand_id")?));
        let rest = row.micros("rest")?;
        let (from, to) = (Account::CampaignReserved(campaign), Account::BrandAvailable(brand));
        let lines = transfer(from, to, row.currency("currency")?, rest);
        // Ended is final and takes no more funds: one return in the life of a campaign.
        let key = format!("return:{campaign}");
        post(connection, &Post { kind: "return", key: Some(&key), reference: "", lines: &lines, now })
            .await?;
        let shrunk = sqlx::query(SHRINK).bind(campaign.0).bind(rest.0).execute(&mut *connection).await?;
        expect_rows("campaign_budget", 1, shrunk.rows_affected())?;
    }
    Ok(())
}
