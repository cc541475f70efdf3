//! A campaign and its money, as one node spends it: what the campaign's actor does, without the actor.

use super::budget::Budget;
use super::lease::{Lease, Slice};
use super::{Campaign, Pricing, Status};
use crate::domain::id::{LeaseId, PlayId};
use crate::domain::money::Micros;
use crate::domain::pacing::{Ask, BudgetView, DayView, Pace, Pacing, Plan, Purse, Standing, utc_day};
use crate::domain::reason::Reason;
use crate::domain::settlement::{Claim, EventKind, Outcome};
use crate::domain::time::UnixMillis;
use std::sync::Arc;

/// Money that is wanted for a play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    /// The play.
    pub play: PlayId,
    /// What has to be set aside.
    pub amount: Micros,
    /// What it is expected to cost.
    pub value: Micros,
    /// When it is free again, unless something happens.
    pub returns: UnixMillis,
    /// How the streamer stands among all.
    pub standing: Standing,
}

/// A campaign with its lease and its plan.
#[derive(Debug, Default)]
pub struct Account {
    terms: Option<(Arc<Campaign>, Arc<Plan>)>,
    lease: Option<Lease>,
    slice: Slice,
    budget: Budget,
    /// Whether `budget` was read at all.
    known: bool,
    pace: Pace,
}

impl Account {
    /// The campaign; none before it was read.
    #[must_use]
    pub fn campaign(&self) -> Option<&Arc<Campaign>> {
        self.terms.as_ref().map(|(campaign, _)| campaign)
    }

    /// The money as the database had it, and what was settled since.
    #[must_use]
    pub const fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Whether the money was ever read.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        self.known
    }

    /// The lease.
    #[must_use]
    pub const fn lease(&self) -> Option<&Lease> {
        self.lease.as_ref()
    }

    /// In the lease, and set aside for no play.
    #[must_use]
    pub fn free(&self) -> Micros {
        self.lease.as_ref().map_or(Micros::ZERO, Lease::free)
    }

    /// Everything that is spent, set aside or stranded: all but what can still be promised.
    fn committed(&self) -> Micros {
        let promised = self.budget.unleased().0.saturating_add(self.free().0);
        Micros(self.budget.funded.0.saturating_sub(promised))
    }

    /// The money as decisions see it.
    #[must_use]
    pub fn view(&self, now: UnixMillis) -> BudgetView {
        let committed = self.committed();
        let cap = self.campaign().and_then(|campaign| campaign.daily_cap);
        let today =
            committed.0.saturating_sub(self.budget.spent.0).saturating_add(self.budget.spent_today(now).0);
        let day = cap.map(|cap| DayView { cap, committed: Micros(today), date: utc_day(now) });
        BudgetView { funded: self.budget.funded, committed, pace: self.pace, day }
    }

    fn days(&self) -> i64 {
        self.campaign().map_or(1, |campaign| campaign.flight.days())
    }

    /// The share of the plan that counts as passed.
    fn share(&self, pacing: &dyn Pacing, now: UnixMillis) -> i64 {
        let share = |(campaign, plan): &(Arc<Campaign>, Arc<Plan>)| plan.share(campaign.pacing, now);
        pacing.lead(self.terms.as_ref().map_or(0, share), self.days())
    }

    /// Does `change`. If the campaign was known before, what it had earned of its plan stays, and the rest is
    /// spread over the rest of the plan.
    fn anew(&mut self, pacing: &dyn Pacing, now: UnixMillis, change: impl FnOnce(&mut Self)) {
        let tokens = self.view(now).tokens(self.share(pacing, now));
        let began = self.known && self.terms.is_some();
        change(self);
        if began {
            self.pace = self.view(now).begin(tokens, self.share(pacing, now));
        }
    }

    /// The campaign as it is now, with its plan.
    pub fn change(
        &mut self,
        (campaign, plan): (Arc<Campaign>, Arc<Plan>),
        pacing: &dyn Pacing,
        now: UnixMillis,
    ) {
        let as_before = self.terms.as_ref().is_some_and(|(before, planned)| {
            (before.flight, before.pacing) == (campaign.flight, campaign.pacing) && **planned == *plan
        });
        if as_before {
            self.terms = Some((campaign, plan));
        } else {
            self.anew(pacing, now, |account| account.terms = Some((campaign, plan)));
        }
    }

    /// Takes the database's numbers.
    pub fn read(&mut self, budget: Budget, pacing: &dyn Pacing, now: UnixMillis) {
        if self.known && budget.funded != self.budget.funded {
            self.anew(pacing, now, |account| account.budget.funded = budget.funded);
        }
        self.budget = budget;
        self.known = true;
    }

    /// The ledger moved `amount` into the lease.
    pub fn granted(&mut self, lease: LeaseId, amount: Micros, now: UnixMillis) {
        self.slice.granted(amount, now);
        self.budget.leased = Micros(self.budget.leased.0.saturating_add(amount.0));
        match self.lease.as_mut().filter(|mine| mine.id() == lease) {
            Some(mine) => mine.top_up(amount),
            None => self.lease = Some(Lease::new(lease, amount)),
        }
    }

    /// What to ask the ledger for, when the lease runs low.
    #[must_use]
    pub fn wanted(&self, price: Micros) -> Option<Micros> {
        self.slice.wanted(self.budget.unleased(), self.free(), price)
    }

    /// Takes everything free out of the lease, to be handed back. The next slice is a small one.
    pub fn take_free(&mut self) -> Option<(LeaseId, Micros)> {
        self.slice = Slice::default();
        self.lease.as_mut().map(|lease| (lease.id(), lease.take_free()))
    }

    /// What was taken out is back in the budget.
    pub const fn handed_back(&mut self, amount: Micros) {
        self.budget.leased = Micros(self.budget.leased.0.saturating_sub(amount.0));
    }

    /// Sets the money of a play aside, or says why not. None: the lease has too little, and has to be topped
    /// up first.
    pub fn reserve(
        &mut self,
        want: &Want,
        pacing: &dyn Pacing,
        now: UnixMillis,
    ) -> Option<Result<LeaseId, Reason>> {
        let Some((campaign, plan)) = self.terms.clone() else { return Some(Err(Reason::CampaignEnded)) };
        match campaign.status {
            Status::Active => {}
            Status::Paused => return Some(Err(Reason::CampaignPaused)),
            Status::Ended => return Some(Err(Reason::CampaignEnded)),
        }
        self.spread(want.amount, pacing, now);
        let ask = Ask {
            budget: self.view(now),
            share: self.share(pacing, now),
            mode: campaign.pacing,
            days: campaign.flight.days(),
            day_share: pacing.lead(plan.day_share(now), 1),
            price: want.amount,
            value: want.value,
            standing: want.standing,
        };
        if let Err(reason) = pacing.weigh(&ask) {
            return Some(Err(reason));
        }
        let lease = self.lease.as_mut()?;
        lease.reserve(want.play, want.amount, want.returns).ok().map(|()| Ok(lease.id()))
    }

    /// After an outage a campaign is far behind its plan: what is more than a part of a bucket is spread
    /// over the rest of the flight, so that it is made good without a burst.
    fn spread(&mut self, price: Micros, pacing: &dyn Pacing, now: UnixMillis) {
        let (view, share) = (self.view(now), self.share(pacing, now));
        let paced = self.campaign().is_some_and(|campaign| campaign.pacing == super::PacingMode::Even);
        if let Some(most) = pacing.depth(view.funded, price, self.days()).filter(|_| paced)
            && view.tokens(share) > most
        {
            self.pace = view.begin(most, share);
        }
    }

    /// For proofs: money that the ledger never granted.
    pub fn conjure(&mut self, amount: Micros) {
        if let Some(lease) = self.lease.as_mut() {
            lease.top_up(amount);
        }
    }

    /// The money of a play is free: its token never left.
    pub fn release(&mut self, play: PlayId) {
        if let Some(lease) = self.lease.as_mut() {
            lease.release(play);
        }
    }

    /// Takes back what is due back by `now`; the number of plays it came from.
    pub fn expire(&mut self, now: UnixMillis) -> usize {
        self.lease.as_mut().map_or(0, |lease| lease.expire(now))
    }

    /// A claim is durable.
    pub fn settled(&mut self, claim: &Claim, outcome: &Outcome, now: UnixMillis) {
        let debit = &claim.debit;
        let per_click = self.campaign().is_some_and(|c| matches!(c.pricing, Pricing::Cpc(_)));
        // An earlier process's lease: the next read brings its numbers.
        let Some(lease) = self.lease.as_mut().filter(|lease| lease.id() == debit.lease) else { return };
        match outcome {
            Outcome::Settled => {
                lease.settle(debit.play, debit.split.price, !per_click);
                self.budget.settle(debit.split.price, now);
                match debit.kind {
                    EventKind::Play => {
                        self.budget.plays += 1;
                        self.budget.viewers += u64::from(debit.viewers);
                    }
                    EventKind::Click => self.budget.clicks += 1,
                }
            }
            // The refusal is on record, so no claim can follow and the money is free. Clicks may follow all
            // the same: the link was on screen, and their money is set aside until the token is dead.
            Outcome::Rejected(_) => {
                if !per_click {
                    lease.release(debit.play);
                }
                self.budget.rejected += 1;
            }
            Outcome::Duplicate => {}
        }
    }
}

impl Purse for Account {
    fn view(&self, _: &Campaign, now: UnixMillis) -> BudgetView {
        self.view(now)
    }
}

#[cfg(test)]
#[path = "account_tests.rs"]
mod tests;
