//! The rows of a SQLite file.

use super::{Account, Budget, Event, Rows};
use crate::failure::Failure;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::path::Path;

const EVENTS: &str = "SELECT lower(hex(event_id)), kind = 'play', campaign_id, price, fee FROM settle_event";
const CLICKS: &str = "SELECT lower(hex(play_id)) FROM settle_click";
const ACTIONS: &str = "SELECT count(*) FROM admin_action";
const BUDGETS: &str = "SELECT campaign_id, funded, spent, leased FROM campaign_budget";
const ACCOUNTS: &str = "SELECT owner_kind, owner_id, code, debits, credits FROM ledger_account";
const LEASES: &str = "SELECT granted, settled FROM budget_lease";
const STRANDED: &str = "SELECT coalesce(sum(granted - settled), 0) FROM budget_lease WHERE state = 'closing'";

pub(super) async fn read(path: &Path) -> Result<Rows, Failure> {
    let mut database = open(path).await?;
    let mut snapshot = database.begin().await?;
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

pub(super) async fn actions(path: &Path) -> Result<i64, Failure> {
    let mut database = open(path).await?;
    let actions = sqlx::query_scalar(ACTIONS).fetch_one(&mut database).await?;
    database.close().await?;
    Ok(actions)
}

pub(super) async fn stranded(path: &Path) -> Result<i64, Failure> {
    let mut database = open(path).await?;
    let stranded = sqlx::query_scalar(STRANDED).fetch_one(&mut database).await?;
    database.close().await?;
    Ok(stranded)
}

async fn open(path: &Path) -> Result<SqliteConnection, Failure> {
    Ok(SqliteConnectOptions::new().filename(path).read_only(true).connect().await?)
}

impl From<(String, bool, i64, i64, i64)> for Event {
    fn from((id, is_play, campaign, price, fee): (String, bool, i64, i64, i64)) -> Self {
        Self { id, is_play, campaign, price, fee }
    }
}

impl From<(i64, i64, i64, i64)> for Budget {
    fn from((campaign, funded, spent, leased): (i64, i64, i64, i64)) -> Self {
        Self { campaign, funded, spent, leased }
    }
}

impl From<(String, i64, String, i64, i64)> for Account {
    fn from((owner_kind, owner, code, debits, credits): (String, i64, String, i64, i64)) -> Self {
        Self { owner_kind, owner, code, debits, credits }
    }
}
