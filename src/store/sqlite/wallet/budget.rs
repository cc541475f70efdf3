//! Between a brand's wallet and the budget of its campaign.

use super::read;
use crate::store::fact::Fact;
use crate::store::sqlite::campaign;
use crate::store::sqlite::failure::{Attempt, Failure, expect_rows};
use crate::store::sqlite::ledger::{
    Post, Request, budget, kept_budget, not_positive, post, recall, recalled_budget, remember, withdraw,
};
use crate::store::sqlite::row::Columns;
use crate::store::sqlite::statements;
use crate::store::sqlite::webhook::tell;
use gametriggers_actors::domain::id::{BrandId, CampaignId};
use gametriggers_actors::domain::money::{Currency, Micros, Money};
use gametriggers_actors::domain::settlement::{Account, transfer};
use gametriggers_actors::ports::{Funds, Owner, StoreError};
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

/// Raises the budget by `amount`.
pub(super) async fn fund(
    connection: &mut SqliteConnection,
    campaign: CampaignId,
    amount: Micros,
    request: &Request,
) -> Attempt<Funds> {
    let (brand, currency, ended) = payer(connection, campaign).await?;
    if let Some(kept) = recall(connection, request).await? {
        return recalled_funds(connection, (brand, currency), campaign, &kept).await;
    }
    if ended {
        return Err(Failure::refused("the campaign has ended"));
    }
    withdraw(connection, brand, campaign, Money { amount, currency }, request).await?;
    moved(connection, (brand, currency), campaign, request).await
}

/// Raises the budget to `total`; nothing when it is just that.
pub(in crate::store::sqlite) async fn fund_to(
    connection: &mut SqliteConnection,
    campaign: CampaignId,
    total: Micros,
    request: &Request,
) -> Attempt<Funds> {
    let (brand, currency, ended) = payer(connection, campaign).await?;
    if let Some(kept) = recall(connection, request).await? {
        return recalled_funds(connection, (brand, currency), campaign, &kept).await;
    }
    if ended {
        return Err(Failure::refused("the campaign has ended"));
    }
    let funded = budget(connection, campaign).await?.funded;
    let amount = total.checked_sub(funded).filter(|more| more.0 >= 0);
    let amount = amount.ok_or_else(|| Failure::refused("the budget is above that already"))?;
    if !amount.is_positive() {
        return answer(connection, (brand, currency), campaign, request).await;
    }
    withdraw(connection, brand, campaign, Money { amount, currency }, request).await?;
    moved(connection, (brand, currency), campaign, request).await
}

/// Wallet and budget that a request to raise it answered with before.
pub(in crate::store::sqlite) async fn recall_funds(
    connection: &mut SqliteConnection,
    campaign: CampaignId,
    request: &Request,
) -> Attempt<Option<Funds>> {
    let (brand, currency, _) = payer(connection, campaign).await?;
    match recall(connection, request).await? {
        Some(kept) => recalled_funds(connection, (brand, currency), campaign, &kept).await.map(Some),
        None => Ok(None),
    }
}

/// Gives back what is neither spent nor leased, or a part of it.
pub(super) async fn release(
    connection: &mut SqliteConnection,
    campaign: CampaignId,
    amount: Micros,
    request: &Request,
) -> Attempt<Funds> {
    let (brand, currency, _) = payer(connection, campaign).await?;
    if let Some(kept) = recall(connection, request).await? {
        return recalled_funds(connection, (brand, currency), campaign, &kept).await;
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
    moved(connection, (brand, currency), campaign, request).await
}

/// Wallet and budget after a change, which who listens is told.
async fn moved(
    connection: &mut SqliteConnection,
    payer: (BrandId, Currency),
    id: CampaignId,
    request: &Request,
) -> Attempt<Funds> {
    let funds = answer(connection, payer, id, request).await?;
    let campaign = campaign::one(connection, id).await?;
    tell(connection, &[Fact::funded(&campaign, &funds.1)], request.now).await?;
    Ok(funds)
}

/// Wallet and budget afterwards, remembered for the same request.
async fn answer(
    connection: &mut SqliteConnection,
    payer: (BrandId, Currency),
    campaign: CampaignId,
    request: &Request,
) -> Attempt<Funds> {
    let funds = funds(connection, payer, campaign).await?;
    remember(connection, request, &kept_funds(&funds)).await?;
    Ok(funds)
}

/// Wallet and budget as they are now.
pub(in crate::store::sqlite) async fn funds(
    connection: &mut SqliteConnection,
    (brand, currency): (BrandId, Currency),
    campaign: CampaignId,
) -> Attempt<Funds> {
    let wallet = read::wallet(connection, Owner::Brand(brand), currency).await?;
    Ok((wallet, budget(connection, campaign).await?))
}

/// Wallet and budget as the numbers that a request is remembered by.
pub(in crate::store::sqlite) fn kept_funds((wallet, budget): &Funds) -> Vec<i64> {
    [read::kept(wallet).to_vec(), kept_budget(budget)].concat()
}

/// Wallet and budget that a request answered with. An earlier version kept less of some answers: these
/// are as it is now.
pub(in crate::store::sqlite) async fn recalled_funds(
    connection: &mut SqliteConnection,
    (brand, currency): (BrandId, Currency),
    campaign: CampaignId,
    kept: &[i64],
) -> Attempt<Funds> {
    let whole = kept.split_at_checked(4).and_then(|(wallet, budget)| {
        read::recalled(Owner::Brand(brand), currency, wallet).zip(recalled_budget(budget))
    });
    match whole {
        Some(funds) => Ok(funds),
        None => funds(connection, (brand, currency), campaign).await,
    }
}
