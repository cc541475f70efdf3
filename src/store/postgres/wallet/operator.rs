//! What an operator does by hand: each of it is a ledger transaction or a limit, and an action on record.

use super::read;
use crate::store::postgres::failure::{Attempt, Failure, expect_rows};
use crate::store::postgres::ledger::{Post, Request, account_ids, not_positive, post, recall, remember};
use crate::store::postgres::row::known;
use crate::store::postgres::statements;
use gametriggers_actors::domain::id::BrandId;
use gametriggers_actors::domain::money::{Micros, Money};
use gametriggers_actors::domain::settlement::{Account, transfer};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{ByHand, Owner, StoreError, Wallet};
use sqlx::PgConnection;

statements! {
    /// Waits for another writer that moves the same money.
    LOCK = "SELECT id FROM ledger_account WHERE owner_kind = $1 AND owner_id = $2 AND code = 'available'
        AND shard = 0 AND currency = $3 FOR UPDATE";
    SET_LIMIT = "UPDATE ledger_account SET credit_limit = $2 WHERE id = $1";
    RECORD = "WITH own AS (UPDATE writer SET action_seq = action_seq + 1 WHERE id = own_writer()
          RETURNING id, action_seq)
        INSERT INTO admin_action (writer, seq, at, actor, action, subject, reason, detail)
        SELECT own.id, own.action_seq, $1, $2, $3, $4, $5, $6 FROM own";
}

/// What is to be done.
#[derive(Clone, Copy)]
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
#[derive(Clone)]
pub(super) struct SignedOrder {
    order: Order,
    hand: ByHand,
    request: Request,
}

impl SignedOrder {
    /// Does it, once: the wallet afterwards.
    pub(super) async fn obey(self, connection: &mut PgConnection) -> Attempt<Wallet> {
        obey(connection, &self.order, &self.hand, &self.request).await
    }
}

async fn obey(
    connection: &mut PgConnection,
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
    let (kind, id) = read::of(owner);
    let lock = sqlx::query(LOCK).bind(kind).bind(id).bind(currency.as_str());
    lock.execute(&mut *connection).await?;
    // Also finds out whether there is such an owner.
    let before = read::wallet(connection, owner, currency).await?;
    if order.action == "credit_limit" {
        set_limit(connection, order, &before).await?;
    } else {
        let (from, to, amount) = order.transfer()?;
        // What may be lent can be spent on campaigns; it can not be taken out.
        if from == order.account() && before.available < amount {
            return Err(StoreError::InsufficientFunds { available: before.available }.into());
        }
        let (key, lines) = (request.ledger_key(), transfer(from, to, currency, amount));
        let (reference, now) = (hand.reason.as_str(), request.now);
        let tx = Post { kind: order.action, key: Some(&key), reference, lines: &lines, now };
        post(connection, &tx).await?;
    }
    let (subject, detail) = (format!("{kind}:{id}"), format!("{currency} {}", order.money.amount.0));
    record(connection, hand, &Deed { action: order.action, subject, detail }, request.now).await?;
    let after = read::wallet(connection, owner, currency).await?;
    remember(connection, request, &read::kept(&after)).await?;
    Ok(after)
}

async fn set_limit(connection: &mut PgConnection, order: &Order, before: &Wallet) -> Attempt<()> {
    let (limit, currency) = (order.money.amount, order.money.currency);
    if limit.0 < 0 {
        return Err(Failure::refused("a credit limit is zero or more"));
    }
    if before.available.checked_add(limit).is_some_and(|left| left.0 < 0) {
        return Err(Failure::refused("the wallet is further below zero already"));
    }
    let account = account_ids(connection, &[(order.account(), currency)]).await?;
    let set = sqlx::query(SET_LIMIT).bind(account.first()).bind(limit.0).execute(connection).await?;
    expect_rows("ledger_account", 1, set.rows_affected())
}

/// What was done, for the record.
pub(in crate::store::postgres) struct Deed {
    /// Its name.
    pub(in crate::store::postgres) action: &'static str,
    /// To whom.
    pub(in crate::store::postgres) subject: String,
    /// With what.
    pub(in crate::store::postgres) detail: String,
}

/// Puts it on record, with the transaction that did it.
pub(in crate::store::postgres) async fn record(
    connection: &mut PgConnection,
    hand: &ByHand,
    deed: &Deed,
    now: UnixMillis,
) -> Attempt<()> {
    let written = sqlx::query(RECORD)
        .bind(now.0)
        .bind(&hand.actor)
        .bind(deed.action)
        .bind(&deed.subject)
        .bind(&hand.reason)
        .bind(&deed.detail)
        .execute(connection)
        .await?;
    expect_rows("admin_action", 1, written.rows_affected())
}
