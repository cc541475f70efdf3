//! Between a brand's wallet and the budgets of its campaigns.

use super::read;
use crate::store::fact::Fact;
use crate::store::postgres::campaign;
use crate::store::postgres::failure::{Attempt, Failure, expect_rows};
use crate::store::postgres::ledger::{
    Post, Request, budget, kept_budget, not_positive, post, recall, recalled_budget, remember, withdraw,
};
use crate::store::postgres::row::Columns;
use crate::store::postgres::statements;
use crate::store::postgres::webhook::tell;
use gametriggers_actors::domain::id::{BrandId, CampaignId};
use gametriggers_actors::domain::money::{Currency, Micros, Money};
use gametriggers_actors::domain::settlement::{Account, transfer};
use gametriggers_actors::ports::{Funds, Owner, StoreError};
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
async fn payer(connection: &mut PgConnection, campaign: CampaignId) -> Attempt<(BrandId, Currency)> {
    let row = sqlx::query(PAYER).bind(campaign.0).fetch_one(connection).await?;
    Ok((BrandId(row.number("brand_id")?), row.currency("currency")?))
}

/// Wallet and budget after a change, which who listens is told.
async fn moved(
    connection: &mut PgConnection,
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
    connection: &mut PgConnection,
    payer: (BrandId, Currency),
    campaign: CampaignId,
    request: &Request,
) -> Attempt<Funds> {
    let funds = funds(connection, payer, campaign).await?;
    remember(connection, request, &kept_funds(&funds)).await?;
    Ok(funds)
}

/// Wallet and budget as they are now.
pub(in crate::store::postgres) async fn funds(
    connection: &mut PgConnection,
    (brand, currency): (BrandId, Currency),
    campaign: CampaignId,
) -> Attempt<Funds> {
    let wallet = read::wallet(connection, Owner::Brand(brand), currency).await?;
    Ok((wallet, budget(connection, campaign).await?))
}

/// Wallet and budget as the numbers that a request is remembered by.
pub(in crate::store::postgres) fn kept_funds((wallet, budget): &Funds) -> Vec<i64> {
    [read::kept(wallet).to_vec(), kept_budget(budget)].concat()
}

/// Wallet and budget that a request answered with. An earlier version kept less of some answers: these
/// are as it is now.
pub(in crate::store::postgres) async fn recalled_funds(
    connection: &mut PgConnection,
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

/// Raises a budget by `amount`. Nobody ends the campaign before its money is there: what an ended one has
/// goes back only once.
pub(super) async fn fund(
    connection: &mut PgConnection,
    campaign: CampaignId,
    amount: Micros,
    request: &Request,
) -> Attempt<Funds> {
    let (brand, currency) = payer(connection, campaign).await?;
    if let Some(kept) = recall(connection, request).await? {
        return recalled_funds(connection, (brand, currency), campaign, &kept).await;
    }
    if lock(connection, campaign).await?.text("status")? == "ended" {
        return Err(Failure::refused("the campaign has ended"));
    }
    withdraw(connection, brand, campaign, Money { amount, currency }, request).await?;
    moved(connection, (brand, currency), campaign, request).await
}

/// Raises a budget to `total`.
pub(in crate::store::postgres) async fn fund_to(
    connection: &mut PgConnection,
    campaign: CampaignId,
    total: Micros,
    request: &Request,
) -> Attempt<Funds> {
    let (brand, currency) = payer(connection, campaign).await?;
    if let Some(kept) = recall(connection, request).await? {
        return recalled_funds(connection, (brand, currency), campaign, &kept).await;
    }
    let row = lock(connection, campaign).await?;
    if row.text("status")? == "ended" {
        return Err(Failure::refused("the campaign has ended"));
    }
    let funded = row.micros("funded")?;
    if funded > total {
        return Err(Failure::refused("the budget is above that already"));
    }
    if funded == total {
        return answer(connection, (brand, currency), campaign, request).await;
    }
    let amount = total.checked_sub(funded).ok_or_else(not_positive)?;
    withdraw(connection, brand, campaign, Money { amount, currency }, request).await?;
    moved(connection, (brand, currency), campaign, request).await
}

/// Wallet and budget that a request to raise it answered with before.
pub(in crate::store::postgres) async fn recall_funds(
    connection: &mut PgConnection,
    campaign: CampaignId,
    request: &Request,
) -> Attempt<Option<Funds>> {
    let (brand, currency) = payer(connection, campaign).await?;
    match recall(connection, request).await? {
        Some(kept) => recalled_funds(connection, (brand, currency), campaign, &kept).await.map(Some),
        None => Ok(None),
    }
}

/// Takes back what is neither spent nor leased.
pub(super) async fn release(
    connection: &mut PgConnection,
    campaign: CampaignId,
    amount: Micros,
    request: &Request,
) -> Attempt<Funds> {
    let (brand, currency) = payer(connection, campaign).await?;
    if let Some(kept) = recall(connection, request).await? {
        return recalled_funds(connection, (brand, currency), campaign, &kept).await;
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
    let (from, to) = (Account::CampaignReserved(campaign), Account::BrandAvailable(brand));
    let lines = transfer(from, to, currency, amount);
    let key = request.ledger_key();
    post(
        connection,
        &Post { kind: "release", key: Some(&key), reference: "", lines: &lines, now: request.now },
    )
    .await?;
    moved(connection, (brand, currency), campaign, request).await
}

async fn lock(connection: &mut PgConnection, campaign: CampaignId) -> Attempt<PgRow> {
    Ok(sqlx::query(LOCK).bind(campaign.0).fetch_one(connection).await?)
}
