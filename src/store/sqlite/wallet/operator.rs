//! What an operator does by hand: each of it is a ledger transaction or a limit, and an action on record.

use super::read;
use crate::store::sqlite::failure::{Attempt, Failure, expect_rows};
use crate::store::sqlite::ledger::{
    Post, Request, ensure, fence_if_taken, not_positive, post, recall, remember,
};
use crate::store::sqlite::row::known;
use crate::store::sqlite::{WRITER, statements};
use gametriggers_actors::domain::id::BrandId;
use gametriggers_actors::domain::money::{Micros, Money};
use gametriggers_actors::domain::settlement::{Account, transfer};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{ByHand, Owner, StoreError, Wallet};
use sqlx::SqliteConnection;

statements! {
    SET_LIMIT = "UPDATE ledger_account SET credit_limit = ?3 WHERE owner_kind = 'brand' AND owner_id = ?1
        AND code = 'available' AND shard = 0 AND currency = ?2";
    NEXT_ACTION = "UPDATE writer SET action_seq = action_seq + 1 WHERE id = ?1 RETURNING action_seq";
    INSERT_ACTION = "INSERT INTO admin_action (writer, seq, at, actor, action, subject, reason, detail)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
}

/// What is to be done.
pub(super) struct Order {
    action: &'static str,
    owner: Owner,
    money: Money,
}

impl Order {
    /// Money from outside.
    pub(super) const fn deposit(brand: BrandId, money: Money) -> Self {
        Self { action: "deposit", owner: Owner::Brand(brand), money }
    }

    /// Money back to where it came from.
    pub(super) const fn refund(brand: BrandId, money: Money) -> Self {
        Self { action: "refund", owner: Owner::Brand(brand), money }
    }

    /// A correction, up or down.
    pub(super) const fn adjust(owner: Owner, money: Money) -> Self {
        Self { action: "adjust", owner, money }
    }

    /// How far a wallet may go below zero.
    pub(super) const fn limit(brand: BrandId, money: Money) -> Self {
        Self { action: "credit_limit", owner: Owner::Brand(brand), money }
    }

    /// By whom, and for which request.
    pub(super) fn by(self, hand: &ByHand, request: Request) -> SignedOrder {
        SignedOrder { order: self, hand: hand.clone(), request }
    }

    /// The account that an owner is paid from.
    const fn account(&self) -> Account {
        match self.owner {
            Owner::Brand(brand) => Account::BrandAvailable(brand),
            Owner::Streamer(streamer) => Account::StreamerAvailable(streamer),
        }
    }

    /// From where to where, and how much.
    fn transfer(&self) -> Attempt<(Account, Account, Micros)> {
        let (own, amount) = (self.account(), self.money.amount);
        let taken = || amount.0.checked_neg().map(Micros).filter(|taken| taken.is_positive());
        match self.action {
            "deposit" if amount.is_positive() => Ok((Account::ProviderClearing, own, amount)),
            "refund" if amount.is_positive() => Ok((own, Account::ProviderClearing, amount)),
            "adjust" if amount.is_positive() => Ok((Account::PlatformAdjustment, own, amount)),
            "adjust" => match taken() {
                Some(taken) => Ok((own, Account::PlatformAdjustment, taken)),
                None => Err(Failure::refused("an adjustment has to give or take something")),
            },
            _ => Err(not_positive().into()),
        }
    }
}

/// An order, who gives it, and the request that is answered once.
pub(super) struct SignedOrder {
    order: Order,
    hand: ByHand,
    request: Request,
}

impl SignedOrder {
    /// Does it, once: the wallet afterwards.
    pub(super) async fn obey(self, connection: &mut SqliteConnection, epoch: i64) -> Attempt<Wallet> {
        fence_if_taken(connection, epoch).await?;
        obey(connection, &self.order, &self.hand, &self.request).await
    }
}

async fn obey(
    connection: &mut SqliteConnection,
    order: &Order,
    hand: &ByHand,
    request: &Request,
) -> Attempt<Wallet> {
    let (owner, currency) = (order.owner, order.money.currency);
    if let Some(kept) = recall(connection, request).await? {
        return known("result", read::recalled(owner, currency, &kept));
    }
    if hand.reason.trim().is_empty() || hand.actor.trim().is_empty() {
        return Err(Failure::refused("who does something by hand says who and why"));
    }
    // Also finds out whether there is such an owner.
    let before = read::wallet(connection, owner, currency).await?;
    if order.action == "credit_limit" {
        set_limit(connection, order, &before).await?;
    } else {
        let (from, to, amount) = order.transfer()?;
        // What may be lent can be spent on campaigns; it can not be taken out.
        if from == order.account() && before.available < amount {
            return Err(Failure(StoreError::InsufficientFunds { available: before.available }));
        }
        let (key, lines) = (request.ledger_key(), transfer(from, to, currency, amount));
        let (reference, now) = (hand.reason.as_str(), request.now);
        let tx = Post { kind: order.action, key: Some(&key), reference, lines: &lines, now };
        post(connection, &tx).await?;
    }
    let (kind, id) = read::of(owner);
    let (subject, detail) = (format!("{kind}:{id}"), format!("{currency} {}", order.money.amount.0));
    record(connection, hand, &Deed { action: order.action, subject, detail }, request.now).await?;
    let after = read::wallet(connection, owner, currency).await?;
    remember(connection, request, &read::kept(&after)).await?;
    Ok(after)
}

async fn set_limit(connection: &mut SqliteConnection, order: &Order, before: &Wallet) -> Attempt<()> {
    let (limit, currency) = (order.money.amount, order.money.currency);
    if limit.0 < 0 {
        return Err(Failure::refused("a credit limit is zero or more"));
    }
    if before.available.checked_add(limit).is_some_and(|left| left.0 < 0) {
        return Err(Failure::refused("the wallet is further below zero already"));
    }
    ensure(connection, order.account(), currency).await?;
    let (_, id) = read::of(order.owner);
    let set =
        sqlx::query(SET_LIMIT).bind(id).bind(currency.to_string()).bind(limit.0).execute(connection).await?;
    expect_rows("ledger_account", 1, set.rows_affected())
}

/// What was done, for the record.
pub(in crate::store::sqlite) struct Deed {
    /// Its name.
    pub(in crate::store::sqlite) action: &'static str,
    /// To whom.
    pub(in crate::store::sqlite) subject: String,
    /// With what.
    pub(in crate::store::sqlite) detail: String,
}

/// Puts it on record, with the transaction that did it.
pub(in crate::store::sqlite) async fn record(
    connection: &mut SqliteConnection,
    hand: &ByHand,
    deed: &Deed,
    now: UnixMillis,
) -> Attempt<()> {
    let seq: i64 = sqlx::query_scalar(NEXT_ACTION).bind(WRITER).fetch_one(&mut *connection).await?;
    sqlx::query(INSERT_ACTION)
        .bind(WRITER)
        .bind(seq)
        .bind(now.0)
        .bind(&hand.actor)
        .bind(deed.action)
        .bind(&deed.subject)
        .bind(&hand.reason)
        .bind(&deed.detail)
        .execute(connection)
        .await?;
    Ok(())
}
