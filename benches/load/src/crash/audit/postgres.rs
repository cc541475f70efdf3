//! The rows of a Postgres database.

use super::{Account, Budget, Event, Rows};
use crate::failure::Failure;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};

const EVENTS: &str = "SELECT replace(event_id::text, '-', ''), left(kind::text, 1) = 'p', campaign_id,
    price, fee FROM settle_event";
const CLICKS: &str = "SELECT replace(play_id::text, '-', '') FROM settle_click";
const ACTIONS: &str = "SELECT count(*) FROM admin_action";
const BUDGETS: &str = "SELECT campaign_id, funded, spent, leased FROM campaign_budget";
const ACCOUNTS: &str = "SELECT owner_kind::text, owner_id::bigint, code::text, debits, credits
    FROM ledger_account";
const LEASES: &str = "SELECT granted, settled FROM budget_lease";
const STRANDED: &str = "SELECT coalesce(sum(granted - settled), 0)::bigint FROM budget_lease
    WHERE state::text = 'closing'";

pub(super) async fn read(options: &PgConnectOptions) -> Result<Rows, Failure> {
    let mut database = open(options).await?;
    let mut snapshot = database.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let events: Vec<(String, bool, i64, i64, i64)> = sqlx::query_as(EVENTS).fetch_all(&mut *snapshot).await?;
    let budgets: Vec<(i64, i64, i64, i64)> = sqlx::query_as(BUDGETS).fetch_all(&mut *snapshot).await?;
    let accounts: Vec<(String, i64, String, i64, i64)> =
        sqlx::query_as(ACCOUNTS).fetch_all(&mut *snapshot).await?;
    let clicks = sqlx::query_scalar(CLICKS).fetch_all(&mut *snapshot).await?;
    let leases = sqlx::query_as(LEASES).fetch_all(&mut *snapshot).await?;
    snapshot.rollback().await?;
    database.close().await?;
    Ok(Rows {
        events: events.into_iter().map(Event::from).collect(),
        budgets: budgets.into_iter().map(Budget::from).collect(),
        accounts: accounts.into_iter().map(Account::from).collect(),
        clicks,
        leases,
    })
}

pub(super) async fn actions(options: &PgConnectOptions) -> Result<i64, Failure> {
    let mut database = open(options).await?;
    let actions = sqlx::query_scalar(ACTIONS).fetch_one(&mut database).await?;
    database.close().await?;
    Ok(actions)
}

pub(super) async fn stranded(options: &PgConnectOptions) -> Result<i64, Failure> {
    let mut database = open(options).await?;
    let stranded = sqlx::query_scalar(STRANDED).fetch_one(&mut database).await?;
    database.close().await?;
    Ok(stranded)
}

async fn open(options: &PgConnectOptions) -> Result<PgConnection, Failure> {
    Ok(options.connect().await?)
}
