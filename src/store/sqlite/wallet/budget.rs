//! Between a brand's wallet and the budget of its campaign.

use super::read;
use crate::store::sqlite::failure::{Attempt, Failure, expect_rows};
use crate::store::sqlite::ledger::{
    Post, Request, budget, kept_budget, not_positive, post, recall, recalled_budget, remember, withdraw,
};
use crate::store::sqlite::row::{Columns, known};
use crate::store::sqlite::statements;
use gametriggers_actors::domain::id::{BrandId, CampaignId};
use gametriggers_actors::domain::money::{Currency, Micros, Money};
use gametriggers_actors::domain::settlement::{Account, transfer};
use gametriggers_actors::ports::{Budget, Owner, StoreError, Wallet};
use sqlx::SqliteConnection;

statements! {
    PAYER = "SELECT brand_id, currency, status FROM campaign WHERE id = ?1";
    RELEASE = "UPDATE campaign_budget SET funded = funded - ?2, version = version + 1
        WHERE campaign_id = ?1 AND funded - spent - leased >= ?2";
}

/// Who pays for a campaign, in what, and whether it has ended.
async fn payer(
    connection: &mut SqliteConnection,
    campaign: CampaignId,
) -> Attempt<(BrandId, Currency, bool)> {
    let row = sqlx::query(PAYER).bind(campaign.0).fetch_one(connection).await?;
    Ok((BrandId(row.number("brand_id")?), row.currency("currency")?, row.text("status")? == "ended"))
}

/// Raises the budget to `total`; nothing when it is just that.
pub(super) async fn fund_to(
    connection: &mut SqliteConnection,
    campaign: CampaignId,
    total: Micros,
    request: &Request,
) -> Attempt<(Wallet, Budget)> {
    let (brand, currency, ended) = payer(connection, campaign).await?;
    if let Some(kept) = recall(connection, request).await? {
        return recalled(Owner::Brand(brand), currency, &kept);
    }
    if ended {
        return Err(Failure::refused("the campaign has ended"));
    }
    let funded = budget(connection, campaign).await?.funded;
    let amount = total.checked_sub(funded).filter(|more| more.0 >= 0);
    let amount = amount.ok_or_else(|| Failure::refused("the budget is above that already"))?;
    if amount.is_positive() {
        withdraw(connection, brand, campaign, Money { amount, currency }, request).await?;
    }
    answer(connection, (brand, currency), campaign, request).await
}

/// Gives back what is neither spent nor leased, or a part of it.
pub(super) async fn release(
    connection: &mut SqliteConnection,
    campaign: CampaignId,
    amount: Micros,
    request: &Request,
) -> Attempt<(Wallet, Budget)> {
    let (brand, currency, _) = payer(connection, campaign).await?;
    if let Some(kept) = recall(connection, request).await? {
        return recalled(Owner::Brand(brand), currency, &kept);
    }
    if !amount.is_positive() {
        return Err(not_positive().into());
    }
    let before = budget(connection, campaign).await?;
    let held = before.spent.checked_add(before.leased);
    let free = held.and_then(|held| before.funded.checked_sub(held)).unwrap_or_default();
    if free < amount {
        return Err(Failure(StoreError::InsufficientFunds { available: free }));
    }
    let (from, to) = (Account::CampaignReserved(campaign), Account::BrandAvailable(brand));
    let (key, lines) = (request.ledger_key(), transfer(from, to, currency, amount));
    let tx = Post { kind: "release", key: Some(&key), reference: "", lines: &lines, now: request.now };
    post(connection, &tx).await?;
    let released = sqlx::query(RELEASE).bind(campaign.0).bind(amount.0).execute(&mut *connection).await?;
    expect_rows("campaign_budget", 1, released.rows_affected())?;
    answer(connection, (brand, currency), campaign, request).await
}

/// Wallet and budget afterwards, remembered for the same request.
async fn answer(
    connection: &mut SqliteConnection,
    (brand, currency): (BrandId, Currency),
    campaign: CampaignId,
    request: &Request,
) -> Attempt<(Wallet, Budget)> {
    let wallet = read::wallet(connection, Owner::Brand(brand), currency).await?;
    let budget = budget(connection, campaign).await?;
    let kept = [read::kept(&wallet).to_vec(), kept_budget(&budget)].concat();
    remember(connection, request, &kept).await?;
    Ok((wallet, budget))
}

fn recalled(owner: Owner, currency: Currency, kept: &[i64]) -> Attempt<(Wallet, Budget)> {
    let parts = kept.split_at_checked(4).and_then(|(wallet, budget)| {
        Some((read::recalled(owner, currency, wallet)?, recalled_budget(budget)?))
    });
    known("result", parts)
}
