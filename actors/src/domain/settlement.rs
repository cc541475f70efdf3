//! From claims to balanced entries: read, compute in memory, write.
//!
//! The store reads what it knows of a batch (`Known`), this module decides what each claim becomes
//! and which rows move (`Posting`), and the store writes it all in the same transaction. The
//! constraints of the database are the second wall, never the first.

use super::id::{BrandId, CampaignId, CreativeId, LeaseId, PlayId, StreamerId};
use super::money::{Currency, Micros, Split};
use super::reason::Reason;
use super::time::UnixMillis;
use std::collections::{BTreeMap, HashMap, HashSet};

/// What an event pays for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A play that was shown. Its price is zero when the campaign pays per click.
    Play,
    /// A click on a play.
    Click,
}

impl EventKind {
    /// The name in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Play => "play",
            Self::Click => "click",
        }
    }
}

/// One event that may cost money. `event` is the idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Debit {
    /// The id of the event: the play's own, or the click's.
    pub event: PlayId,
    /// What it pays for.
    pub kind: EventKind,
    /// The play.
    pub play: PlayId,
    /// The lease that pays.
    pub lease: LeaseId,
    /// The campaign that pays.
    pub campaign: CampaignId,
    /// Who earns.
    pub streamer: StreamerId,
    /// What was shown.
    pub creative: CreativeId,
    /// The currency of the split.
    pub currency: Currency,
    /// Price, fee and earning, fixed at the decision.
    pub split: Split,
    /// The audience when the price was fixed.
    pub viewers: u32,
    /// When it was claimed.
    pub occurred: UnixMillis,
}

/// A debit with the verdict on it. A refused one is written too, so that the answer stays the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What is claimed.
    pub debit: Debit,
    /// Billable, or refused and why.
    pub verdict: Result<(), Reason>,
}

/// What became of a claim. All of them are final and durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Written in this batch.
    Settled,
    /// Was written before.
    Duplicate,
    /// Will never be written.
    Rejected(Reason),
}

/// A lease as the database has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseRow {
    /// Whose budget it is a slice of.
    pub campaign: CampaignId,
    /// Moved into it.
    pub granted: Micros,
    /// Moved out of it.
    pub settled: Micros,
    /// Open or closing: tokens are still accepted.
    pub accepts: bool,
}

/// What the database knows of a batch, read in the transaction that will write it.
#[derive(Debug, Default)]
pub struct Known {
    /// Events of the batch that are settled.
    pub settled: HashSet<PlayId>,
    /// Events of the batch that were refused.
    pub rejected: HashMap<PlayId, Reason>,
    /// The leases of the batch.
    pub leases: HashMap<LeaseId, LeaseRow>,
}

/// The account of a ledger line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// Money that came from outside, before a provider's report settles it.
    ProviderClearing,
    /// What a brand may give to campaigns.
    BrandAvailable(BrandId),
    /// What a campaign was given and has not spent.
    CampaignReserved(CampaignId),
    /// Earned by streamers, not yet rolled up into their wallets.
    AccrualClearing,
    /// What a streamer earned, before it is theirs for good.
    StreamerPending(StreamerId),
    /// What a streamer may be paid.
    StreamerAvailable(StreamerId),
    /// What the platform earned.
    PlatformFee,
    /// What operators gave and took to put something right; it may go below zero.
    PlatformAdjustment,
}

/// The side of a ledger line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Debit.
    Debit,
    /// Credit.
    Credit,
}

/// One line of a ledger transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// The account.
    pub account: Account,
    /// Its currency.
    pub currency: Currency,
    /// Debit or credit.
    pub side: Side,
    /// Above zero.
    pub amount: Micros,
}

/// The lines that move `amount` from one account to another; none for nothing.
#[must_use]
pub fn transfer(from: Account, to: Account, currency: Currency, amount: Micros) -> Vec<Line> {
    if !amount.is_positive() {
        return Vec::new();
    }
    vec![
        Line { account: from, currency, side: Side::Debit, amount },
        Line { account: to, currency, side: Side::Credit, amount },
    ]
}

/// Whether debits equal credits in every currency; the invariant `every_transaction_balances`.
#[must_use]
pub fn is_balanced(lines: &[Line]) -> bool {
    let mut sums: BTreeMap<Currency, i128> = BTreeMap::new();
    for line in lines {
        let amount = i128::from(line.amount.0);
        let signed = if line.side == Side::Debit { amount } else { -amount };
        *sums.entry(line.currency).or_default() += signed;
    }
    lines.iter().all(|line| line.amount.is_positive()) && sums.values().all(|sum| *sum == 0)
}

/// What a batch adds to a campaign's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Spent.
    pub price: Micros,
    /// Plays settled.
    pub plays: u64,
    /// Viewers of those plays.
    pub viewers: u64,
    /// Clicks billed.
    pub clicks: u64,
    /// Claims refused.
    pub rejected: u64,
}

/// Everything that a batch writes.
#[derive(Debug, Default)]
pub struct Posting {
    /// One for each claim, in their order.
    pub outcomes: Vec<Outcome>,
    /// Events to insert.
    pub events: Vec<Debit>,
    /// Refusals to insert.
    pub rejects: Vec<(Debit, Reason)>,
    /// What leaves each lease, in the order of their ids.
    pub leases: BTreeMap<(LeaseId, CampaignId), Micros>,
    /// What each campaign counts, in the order of their ids.
    pub campaigns: BTreeMap<CampaignId, Counted>,
    /// The lines of the one ledger transaction; none when nothing costs money.
    pub lines: Vec<Line>,
}

/// Decides a batch.
#[must_use]
pub fn plan(claims: &[Claim], known: &Known) -> Posting {
    let mut posting = Posting::default();
    let mut settled: HashSet<PlayId> = HashSet::new();
    let mut rejected: HashMap<PlayId, Reason> = HashMap::new();
    let mut money: BTreeMap<(Currency, CampaignId), Split> = BTreeMap::new();
    for claim in claims {
        let debit = &claim.debit;
        let refused = || rejected.get(&debit.event).or_else(|| known.rejected.get(&debit.event));
        let outcome = if known.settled.contains(&debit.event) || settled.contains(&debit.event) {
            Outcome::Duplicate
        } else if let Some(reason) = refused() {
            Outcome::Rejected(*reason)
        } else if let Err(reason) = claim.verdict.and_then(|()| fits(debit, known, &posting, &money)) {
            rejected.insert(debit.event, reason);
            posting.rejects.push((*debit, reason));
            posting.campaigns.entry(debit.campaign).or_default().rejected += 1;
            Outcome::Rejected(reason)
        } else {
            settled.insert(debit.event);
            posting.take(debit, &mut money);
            Outcome::Settled
        };
        posting.outcomes.push(outcome);
    }
    posting.lines = lines(&money);
    posting
}

/// Whether the lease can pay. Also refuses what is not a price of ours at all.
fn fits(
    debit: &Debit,
    known: &Known,
    posting: &Posting,
    money: &BTreeMap<(Currency, CampaignId), Split>,
) -> Result<(), Reason> {
    let lease = known.leases.get(&debit.lease).ok_or(Reason::LeaseClosed)?;
    if !debit.split.is_exact() || lease.campaign != debit.campaign {
        return Err(Reason::BadToken);
    }
    if !lease.accepts {
        return Err(Reason::LeaseClosed);
    }
    let taken = posting.leases.get(&(debit.lease, debit.campaign)).copied().unwrap_or_default();
    let after = Micros::sum([lease.settled, taken, debit.split.price]).ok_or(Reason::LeaseExhausted)?;
    let total = money.get(&(debit.currency, debit.campaign)).map_or(Micros::ZERO, |split| split.price);
    if after > lease.granted || total.checked_add(debit.split.price).is_none() {
        return Err(Reason::LeaseExhausted);
    }
    Ok(())
}

impl Posting {
    fn take(&mut self, debit: &Debit, money: &mut BTreeMap<(Currency, CampaignId), Split>) {
        // None of these sums can overflow: `fits` has checked the price, and its parts are smaller.
        let add = |to: &mut Micros, more: Micros| to.0 = to.0.saturating_add(more.0);
        self.events.push(*debit);
        add(self.leases.entry((debit.lease, debit.campaign)).or_default(), debit.split.price);
        let counted = self.campaigns.entry(debit.campaign).or_default();
        add(&mut counted.price, debit.split.price);
        match debit.kind {
            EventKind::Play => {
                counted.plays += 1;
                counted.viewers += u64::from(debit.viewers);
            }
            EventKind::Click => counted.clicks += 1,
        }
        let zero = Split { price: Micros::ZERO, fee: Micros::ZERO, earn: Micros::ZERO };
        let sum = money.entry((debit.currency, debit.campaign)).or_insert(zero);
        add(&mut sum.price, debit.split.price);
        add(&mut sum.fee, debit.split.fee);
        add(&mut sum.earn, debit.split.earn);
    }
}

/// Stage one: a debit line per campaign, one credit line per currency to the clearing account and
/// one to the platform's fee. The streamers' wallets are not touched here, so no wallet is hot.
fn lines(money: &BTreeMap<(Currency, CampaignId), Split>) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut credits: BTreeMap<(Currency, Account), i64> = BTreeMap::new();
    for ((currency, campaign), split) in money {
        let mut push = |account, side, amount: Micros| {
            if amount.is_positive() {
                lines.push(Line { account, currency: *currency, side, amount });
            }
        };
        push(Account::CampaignReserved(*campaign), Side::Debit, split.price);
        for (account, amount) in [(Account::AccrualClearing, split.earn), (Account::PlatformFee, split.fee)] {
            let sum = credits.entry((*currency, account)).or_default();
            *sum = sum.saturating_add(amount.0);
        }
    }
    for ((currency, account), amount) in credits {
        if amount > 0 {
            lines.push(Line { account, currency, side: Side::Credit, amount: Micros(amount) });
        }
    }
    lines
}

#[cfg(test)]
#[path = "settlement_tests.rs"]
mod tests;
