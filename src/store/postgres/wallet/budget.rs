//! Between a brand's wallet and the budgets of its campaigns.

use super::read;
use crate::store::postgres::failure::{Attempt, Failure, expect_rows};
use crate::store::postgres::ledger::{
    Post, Request, budget, kept_budget, not_positive, post, recall, recalled_budget, remember, withdraw,
};
use crate::store::postgres::row::{Columns, known};
use crate::store::postgres::statements;
use gametriggers_actors::domain::id::{BrandId, CampaignId};
use gametriggers_actors::domain::money::{Currency, Micros, Money};
use gametriggers_actors::domain::settlement::{Account, transfer};
use gametriggers_actors::ports::{Budget, Owner, StoreError, Wallet};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

statements! {
    PAYER = "SELECT brand_id, currency FROM campaign WHERE id = $1";
    /// Waits for another writer that moves the same money, or ends the campaign.
    LOCK = "SELECT c.status, b.funded, b.funded - b.spent - b.leased AS rest FROM campaign AS c
        JOIN campaign_budget AS b ON b.campaign_id = c.id WHERE c.id = $1 FOR SHARE OF c FOR UPDATE OF b";
    SHRINK = "UPDATE campaign_budget SET funded = funded - $2, version = version + 1
        WHERE campaign_id = $1 AND funded - spent - leased >= $2";
}

/// Whose campaign it is, and what it pays with: neither ever changes.
struct Payer {
    brand: BrandId,
    currency: Currency,
}

impl Payer {
    async fn of(connection: &mut PgConnection, campaign: CampaignId) -> Attempt<Self> {
        let row = sqlx::query(PAYER).bind(campaign.0).fetch_one(connection).await?;
        Ok(Self { brand: BrandId(row.number("brand_id")?), currency: row.currency("currency")? })
    }

    async fn answered(
        &self,
        connection: &mut PgConnection,
        request: &Request,
    ) -> Attempt<Option<(Wallet, Budget)>> {
        let Some(result) = recall(connection, request).await? else { return Ok(None) };
        let (wallet, budget) = result.split_at_checked(4).unwrap_or_default();
        let wallet = read::recalled(Owner::Brand(self.brand), self.currency, wallet);
        known("result", wallet.zip(recalled_budget(budget))).map(Some)
    }

    async fn answer(
        &self,
        connection: &mut PgConnection,
        campaign: CampaignId,
        request: &Request,
    ) -> Attempt<(Wallet, Budget)> {
        let wallet = read::wallet(connection, Owner::Brand(self.brand), self.currency).await?;
        let budget = budget(connection, campaign).await?;
        let kept = [read::kept(&wallet).to_vec(), kept_budget(&budget)].concat();
        remember(connection, request, &kept).await?;
        Ok((wallet, budget))
    }
}

/// Raises a budget to `total`.
pub(super) async fn fund_to(
    connection: &mut PgConnection,
    campaign: CampaignId,
    total: Micros,
    request: &Request,
) -> Attempt<(Wallet, Budget)> {
    let payer = Payer::of(connection, campaign).await?;
    if let Some(answer) = payer.answered(connection, request).await? {
        return Ok(answer);
    }
    let row = lock(connection, campaign).await?;
    if row.text("status")? == "ended" {
        return Err(Failure::refused("the campaign has ended"));
    }
    let funded = row.micros("funded")?;
    if funded > total {
        return Err(Failure::refused("the budget is above that already"));
    }
    if funded < total {
        let amount = total.checked_sub(funded).ok_or_else(not_positive)?;
        let money = Money { amount, currency: payer.currency };
        withdraw(connection, payer.brand, campaign, money, request).await?;
    }
    payer.answer(connection, campaign, request).await
}

/// Takes back what is neither spent nor leased.
pub(super) async fn release(
    connection: &mut PgConnection,
    campaign: CampaignId,
    amount: Micros,
    request: &Request,
) -> Attempt<(Wallet, Budget)> {
    let payer = Payer::of(connection, campaign).await?;
    if let Some(answer) = payer.answered(connection, request).await? {
        return Ok(answer);
    }
    if !amount.is_positive() {
        return Err(not_positive().into());
    }
    let available = lock(connection, campaign).await?.micros("rest")?;
    if available < amount {
        return Err(StoreError::InsufficientFunds { available }.into());
    }
    let shrunk = sqlx::query(SHRINK).bind(campaign.0).bind(amount.0).execute(&mut *connection).await?;
    expect_rows("campaign_budget", 1, shrunk.rows_affected())?;
    let (from, to) = (Account::CampaignReserved(campaign), Account::BrandAvailable(payer.brand));
    let lines = transfer(from, to, payer.currency, amount);
    let key = request.ledger_key();
    post(
        connection,
        &Post { kind: "release", key: Some(&key), reference: "", lines: &lines, now: request.now },
    )
    .await?;
    payer.answer(connection, campaign, request).await
}

async fn lock(connection: &mut PgConnection, campaign: CampaignId) -> Attempt<PgRow> {
    Ok(sqlx::query(LOCK).bind(campaign.0).fetch_one(connection).await?)
}
