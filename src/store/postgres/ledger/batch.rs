//! What a batch of claims writes, as the one statement that writes it.
//!
//! Everything is summed in memory first: what leaves each lease, what each campaign counts, the lines of the
//! ledger and what they move of each account. The statement takes an array for each column and says how many
//! rows it found; a number that is not the expected one undoes the transaction.

use crate::store::postgres::failure::{Attempt, Failure};
use crate::store::postgres::row::known;
use crate::store::postgres::statements;
use gametriggers_actors::domain::money::Currency;
use gametriggers_actors::domain::settlement::{Account, Debit, EventKind, Posting, Side};
use gametriggers_actors::domain::time::UnixMillis;
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

statements! {
    /// The events come last in the text and first in the arrays: they are nearly all of the work.
    WRITE = "WITH own AS (UPDATE writer SET seq = seq + 1 WHERE id = own_writer() RETURNING id, seq),
        tx AS (INSERT INTO ledger_tx (writer, seq, kind, idem_key, created_at)
          SELECT own.id, own.seq, 'settle', 'settle:' || own.id || ':' || own.seq,
            greatest($28, (SELECT created_at FROM ledger_tx AS last
              WHERE last.writer = own.id AND last.seq = own.seq - 1)) FROM own),
        lease AS (UPDATE budget_lease AS l SET settled = l.settled + t.taken
          FROM unnest($12::bigint[], $13::bigint[], $14::bigint[]) AS t (lease_id, campaign_id, taken)
          WHERE l.lease_id = t.lease_id AND l.campaign_id = t.campaign_id
            AND l.settled + t.taken <= l.granted AND l.state IN ('open', 'closing') RETURNING 1),
        budget AS (UPDATE campaign_budget AS b SET version = b.version + 1, spent = b.spent + m.price,
            leased = b.leased - m.price, plays = b.plays + m.plays, viewers = b.viewers + m.viewers,
            clicks = b.clicks + m.clicks, rejected = b.rejected + m.rejected,
            day = greatest(b.day, $28 / 86400000),
            spent_before = CASE WHEN b.day < $28 / 86400000 THEN b.spent ELSE b.spent_before END
          FROM unnest($15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[],
            $20::bigint[]) AS m (campaign_id, price, plays, viewers, clicks, rejected)
          WHERE b.campaign_id = m.campaign_id RETURNING 1),
        account AS (UPDATE ledger_account AS a SET debits = a.debits + m.debit, credits = a.credits + m.credit
          FROM unnest($21::bigint[], $22::bigint[], $23::bigint[]) AS m (id, debit, credit)
          WHERE a.id = m.id RETURNING 1),
        line AS (INSERT INTO ledger_entry (writer, seq, line, account_id, currency, is_debit, amount)
          SELECT own.id, own.seq, l.line, l.account, l.currency, l.debit, l.amount
          FROM own CROSS JOIN unnest($21::bigint[], $24::text[], $25::bool[], $26::bigint[])
            WITH ORDINALITY AS l (account, currency, debit, amount, line)),
        event AS (INSERT INTO settle_event (event_id, lease_id, campaign_id, streamer_id, creative_id, price,
            fee, claimed_after, viewers, kind, currency, seq, writer)
          SELECT e.*, own.seq, own.id FROM own CROSS JOIN unnest($1::uuid[], $2::bigint[], $3::bigint[],
            $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::int[], $9::int[], $10::\"char\"[],
            $11::text[]) AS e ON CONFLICT (event_id) DO NOTHING RETURNING kind),
        click AS (INSERT INTO settle_click (event_id, play_id)
          SELECT * FROM unnest($27::uuid[], $29::uuid[]))
        SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM lease), (SELECT count(*) FROM budget),
          (SELECT count(*) FROM account),
          -- Refusals are few: mostly there is none among the ids of a batch, and none has to be looked for.
          CASE WHEN EXISTS (SELECT FROM settle_reject WHERE event_id BETWEEN $30 AND $31)
            THEN (SELECT count(*) FROM settle_reject WHERE event_id = ANY($1)) ELSE 0 END";
}

/// How an event's kind is written.
pub(super) const fn kind(kind: EventKind) -> i8 {
    match kind {
        EventKind::Play => 0x70,
        EventKind::Click => 0x63,
    }
}

/// The columns of the events.
#[derive(Debug, Default)]
struct Events {
    id: Vec<Uuid>,
    lease: Vec<i64>,
    campaign: Vec<i64>,
    streamer: Vec<i64>,
    creative: Vec<i64>,
    price: Vec<i64>,
    fee: Vec<i64>,
    claimed_after: Vec<i32>,
    viewers: Vec<i32>,
    kind: Vec<i8>,
    currency: Vec<String>,
    click: Vec<Uuid>,
    click_play: Vec<Uuid>,
}

/// Everything that is written, column by column.
#[derive(Debug, Default)]
pub(super) struct Batch {
    events: Events,
    lease: Vec<i64>,
    lease_campaign: Vec<i64>,
    taken: Vec<i64>,
    /// Campaign, price, plays, viewers, clicks, refusals.
    budgets: [Vec<i64>; 6],
    /// An account has one line in a batch, so the lines are also what moves.
    account: Vec<i64>,
    debit: Vec<i64>,
    credit: Vec<i64>,
    line_currency: Vec<String>,
    line_is_debit: Vec<bool>,
    line_amount: Vec<i64>,
}

/// The numbers of accounts.
pub(in crate::store::postgres) type AccountIds = HashMap<(Account, Currency), i64>;

impl Batch {
    /// The columns of a posting that pays something. Rows are in the order of their keys, so that two
    /// writers that touch the same ones wait for each other and not in a circle.
    pub(super) fn of(posting: &Posting, ids: &AccountIds) -> Attempt<Self> {
        let mut batch = Self { events: events(&posting.events)?, ..Self::default() };
        for ((lease, campaign), taken) in &posting.leases {
            batch.lease.push(lease.0);
            batch.lease_campaign.push(campaign.0);
            batch.taken.push(taken.0);
        }
        let count = |n: u64| known("count", i64::try_from(n).ok());
        for (campaign, counted) in &posting.campaigns {
            // A refused claim may name a campaign that there is not: it is counted apart.
            if counted.plays == 0 && counted.clicks == 0 {
                continue;
            }
            let numbers = [counted.plays, counted.viewers, counted.clicks, counted.rejected].map(count);
            let [plays, viewers, clicks, rejected] = numbers;
            let row = [campaign.0, counted.price.0, plays?, viewers?, clicks?, rejected?];
            for (column, value) in batch.budgets.iter_mut().zip(row) {
                column.push(value);
            }
        }
        let mut lines = Vec::with_capacity(posting.lines.len());
        for line in &posting.lines {
            let id = *known("account", ids.get(&(line.account, line.currency)))?;
            lines.push((id, line));
        }
        lines.sort_by_key(|(id, _)| *id);
        for (id, line) in lines {
            let is_debit = line.side == Side::Debit;
            batch.account.push(id);
            batch.debit.push(if is_debit { line.amount.0 } else { 0 });
            batch.credit.push(if is_debit { 0 } else { line.amount.0 });
            batch.line_currency.push(line.currency.to_string());
            batch.line_is_debit.push(is_debit);
            batch.line_amount.push(line.amount.0);
        }
        Ok(batch)
    }

    /// Writes it, all of it, or fails.
    pub(super) async fn write(&self, connection: &mut PgConnection, now: UnixMillis) -> Attempt<()> {
        let events = &self.events;
        let [campaign, price, plays, viewers, clicks, rejected] = &self.budgets;
        let (first, last) = (events.id.first(), events.id.last());
        #[cfg(feature = "proof")]
        let write = crate::store::plant::statement(WRITE);
        #[cfg(not(feature = "proof"))]
        let write = WRITE;
        let found: (i64, i64, i64, i64, i64) = sqlx::query_as(write)
            .bind(&events.id)
            .bind(&events.lease)
            .bind(&events.campaign)
            .bind(&events.streamer)
            .bind(&events.creative)
            .bind(&events.price)
            .bind(&events.fee)
            .bind(&events.claimed_after)
            .bind(&events.viewers)
            .bind(&events.kind)
            .bind(&events.currency)
            .bind(&self.lease)
            .bind(&self.lease_campaign)
            .bind(&self.taken)
            .bind(campaign)
            .bind(price)
            .bind(plays)
            .bind(viewers)
            .bind(clicks)
            .bind(rejected)
            .bind(&self.account)
            .bind(&self.debit)
            .bind(&self.credit)
            .bind(&self.line_currency)
            .bind(&self.line_is_debit)
            .bind(&self.line_amount)
            .bind(&events.click)
            .bind(now.0)
            .bind(&events.click_play)
            .bind(first)
            .bind(last)
            .fetch_one(connection)
            .await?;
        let count = |rows: usize| i64::try_from(rows).unwrap_or(i64::MAX);
        let (leases, budgets, accounts) = (self.lease.len(), campaign.len(), self.account.len());
        let wanted = (count(events.id.len()), count(leases), count(budgets), count(accounts), 0);
        if found == wanted {
            return Ok(());
        }
        Err(Failure::refused(format!(
            "events, leases, budgets, accounts, refusals: {found:?} instead of {wanted:?}"
        )))
    }
}

/// In the order of their ids, which is nearly that of the index.
fn events(debits: &[Debit]) -> Attempt<Events> {
    let mut sorted: Vec<&Debit> = debits.iter().collect();
    sorted.sort_unstable_by_key(|debit| debit.event);
    let mut events = Events::default();
    for debit in sorted {
        events.id.push(debit.event.0);
        events.lease.push(debit.lease.0);
        events.campaign.push(debit.campaign.0);
        events.streamer.push(debit.streamer.0);
        events.creative.push(debit.creative.0);
        events.price.push(debit.split.price.0);
        events.fee.push(debit.split.fee.0);
        let after = debit.occurred - debit.event.minted();
        // A time, and not money: one that does not fit is as far as it goes.
        events.claimed_after.push(i32::try_from(after.0).unwrap_or(i32::MAX));
        events.viewers.push(known("viewers", i32::try_from(debit.viewers).ok())?);
        events.kind.push(kind(debit.kind));
        events.currency.push(debit.currency.to_string());
        if debit.kind == EventKind::Click {
            events.click.push(debit.event.0);
            events.click_play.push(debit.play.0);
        }
    }
    Ok(events)
}
