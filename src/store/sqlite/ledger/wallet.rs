//! From outside into a brand's wallet, and from there into a campaign's budget.

use super::entry::{Post, post};
use super::idempotency::{Request, recall, remember};
use super::not_positive;
use crate::store::sqlite::failure::{Attempt, Failure, expect_rows};
use crate::store::sqlite::row::{Columns, known};
use crate::store::sqlite::statements;
use gametriggers_actors::domain::id::{BrandId, CampaignId};
use gametriggers_actors::domain::money::{Currency, Micros, Money};
use gametriggers_actors::domain::settlement::{Account, transfer};
use gametriggers_actors::ports::{Budget, StoreError};
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqliteExecutor};

statements! {
    AVAILABLE = "SELECT coalesce(a.credits - a.debits, 0) FROM brand AS b
        LEFT JOIN ledger_account AS a ON a.owner_kind = 'brand' AND a.owner_id = b.id
          AND a.code = 'available' AND a.shard = 0 AND a.currency = ?2
        WHERE b.id = ?1";
    SPENDABLE = "SELECT coalesce(a.credits - a.debits, 0), coalesce(a.credit_limit, 0) FROM brand AS b
        LEFT JOIN ledger_account AS a ON a.owner_kind = 'brand' AND a.owner_id = b.id
          AND a.code = 'available' AND a.shard = 0 AND a.currency = ?2
        WHERE b.id = ?1";
    ADD_FUNDS = "UPDATE campaign_budget SET funded = funded + ?2, version = version + 1
        WHERE campaign_id = ?1";
    BUDGET = "SELECT funded, spent, leased, plays, viewers, clicks, rejected, day, spent_before
        FROM campaign_budget
        WHERE campaign_id = ?1";
}

/// Into the brand's wallet; its available balance afterwards.
pub(super) async fn deposit(
    connection: &mut SqliteConnection,
    brand: BrandId,
    money: Money,
    request: &Request,
) -> Attempt<Micros> {
    if let Some(result) = recall(connection, request).await? {
        return known("result", result.first().copied().map(Micros));
    }
    if !money.amount.is_positive() {
        return Err(not_positive().into());
    }
    // Also finds out whether there is such a brand.
    available(&mut *connection, brand, money.currency).await?;
    let (from, to) = (Account::ProviderClearing, Account::BrandAvailable(brand));
    let lines = transfer(from, to, money.currency, money.amount);
    let key = request.ledger_key();
    post(
        connection,
        &Post { kind: "deposit", key: Some(&key), reference: "", lines: &lines, now: request.now },
    )
    .await?;
    let after = available(&mut *connection, brand, money.currency).await?;
    remember(connection, request, &[after.0]).await?;
    Ok(after)
}

/// A budget as the numbers that a request is remembered by.
pub(in crate::store::sqlite) fn kept_budget(budget: &Budget) -> Vec<i64> {
    let counters = [budget.plays, budget.viewers, budget.clicks, budget.rejected];
    let money = [budget.funded.0, budget.spent.0, budget.leased.0];
    let counters = counters.map(|n| i64::try_from(n).unwrap_or(i64::MAX));
    money.into_iter().chain(counters).chain([budget.day, budget.spent_before.0]).collect()
}

/// The budget as it was after the first time.
pub(in crate::store::sqlite) fn recalled_budget(result: &[i64]) -> Option<Budget> {
    let &[funded, spent, leased, plays, viewers, clicks, rejected, ref day @ ..] = result else {
        return None;
    };
    let count = |n: i64| u64::try_from(n).ok();
    Some(Budget {
        funded: Micros(funded),
        spent: Micros(spent),
        leased: Micros(leased),
        plays: count(plays)?,
        viewers: count(viewers)?,
        clicks: count(clicks)?,
        rejected: count(rejected)?,
        // A release before this one kept no day.
        day: day.first().copied().unwrap_or(0),
        spent_before: Micros(day.get(1).copied().unwrap_or(0)),
    })
}

/// Moves money from a wallet into a budget that has a row.
pub(in crate::store::sqlite) async fn withdraw(
    connection: &mut SqliteConnection,
    brand: BrandId,
    campaign: CampaignId,
    money: Money,
    request: &Request,
) -> Attempt<()> {
    if !money.amount.is_positive() {
        return Err(not_positive().into());
    }
    let available = spendable(connection, brand, money.currency).await?;
    if available < money.amount {
        return Err(Failure(StoreError::InsufficientFunds { available }));
    }
    let (from, to) = (Account::BrandAvailable(brand), Account::CampaignReserved(campaign));
    let lines = transfer(from, to, money.currency, money.amount);
    let key = request.ledger_key();
    post(connection, &Post { kind: "fund", key: Some(&key), reference: "", lines: &lines, now: request.now })
        .await?;
    let funded =
        sqlx::query(ADD_FUNDS).bind(campaign.0).bind(money.amount.0).execute(&mut *connection).await?;
    expect_rows("campaign_budget", 1, funded.rows_affected())
}

/// What a brand may give to campaigns with what it may owe; `NotFound` for a brand that there is not.
async fn spendable(connection: &mut SqliteConnection, brand: BrandId, currency: Currency) -> Attempt<Micros> {
    let (balance, limit): (i64, i64) =
        sqlx::query_as(SPENDABLE).bind(brand.0).bind(currency.to_string()).fetch_one(connection).await?;
    known("credit_limit", Micros(balance).checked_add(Micros(limit)))
}

/// What a brand may give to campaigns; `NotFound` for a brand that there is not.
pub(super) async fn available(
    executor: impl SqliteExecutor<'_>,
    brand: BrandId,
    currency: Currency,
) -> Attempt<Micros> {
    let balance: i64 =
        sqlx::query_scalar(AVAILABLE).bind(brand.0).bind(currency.to_string()).fetch_one(executor).await?;
    Ok(Micros(balance))
}

/// A campaign's money and counters.
pub(in crate::store::sqlite) async fn budget(
    connection: &mut SqliteConnection,
    campaign: CampaignId,
) -> Attempt<Budget> {
    budget_of(&sqlx::query(BUDGET).bind(campaign.0).fetch_one(connection).await?)
}

/// The budget of a row of `campaign_budget`.
pub(super) fn budget_of(row: &SqliteRow) -> Attempt<Budget> {
    Ok(Budget {
        funded: row.micros("funded")?,
        spent: row.micros("spent")?,
        leased: row.micros("leased")?,
        plays: row.number("plays")?,
        viewers: row.number("viewers")?,
        clicks: row.number("clicks")?,
        rejected: row.number("rejected")?,
        day: row.number("day")?,
        spent_before: row.micros("spent_before")?,
    })
}
