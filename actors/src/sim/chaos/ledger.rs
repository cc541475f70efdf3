//! The ledger in memory, with the constraints of the database.
//!
//! What `domain::settlement::plan` decides is applied as the store applies it. A constraint that refuses a
//! row is a wall behind the first wall: here it is a violation, because the first one has let something
//! through.

use super::watch::{Broken, holds};
use crate::domain::campaign::budget::Budget;
use crate::domain::id::{BrandId, CampaignId, LeaseId, PlayId, StreamerId};
use crate::domain::invariants::Invariant;
use crate::domain::money::{Currency, Micros};
use crate::domain::pacing::utc_day;
use crate::domain::reason::Reason;
use crate::domain::settlement::{
    Account, Claim, Debit, EventKind, Known, LeaseRow, Line, Outcome, Posting, Side, is_balanced, plan,
    transfer,
};
use crate::domain::time::UnixMillis;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Whether a lease pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It may be topped up.
    Open,
    /// Its process is gone: it pays until then.
    Closing(UnixMillis),
    /// Its rest is back in the budget.
    Closed,
}

#[derive(Clone, Copy, Debug)]
struct Slice {
    campaign: CampaignId,
    granted: Micros,
    settled: Micros,
    state: State,
}

/// What a campaign has.
#[derive(Clone, Copy, Debug, Default)]
struct Purse {
    budget: Budget,
    cap: Option<Micros>,
}

/// Why a batch was not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotWritten {
    /// A newer process has taken over.
    Fenced,
    /// Something that must hold does not.
    Broken(Broken),
}

impl From<Broken> for NotWritten {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

/// The ledger.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    epoch: i64,
    purses: BTreeMap<CampaignId, Purse>,
    leases: BTreeMap<LeaseId, Slice>,
    events: BTreeMap<PlayId, Debit>,
    /// The clicks among them and their prices, by play.
    clicks: BTreeMap<PlayId, Vec<(PlayId, Micros)>>,
    rejects: BTreeMap<PlayId, (Debit, Reason)>,
    /// Credits minus debits.
    balances: BTreeMap<Account, i128>,
    /// Settled, and not yet in a streamer's wallet.
    accrued: Vec<Debit>,
}

impl Ledger {
    /// A campaign, without money.
    pub(super) fn list(&mut self, campaign: CampaignId, cap: Option<Micros>) {
        self.purses.insert(campaign, Purse { budget: Budget::default(), cap });
    }

    fn post(&mut self, lines: &[Line]) -> Result<(), Broken> {
        holds(is_balanced(lines), Invariant::EveryTransactionBalances, || format!("{lines:?}"))?;
        for line in lines {
            let amount = i128::from(line.amount.0);
            let signed = if line.side == Side::Credit { amount } else { -amount };
            *self.balances.entry(line.account).or_default() += signed;
        }
        Ok(())
    }

    /// Moves money of the brand into a campaign, or with a negative amount back. False when it is not there.
    pub(super) fn fund(&mut self, campaign: CampaignId, amount: Micros) -> Result<bool, Broken> {
        let Some(purse) = self.purses.get_mut(&campaign) else { return Ok(false) };
        if amount.0.saturating_neg() > purse.budget.unleased().0 {
            return Ok(false);
        }
        purse.budget.funded.0 += amount.0;
        let (brand, reserved) = (Account::BrandAvailable(BrandId(1)), Account::CampaignReserved(campaign));
        let size = Micros(amount.0.saturating_abs());
        let (from, to) = if amount.is_positive() { (brand, reserved) } else { (reserved, brand) };
        if amount.is_positive() {
            self.post(&transfer(Account::ProviderClearing, brand, Currency::INR, size))?;
        }
        self.post(&transfer(from, to, Currency::INR, size))?;
        Ok(true)
    }

    /// A campaign's money.
    pub(super) fn budget(&self, campaign: CampaignId) -> Budget {
        self.purses.get(&campaign).map(|purse| purse.budget).unwrap_or_default()
    }

    /// A new process takes over: leases of the one before close then.
    pub(super) fn open_epoch(&mut self, closes: UnixMillis) -> i64 {
        self.epoch += 1;
        for lease in self.leases.values_mut().filter(|lease| lease.state == State::Open) {
            lease.state = State::Closing(closes);
        }
        self.epoch
    }

    /// Moves up to `wanted` into the lease of a campaign.
    pub(super) fn grant(
        &mut self,
        epoch: i64,
        campaign: CampaignId,
        wanted: Micros,
        now: UnixMillis,
    ) -> Option<(LeaseId, Micros)> {
        let purse = self.purses.get_mut(&campaign).filter(|_| epoch == self.epoch)?;
        let today = purse.budget.leased.0 + purse.budget.spent_today(now).0;
        let left = purse.cap.map_or(i64::MAX, |cap| cap.0 - today);
        let amount = Micros(wanted.0.min(purse.budget.unleased().0).min(left));
        if !amount.is_positive() {
            return None;
        }
        purse.budget.leased.0 += amount.0;
        let mine = |slice: &Slice| slice.campaign == campaign && slice.state == State::Open;
        let found = self.leases.iter_mut().find(|(_, slice)| mine(slice));
        if let Some((id, slice)) = found {
            slice.granted.0 += amount.0;
            return Some((*id, amount));
        }
        let id = LeaseId(self.leases.last_key_value().map_or(1, |(last, _)| last.0 + 1));
        let slice = Slice { campaign, granted: amount, settled: Micros::ZERO, state: State::Open };
        self.leases.insert(id, slice);
        Some((id, amount))
    }

    /// Moves money out of a lease, back to the budget. False when it is closed or has less.
    pub(super) fn give_back(&mut self, lease: LeaseId, amount: Micros) -> bool {
        let open = |slice: &&mut Slice| slice.state != State::Closed;
        let Some(slice) = self.leases.get_mut(&lease).filter(open) else { return false };
        if amount.0 > slice.granted.0 - slice.settled.0 {
            return false;
        }
        slice.granted.0 -= amount.0;
        if let Some(purse) = self.purses.get_mut(&slice.campaign) {
            purse.budget.leased.0 -= amount.0;
        }
        true
    }

    /// Closes the leases whose time has come.
    pub(super) fn close_due(&mut self, now: UnixMillis) {
        for slice in self.leases.values_mut() {
            if matches!(slice.state, State::Closing(at) if at <= now) {
                slice.state = State::Closed;
                if let Some(purse) = self.purses.get_mut(&slice.campaign) {
                    purse.budget.leased.0 -= slice.granted.0 - slice.settled.0;
                }
            }
        }
    }

    fn known(&self, claims: &[Claim]) -> Known {
        let events = || claims.iter().map(|claim| claim.debit.event);
        let row = |id: LeaseId| {
            let slice = self.leases.get(&id)?;
            let Slice { campaign, granted, settled, state } = *slice;
            Some((id, LeaseRow { campaign, granted, settled, accepts: state != State::Closed }))
        };
        Known {
            settled: events().filter(|event| self.events.contains_key(event)).collect(),
            rejected: events().filter_map(|event| Some((event, self.rejects.get(&event)?.1))).collect(),
            leases: claims.iter().filter_map(|claim| row(claim.debit.lease)).collect(),
        }
    }

    /// Writes a batch, all of it or nothing.
    pub(super) fn settle(
        &mut self,
        epoch: i64,
        claims: &[Claim],
        now: UnixMillis,
    ) -> Result<Vec<Outcome>, NotWritten> {
        if epoch != self.epoch {
            return Err(NotWritten::Fenced);
        }
        let posting = plan(claims, &self.known(claims));
        self.apply(&posting, now)?;
        Ok(posting.outcomes)
    }

    fn apply(&mut self, posting: &Posting, now: UnixMillis) -> Result<(), Broken> {
        for debit in &posting.events {
            let twice = self.events.insert(debit.event, *debit).is_some();
            let refused = self.rejects.contains_key(&debit.event);
            holds(!twice && !refused, Invariant::SettledOnceAndAckedAfterCommit, || format!("{debit:?}"))?;
            holds(debit.split.is_exact(), Invariant::PriceIsFeeAndEarn, || format!("{debit:?}"))?;
            if debit.kind == EventKind::Click {
                self.clicks.entry(debit.play).or_default().push((debit.event, debit.split.price));
            }
            self.accrued.push(*debit);
        }
        for (debit, reason) in &posting.rejects {
            let settled = self.events.contains_key(&debit.event);
            let twice = self.rejects.insert(debit.event, (*debit, *reason)).is_some();
            holds(!twice && !settled, Invariant::SettledOnceAndAckedAfterCommit, || format!("{debit:?}"))?;
        }
        for ((lease, _), taken) in &posting.leases {
            let slice = self.leases.get_mut(lease).filter(|slice| slice.state != State::Closed);
            let after = slice.map(|slice| {
                slice.settled.0 += taken.0;
                slice.settled <= slice.granted
            });
            holds(after == Some(true), Invariant::SettledWithinGranted, || format!("{lease:?} {taken:?}"))?;
        }
        for (campaign, counted) in &posting.campaigns {
            let Some(purse) = self.purses.get_mut(campaign) else { continue };
            let budget = &mut purse.budget;
            if budget.day < utc_day(now) {
                (budget.day, budget.spent_before) = (utc_day(now), budget.spent);
            }
            budget.spent.0 += counted.price.0;
            budget.leased.0 -= counted.price.0;
            budget.plays += counted.plays;
            budget.viewers += counted.viewers;
            budget.clicks += counted.clicks;
            budget.rejected += counted.rejected;
        }
        self.post(&posting.lines)
    }

    /// Posts what was settled to the streamers' wallets.
    pub(super) fn roll_up(&mut self) -> Result<(), Broken> {
        let mut earned: BTreeMap<StreamerId, i64> = BTreeMap::new();
        for debit in std::mem::take(&mut self.accrued) {
            *earned.entry(debit.streamer).or_default() += debit.split.earn.0;
        }
        for (streamer, earn) in earned {
            let to = Account::StreamerPending(streamer);
            self.post(&transfer(Account::AccrualClearing, to, Currency::INR, Micros(earn)))?;
        }
        Ok(())
    }

    /// What is on record of an event.
    pub(super) fn outcome(&self, event: PlayId) -> Option<Result<&Debit, (&Debit, Reason)>> {
        let rejected = || self.rejects.get(&event).map(|(debit, reason)| Err((debit, *reason)));
        self.events.get(&event).map(Ok).or_else(rejected)
    }

    /// Clicks of a play that are billed, besides one.
    pub(super) fn clicks(&self, play: PlayId, besides: PlayId) -> usize {
        let billed = self.clicks.get(&play).map(Vec::as_slice).unwrap_or_default();
        billed.iter().filter(|(click, _)| *click != besides).count()
    }

    /// What clicks of a play have cost.
    pub(super) fn clicked(&self, play: PlayId) -> Micros {
        let billed = self.clicks.get(&play).map(Vec::as_slice).unwrap_or_default();
        Micros(billed.iter().map(|(_, price)| price.0).sum())
    }

    /// Granted and not settled, in a lease.
    pub(super) fn rest(&self, lease: LeaseId) -> Micros {
        let open = self.leases.get(&lease).filter(|slice| slice.state != State::Closed);
        open.map_or(Micros::ZERO, |slice| Micros(slice.granted.0 - slice.settled.0))
    }

    /// Every constraint, over everything.
    pub(super) fn check(&self, now: UnixMillis) -> Result<(), Broken> {
        let balance = |account| self.balances.get(&account).copied().unwrap_or(0);
        holds(self.balances.values().sum::<i128>() == 0, Invariant::EveryTransactionBalances, || {
            format!("{:?}", self.balances)
        })?;
        for (id, purse) in &self.purses {
            let Budget { funded, spent, leased, .. } = purse.budget;
            let within = spent.0 >= 0 && leased.0 >= 0 && spent.0 + leased.0 <= funded.0;
            let rows = self.leases.values().filter(|slice| slice.campaign == *id);
            let open = rows.filter(|slice| slice.state != State::Closed);
            let held: i64 = open.map(|slice| slice.granted.0 - slice.settled.0).sum();
            let says = || format!("campaign {id}: {:?}, in its leases {held}", purse.budget);
            holds(within && held == leased.0, Invariant::SpentAndLeasedWithinFunded, says)?;
            let left = balance(Account::CampaignReserved(*id));
            holds(left == i128::from(funded.0 - spent.0), Invariant::EveryTransactionBalances, says)?;
            let today = purse.budget.spent_today(now).0 + leased.0;
            holds(purse.cap.is_none_or(|cap| today <= cap.0), Invariant::CapsHold, says)?;
        }
        for (id, slice) in &self.leases {
            let sound = slice.settled.0 >= 0 && slice.settled <= slice.granted;
            holds(sound, Invariant::SettledWithinGranted, || format!("lease {id}: {slice:?}"))?;
        }
        let accrued: i128 = self.accrued.iter().map(|debit| i128::from(debit.split.earn.0)).sum();
        let clearing = balance(Account::AccrualClearing);
        holds(clearing == accrued, Invariant::ClearingIsWhatIsNotRolledUp, || format!("{clearing} {accrued}"))
    }

    /// Settled events and refusals by id, and all balances. Times and numbers of batches are left out: they
    /// are the faults' to choose.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        for (event, debit) in &self.events {
            let Debit { kind, play, lease, campaign, streamer, creative, currency, split, viewers, .. } =
                debit;
            let (price, fee, earn) = (split.price.0, split.fee.0, split.earn.0);
            let _ = writeln!(
                out,
                "settled {event} {} {play} lease={lease} campaign={campaign} streamer={streamer} \
                 creative={creative} {currency} price={price} fee={fee} earn={earn} viewers={viewers}",
                kind.code(),
            );
        }
        for (event, (debit, reason)) in &self.rejects {
            let (reason, price) = (reason.code(), debit.split.price.0);
            let _ = writeln!(out, "refused {event} {reason} lease={} price={price}", debit.lease);
        }
        for (id, slice) in &self.leases {
            let Slice { campaign, granted, settled, .. } = slice;
            let _ =
                writeln!(out, "lease {id} campaign={campaign} granted={} settled={}", granted.0, settled.0);
        }
        for (id, Purse { budget, .. }) in &self.purses {
            let Budget { funded, spent, leased, plays, viewers, clicks, rejected, .. } = budget;
            let _ = writeln!(
                out,
                "campaign {id} funded={} spent={} leased={} plays={plays} viewers={viewers} clicks={clicks} \
                 rejected={rejected}",
                funded.0, spent.0, leased.0,
            );
        }
        for (account, balance) in &self.balances {
            let _ = writeln!(out, "balance {account:?} {balance}");
        }
        out
    }
}
